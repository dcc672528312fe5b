-- Types and indexes of the usual extensions, where they are installed.
CREATE SCHEMA contrib;
CREATE EXTENSION citext SCHEMA contrib;
CREATE EXTENSION hstore SCHEMA contrib;
CREATE EXTENSION btree_gist SCHEMA contrib;
CREATE EXTENSION pg_trgm SCHEMA contrib;
CREATE TABLE docs.room (id int PRIMARY KEY, guest contrib.citext NOT NULL, door text, extra contrib.hstore, during daterange,
    EXCLUDE USING gist (door WITH =, during WITH &&));
INSERT INTO docs.room SELECT n, n || '@QMail.test', 'door ' || n % 5, contrib.hstore(ARRAY['name', 'Qvist', 'smokes', 'no']),
    daterange('2024-01-01'::date + n, '2024-01-01'::date + n + 1) FROM generate_series(1, 40) AS n;
CREATE UNIQUE INDEX ON docs.room (guest);
CREATE INDEX ON docs.room USING gin (door contrib.gin_trgm_ops);
