INSERT INTO clinical.relatives (patient_id, name, relation, phone, email, employer, is_emergency_contact)
SELECT id, 'Test Relative', 'friend', '202-555-013' || id, 'test.relative' || id || '@example.com', 'Example Corp', true
FROM clinical.patients
WHERE is_test
ORDER BY id
