"""Isolation: every wire a physical copy brings along is cut, and one that stays refuses the run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection, errors, sql

from sanitizers.errors import NotSealed, ServerMissing
from sanitizers.postgres.binaries import find_binaries
from sanitizers.postgres.cluster import Cluster, create_cluster
from sanitizers.postgres.connection import marker, open_clone
from sanitizers.postgres.schema_dump import schema_text
from sanitizers.stages.isolate import isolate
from tests.conftest import passable_folder

HOSTS_OWN = (15, 17, 14)


@pytest.fixture(scope="module", params=[18, pytest.param(16, marks=pytest.mark.exhaustive)])
def lone_server(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """A server nobody else uses: isolation concerns all of it."""
    with passable_folder() as folder:
        binaries = find_binaries(request.param)
        yield create_cluster(
            folder / "lone", binaries, settings={"max_prepared_transactions": 5}, durable=False
        )


@pytest.fixture
def clinic(lone_server: Cluster) -> Iterator[str]:
    """A connection string of the database to isolate; it and all roles are gone after the test."""
    with psycopg.connect(lone_server.dsn(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE clinic TEMPLATE template0")
    yield lone_server.dsn("clinic")
    with psycopg.connect(lone_server.dsn(), autocommit=True) as connection:
        connection.execute("DROP DATABASE clinic (FORCE)")
        for (role,) in connection.execute("SELECT rolname FROM pg_roles WHERE oid >= 16384").fetchall():
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


@pytest.fixture
def session(clinic: str) -> Iterator[Connection[Any]]:
    with psycopg.connect(clinic, autocommit=True) as connection:
        yield connection


@pytest.fixture
def hosts_server(home: Path) -> Cluster:
    """A server of the machine's own, which has dblink and postgres_fdw."""
    for major in HOSTS_OWN:
        try:
            binaries = find_binaries(major)
        except ServerMissing:
            continue
        if not binaries.lacks(("dblink", "postgres_fdw")):
            return create_cluster(home / "own", binaries, durable=False)
    pytest.skip(f"this machine has no PostgreSQL of its own with contrib: none of {HOSTS_OWN}")


def one(connection: Connection[Any], query: str) -> Any:
    row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None


def cut(connection: Connection[Any], kind: str, **how: Any) -> dict[str, str]:
    """Isolates; what was done to the wires of that kind, by name."""
    return {wire.name: wire.action for wire in isolate(connection, **how).wires if wire.kind == kind}


SUBSCRIBE = (
    "CREATE SUBSCRIPTION {} CONNECTION 'host=production.invalid dbname=shop' PUBLICATION p"
    " WITH (connect = false, slot_name = 'feed')"
)


def test_a_subscription_is_dropped_without_its_publisher(session: Connection[Any]) -> None:
    session.execute(SUBSCRIBE.format("feed").encode())
    assert "feed" in cut(session, "subscription")
    assert one(session, "SELECT count(*) FROM pg_subscription") == 0
    assert one(session, "SELECT count(*) FROM pg_replication_origin") == 0


def test_wires_of_other_databases_go_with_them(lone_server: Cluster, session: Connection[Any]) -> None:
    session.execute("CREATE DATABASE payroll")
    with psycopg.connect(lone_server.dsn("payroll"), autocommit=True) as other:
        other.execute(SUBSCRIBE.format("wages").encode())
        other.execute("CREATE TABLE t (n int)")
        other.execute("BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'waiting'")
    session.execute("ALTER DATABASE payroll SET default_transaction_read_only = on")
    session.execute("ALTER DATABASE payroll SET session_preload_libraries = 'not_there'")
    session.execute("ALTER DATABASE payroll ALLOW_CONNECTIONS false")
    wires = {(wire.kind, wire.name) for wire in isolate(session).wires}
    assert {
        ("subscription", "wages of database payroll"),
        ("prepared transaction", "waiting of database payroll"),
        ("other database", "payroll"),
    } <= wires
    assert one(session, "SELECT count(*) FROM pg_subscription") == 0
    assert one(session, "SELECT count(*) FROM pg_prepared_xacts") == 0


def test_slots_passwords_and_prepared_transactions_are_gone(session: Connection[Any]) -> None:
    session.execute("SELECT pg_create_physical_replication_slot('standby')")
    session.execute("CREATE ROLE app LOGIN PASSWORD 'production''s own'")
    session.execute("CREATE TABLE t (n int)")
    session.execute("BEGIN")
    session.execute("INSERT INTO t VALUES (1)")
    session.execute("PREPARE TRANSACTION 'waiting'")
    isolate(session)
    assert one(session, "SELECT count(*) FROM pg_replication_slots") == 0
    assert one(session, "SELECT count(*) FROM pg_authid WHERE rolpassword IS NOT NULL") == 0
    assert one(session, "SELECT count(*) FROM pg_prepared_xacts") == 0


def test_nobody_of_productions_may_log_in_or_replicate(session: Connection[Any]) -> None:
    session.execute("CREATE ROLE app LOGIN SUPERUSER")
    session.execute("CREATE ROLE standby REPLICATION NOLOGIN")
    assert set(cut(session, "role")) == {"app", "standby"}
    left = session.execute("SELECT rolname FROM pg_roles WHERE rolcanlogin OR rolreplication").fetchall()
    assert left == [("postgres",)]
    # What it owns keeps its rights.
    assert one(session, "SELECT rolsuper FROM pg_roles WHERE rolname = 'app'") is True


FOREIGN = """
CREATE FOREIGN DATA WRAPPER anything;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER anything OPTIONS (host 'production.invalid');
CREATE USER MAPPING FOR PUBLIC SERVER elsewhere OPTIONS (password 'production''s own');
CREATE USER MAPPING FOR postgres SERVER elsewhere OPTIONS (password 'production''s own');
CREATE SCHEMA "Far away";
CREATE FOREIGN TABLE "Far away"."Orders" (
    id bigint OPTIONS (name 'no') NOT NULL, note text DEFAULT 'none', gone int, CHECK (id > 0)
) SERVER elsewhere OPTIONS (relation 'orders');
ALTER FOREIGN TABLE "Far away"."Orders" DROP COLUMN gone;
COMMENT ON FOREIGN TABLE "Far away"."Orders" IS 'as it is there';
GRANT SELECT ON "Far away"."Orders" TO PUBLIC;
CREATE VIEW notes AS SELECT id, note FROM "Far away"."Orders";
CREATE MATERIALIZED VIEW few AS SELECT count(*) FROM notes WITH NO DATA;
"""


def test_foreign_tables_go_with_their_servers_and_views(session: Connection[Any]) -> None:
    session.execute(FOREIGN.encode())
    wires = {wire.name: wire.action for wire in isolate(session).wires}
    assert wires["Far away.Orders"] == "dropped, with what reads it"
    assert wires["public.notes"] == wires["public.few"] == "dropped with the foreign table it reads"
    for catalog in ("pg_foreign_server", "pg_user_mappings", "pg_foreign_table"):
        assert one(session, f"SELECT count(*) FROM {catalog}") == 0
    assert one(session, "SELECT to_regclass('notes') IS NULL") is True


def test_a_foreign_table_the_policy_names_becomes_an_empty_local_one(
    session: Connection[Any], lone_server: Cluster, clinic: str
) -> None:
    session.execute(FOREIGN.encode())
    oid = one(session, 'SELECT \'"Far away"."Orders"\'::regclass::oid')
    done = cut(session, "foreign table", tables={"Far away.Orders"})
    assert done == {"Far away.Orders": "made an empty local table"}
    assert one(session, 'SELECT \'"Far away"."Orders"\'::regclass::oid') == oid
    session.execute("INSERT INTO \"Far away\".\"Orders\" VALUES (1, 'one'), (2, repeat('wide', 100000))")
    assert session.execute("SELECT id, length(note) FROM notes").fetchall() == [(1, 3), (2, 400000)]
    session.execute("REFRESH MATERIALIZED VIEW few")
    with pytest.raises(errors.CheckViolation):
        session.execute('INSERT INTO "Far away"."Orders" VALUES (0)')
    session.execute('VACUUM FULL "Far away"."Orders"')
    session.execute('ALTER TABLE "Far away"."Orders" ADD PRIMARY KEY (id)')
    dump = schema_text(clinic, lone_server.binaries.major)
    assert "FOREIGN TABLE" not in dump
    assert "as it is there" in dump
    for catalog in ("pg_foreign_server", "pg_user_mappings", "pg_foreign_table"):
        assert one(session, f"SELECT count(*) FROM {catalog}") == 0
    assert (
        one(session, "SELECT count(*) FROM pg_depend WHERE refclassid = 'pg_foreign_server'::regclass") == 0
    )
    assert isolate(session, tables={"Far away.Orders"}).wires == ()


def test_event_triggers_fire_in_staging_as_before_and_not_in_the_scrub(session: Connection[Any]) -> None:
    session.execute(
        "CREATE FUNCTION forbid() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$"
    )
    for name in ("always", "replica", "ordinary", "off"):
        session.execute(f"CREATE EVENT TRIGGER {name} ON ddl_command_end EXECUTE FUNCTION forbid()".encode())
    for name, state in {"always": "ENABLE ALWAYS", "replica": "ENABLE REPLICA", "off": "DISABLE"}.items():
        session.execute(f"ALTER EVENT TRIGGER {name} {state}".encode())
    with session.transaction():
        session.execute("SET LOCAL session_replication_role = replica")
        with pytest.raises(errors.RaiseException), session.transaction():
            session.execute("CREATE TABLE t (n int)")
    assert set(cut(session, "event trigger")) == {"always", "replica", "ordinary"}
    states = session.execute("SELECT evtname, evtenabled FROM pg_event_trigger ORDER BY 1").fetchall()
    assert states == [("always", "O"), ("off", "D"), ("ordinary", "O"), ("replica", "D")]
    with session.transaction():
        session.execute("SET LOCAL session_replication_role = replica")
        session.execute("CREATE TABLE t (n int)")
    with pytest.raises(errors.RaiseException):
        session.execute("CREATE TABLE u (n int)")


SETTINGS = {
    'ALTER DATABASE clinic SET "app.api_key"': "'sesame'",
    'ALTER ROLE app SET "app.Billing"': "'postgres://app:sesame@production.invalid/billing'",
    "ALTER ROLE app IN DATABASE clinic SET app.feed": "'host=production.invalid'",
    "ALTER ROLE ALL SET app.token": "'sesame'",
    # Without it every statement of a session, values and all, would be in the clone's log.
    "ALTER ROLE app SET log_statement": "'all'",
    "ALTER DATABASE clinic SET session_preload_libraries": "'$libdir/plpgsql'",
}


def test_settings_with_hosts_secrets_and_libraries_are_reset_and_others_kept(
    session: Connection[Any],
) -> None:
    session.execute("CREATE ROLE app")
    for setting, value in SETTINGS.items():
        session.execute(f"{setting} = {value}".encode())
    session.execute("ALTER DATABASE clinic SET work_mem = '5MB'")
    session.execute("ALTER ROLE app SET app.color = 'green'")
    wires = isolate(session).wires
    assert [wire.name for wire in wires if wire.kind == "setting"] == [
        "app.Billing of role app",
        "app.api_key of database clinic",
        "app.feed of role app database clinic",
        "app.token of all roles",
        "log_statement of role app",
        "session_preload_libraries of database clinic",
    ]
    assert "sesame" not in repr(wires)
    assert "production.invalid" not in repr(wires)
    left = session.execute("SELECT unnest(setconfig) FROM pg_db_role_setting ORDER BY 1").fetchall()
    assert left == [("app.color=green",), ("work_mem=5MB",)]


def test_libraries_that_are_not_here_do_not_keep_us_out(home: Path) -> None:
    label = "clinic-20260101-001"
    named = {"cluster_name": marker(label)}
    clone = create_cluster(home / label, find_binaries(18), settings=named, durable=False)
    with psycopg.connect(clone.dsn(), autocommit=True) as connection:
        connection.execute("ALTER DATABASE postgres SET session_preload_libraries = 'not_there'")
    with open_clone(clone.dsn(), label) as connection:
        isolate(connection)
    psycopg.connect(clone.dsn()).close()


JOBS = """
CREATE SCHEMA cron;
CREATE TABLE cron.job (jobid bigint, command text, active boolean);
INSERT INTO cron.job VALUES (1, 'CALL nightly()', true), (2, 'CALL never()', false);
CREATE SCHEMA pgagent;
CREATE TABLE pgagent.pga_job (jobid int, jobenabled boolean);
CREATE TABLE pgagent.pga_jobstep (jstid int, jstconnstr text, jstdbname text);
INSERT INTO pgagent.pga_job VALUES (1, true);
INSERT INTO pgagent.pga_jobstep VALUES (1, 'host=production.invalid password=sesame', '');
CREATE SCHEMA partman;
CREATE TABLE partman.part_config (parent_table text, automatic_maintenance text);
INSERT INTO partman.part_config VALUES ('public.events', 'on');
"""


def test_scheduled_jobs_are_stopped_and_hold_no_address(session: Connection[Any]) -> None:
    session.execute(JOBS.encode())
    done = cut(session, "scheduled job")
    assert set(done) == {"cron.job", "pgagent.pga_job", "pgagent.pga_jobstep", "partman.part_config"}
    assert one(session, "SELECT count(*) FROM cron.job WHERE active") == 0
    assert one(session, "SELECT count(*) FROM cron.job") == 2
    assert one(session, "SELECT count(*) FROM pgagent.pga_jobstep WHERE jstconnstr <> ''") == 0
    assert cut(session, "scheduled job") == {}


CODE = """
CREATE FUNCTION "Call"(int) RETURNS void SECURITY DEFINER LANGUAGE plpgsql AS
$$ BEGIN PERFORM dblink_connect('host=production.invalid password=sesame'); END $$;
CREATE PROCEDURE pay() LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'https://production.invalid/pay'; END $$;
CREATE FUNCTION plain(host text) RETURNS boolean LANGUAGE sql AS $$ SELECT host = 'a' $$;
CREATE VIEW link AS SELECT 'postgres://app:sesame@production.invalid'::text AS url;
"""


def test_code_that_knows_addresses_is_reported_by_name(session: Connection[Any]) -> None:
    session.execute(CODE.encode())
    found = cut(session, "code")
    seems = "reported: seems to hold an address or to call out"
    assert found == {
        'function "Call"(integer)': f"{seems}, runs with its owner's rights",
        "procedure pay()": seems,
        "view link": seems,
    }


def test_publications_are_kept_and_told(session: Connection[Any]) -> None:
    session.execute("CREATE TABLE t (n int PRIMARY KEY); CREATE PUBLICATION outgoing FOR TABLE t")
    assert set(cut(session, "publication")) == {"outgoing"}
    assert one(session, "SELECT count(*) FROM pg_publication") == 1


OUTSIDE = """
CREATE EXTENSION dblink;
CREATE EXTENSION postgres_fdw;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw
    OPTIONS (host '{host}', port '{port}', dbname 'postgres');
CREATE USER MAPPING FOR PUBLIC SERVER elsewhere OPTIONS (user 'postgres');
CREATE TABLE here (n int);
INSERT INTO here VALUES (7);
COMMIT;
CREATE FOREIGN TABLE there (n int) SERVER elsewhere OPTIONS (table_name 'here');
CREATE FOREIGN TABLE other (n int) SERVER elsewhere OPTIONS (table_name 'here');
CREATE VIEW asked AS
    SELECT n FROM dblink(
        'host={host} port={port} user=postgres dbname=postgres', 'SELECT n FROM here') AS t(n int);
CREATE MATERIALIZED VIEW kept AS SELECT n FROM asked;
"""


def test_dblink_and_foreign_data_wrappers_reach_nothing_any_more(hosts_server: Cluster) -> None:
    place = {"host": hosts_server.socket_dir, "port": hosts_server.port}
    with psycopg.connect(hosts_server.dsn(), autocommit=True) as connection:
        connection.execute(OUTSIDE.format(**place).encode())
        assert one(connection, "SELECT n FROM there") == one(connection, "SELECT n FROM asked") == 7
        wires = {(wire.kind, wire.name) for wire in isolate(connection, tables={"public.there"}).wires}
        assert {
            ("library", "dblink"),
            ("materialized view", "public.kept"),
            ("foreign-data wrapper", "postgres_fdw"),
            ("foreign server", "elsewhere"),
        } <= wires
        assert one(connection, "SELECT count(*) FROM there") == 0
        assert one(connection, "SELECT to_regclass('other') IS NULL") is True
        for reach in ("SELECT n FROM asked", "SELECT dblink_connect('again', 'dbname=postgres')"):
            with pytest.raises(errors.FeatureNotSupported, match="reaches no other server"):
                connection.execute(reach.encode())
        connection.execute("CREATE SERVER anew FOREIGN DATA WRAPPER postgres_fdw")
        connection.execute("CREATE FOREIGN TABLE again (n int) SERVER anew")
        with pytest.raises(errors.ObjectNotInPrerequisiteState):
            connection.execute("SELECT n FROM again")
        dump = schema_text(hosts_server.dsn(), hosts_server.binaries.major)
        assert "EXTENSION IF NOT EXISTS dblink" in dump
        assert "CREATE FUNCTION" not in dump


def test_what_cannot_be_cut_refuses(session: Connection[Any]) -> None:
    session.execute("CREATE SCHEMA cron")
    session.execute("CREATE TABLE cron.job (active boolean)")
    session.execute("INSERT INTO cron.job VALUES (true)")
    session.execute("CREATE RULE no AS ON UPDATE TO cron.job DO INSTEAD NOTHING")
    with pytest.raises(NotSealed) as raised:
        isolate(session)
    assert [problem.what for problem in raised.value.problems] == ["cron.job"]


def test_databases_the_policy_does_not_speak_of_are_dropped(lone_server: Cluster, clinic: str) -> None:
    with psycopg.connect(lone_server.dsn(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE payroll")
        connection.execute("COMMENT ON DATABASE postgres IS 'not made anew'")
        connection.execute("COMMENT ON DATABASE template1 IS 'not made anew'")
        connection.execute("CREATE TABLE forgotten (secret text)")
    with psycopg.connect(lone_server.dsn("template1"), autocommit=True) as connection:
        connection.execute("CREATE TABLE also_forgotten (secret text)")
    with psycopg.connect(clinic, autocommit=True) as connection:
        isolate(connection)
        left = connection.execute("SELECT datname FROM pg_database ORDER BY 1").fetchall()
        assert left == [("clinic",), ("postgres",), ("template0",), ("template1",)]
        assert isolate(connection).wires == ()
    for name in ("postgres", "template1"):
        with psycopg.connect(lone_server.dsn(name)) as connection:
            assert one(connection, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0


def test_a_clone_in_a_shared_server_leaves_its_neighbours_alone(session: Connection[Any]) -> None:
    session.execute("CREATE DATABASE neighbour")
    session.execute("CREATE ROLE app LOGIN PASSWORD 'kept'")
    session.execute("ALTER ROLE app SET app.token = 'kept'")
    isolate(session, shared_server=True)
    assert one(session, "SELECT count(*) FROM pg_database WHERE datname = 'neighbour'") == 1
    assert one(session, "SELECT count(*) FROM pg_authid WHERE rolpassword IS NOT NULL") == 1
    assert one(session, "SELECT count(*) FROM pg_db_role_setting") == 1
    assert one(session, "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'app'") is True
    session.execute("DROP DATABASE neighbour")
