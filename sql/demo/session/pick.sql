-- Who is shown: one test patient, and the first three others who have all that is shown.
(SELECT id FROM clinical.patients WHERE is_test ORDER BY id LIMIT 1)
UNION ALL
(SELECT id FROM clinical.patients WHERE NOT is_test AND email <> '' AND ssn <> '' ORDER BY id LIMIT 3)
ORDER BY id
