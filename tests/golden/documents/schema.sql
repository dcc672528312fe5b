CREATE TABLE account (id uuid PRIMARY KEY, settings jsonb, log json, secret text, hash text, photo bytea, token text);
INSERT INTO account (id, settings, log) VALUES
    ('c0ffee00-0000-4000-8000-000000000000', '{"theme": "dark", "recovery": {"email": "ada@example.net"}}', '{"a": 1}');
