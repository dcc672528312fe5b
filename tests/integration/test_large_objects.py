"""Large objects: counted, emptied in place, nothing left in the files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from sanitizers.postgres.introspect import read_catalog
from sanitizers.postgres.large_objects import LargeObjects, count_large_objects, empty_large_objects
from tests.scrubbing import session

SECRET = b"the secret of a scanned letter " * 400


@pytest.fixture(params=["postgres_database", "postgres_database_16"])
def dsn(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


def letters(connection: Connection[Any]) -> int:
    """A table of three letters, one of them with a comment; its first one's OID."""
    connection.execute("CREATE TABLE letter (id int, scan oid)")
    connection.execute(
        "INSERT INTO letter SELECT n, lo_from_bytea(0, %s) FROM generate_series(1, 3) n", [SECRET]
    )
    found = connection.execute("SELECT scan FROM letter ORDER BY id").fetchone()
    assert found is not None
    connection.execute(f"COMMENT ON LARGE OBJECT {found[0]} IS 'first'".encode())
    connection.execute(f"GRANT SELECT ON LARGE OBJECT {found[0]} TO PUBLIC".encode())
    return int(found[0])


def files(connection: Connection[Any]) -> list[Path]:
    """Every file of the session's database."""
    row = connection.execute(
        "SELECT current_setting('data_directory'), oid FROM pg_database WHERE datname = current_database()"
    ).fetchone()
    assert row is not None
    return [path for path in Path(row[0], "base", str(row[1])).iterdir() if path.is_file()]


def test_they_are_counted(dsn: str) -> None:
    with session(dsn) as connection:
        assert count_large_objects(connection) == LargeObjects(0, 0, 0)
        assert not read_catalog(connection).large_objects
        letters(connection)
        found = count_large_objects(connection)
        assert (found.count, found.comments) == (3, 1)
        assert found.bytes > 0
        assert read_catalog(connection).large_objects


def test_emptied_they_are_still_there(dsn: str) -> None:
    with session(dsn) as connection:
        first = letters(connection)
        assert empty_large_objects(connection).count == 3
        contents = connection.execute("SELECT lo_get(scan) FROM letter").fetchall()
        assert contents == [(b"",)] * 3
        after = count_large_objects(connection)
        assert (after.count, after.bytes, after.comments) == (3, 0, 1)
        granted = connection.execute("SELECT lomacl FROM pg_largeobject_metadata WHERE oid = %s", [first])
        assert "=r/" in str(granted.fetchone())
        assert connection.execute("SHOW allow_system_table_mods").fetchone() == ("off",)
        connection.execute("SELECT lo_put(scan, 0, 'new') FROM letter")
        assert empty_large_objects(connection).bytes > 0


def test_nothing_is_left_in_the_files(dsn: str) -> None:
    with session(dsn) as connection:
        letters(connection)
        connection.execute("CHECKPOINT")
        # Pages of pglz hold the first letters of the text as they are.
        assert any(SECRET[:8] in path.read_bytes() for path in files(connection))
        empty_large_objects(connection)
        connection.execute("CHECKPOINT")
        assert not any(SECRET[:8] in path.read_bytes() for path in files(connection))


def test_who_may_not(dsn: str) -> None:
    with session(dsn) as connection:
        letters(connection)
        connection.execute("CREATE ROLE nobody_special")
        try:
            connection.execute("SET ROLE nobody_special")
            assert count_large_objects(connection).count == 3
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                empty_large_objects(connection)
        finally:
            connection.execute("RESET ROLE")
            connection.execute("DROP ROLE nobody_special")
