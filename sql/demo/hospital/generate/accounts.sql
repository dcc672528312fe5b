-- Portal accounts for most of the patients that have an e-mail address. $1 seed, $2 user agents.
INSERT INTO iam.accounts (patient_id, login, password_hash, otp_secret, last_login_ip, user_agent, settings, created_at)
SELECT id,
       email,
       '$2b$12$' || substr(translate(encode(sha512(secret), 'base64'), E'+=\n', '.'), 1, 53),
       CASE WHEN NOT dice.chance($1, 'no second factor', id, 10)
           THEN translate(substr(encode(secret, 'hex'), 1, 16), '0123456789abcdef', 'ABCDEFGHIJKLM234')
       END,
       CASE WHEN NOT dice.chance($1, 'never signed in', id, 10) THEN dice.address($1, 'sign-in', id) END,
       CASE WHEN NOT dice.chance($1, 'no user agent', id, 10)
           THEN words.agents[dice.roll($1, 'user agent', id, cardinality(words.agents))]
       END,
       CASE WHEN NOT dice.chance($1, 'no settings', id, 10)
           THEN json_build_object(
               'theme', ('{light,dark}'::text[])[dice.roll($1, 'theme', id, 2)],
               'recovery', json_build_object('email', email, 'phone', phone))
       END,
       created_at
FROM clinical.patients
CROSS JOIN LATERAL (
    SELECT sha256(int8send(hashint8extended(id, hashtextextended('secret', $1)))) AS secret
) AS drawn
CROSS JOIN (SELECT $2::text[] AS agents) AS words
WHERE NOT is_test
  AND email IS NOT NULL
  AND dice.chance($1, 'portal account', id, 89)
