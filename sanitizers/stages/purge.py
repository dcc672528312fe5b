"""Purge: removes what the scrub cannot reach: old versions of rows, statistics, scratch, WAL, logs, strays.

Texts of the schema (defaults, checks, views, functions, comments, labels of enums, bounds of partitions) stay
as production has them: what stands there is for production to change, and the search for residue finds it.
"""

from __future__ import annotations

from typing import Any

from psycopg import Connection, errors, sql

from sanitizers.catalog import Catalog, Name, View
from sanitizers.errors import Problem, ResidueFound
from sanitizers.policy.compile import SCRATCH
from sanitizers.postgres.introspect import read_catalog
from sanitizers.postgres.statements import statement
from sanitizers.results import PlanResult, PurgeResult, SnapshotResult
from sanitizers.stages.base import Run

NAME = "purge"


def run(run: Run) -> PurgeResult:
    """Leaves a clone whose files hold what its tables hold. ResidueFound when something stayed behind."""
    with run.clone() as connection:
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(SCRATCH)))
        catalog = read_catalog(connection)
        refreshed = _refresh_views(run, connection, catalog)
        _forget_large_objects(run, connection)
        _forget_versions(run, connection)
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


def _forget_large_objects(run: Run, connection: Connection[Any]) -> None:
    """Comments and labels of large objects are data, as their content is."""
    if run.result(PlanResult).plan.large_objects == "empty":
        for table in ("pg_description", "pg_seclabel"):
            text = "DELETE FROM pg_catalog.{} WHERE classoid = 'pg_catalog.pg_largeobject'::regclass"
            connection.execute(sql.SQL(text).format(sql.Identifier(table)))


def _forget_versions(run: Run, connection: Connection[Any]) -> None:
    """Takes deleted and earlier versions of rows out of what the scrub has left as it was.

    Their bytes stay in the pages until the server is stopped. Indexes of other kinds than B-tree keep what
    described deleted rows, and those that call a function may hold what it read in treated tables.
    """
    run.progress.item(NAME, "old versions of rows")
    scrubbed = [(item.heap.schema, item.heap.name) for item in run.result(PlanResult).plan.rewrites]
    kept = [
        (sql.Identifier(schema, name), oid)
        for schema, name, oid in connection.execute(statement("purge/heaps").encode()).fetchall()
        if (schema, name) not in scrubbed
    ]
    for heap, _ in kept:
        connection.execute(sql.SQL("VACUUM (INDEX_CLEANUP ON) {}").format(heap))
    oids = [oid for _, oid in kept]
    for names in connection.execute(statement("purge/indexes"), [oids]).fetchall():
        connection.execute(sql.SQL("REINDEX INDEX {}").format(sql.Identifier(*names)))


def _forget_statistics(run: Run, connection: Connection[Any]) -> None:
    """Statistics are made anew, and all of the catalog is rewritten: it has old versions of rows, too."""
    run.progress.item(NAME, "statistics")
    connection.execute(statement("purge/forget_statistics").encode())
    connection.execute(statement("purge/forget_extended_statistics").encode())
    shared = not run.provider.database_marker
    for (name,) in connection.execute(statement("purge/catalogs"), [shared]).fetchall():
        connection.execute(sql.SQL("VACUUM (FULL) {}").format(sql.Identifier("pg_catalog", name)))
    # Staging's plans should look like production's.
    connection.execute("ANALYZE")


def _check(connection: Connection[Any]) -> None:
    row = connection.execute("SELECT to_regnamespace(%s) IS NULL", [SCRATCH]).fetchone()
    if not row or not row[0]:
        raise ResidueFound("the scratch schema is still there", problems=(Problem(SCRATCH, "not dropped"),))
