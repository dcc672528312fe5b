INSERT INTO clinical.notes (encounter_id, author, body, written_at)
SELECT encounter.id, 'Test Author',
       format('%s (%s) does not exist. Call %s to reach nobody.', patient.full_name, patient.mrn, patient.phone),
       encounter.ended_at
FROM clinical.patients AS patient
JOIN clinical.encounters AS encounter ON encounter.patient_id = patient.id
WHERE patient.is_test
ORDER BY patient.id
