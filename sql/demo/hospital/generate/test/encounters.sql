INSERT INTO clinical.encounters (patient_id, provider_id, class, reason, started_at, ended_at, ip)
SELECT id, 1, 'virtual', 'acceptance test', timestamptz '2023-01-02 09:00+00', timestamptz '2023-01-02 09:15+00',
       inet '192.0.2.0' + id
FROM clinical.patients
WHERE is_test
ORDER BY id
