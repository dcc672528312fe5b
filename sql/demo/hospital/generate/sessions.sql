-- A session for every second patient's account. $1 seed.
INSERT INTO iam.sessions (token, account_id, ip, started_at)
SELECT encode(sha256(int8send(hashint8extended(id, hashtextextended('token', $1)))), 'hex'),
       id,
       CASE WHEN NOT dice.chance($1, 'session without ip', id, 10) THEN dice.address($1, 'session', id) END,
       timestamptz '2024-10-01 00:00+00' + dice.roll($1, 'session start', id, 90 * 1440) * interval '1 minute'
FROM iam.accounts
WHERE patient_id <> ALL (ARRAY(SELECT id FROM clinical.patients WHERE is_test))
  AND dice.chance($1, 'session', id, 50)
