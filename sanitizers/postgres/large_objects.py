"""Large objects: their content lies in one system table of each database, beside all tables of users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from sanitizers.postgres.statements import statement


@dataclass(frozen=True)
class LargeObjects:
    """What there is, in numbers."""

    count: int
    bytes: int
    """Of content, as it is stored."""
    comments: int
    """Large objects that carry a comment, which may say anything; emptying leaves comments alone."""


def count_large_objects(connection: Connection[Any]) -> LargeObjects:
    """Counts the large objects of the database. Any role may; no content is read."""
    row = connection.execute(statement("scrub/count_large_objects").encode()).fetchone()
    assert row is not None
    return LargeObjects(*row)


def empty_large_objects(connection: Connection[Any]) -> LargeObjects:
    """Leaves every large object with zero bytes of content; says what there was.

    Owners, grants, comments and the OIDs by which tables refer to them stay. The content's files are replaced
    by empty ones, whatever their size. Takes a superuser.
    """
    found = count_large_objects(connection)
    with connection.transaction():
        connection.execute("SET LOCAL allow_system_table_mods = on")
        connection.execute(statement("scrub/empty_large_objects").encode())
        connection.execute("SET LOCAL allow_system_table_mods = off")
    return found
