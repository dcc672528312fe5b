-- One to three measurements at each visit, within two hours. $1 seed.
INSERT INTO clinical.observations (encounter_id, measure_code, value, device_serial, observed_at)
SELECT encounter.id,
       measures.codes[measure],
       measures.lows[measure]
           + (measures.highs[measure] - measures.lows[measure]) * dice.roll($1, 'value', n, 1000) / 1000,
       CASE WHEN NOT dice.chance($1, 'by hand', n, 10)
           THEN 'VS' || (99 + dice.roll($1, 'device model', n, 12)) || '-' || (99999 + dice.roll($1, 'device', n, 4000))
       END,
       encounter.started_at + dice.roll($1, 'observed', n, 120) * interval '1 minute'
FROM clinical.encounters AS encounter
CROSS JOIN LATERAL generate_series(1, dice.roll($1, 'observations', encounter.id, 3)) AS k
CROSS JOIN (
    SELECT array_agg(code ORDER BY code COLLATE "C") AS codes,
           array_agg(low ORDER BY code COLLATE "C") AS lows,
           array_agg(high ORDER BY code COLLATE "C") AS highs
    FROM clinical.measures
) AS measures
CROSS JOIN LATERAL (SELECT encounter.id * 4 + k AS n) AS numbered
CROSS JOIN LATERAL (SELECT dice.roll($1, 'measure', n, cardinality(measures.codes)) AS measure) AS drawn
WHERE encounter.patient_id <> ALL (ARRAY(SELECT id FROM clinical.patients WHERE is_test))
