"""Isolate: cuts every wire a physical clone brings along, and refuses when one is left."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from psycopg import Connection

from sanitizers.errors import NotSealed, Problem
from sanitizers.postgres.wires import cut_wires
from sanitizers.results import IsolateResult, Wire
from sanitizers.stages.base import Run

NAME = "isolate"


def run(run: Run) -> IsolateResult:
    """Cuts all wires and looks again. NotSealed lists what is left, by kind and name."""
    tables = run.policy.policy.tables
    with run.clone() as connection:
        return isolate(connection, tables=tables, shared_server=run.provider.database_marker)


def isolate(
    connection: Connection[Any], *, tables: Collection[str] = (), shared_server: bool = False
) -> IsolateResult:
    """The same on a connection. `tables`: the policy's, of which foreign ones stay, local and empty.

    `shared_server` when other databases live in the clone's server.
    """
    found, left = cut_wires(connection, tables=tables, whole_server=not shared_server)
    if left:
        raise NotSealed(
            "the clone could still reach outside",
            problems=tuple(Problem(wire.kind, wire.name) for wire in left),
            hint="remove these from production's copy by hand",
        )
    return IsolateResult(tuple(Wire(wire.kind, wire.name, wire.action) for wire in found))
