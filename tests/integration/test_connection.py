"""The doors to databases: production is only read, clones are written after proof, errors hold no data."""

from __future__ import annotations

import psycopg
import pytest

from sanitizers.errors import GuardTripped, ServerFailed, StatementFailed
from sanitizers.postgres import connection as doors
from sanitizers.postgres.connection import described, marker, open_clone, read_source

CANARY = "canary-7c1f"


def test_a_session_on_production_cannot_write(postgres_database: str) -> None:
    with (
        pytest.raises(StatementFailed, match="ReadOnlySqlTransaction"),
        read_source(postgres_database, purpose="test") as connection,
    ):
        connection.execute("CREATE TABLE t (n int)")


def test_a_server_without_the_clones_name_is_never_written_to(postgres_database: str) -> None:
    with (
        pytest.raises(GuardTripped, match="not the clone of this run"),
        open_clone(postgres_database, "clinic-20260101-001"),
    ):
        raise AssertionError("the guard let it in")


def test_a_marker_copied_into_production_does_not_help(postgres_database: str) -> None:
    """A clone server proves itself by its configuration, which no statement in a database can imitate."""
    label = "clinic-20260101-001"
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"COMMENT ON DATABASE {name} IS '{marker(label)}'".encode())
        connection.execute(f"ALTER DATABASE {name} SET application_name = '{marker(label)}'".encode())
        with pytest.raises(psycopg.errors.CantChangeRuntimeParam):
            connection.execute(f"SET cluster_name = '{marker(label)}'".encode())
    with pytest.raises(GuardTripped), open_clone(postgres_database, label):
        raise AssertionError("the guard let it in")


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (f"SELECT '{CANARY}'::int", "InvalidTextRepresentation"),
        (f"INSERT INTO people VALUES ('{CANARY}'), ('{CANARY}')", "constraint people_name_key"),
        (f"DO $$ BEGIN RAISE EXCEPTION '{CANARY}'; END $$", "RaiseException"),
        (f"INSERT INTO people VALUES (repeat('{CANARY}', 99))", "StringDataRightTruncation"),
    ],
)
def test_an_error_names_the_place_and_never_the_data(
    postgres_database: str, statement: str, said: str
) -> None:
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        connection.execute("CREATE TABLE people (name varchar(40) UNIQUE)")
        with pytest.raises(StatementFailed) as caught, described("a test"):
            connection.execute(statement.encode())
    assert said in str(caught.value)
    assert CANARY not in str(caught.value.to_json())
    assert caught.value.__suppress_context__


def test_a_server_that_goes_away_is_worth_another_try(postgres_database: str) -> None:
    with (
        psycopg.connect(postgres_database, autocommit=True) as killer,
        psycopg.connect(postgres_database, autocommit=True) as connection,
    ):
        killer.execute("SELECT pg_terminate_backend(%s)", [connection.info.backend_pid])
        with pytest.raises(ServerFailed, match="a test failed: AdminShutdown") as caught, described("a test"):
            connection.execute("SELECT 1")
    assert caught.value.retryable


def test_a_clone_that_is_down_is_worth_another_try() -> None:
    with (
        pytest.raises(ServerFailed, match="opening the clone failed: the connection was lost"),
        open_clone("host=/nowhere", "clinic-20260101-001"),
    ):
        raise AssertionError("there is no server")


def test_a_clone_that_is_lost_before_its_proof_is_worth_another_try(
    postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter = doors._enter

    def enter_and_lose(dsn: str) -> doors.Session:
        entered = enter(dsn)
        with psycopg.connect(dsn, autocommit=True) as killer:
            killer.execute("SELECT pg_terminate_backend(%s, 5000)", [entered.info.backend_pid])
        return entered

    monkeypatch.setattr(doors, "_enter", enter_and_lose)
    with (
        pytest.raises(ServerFailed, match="opening the clone failed: AdminShutdown"),
        open_clone(postgres_database, "clinic-20260101-001"),
    ):
        raise AssertionError("the guard let it in")
