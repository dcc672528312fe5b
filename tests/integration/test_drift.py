"""Two schemas side by side on real servers, and what ledgers say of which migrations ran."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo

from sanitizers.drift import Part, differences, read_schema
from sanitizers.migrations import migration_adapter
from sanitizers.settings import MigrationSettings
from sanitizers.validators.base import Migrations

SCHEMA = """
CREATE SCHEMA ward;
CREATE TYPE ward.mood AS ENUM ('low', 'high');
CREATE TYPE ward.pair AS (x int, y text);
CREATE DOMAIN ward.code AS varchar(7) CHECK (VALUE <> '');
CREATE TABLE ward.beds (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code ward.code, mood ward.mood DEFAULT 'low',
    since timestamptz DEFAULT '2024-01-01 00:00+00', size numeric(5, 2),
    twice int GENERATED ALWAYS AS (1 + 1) STORED,
    CONSTRAINT positive CHECK (size > 0), UNIQUE (code)
);
CREATE TABLE ward.nights (
    id serial, bed bigint REFERENCES ward.beds, day date, PRIMARY KEY (id, day)
) PARTITION BY RANGE (day);
CREATE TABLE ward.nights_2024 PARTITION OF ward.nights FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE INDEX nights_by_bed ON ward.nights (bed);
CREATE FUNCTION ward.next_bed(int) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint';
CREATE FUNCTION ward.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE AGGREGATE ward.total (numeric) (SFUNC = numeric_add, STYPE = numeric);
CREATE TRIGGER touched BEFORE UPDATE ON ward.nights FOR EACH ROW EXECUTE FUNCTION ward.touch();
CREATE VIEW ward.occupied AS SELECT b.id, n.day FROM ward.beds b JOIN ward.nights n ON n.bed = b.id;
CREATE MATERIALIZED VIEW ward.busy AS SELECT day, count(*) FROM ward.occupied GROUP BY day;
CREATE UNIQUE INDEX ON ward.busy (day);
CREATE POLICY own ON ward.beds USING (code = current_user);
CREATE SEQUENCE ward.tickets;
"""
CHANGES = {
    "CREATE TABLE ward.rooms (id serial PRIMARY KEY, name text UNIQUE DEFAULT 'x')": "table ward.rooms",
    "CREATE TABLE ward.nights_later PARTITION OF ward.nights DEFAULT": "table ward.nights_later",
    "ALTER TABLE ward.beds ENABLE ROW LEVEL SECURITY": "table ward.beds",
    "ALTER TABLE ward.beds ADD COLUMN note text NOT NULL DEFAULT ''": "column ward.beds.note",
    "ALTER TABLE ward.beds ALTER size TYPE numeric(7, 2)": "column ward.beds.size",
    "ALTER TABLE ward.beds ALTER since SET DEFAULT now()": "default ward.beds.since",
    "ALTER TABLE ward.nights ALTER bed SET NOT NULL": "column ward.nights.bed",
    "ALTER TYPE ward.pair ADD ATTRIBUTE z int": "column ward.pair.z",
    "ALTER TABLE ward.beds DROP CONSTRAINT positive, ADD CONSTRAINT positive CHECK (size > 1) NOT VALID": (
        "constraint ward.beds.positive"
    ),
    "ALTER TABLE ward.nights ADD FOREIGN KEY (bed) REFERENCES ward.beds (id)": (
        "constraint ward.nights.nights_bed_fkey1"
    ),
    "ALTER DOMAIN ward.code ADD CONSTRAINT short CHECK (length(VALUE) < 5)": "constraint ward.code.short",
    "ALTER DOMAIN ward.code SET NOT NULL": "domain ward.code",
    "CREATE INDEX beds_by_mood ON ward.beds (mood) WHERE size > 3": "index ward.beds.beds_by_mood",
    "CREATE INDEX busy_by_count ON ward.busy (count)": "index ward.busy.busy_by_count",
    "CREATE OR REPLACE VIEW ward.occupied AS SELECT b.id, n.day FROM ward.beds b, ward.nights n": (
        "view ward.occupied"
    ),
    "ALTER TYPE ward.mood ADD VALUE 'middling' BEFORE 'high'": "label ward.mood.middling",
    "CREATE TYPE ward.colour AS ENUM ('red', 'green')": "enum ward.colour",
    "CREATE OR REPLACE FUNCTION ward.next_bed(int) RETURNS bigint LANGUAGE sql AS 'SELECT 2::bigint'": (
        "function ward.next_bed(integer)"
    ),
    "CREATE PROCEDURE ward.tidy() LANGUAGE sql AS 'SELECT 1'": "procedure ward.tidy()",
    "ALTER TABLE ward.nights DISABLE TRIGGER touched": "trigger ward.nights.touched",
    "ALTER POLICY own ON ward.beds USING (true)": "row policy ward.beds.own",
    "ALTER SEQUENCE ward.tickets INCREMENT 2": "sequence ward.tickets",
}
LEFT_ALONE = """
SELECT nextval('ward.tickets');
INSERT INTO ward.beds (code) VALUES ('a');
CREATE FOREIGN DATA WRAPPER nowhere;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER nowhere;
CREATE FOREIGN TABLE ward.far (id int, name text NOT NULL DEFAULT 'x') SERVER elsewhere;
CREATE VIEW ward.near AS SELECT id FROM ward.far;
CREATE MATERIALIZED VIEW ward.kept AS SELECT id FROM ward.near WITH NO DATA;
CREATE INDEX ON ward.kept (id);
CREATE TEMP TABLE passing (id serial);
CREATE SCHEMA understudy;
CREATE TABLE understudy.scratch (id int);
"""

Two = tuple[Connection[Any], Connection[Any]]


@pytest.fixture(params=["postgres_database", "postgres_database_16"])
def two(request: pytest.FixtureRequest) -> Iterator[Two]:
    """Production and staging, alike to begin with."""
    dsn = request.getfixturevalue(request.param)
    with psycopg.connect(dsn, autocommit=True) as production:
        production.execute(SCHEMA)
        name = f"{production.info.dbname}_staging"
        with psycopg.connect(make_conninfo(dsn, dbname="postgres"), autocommit=True) as server:
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            with psycopg.connect(make_conninfo(dsn, dbname=name), autocommit=True) as staging:
                staging.execute(SCHEMA)
                yield production, staging
            server.execute(sql.SQL("DROP DATABASE {} (FORCE)").format(sql.Identifier(name)))


def differing(two: Two, *ahead: str) -> dict[str, str]:
    production, staging = map(read_schema, two)
    return dict(differences(production, staging, Migrations(ahead)))


def test_every_kind_of_change_is_named_once(two: Two) -> None:
    production, staging = two
    # What a session sets must not change how definitions print.
    production.execute("SET search_path = ward; SET DateStyle = 'German'; SET TimeZone = 'Asia/Kathmandu'")
    assert differing(two) == {}
    for change in CHANGES:
        production.execute(change.encode())
    found = differing(two)
    assert sorted(found) == sorted(CHANGES.values())
    assert found["column ward.beds.size"] == "numeric(7,2) in production, numeric(5,2) in staging"
    assert found["column ward.nights.bed"] == "bigint NOT NULL in production, bigint in staging"
    assert found["table ward.rooms"] == "production has it, staging does not"
    assert found["view ward.occupied"] == "defined otherwise in production"
    for change in CHANGES:
        staging.execute(change.encode())
    assert differing(two) == {}


def test_what_isolation_cuts_and_what_naturally_differs_is_left_out(two: Two) -> None:
    production, staging = two
    production.execute(LEFT_ALONE)
    assert differing(two) == {}
    staging.execute("CREATE TABLE ward.mine (id serial); ALTER TABLE ward.beds ADD COLUMN mine int")
    assert differing(two) == {}


def test_what_staging_is_ahead_by_explains_differences_of_what_it_names(two: Two) -> None:
    production, staging = two
    ahead = "ALTER TABLE ward.beds DROP COLUMN size; ALTER TABLE ward.beds ALTER mood SET DEFAULT 'high';"
    staging.execute(ahead.encode())
    production.execute("ALTER TABLE ward.nights ADD COLUMN note text")
    assert set(differing(two)) == {
        "column ward.beds.size",
        "constraint ward.beds.positive",
        "default ward.beds.mood",
        "column ward.nights.note",
    }
    assert set(differing(two, ahead)) == {"column ward.nights.note"}


def test_a_role_that_may_only_connect_sees_everything(two: Two) -> None:
    production, _ = two
    everything = read_schema(production)
    production.execute("CREATE ROLE onlooker")
    try:
        production.execute("SET ROLE onlooker")
        assert read_schema(production) == everything
    finally:
        production.execute("RESET ROLE")
        production.execute("DROP ROLE onlooker")
    assert len({part.kind for part in everything.values()}) > 10
    assert everything["column ward.beds.id"] == Part(
        "column", "ward.beds.id", "table ward.beds", "beds", "bigint NOT NULL GENERATED ALWAYS AS IDENTITY"
    )


# -- ledgers


@pytest.fixture
def database(postgres_database: str) -> Iterator[Connection[Any]]:
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        yield connection


def folder(directory: Path, *names: str) -> Path:
    for name in names:
        (directory / f"{name}.sql").write_text("SELECT 1")
    return directory


def test_flyways_versions_in_the_order_they_were_applied(database: Connection[Any], tmp_path: Path) -> None:
    database.execute(
        "CREATE TABLE flyway_schema_history (installed_rank int, version text, type text, success boolean);"
        "INSERT INTO flyway_schema_history VALUES (1, '1', 'BASELINE', true), (2, '3.0', 'SQL', true),"
        " (3, NULL, 'SQL', true), (5, '2.1', 'SQL', true), (4, '7', 'JDBC', true)"
    )
    settings = MigrationSettings(
        provider="flyway", directory=folder(tmp_path, "V1__a", "V2_1__b", "V3__c", "V9__d")
    )
    assert migration_adapter(settings).applied(database) == ["3", "7", "2.1"]


def test_golangs_versions_up_to_the_one_it_keeps(database: Connection[Any], tmp_path: Path) -> None:
    files = folder(tmp_path, "001_a.up", "02_b.up", "02_b.down", "10_c.up", "11_d.up")
    adapter = migration_adapter(MigrationSettings(provider="golang", directory=files))
    database.execute("CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL)")
    assert adapter.applied(database) == []
    database.execute("INSERT INTO schema_migrations VALUES (10, false)")
    assert adapter.applied(database) == ["1", "2", "10"]
    database.execute("UPDATE schema_migrations SET version = 12")
    assert adapter.applied(database) == ["1", "2", "10", "11", "12"]
