-- People under personal numbers: domains, composite keys, generated columns, every kind of index, RLS, triggers.
-- Each name, address and e-mail of an invented person holds "qilda", "qvist" or "qmail", so none can hide.
CREATE SCHEMA registry AUTHORIZATION torture_owner;
COMMENT ON SCHEMA registry IS 'people';
ALTER DEFAULT PRIVILEGES FOR ROLE torture_owner IN SCHEMA registry GRANT SELECT ON TABLES TO torture_auditor;
ALTER DEFAULT PRIVILEGES FOR ROLE torture_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
CREATE COLLATION registry.swedish FROM "C";
COMMENT ON COLLATION registry.swedish IS 'å ä ö at the end';
CREATE TYPE registry.standing AS ENUM ('guest', 'member', 'it''s banned');
CREATE TYPE registry.contact AS (email text, phone varchar(20));
CREATE TYPE registry.days AS RANGE (subtype = date);
CREATE DOMAIN registry.personal_number AS varchar(13) COLLATE "C" CONSTRAINT shape CHECK (VALUE ~ '^\d{8}-\d{4}$');
CREATE DOMAIN registry.mail AS text CONSTRAINT has_at CHECK (VALUE LIKE '%_@_%');
CREATE DOMAIN registry.mails AS registry.mail[] CHECK (cardinality(VALUE) < 9);
CREATE DOMAIN registry.grade AS registry.standing DEFAULT 'guest' NOT NULL;
COMMENT ON DOMAIN registry.personal_number IS 'ÅÅÅÅMMDD-NNNN';
CREATE FUNCTION registry.folded(text) RETURNS text IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql RETURN lower($1);
CREATE FUNCTION registry.same(text, text) RETURNS boolean IMMUTABLE LANGUAGE sql RETURN lower($1) = lower($2);
CREATE OPERATOR registry.=~= (LEFTARG = text, RIGHTARG = text, FUNCTION = registry.same, COMMUTATOR = OPERATOR(registry.=~=));
CREATE FUNCTION registry.opposite(text, text) RETURNS integer IMMUTABLE STRICT LANGUAGE sql RETURN -bttextcmp($1, $2);
CREATE OPERATOR CLASS registry.backwards FOR TYPE text USING btree AS
    OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <, FUNCTION 1 registry.opposite(text, text);
CREATE FUNCTION registry.contact_text(registry.contact) RETURNS text IMMUTABLE LANGUAGE sql RETURN ($1).email;
CREATE CAST (registry.contact AS text) WITH FUNCTION registry.contact_text(registry.contact);
CREATE AGGREGATE registry.longest(text) (SFUNC = text_larger, STYPE = text);

CREATE TABLE registry.person (
    forgotten text NOT NULL DEFAULT 'qilda qvist was here',
    country char(2) NOT NULL DEFAULT 'SE',
    number registry.personal_number,
    given text NOT NULL CHECK (given <> ''),
    family text NOT NULL,
    full_name text NOT NULL GENERATED ALWAYS AS (given || ' ' || family COLLATE "C") STORED,
    nick varchar(40) UNIQUE,
    born date,
    document jsonb NOT NULL,
    email text GENERATED ALWAYS AS (lower(document #>> '{contact,email}')) STORED,
    contact registry.contact,
    mails registry.mails,
    standing registry.grade,
    mother_country char(2),
    mother_number registry.personal_number,
    passport text,
    also_gone bytea,
    street text COMPRESSION pglz,
    photo bytea,
    bio text,
    search tsvector,
    seat point,
    ip inet,
    phones text[] DEFAULT '{}',
    member registry.days,
    salary numeric(12, 2),
    hobby text COLLATE registry.swedish,
    CONSTRAINT person_key PRIMARY KEY (country, number),
    CONSTRAINT "e-mail once" UNIQUE (email) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT passport_once UNIQUE NULLS NOT DISTINCT (passport, country) INCLUDE (standing),
    CONSTRAINT mother FOREIGN KEY (mother_country, mother_number) REFERENCES registry.person
        ON UPDATE CASCADE ON DELETE SET NULL (mother_number) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT lives CHECK (born > '1850-01-01' AND (salary IS NULL OR salary >= 0)),
    EXCLUDE USING hash (nick WITH =) WHERE (nick <> ''),
    EXCLUDE USING spgist (seat WITH ~=)
) WITH (fillfactor = 80, autovacuum_enabled = off, toast.autovacuum_enabled = off, parallel_workers = 2);
ALTER TABLE registry.person ALTER bio SET STORAGE EXTERNAL, ALTER photo SET STORAGE MAIN, ALTER given SET STATISTICS 50,
    ALTER family SET (n_distinct = -0.3, n_distinct_inherited = -0.2), ALTER hobby SET STORAGE PLAIN;
INSERT INTO registry.person (number, given, family, nick, born, document, contact, mails, standing, passport, also_gone,
    street, photo, bio, search, seat, ip, phones, member, salary, hobby)
SELECT pn, given, family, 'Nick of ' || given, born,
       jsonb_build_object('contact', jsonb_build_object('email', mail, 'phone', phone), 'name', given || ' ' || family,
                          'consents', jsonb_build_array('post', 'mail'), 'padding', repeat(md5(n::text), 90)),
       ROW(mail, phone)::registry.contact, ARRAY[mail, 'old.' || mail]::registry.mails,
       (ARRAY['guest', 'member', 'it''s banned'])[1 + n % 3]::registry.standing, nullif('SE' || 7000000 + n, 'SE7000013'),
       convert_to(mail, 'UTF8'), 'Qvistgatan ' || n, convert_to(repeat('qvist', 900), 'UTF8'),
       given || ' ' || family || repeat(' lives in Umeå.', n), to_tsvector('simple', given || ' ' || family),
       point(n, -n), '10.1.0.0'::inet + n, ARRAY[phone, NULL, phone], registry.days('2020-01-01', '2020-01-02'::date + n),
       1000 * n, 'chess'
FROM (SELECT n, to_char(date '1950-01-01' + n, 'YYYYMMDD') || '-' || lpad((n * 7)::text, 4, '0') AS pn, 'Qilda' || n AS given,
             'Qvist' || n % 50 AS family, date '1950-01-01' + n AS born, 'Qilda.' || n || '@qmail.test' AS mail,
             '+46 70 ' || 7000000 + n AS phone FROM generate_series(1, 300) AS n) AS invented;
UPDATE registry.person AS p SET mother_country = m.country, mother_number = m.number
FROM registry.person AS m WHERE m.given = 'Qilda' || (substr(p.given, 6)::int + 7) % 300 + 1;
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE registry.person DROP forgotten, DROP also_gone, ADD arrived timestamptz DEFAULT '2024-05-06 07:08:09+00';
ALTER TABLE registry.person ADD CONSTRAINT rich CHECK (salary > 1e9) NOT VALID;
ALTER TABLE registry.person ADD CONSTRAINT plausible CHECK (length(given) + length(family) < 200) NO INHERIT;

CREATE INDEX by_name ON registry.person (family, given DESC NULLS LAST) INCLUDE (salary);
ALTER TABLE registry.person CLUSTER ON by_name;
CREATE INDEX by_folded ON registry.person (registry.folded(full_name)) WHERE standing::registry.standing = 'guest' AND given LIKE 'Q%';
CREATE UNIQUE INDEX by_email ON registry.person (lower(email)) WITH (fillfactor = 55) WHERE email IS NOT NULL;
CREATE INDEX by_contact ON registry.person (((contact).email) text_pattern_ops);
CREATE INDEX by_hash ON registry.person USING hash (given);
CREATE INDEX by_json ON registry.person USING gin (document jsonb_path_ops) WITH (fastupdate = off);
CREATE INDEX by_phone ON registry.person USING gin (phones);
CREATE INDEX by_words ON registry.person USING gin (search);
CREATE INDEX by_days ON registry.person USING gist (member);
CREATE INDEX by_born ON registry.person USING brin (born, salary) WITH (pages_per_range = 4, autosummarize = on);
CREATE INDEX by_bio ON registry.person USING spgist (street);
CREATE INDEX by_backwards ON registry.person (street registry.backwards, hobby DESC);
CREATE INDEX by_ip ON registry.person USING gist (ip inet_ops) TABLESPACE torture_space;
ALTER INDEX registry.by_folded ALTER COLUMN 1 SET STATISTICS 33;
COMMENT ON INDEX registry.by_name IS 'for the phone book';
ALTER TABLE registry.person REPLICA IDENTITY USING INDEX person_key;
CREATE STATISTICS registry.names (ndistinct, dependencies, mcv) ON given, family, standing FROM registry.person;
CREATE STATISTICS registry.expressions ON lower(given), (salary / 12) FROM registry.person;
ALTER STATISTICS registry.names SET STATISTICS 77;
COMMENT ON STATISTICS registry.names IS 'given and family name';

CREATE TABLE registry.name_tag (n serial PRIMARY KEY, country char(2), number registry.personal_number, full_name text,
    CONSTRAINT of_person FOREIGN KEY (country, number) REFERENCES registry.person MATCH FULL ON UPDATE CASCADE ON DELETE CASCADE);
INSERT INTO registry.name_tag (country, number, full_name) SELECT country, number, full_name FROM registry.person;
CREATE TABLE registry.membership (country char(2), number registry.personal_number, club int, since date DEFAULT current_date,
    PRIMARY KEY (number, club, country),
    FOREIGN KEY (country, number) REFERENCES registry.person ON UPDATE CASCADE DEFERRABLE);
INSERT INTO registry.membership SELECT country, number, c, '2024-01-01' FROM registry.person, generate_series(1, 2) AS c;
CREATE TABLE registry.fine (id bigint GENERATED BY DEFAULT AS IDENTITY (START 1000 INCREMENT 7 CACHE 5), number varchar(13), club int,
    country char(2), amount money, PRIMARY KEY (id),
    FOREIGN KEY (number, club, country) REFERENCES registry.membership ON UPDATE CASCADE ON DELETE RESTRICT);
INSERT INTO registry.fine (number, club, country, amount) SELECT number, club, country, 12.50 FROM registry.membership WHERE club = 1;
-- Would fail if it were validated: stays as it is.
CREATE TABLE registry.import (line int, number registry.personal_number, country char(2) DEFAULT 'SE', raw text);
INSERT INTO registry.import SELECT n, '19000101-' || lpad(n::text, 4, '0'), 'SE', 'Qilda' || n || ';Qvist;qilda@qmail.test'
FROM generate_series(1, 50) AS n;
INSERT INTO registry.import SELECT 100, number, country, NULL FROM registry.person LIMIT 20;
ALTER TABLE registry.import ADD CONSTRAINT known FOREIGN KEY (country, number) REFERENCES registry.person NOT VALID;

-- Circles of deferred keys.
CREATE TABLE registry.department (name text PRIMARY KEY, head text NOT NULL);
CREATE TABLE registry.employee (login text PRIMARY KEY, department text NOT NULL REFERENCES registry.department DEFERRABLE INITIALLY DEFERRED,
    boss text REFERENCES registry.employee DEFERRABLE INITIALLY DEFERRED, password_hash text, full_name text NOT NULL);
ALTER TABLE registry.department ADD FOREIGN KEY (head) REFERENCES registry.employee ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED;
SET CONSTRAINTS ALL DEFERRED;
INSERT INTO registry.department SELECT 'dep ' || n, 'qilda' || n FROM generate_series(1, 9) AS n;
INSERT INTO registry.employee SELECT 'qilda' || n, 'dep ' || n, 'qilda' || n % 9 + 1, md5(n::text), 'Qilda' || n || ' Qvist' || n % 50
FROM generate_series(1, 9) AS n;
SET CONSTRAINTS ALL IMMEDIATE;

-- Audit triggers copy whole rows; one fires whatever the session says.
CREATE TABLE registry.audit (n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz DEFAULT now(), what text, old jsonb, new jsonb,
    row registry.person, "by" name DEFAULT current_user);
CREATE FUNCTION registry.log() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = registry, pg_temp AS $$
BEGIN
    INSERT INTO registry.audit (what, old, new) VALUES (TG_OP || ' ' || TG_TABLE_NAME || ' ' || TG_NAME, to_jsonb(OLD), to_jsonb(NEW));
    RETURN NULL;
END $$;
INSERT INTO registry.audit (what, old, new, row) SELECT 'UPDATE', to_jsonb(p), to_jsonb(p) || '{"a": 1}', p FROM registry.person AS p;
CREATE TRIGGER a_log AFTER INSERT OR UPDATE OR DELETE ON registry.person FOR EACH ROW EXECUTE FUNCTION registry.log();
CREATE TRIGGER always_log AFTER UPDATE OF given, family ON registry.person FOR EACH ROW WHEN (OLD.given IS DISTINCT FROM NEW.given)
    EXECUTE FUNCTION registry.log();
CREATE TRIGGER replica_log AFTER INSERT ON registry.person FOR EACH STATEMENT EXECUTE FUNCTION registry.log();
CREATE TRIGGER off_log BEFORE TRUNCATE ON registry.person FOR EACH STATEMENT EXECUTE FUNCTION registry.log();
CREATE TRIGGER all_rows AFTER INSERT ON registry.person REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION registry.log();
CREATE CONSTRAINT TRIGGER late_log AFTER INSERT OR UPDATE ON registry.person DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    EXECUTE FUNCTION registry.log();
ALTER TABLE registry.person ENABLE ALWAYS TRIGGER always_log, ENABLE REPLICA TRIGGER replica_log, DISABLE TRIGGER off_log;
COMMENT ON TRIGGER a_log ON registry.person IS 'who did it';
CREATE RULE log_tags AS ON INSERT TO registry.name_tag DO ALSO INSERT INTO registry.audit (what) VALUES ('rule');
CREATE RULE no_delete AS ON DELETE TO registry.name_tag WHERE OLD.n < 10 DO INSTEAD NOTHING;
ALTER TABLE registry.name_tag ENABLE ALWAYS RULE log_tags;

ALTER TABLE registry.person ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON registry.person FOR SELECT TO torture_clerk USING (email = current_user);
CREATE POLICY guests ON registry.person AS RESTRICTIVE FOR ALL TO PUBLIC USING (standing::registry.standing = 'guest') WITH CHECK (given <> 'root');
COMMENT ON POLICY own ON registry.person IS 'nobody else''s business';
ALTER TABLE registry.membership ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

CREATE VIEW registry.short WITH (security_barrier, check_option = local) AS SELECT country, number, full_name, email FROM registry.person WHERE given <> 'x';
CREATE VIEW registry.shorter (pn, "Name") AS SELECT number, upper(full_name) FROM registry.short;
CREATE VIEW registry.shortest AS SELECT s."Name", count(*) OVER () AS all_of_them, t.n FROM registry.shorter AS s JOIN registry.name_tag AS t ON t.number = s.pn;
CREATE RECURSIVE VIEW registry.mothers (number, mother, depth) AS
    SELECT number, mother_number, 1 FROM registry.person WHERE mother_number IS NOT NULL
    UNION ALL SELECT m.number, p.mother_number, depth + 1 FROM mothers AS m JOIN registry.person AS p ON p.number = m.mother WHERE depth < 3;
CREATE RULE insert_short AS ON INSERT TO registry.shorter DO INSTEAD NOTHING;
ALTER VIEW registry.short ALTER COLUMN full_name SET DEFAULT 'nobody';
COMMENT ON VIEW registry.shortest IS 'stacked';
-- Named so that the one that reads comes before the one that is read.
CREATE MATERIALIZED VIEW registry.z_directory AS SELECT full_name, email, number, row_number() OVER (ORDER BY number) AS place FROM registry.short;
CREATE UNIQUE INDEX ON registry.z_directory (place);
CREATE INDEX ON registry.z_directory (lower(full_name)) WHERE email IS NOT NULL;
CREATE MATERIALIZED VIEW registry.a_directory WITH (fillfactor = 90) AS SELECT string_agg(full_name, ', ' ORDER BY place) AS everybody FROM registry.z_directory;
CREATE MATERIALIZED VIEW registry.empty_directory AS SELECT * FROM registry.person WITH NO DATA;
COMMENT ON MATERIALIZED VIEW registry.a_directory IS 'one on another';
GRANT SELECT ON registry.z_directory TO torture_clerk WITH GRANT OPTION;

CREATE FUNCTION registry.named(wanted registry.person) RETURNS text STABLE LANGUAGE sql BEGIN ATOMIC
    SELECT p.full_name FROM registry.person AS p WHERE p.number = (wanted).number; END;
CREATE FUNCTION registry.everybody() RETURNS SETOF registry.short STABLE LANGUAGE sql BEGIN ATOMIC
    SELECT * FROM registry.short ORDER BY full_name; END;
CREATE PROCEDURE registry.marry(INOUT who text) LANGUAGE sql BEGIN ATOMIC
    UPDATE registry.person SET family = 'Qvist' WHERE given = who RETURNING family; END;
COMMENT ON PROCEDURE registry.marry IS 'changes a name';

ALTER TABLE registry.person OWNER TO torture_owner;
ALTER TABLE registry.audit OWNER TO torture_owner;
GRANT SELECT (country, full_name), UPDATE (given) ON registry.person TO torture_clerk WITH GRANT OPTION;
GRANT ALL ON registry.name_tag TO torture_owner, torture_auditor;
REVOKE TRUNCATE ON registry.name_tag FROM torture_owner;
COMMENT ON TABLE registry.person IS 'one human being';
COMMENT ON COLUMN registry.person.number IS 'treated: it''s a direct identifier; 100 % of them';
COMMENT ON CONSTRAINT mother ON registry.person IS 'a self reference';
COMMENT ON CONSTRAINT rich ON registry.person IS 'not valid';
CREATE PUBLICATION torture_feed FOR TABLE registry.person (country, number) WHERE (country <> 'XX'), registry.name_tag WITH (publish = 'insert, update');
CREATE PUBLICATION torture_all FOR TABLES IN SCHEMA registry WITH (publish_via_partition_root);
COMMENT ON PUBLICATION torture_feed IS 'to the warehouse';
