-- Content: documents, serialised objects, pictures in text.
CREATE SCHEMA docs;
CREATE TABLE docs.document (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    pickle text,
    base64 text,
    payload json,
    raw bytea,
    words tsvector GENERATED ALWAYS AS (to_tsvector('simple', coalesce(pickle, ''))) STORED,
    author varchar(30),
    owners registry.contact[],
    path text[][],
    bits bit varying(12),
    period tstzrange,
    "position" point,
    mac macaddr,
    price money,
    spare xid8 DEFAULT pg_current_xact_id(),
    EXCLUDE USING gist (period WITH &&)
);
INSERT INTO docs.document (id, pickle, base64, payload, raw, author, owners, path, bits, period, "position", mac, price)
SELECT md5(n::text)::uuid, 'O:4:"User":2:{s:4:"name";s:9:"Qilda' || n || ' Qvist"}', encode(convert_to('Qilda' || n || ' Qvist', 'UTF8'), 'base64'),
       json_build_object('name', 'Qilda' || n, 'kin', json_build_array(json_build_object('name', 'Qvist'))), convert_to('Qvist' || n, 'UTF8'),
       'Qilda' || n, ARRAY[ROW(n || '@qmail.test', '+46 8 555')::registry.contact], ARRAY[ARRAY['Qilda', 'a'], ARRAY['b', NULL]], n::bit(8),
       tstzrange(timestamptz '2024-01-01 UTC' + n * interval '1 day', timestamptz '2024-01-01 12:00 UTC' + n * interval '1 day'), point(59 + n / 1000.0, 18),
       '08:00:2b:01:02:03'::macaddr, n::money FROM generate_series(1, 80) AS n;
CREATE INDEX ON docs.document USING gin (words);
CREATE TABLE docs.attachment (document uuid REFERENCES docs.document ON DELETE CASCADE, name text, big oid, PRIMARY KEY (document, name));
INSERT INTO docs.attachment SELECT id, author || '.pdf', NULL FROM docs.document;
-- An e-mail in lower case as what is unique, and full names repeated wherever people are mentioned.
CREATE TABLE docs.account (mail text NOT NULL, display text, hint text, secret text);
CREATE UNIQUE INDEX account_mail ON docs.account (lower(mail));
INSERT INTO docs.account SELECT 'Qilda.' || n || '@QMail.test', 'Qilda' || n || ' Qvist' || n % 50, 'Qvist', md5(n::text) FROM generate_series(1, 80) AS n;
CREATE FUNCTION docs.mails(text) RETURNS SETOF docs.account STABLE LANGUAGE sql BEGIN ATOMIC SELECT * FROM docs.account WHERE mail = $1; END;
