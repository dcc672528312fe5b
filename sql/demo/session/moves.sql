-- Patients who moved in with somebody else since the last run: up to $1.
UPDATE clinical.patients AS patient
SET street = host.street, city = host.city, state = host.state, zip = host.zip
FROM (
    SELECT known.id, lead(known.id) OVER (ORDER BY random()) AS host_id
    FROM (SELECT id FROM clinical.patients WHERE NOT is_test ORDER BY id LIMIT 500) AS known
    LIMIT $1
) AS move
JOIN clinical.patients AS host ON host.id = move.host_id
WHERE patient.id = move.id
