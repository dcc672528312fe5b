"""Scrub: executes the plan, one rewrite a treated heap, several heaps at a time, each in one transaction.

What is done is recorded in the clone in the transaction that did it, so a run killed in the middle goes on
with the unfinished heaps. The run key waits there too, beside the originals it protects, until the purge.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from psycopg import Connection, RawCursor, sql
from psycopg.types.json import Jsonb
from pydantic import TypeAdapter

from sanitizers.catalog import Catalog, Name
from sanitizers.errors import ScrubFailed, StatementFailed
from sanitizers.keys import RunKey
from sanitizers.policy.bindings import Bindings
from sanitizers.policy.compile import SCRATCH
from sanitizers.policy.plan import Mapping, Plan, TablePlan
from sanitizers.postgres.connection import described
from sanitizers.postgres.heap import rewrite_heap
from sanitizers.postgres.introspect import read_catalog
from sanitizers.postgres.statements import statement
from sanitizers.results import PlanResult, ScrubResult, TableScrub
from sanitizers.settings import resolve_secret
from sanitizers.stages.base import Run

NAME = "scrub"
DEFAULT_PASSWORD = "staging"
"""What logins of the application get when the target names no `app_password`."""
_TABLE = TypeAdapter(TableScrub)
_DOING = "the rewrite"


def run(run: Run) -> ScrubResult:
    """Rewrites every heap the plan lists. ScrubFailed names the heap and the constraint that broke."""
    plan = run.result(PlanResult).plan
    before = run.schema_digest()
    with run.clone() as connection:
        connection.execute(statement("scrub/prepare").encode())
        bindings = Bindings(_key(connection, run.key), run.policy.policy.locale, _app_password(run))
        catalog = read_catalog(connection)
        for mapping in plan.mappings:
            _make_mapping(connection, mapping, bindings)
        done = _done(connection, plan)
    todo = [rewrite for rewrite in plan.rewrites if rewrite.heap not in done]
    with ThreadPoolExecutor(run.target.parallel) as pool_:
        fresh = pool_.map(lambda rewrite: _rewrite(run, plan, catalog, rewrite, bindings), todo)
        done |= {table.heap: table for table in fresh}
    heaps = sum(table.kind == "r" for table in catalog.tables.values())
    return ScrubResult(
        tables=tuple(done[rewrite.heap] for rewrite in plan.rewrites),
        untouched=heaps - len(plan.rewrites),
        schema_before=before,
        schema_after=run.schema_digest(),
    )


def _app_password(run: Run) -> str:
    return resolve_secret(run.target.app_password) if run.target.app_password else DEFAULT_PASSWORD


def _key(connection: Connection[Any], drawn: RunKey) -> RunKey:
    # A resumed run must go on with the key it began with: half the tables already carry its pseudonyms.
    insert = "INSERT INTO understudy.run_key (secret) VALUES (%s) ON CONFLICT DO NOTHING"
    connection.execute(insert, [drawn.secret])
    found = connection.execute("SELECT secret FROM understudy.run_key").fetchone()
    assert found is not None
    return RunKey(found[0])


def _make_mapping(connection: Connection[Any], mapping: Mapping, bindings: Bindings) -> None:
    table = sql.Identifier(mapping.table.schema, mapping.table.name)
    exists = connection.execute("SELECT to_regclass(%s)", [table.as_string()]).fetchone()
    if exists and exists[0]:
        return
    columns = 'original text COLLATE "C" NOT NULL, replacement text COLLATE "C" NOT NULL'
    keys = "ADD PRIMARY KEY (original) INCLUDE (replacement), ADD UNIQUE (replacement)"
    cursor = RawCursor(connection)
    try:
        with described(_DOING), connection.transaction():
            cursor.execute(sql.SQL("CREATE UNLOGGED TABLE {} ({})").format(table, sql.SQL(columns)))
            insert = sql.SQL("INSERT INTO {} {}").format(table, sql.SQL(mapping.create.sql))
            cursor.execute(insert, bindings.values(mapping.create.bindings))
            cursor.execute(sql.SQL("ALTER TABLE {} {}").format(table, sql.SQL(keys)))
    except StatementFailed as error:
        raise _failed(error, f"the mapping of domain {mapping.domain}") from None
    # With the visibility map set, a look-up reads the index alone.
    connection.execute(sql.SQL("VACUUM ANALYZE {}").format(table))


def _done(connection: Connection[Any], plan: Plan) -> dict[Name, TableScrub]:
    rows = connection.execute("SELECT result FROM understudy.done WHERE plan = %s", [plan.digest]).fetchall()
    return {table.heap: table for table in (_TABLE.validate_python(row[0]) for row in rows)}


def _rewrite(run: Run, plan: Plan, catalog: Catalog, rewrite: TablePlan, bindings: Bindings) -> TableScrub:
    heap = str(rewrite.heap)
    run.progress.item(NAME, heap)
    began = time.monotonic()
    try:
        with run.clone() as connection, described(_DOING), connection.transaction():
            connection.execute("SET LOCAL synchronize_seqscans = off")
            table = catalog.tables[rewrite.heap]
            values = bindings.values(rewrite.select.bindings)
            made = rewrite_heap(connection, table, SCRATCH, rewrite.insert, rewrite.select.sql, values)
            seconds = round(time.monotonic() - began, 3)
            result = TableScrub(rewrite.heap, made.rows, seconds, made.bytes_before, made.bytes_after)
            record = "INSERT INTO understudy.done VALUES (%s, %s, %s)"
            connection.execute(record, [heap, plan.digest, Jsonb(_TABLE.dump_python(result, mode="json"))])
    except StatementFailed as error:
        raise _failed(error, heap) from None
    run.progress.item(NAME, heap, f"{result.rows:,} rows", done=True)
    return result


def _failed(error: StatementFailed, subject: str) -> ScrubFailed:
    what = error.what.removeprefix(f"{_DOING} failed: ")
    # The server names the twin that was being filled; its column is the table's.
    column = error.where.split(".")[2:]
    return ScrubFailed(
        f"{subject} could not be rewritten: {what}",
        where=f"column {column[0]}" if column else "",
        hint="the treatment's results break a constraint of the table: choose another one in the policy",
    )
