"""Isolate: cuts every wire a physical clone brings along, and refuses when one is left.

Each wire is a query that lists it and a statement that cuts it; the query run again must find nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, sql

from sanitizers.errors import NotSealed, Problem
from sanitizers.postgres.statements import statement
from sanitizers.results import IsolateResult, Wire
from sanitizers.stages.base import Run

NAME = "isolate"


@dataclass(frozen=True)
class _Kind:
    name: str
    action: str
    cuts: tuple[str, ...]
    """Statements with the object's name for {}."""
    literal: bool = False
    """Whether the name goes in as a string instead of an identifier."""
    whole_server: bool = False
    """Concerns all databases of a server, so it is left alone where a clone shares one with others."""


KINDS = {
    "subscriptions": _Kind(
        "subscription",
        "dropped without telling the publisher",
        # Without its slot name a subscription can be dropped with no connection to production.
        (
            "ALTER SUBSCRIPTION {} DISABLE",
            "ALTER SUBSCRIPTION {} SET (slot_name = NONE)",
            "DROP SUBSCRIPTION {}",
        ),
    ),
    "slots": _Kind(
        "replication slot",
        "dropped",
        ("SELECT pg_drop_replication_slot({})",),
        literal=True,
        whole_server=True,
    ),
    "user_mappings": _Kind("user mapping", "dropped with its server", ()),
    "foreign_servers": _Kind(
        "foreign server", "dropped with its foreign tables", ("DROP SERVER {} CASCADE",)
    ),
    "prepared_transactions": _Kind(
        "prepared transaction", "rolled back", ("ROLLBACK PREPARED {}",), literal=True
    ),
    "other_databases": _Kind(
        "other database",
        "dropped",
        ("ALTER DATABASE {} IS_TEMPLATE false", "DROP DATABASE {} (FORCE)"),
        whole_server=True,
    ),
    "maintenance_databases": _Kind(
        "maintenance database",
        "made anew, empty",
        (
            "ALTER DATABASE {} IS_TEMPLATE false",
            "DROP DATABASE {} (FORCE)",
            "CREATE DATABASE {} TEMPLATE template0",
            "COMMENT ON DATABASE {} IS 'made anew by understudy'",
        ),
        whole_server=True,
    ),
    "passwords": _Kind("role password", "voided", ("ALTER ROLE {} PASSWORD NULL",), whole_server=True),
}


def run(run: Run) -> IsolateResult:
    """Cuts all wires and looks again. NotSealed lists what is left, by kind and name."""
    with run.clone() as connection:
        return isolate(connection, shared_server=run.provider.database_marker)


def isolate(connection: Connection[Any], *, shared_server: bool = False) -> IsolateResult:
    """The same on a connection; `shared_server` when other databases live in the clone's server."""
    kinds = {key: kind for key, kind in KINDS.items() if not (shared_server and kind.whole_server)}
    found = [
        Wire(kind.name, name, kind.action) for key, kind in kinds.items() for name in _names(connection, key)
    ]
    for key, kind in kinds.items():
        for name in _names(connection, key):
            for cut in kind.cuts:
                subject = sql.Literal(name) if kind.literal else sql.Identifier(name)
                connection.execute(sql.SQL(cut).format(subject))
    left = tuple(Problem(kind.name, name) for key, kind in kinds.items() for name in _names(connection, key))
    if left:
        raise NotSealed(
            "the clone could still reach outside",
            problems=left,
            hint="remove these from production's copy by hand",
        )
    return IsolateResult(tuple(found))


def _names(connection: Connection[Any], key: str) -> Iterator[str]:
    return (str(row[0]) for row in connection.execute(statement(f"isolate/{key}").encode()).fetchall())
