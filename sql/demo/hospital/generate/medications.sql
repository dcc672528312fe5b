-- None to four medications of each patient. $1 seed.
INSERT INTO clinical.medications (patient_id, prescriber_id, drug_code, units_per_day, started_on, stopped_on)
SELECT patient.id,
       dice.roll($1, 'prescriber', n, providers.count),
       drugs.codes[dice.roll($1, 'drug', n, cardinality(drugs.codes))],
       dice.roll($1, 'units per day', n, 4),
       started_on,
       CASE WHEN dice.chance($1, 'stopped', n, 50) THEN started_on + dice.roll($1, 'stopped after', n, 365) END
FROM clinical.patients AS patient
CROSS JOIN LATERAL generate_series(1, dice.roll($1, 'medications', patient.id, 5) - 1) AS k
CROSS JOIN LATERAL (SELECT patient.id * 8 + k AS n) AS numbered
CROSS JOIN LATERAL (SELECT date '2023-01-01' + dice.roll($1, 'first dose', n, 730) AS started_on) AS drawn
CROSS JOIN (SELECT count(*)::integer AS count FROM clinical.providers) AS providers
CROSS JOIN (SELECT array_agg(code ORDER BY code COLLATE "C") AS codes FROM clinical.drugs) AS drugs
WHERE NOT patient.is_test
