INSERT INTO iam.accounts (patient_id, login, password_hash, otp_secret, last_login_ip, user_agent, settings, created_at)
SELECT id, email, '$2b$12$' || rpad('', 53, 'TestHashThatNoPasswordHas'), 'TESTTESTTESTTEST', inet '192.0.2.0' + id,
       'acceptance-test/1.0', json_build_object('theme', 'light', 'recovery', json_build_object('email', email)),
       created_at
FROM clinical.patients
WHERE is_test
ORDER BY id
