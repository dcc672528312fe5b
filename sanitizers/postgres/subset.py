"""Choosing rows in a clone: scratch tables that list rows by heap and place, made once, before any rewrite.

A sealed clone's rows stay where they are until they are rewritten, so a row's place names it: that takes no
key, and a scan of the table meets the list by hash.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, RawCursor, sql

_RECORD = "understudy.subset"


@dataclass(frozen=True)
class Listing:
    """A statement that adds rows to a list; numbered parameters with their values."""

    into: sql.Identifier
    text: str
    values: Sequence[Any]


def make_subset(
    connection: Connection[Any],
    lists: Sequence[sql.Identifier],
    steps: Iterable[tuple[Sequence[Listing], bool]],
    counts: str,
) -> None:
    """Makes the lists of rows and records what `counts` gives; does nothing the second time.

    All in one transaction. A step's statements are repeated, where it says so, until none of them adds a row.
    """
    if _made(connection):
        return
    cursor = RawCursor(connection)
    with connection.transaction():
        for table in lists:
            cursor.execute(sql.SQL("CREATE TABLE {} (heap oid, place tid)").format(table))
        for listings, repeats in steps:
            while sum([_added(cursor, listing) for listing in listings]) and repeats:
                pass
        for table in lists:
            # Each partition looks for its own rows only.
            cursor.execute(sql.SQL("CREATE INDEX ON {} (heap, place)").format(table))
        cursor.execute(f"CREATE TABLE {_RECORD} (schema, name, before, kept) AS {counts}".encode())


def subset_rows(connection: Connection[Any]) -> list[tuple[str, str, int, int]]:
    """Schema and name of each table that rows were chosen of, its rows before and the rows kept."""
    return connection.execute(f"SELECT * FROM {_RECORD}").fetchall() if _made(connection) else []


def _made(connection: Connection[Any]) -> bool:
    found = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [_RECORD]).fetchone()
    return bool(found and found[0])


def _added(cursor: RawCursor[Any], listing: Listing) -> int:
    added = cursor.execute(listing.text.encode(), listing.values or None).rowcount
    if added:
        # Nobody else analyses it, and the next statement joins with it.
        cursor.execute(sql.SQL("ANALYZE {}").format(listing.into))
    return added
