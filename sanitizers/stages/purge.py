"""Purge: removes what the scrub cannot reach: statistics, materialized views, scratch, WAL and logs."""

from __future__ import annotations

from typing import Any

from psycopg import Connection, errors, sql

from sanitizers.catalog import Catalog, Name, View
from sanitizers.errors import Problem, ResidueFound
from sanitizers.policy.compile import SCRATCH
from sanitizers.postgres.introspect import read_catalog
from sanitizers.postgres.statements import statement
from sanitizers.results import PurgeResult, SnapshotResult
from sanitizers.stages.base import Run

NAME = "purge"


def run(run: Run) -> PurgeResult:
    """Leaves a clone whose files hold what its tables hold. ResidueFound when something stayed behind."""
    with run.clone() as connection:
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(SCRATCH)))
        catalog = read_catalog(connection)
        refreshed = _refresh_views(run, connection, catalog)
        _forget_statistics(run, connection)
    run.progress.item(NAME, "WAL, logs and strays")
    removed = run.provider.cleanse(run.result(SnapshotResult).clone)
    with run.clone() as connection:
        _check(connection)
    run.control.move(run.generation, "scrubbed", run.clock())
    return PurgeResult(True, refreshed, removed)


def _refresh_views(run: Run, connection: Connection[Any], catalog: Catalog) -> tuple[Name, ...]:
    """Populated materialized views hold rows of their own: each is made again from the scrubbed tables.

    All are emptied first: one that reads another where no catalog tells so, through a function, then has to
    wait for it, and cannot take over what that one held before.
    """
    refreshed = tuple(view.name for view in _in_order(catalog) if view.materialized and view.populated)
    with connection.transaction():
        for name in refreshed:
            _refresh(connection, name, " WITH NO DATA")
        waiting = list(refreshed)
        while waiting:
            later = [name for name in waiting if not _refreshed(run, connection, name)]
            if len(later) == len(waiting):
                _refresh(connection, later[0])
            waiting = later
    return refreshed


def _refreshed(run: Run, connection: Connection[Any], name: Name) -> bool:
    """Whether nothing it reads is still empty."""
    run.progress.item(NAME, str(name))
    try:
        with connection.transaction():
            _refresh(connection, name)
    except errors.ObjectNotInPrerequisiteState:
        return False
    return True


def _refresh(connection: Connection[Any], name: Name, how: str = "") -> None:
    view = sql.Identifier(name.schema, name.name)
    connection.execute(sql.SQL("REFRESH MATERIALIZED VIEW {}{}").format(view, sql.SQL(how)))


def _in_order(catalog: Catalog) -> list[View]:
    """Views after the views they read."""
    ordered: dict[Name, View] = {}

    def visit(view: View) -> None:
        for name in view.depends_on:
            if name in catalog.views and name not in ordered and name != view.name:
                visit(catalog.views[name])
        ordered.setdefault(view.name, view)

    for view in catalog.views.values():
        visit(view)
    return list(ordered.values())


def _forget_statistics(run: Run, connection: Connection[Any]) -> None:
    run.progress.item(NAME, "statistics")
    for table in ("pg_statistic", "pg_statistic_ext_data"):
        name = "forget_statistics" if table == "pg_statistic" else "forget_extended_statistics"
        connection.execute(statement(f"purge/{name}").encode())
        connection.execute(sql.SQL("VACUUM FULL {}").format(sql.Identifier("pg_catalog", table)))
    # Staging's plans should look like production's.
    connection.execute("ANALYZE")


def _check(connection: Connection[Any]) -> None:
    row = connection.execute("SELECT to_regnamespace(%s) IS NULL", [SCRATCH]).fetchone()
    if not row or not row[0]:
        raise ResidueFound("the scratch schema is still there", problems=(Problem(SCRATCH, "not dropped"),))
