"""Isolation: every wire a physical copy brings along is cut, and one that stays refuses the run."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from sanitizers.postgres.binaries import find_binaries
from sanitizers.postgres.cluster import Cluster, create_cluster
from sanitizers.stages.isolate import isolate


@pytest.fixture(params=[18, 16])
def lone_server(home: Path, request: pytest.FixtureRequest) -> Cluster:
    """A server nobody else uses: isolation concerns all of it."""
    binaries = find_binaries(request.param, home=home)
    return create_cluster(home / "lone", binaries, settings={"max_prepared_transactions": 5}, durable=False)


def test_a_subscription_is_dropped_without_its_publisher(lone_server: Cluster) -> None:
    with psycopg.connect(lone_server.dsn(), autocommit=True) as connection:
        connection.execute(
            "CREATE SUBSCRIPTION feed CONNECTION 'host=production.invalid dbname=shop' PUBLICATION p"
            " WITH (connect = false, slot_name = 'feed')"
        )
        found = isolate(connection).wires
        assert ("subscription", "feed") in {(wire.kind, wire.name) for wire in found}
        assert connection.execute("SELECT count(*) FROM pg_subscription").fetchone() == (0,)


def test_slots_passwords_and_prepared_transactions_are_gone(lone_server: Cluster) -> None:
    with psycopg.connect(lone_server.dsn(), autocommit=True) as connection:
        connection.execute("SELECT pg_create_physical_replication_slot('standby')")
        connection.execute("CREATE ROLE app LOGIN PASSWORD 'production''s own'")
        connection.execute("CREATE TABLE t (n int)")
        connection.execute("BEGIN")
        connection.execute("INSERT INTO t VALUES (1)")
        connection.execute("PREPARE TRANSACTION 'waiting'")
        isolate(connection)
        assert connection.execute("SELECT count(*) FROM pg_replication_slots").fetchone() == (0,)
        assert connection.execute(
            "SELECT count(*) FROM pg_authid WHERE rolpassword IS NOT NULL"
        ).fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM pg_prepared_xacts").fetchone() == (0,)


def test_foreign_servers_go_with_their_mappings_and_tables(lone_server: Cluster) -> None:
    with psycopg.connect(lone_server.dsn(), autocommit=True) as connection:
        connection.execute("CREATE FOREIGN DATA WRAPPER anything")
        connection.execute(
            "CREATE SERVER elsewhere FOREIGN DATA WRAPPER anything OPTIONS (host 'production.invalid')"
        )
        connection.execute(
            "CREATE USER MAPPING FOR PUBLIC SERVER elsewhere OPTIONS (password 'production''s own')"
        )
        connection.execute("CREATE FOREIGN TABLE remote (n int) SERVER elsewhere")
        kinds = {wire.kind for wire in isolate(connection).wires}
        assert kinds == {"foreign server", "user mapping", "maintenance database"}
        for catalog in ("pg_foreign_server", "pg_user_mappings", "pg_foreign_table"):
            assert connection.execute(f"SELECT count(*) FROM {catalog}".encode()).fetchone() == (0,)


def test_databases_the_policy_does_not_speak_of_are_dropped(lone_server: Cluster) -> None:
    with psycopg.connect(lone_server.dsn(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE clinic")
        connection.execute("CREATE DATABASE payroll")
        connection.execute("CREATE TABLE forgotten (secret text)")
    with psycopg.connect(lone_server.dsn("template1"), autocommit=True) as connection:
        connection.execute("CREATE TABLE also_forgotten (secret text)")
    with psycopg.connect(lone_server.dsn("clinic"), autocommit=True) as connection:
        isolate(connection)
        left = connection.execute("SELECT datname FROM pg_database ORDER BY 1").fetchall()
        assert left == [("clinic",), ("postgres",), ("template0",), ("template1",)]
        assert isolate(connection).wires == ()
    for name in ("postgres", "template1"):
        with psycopg.connect(lone_server.dsn(name)) as connection:
            assert connection.execute(
                "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
            ).fetchone() == (0,)


def test_a_clone_in_a_shared_server_leaves_its_neighbours_alone(lone_server: Cluster) -> None:
    with psycopg.connect(lone_server.dsn(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE neighbour")
        connection.execute("CREATE ROLE app LOGIN PASSWORD 'kept'")
        isolate(connection, shared_server=True)
        assert connection.execute(
            "SELECT count(*) FROM pg_database WHERE datname = 'neighbour'"
        ).fetchone() == (1,)
        assert connection.execute(
            "SELECT count(*) FROM pg_authid WHERE rolpassword IS NOT NULL"
        ).fetchone() == (1,)
