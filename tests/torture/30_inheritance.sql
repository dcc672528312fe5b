-- Plain inheritance: old-style partitions with INSERT rules, several parents, typed tables.
CREATE SCHEMA legacy;
CREATE TABLE legacy.call (id serial, day date NOT NULL, caller text, phone varchar(20) CHECK (phone ~ '^[-+ 0-9]+$'), PRIMARY KEY (id));
CREATE TABLE legacy.call_2023 (CHECK (day < '2024-01-01'), PRIMARY KEY (id)) INHERITS (legacy.call);
CREATE TABLE legacy.call_2024 (CHECK (day >= '2024-01-01'), operator text, CONSTRAINT own UNIQUE (id, day)) INHERITS (legacy.call);
CREATE INDEX ON legacy.call_2024 (upper(caller)) WHERE operator IS NOT NULL;
CREATE RULE to_2023 AS ON INSERT TO legacy.call WHERE NEW.day < '2024-01-01' DO INSTEAD INSERT INTO legacy.call_2023 VALUES (NEW.*);
CREATE RULE to_2024 AS ON INSERT TO legacy.call WHERE NEW.day >= '2024-01-01' DO INSTEAD INSERT INTO legacy.call_2024 VALUES (NEW.*);
COMMENT ON RULE to_2024 ON legacy.call IS 'before there were partitions';
INSERT INTO legacy.call (day, caller, phone) SELECT date '2023-07-01' + n, 'Qilda' || n || ' Qvist' || n, '+46 8 ' || 5000000 + n FROM generate_series(1, 360) AS n;
-- Nobody may put a row into the parent, which only the parent's own check can say.
ALTER TABLE legacy.call ADD CONSTRAINT children_only CHECK (tableoid <> 'legacy.call'::regclass);
CREATE TABLE legacy.named (name text NOT NULL DEFAULT 'x', CONSTRAINT named CHECK (name <> ''));
CREATE TABLE legacy.mailed (name text, mail registry.mail);
CREATE TABLE legacy.both (phone text, name text DEFAULT 'y') INHERITS (legacy.named, legacy.mailed);
INSERT INTO legacy.named SELECT 'Qilda' || n FROM generate_series(1, 20) AS n;
INSERT INTO legacy.mailed SELECT 'Qilda' || n, n || '@qmail.test' FROM generate_series(1, 20) AS n;
INSERT INTO legacy.both SELECT 'Qilda' || n, n || '@qmail.test', '+46 8 ' || 6000000 + n FROM generate_series(1, 20) AS n;
CREATE TYPE legacy.card AS (holder text, number varchar(25), since date);
CREATE TABLE legacy.cards OF legacy.card (number WITH OPTIONS NOT NULL, PRIMARY KEY (number));
CREATE TABLE legacy.old_cards OF legacy.card (holder WITH OPTIONS DEFAULT 'nobody', CONSTRAINT since CHECK (since > '1999-01-01'));
INSERT INTO legacy.cards SELECT 'Qilda' || n || ' Qvist', '4000-' || 100000 + n, '2020-02-02' FROM generate_series(1, 100) AS n;
INSERT INTO legacy.old_cards TABLE legacy.cards;
-- A check over the whole row, and a row of another table as a value.
CREATE TABLE legacy.pair (a text, b text);
CREATE FUNCTION legacy.holds(legacy.pair) RETURNS boolean IMMUTABLE LANGUAGE sql RETURN ($1).a IS DISTINCT FROM ($1).b;
ALTER TABLE legacy.pair ADD CONSTRAINT whole_row CHECK (legacy.holds(pair));
INSERT INTO legacy.pair SELECT 'Qilda' || n, 'Qvist' || n FROM generate_series(1, 20) AS n;
CREATE TABLE legacy.couple (id int PRIMARY KEY, one legacy.pair, many legacy.pair[]);
INSERT INTO legacy.couple SELECT n, ROW('Qilda' || n, 'Qvist')::legacy.pair, ARRAY[ROW('a', 'Qvist')::legacy.pair] FROM generate_series(1, 20) AS n;
