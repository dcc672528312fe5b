"""What a copied database brings along that reaches outside or lets somebody in: listed, cut, looked at again.

Each kind is one query, whose rows are: name, what is done, the statements that do it, and (or NULL) a
question that decides whether the row counts. A row without statements is told only; one with statements must
be gone once they have run.

Publications stay: they hold no address and no secret, migrations speak of them, a clone has no WAL senders.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import Connection, RawCursor, sql
from psycopg.conninfo import make_conninfo

from sanitizers.postgres.connection import NO_LIBRARIES, options
from sanitizers.postgres.statements import statement


@dataclass(frozen=True)
class Wire:
    """One of them, and what is done about it; no statements when it is only told."""

    kind: str
    name: str
    action: str
    cuts: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Kind:
    name: str
    query: str
    whole_server: bool = False
    """Concerns all databases of a server, so it is left alone where a clone shares one with others."""
    by_policy: bool = False
    """The policy's tables decide what is done."""


_IN_THE_WAY = (
    _Kind("prepared transaction", "prepared_transactions"),
    _Kind("subscription", "subscriptions"),
)
"""What keeps a database from being dropped, and can be cut from within only."""

# In the order they are cut. Locks first, then what would fire, then what the later ones hang on.
_KINDS = (
    _IN_THE_WAY[0],
    _Kind("event trigger", "event_triggers"),
    _IN_THE_WAY[1],
    _Kind("replication origin", "origins", whole_server=True),
    _Kind("replication slot", "slots", whole_server=True),
    _Kind("publication", "publications"),
    _Kind("view on a foreign table", "views_outside", by_policy=True),
    _Kind("foreign table", "foreign_tables", by_policy=True),
    _Kind("user mapping", "user_mappings"),
    _Kind("foreign server", "foreign_servers"),
    _Kind("foreign-data wrapper", "foreign_data_wrappers"),
    _Kind("materialized view", "views_by_call"),
    _Kind("library", "calls"),
    _Kind("code", "code"),
    _Kind("scheduled job", "scheduled_jobs"),
    _Kind("extension", "preloads"),
    _Kind("other database", "other_databases", whole_server=True),
    _Kind("maintenance database", "maintenance_databases", whole_server=True),
    _Kind("role password", "passwords", whole_server=True),
    _Kind("role", "logins", whole_server=True),
    _Kind("setting", "settings", whole_server=True),
)


def cut_wires(
    connection: Connection[Any], *, tables: Collection[str] = (), whole_server: bool = True
) -> tuple[tuple[Wire, ...], tuple[Wire, ...]]:
    """Cuts all there are, in an autocommit session of a superuser. Returns those found and those left.

    Foreign tables among `tables` (`schema.table`) stay as empty local ones, all others go. Without
    `whole_server` what concerns other databases of the server, too, is left alone.
    """
    kinds = tuple(kind for kind in _KINDS if whole_server or not kind.whole_server)
    elsewhere = tuple(_free_databases(connection)) if whole_server else ()
    found = tuple(_wires(connection, kinds, tables))
    # Listed again kind by kind: what one cut takes along need not be cut any more.
    for kind in kinds:
        for wire in _of_kind(connection, kind, tables):
            _cut(connection, wire)
    return elsewhere + found, tuple(wire for wire in _wires(connection, kinds, tables) if wire.cuts)


def _wires(connection: Connection[Any], kinds: Iterable[_Kind], tables: Collection[str]) -> Iterator[Wire]:
    for kind in kinds:
        yield from _of_kind(connection, kind, tables)


def _of_kind(connection: Connection[Any], kind: _Kind, tables: Collection[str] = ()) -> list[Wire]:
    query = statement(f"isolate/{kind.query}").encode()
    rows = RawCursor(connection).execute(query, [list(tables)] if kind.by_policy else None).fetchall()
    return [
        Wire(kind.name, str(name), action, tuple(cuts))
        for name, action, cuts, question in rows
        if question is None or _answer(connection, question)
    ]


def _answer(connection: Connection[Any], question: str) -> bool:
    row = connection.execute(question.encode()).fetchone()
    return bool(row and row[0])


def _cut(connection: Connection[Any], wire: Wire) -> None:
    for text in wire.cuts:
        connection.execute(text.encode())


def _free_databases(connection: Connection[Any]) -> Iterator[Wire]:
    """Makes the server's other databases such that they can be dropped; tells what was in the way."""
    query = statement("isolate/databases_in_use").encode()
    for name, open_to_all in connection.execute(query).fetchall():
        if not open_to_all:
            allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true")
            connection.execute(allow.format(sql.Identifier(name)))
        with psycopg.connect(_beside(connection, name), autocommit=True) as inside:
            for kind in _IN_THE_WAY:
                for wire in _of_kind(inside, kind):
                    _cut(inside, wire)
                    yield Wire(wire.kind, f"{wire.name} of database {name}", wire.action)


def _beside(connection: Connection[Any], database: str) -> str:
    ours = options("default_transaction_read_only=off", *NO_LIBRARIES)
    return make_conninfo(connection.info.dsn, dbname=database, options=ours)
