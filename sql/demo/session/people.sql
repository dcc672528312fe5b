-- The patients $1 as the demo shows them.
SELECT id, full_name AS name, email, phone, ssn, mrn, city, birth_date::text AS born, is_test
FROM clinical.patients
WHERE id = ANY($1)
ORDER BY id
