-- None to four conditions of each patient. $1 seed.
INSERT INTO clinical.conditions (patient_id, diagnosis_code, onset_on, resolved_on)
SELECT patient.id,
       diagnoses.codes[dice.roll($1, 'diagnosis', n, cardinality(diagnoses.codes))],
       onset_on,
       CASE WHEN dice.chance($1, 'resolved', n, 60) THEN onset_on + dice.roll($1, 'resolved after', n, 400) END
FROM clinical.patients AS patient
CROSS JOIN LATERAL generate_series(1, dice.roll($1, 'conditions', patient.id, 5) - 1) AS k
CROSS JOIN LATERAL (SELECT patient.id * 8 + k AS n) AS numbered
CROSS JOIN LATERAL (SELECT date '2023-01-01' + dice.roll($1, 'onset', n, 730) AS onset_on) AS drawn
CROSS JOIN (SELECT array_agg(code ORDER BY code COLLATE "C") AS codes FROM clinical.diagnoses) AS diagnoses
WHERE NOT patient.is_test
