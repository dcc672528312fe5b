-- An account for each provider. $1 seed.
INSERT INTO iam.accounts (login, password_hash, otp_secret, created_at)
SELECT email,
       '$2b$12$' || substr(translate(encode(sha512(secret), 'base64'), E'+=\n', '.'), 1, 53),
       translate(substr(encode(secret, 'hex'), 1, 16), '0123456789abcdef', 'ABCDEFGHIJKLM234'),
       hired_on::timestamptz
FROM clinical.providers
CROSS JOIN LATERAL (
    SELECT sha256(int8send(hashint8extended(id, hashtextextended('staff secret', $1)))) AS secret
) AS drawn
