-- One to five visits of each patient, all begun in 2023 or 2024. $1 seed, $2 reasons.
INSERT INTO clinical.encounters (patient_id, provider_id, class, reason, started_at, ended_at, ip)
SELECT patient.id,
       dice.roll($1, 'provider', n, providers.count),
       class,
       words.reasons[dice.roll($1, 'reason', n, cardinality(words.reasons))],
       started_at,
       CASE WHEN NOT dice.chance($1, 'still here', n, 5)
           THEN started_at + dice.roll($1, 'stay', n, CASE class WHEN 'inpatient' THEN 7200 ELSE 90 END)
                             * interval '1 minute'
       END,
       CASE WHEN dice.chance($1, 'portal', n, 60) THEN dice.address($1, 'check-in', n) END
FROM clinical.patients AS patient
CROSS JOIN LATERAL generate_series(1, dice.roll($1, 'encounters', patient.id, 5)) AS k
CROSS JOIN LATERAL (SELECT patient.id * 8 + k AS n) AS numbered
CROSS JOIN LATERAL (
    SELECT timestamptz '2023-01-01 00:00+00'
               + dice.roll($1, 'start', n, 731 * 1440) * interval '1 minute' AS started_at,
           ('{ambulatory,ambulatory,ambulatory,emergency,inpatient,virtual}'::clinical.encounter_class[])
               [dice.roll($1, 'class', n, 6)] AS class
) AS drawn
CROSS JOIN (SELECT count(*)::integer AS count FROM clinical.providers) AS providers
CROSS JOIN (SELECT $2::name[] AS reasons) AS words
WHERE NOT patient.is_test
