"""Scrub: executes the plan, one rewrite a treated heap, several heaps at a time, each in one transaction.

`run` does it all in one process; `divide`, `part` (any number, anywhere, at once) and `unite` do the same.

What is done is recorded in the clone in the transaction that did it, so a run killed in the middle goes on
with the unfinished heaps. The run key waits there too, beside the originals it protects, until the purge.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, RawCursor, sql
from psycopg.types.json import Jsonb
from pydantic import TypeAdapter

from sanitizers.catalog import Catalog, Name, Table
from sanitizers.errors import ScrubFailed, StatementFailed, WrongState
from sanitizers.keys import RunKey
from sanitizers.policy.bindings import Bindings
from sanitizers.policy.compile import SCRATCH
from sanitizers.policy.plan import Function, Lookup, Mapping, Move, Plan, TablePlan
from sanitizers.policy.rows import Subset, TableRows
from sanitizers.postgres.connection import described
from sanitizers.postgres.heap import NewRows, Rewritten, rewrite_heap
from sanitizers.postgres.introspect import read_catalog
from sanitizers.postgres.large_objects import empty_large_objects
from sanitizers.postgres.statements import statement
from sanitizers.postgres.subset import Listing, make_subset, subset_rows
from sanitizers.results import PlanResult, ScrubResult, TableScrub
from sanitizers.settings import resolve_secret
from sanitizers.stages.base import Run
from sanitizers.transformers.function import load, source_digest

NAME = "scrub"
DEFAULT_PASSWORD = "staging"
"""What logins of the application get when the target names no `app_password`."""
_PARTS_A_WORKER = 4
_LARGE = 2**30
"""Bytes; where there is more to do than this for each part, there are more parts."""
_MOST_PARTS = 512
"""A scheduler lists every part; by default Airflow takes no more than 1,024 of one task."""
_TABLE = TypeAdapter(TableScrub)
_DOING = "the rewrite"


def run(run: Run) -> ScrubResult:
    """Rewrites every heap the plan lists. ScrubFailed names the heap and the constraint that broke."""
    divide(run)
    work = _work(run)
    with ThreadPoolExecutor(run.target.parallel) as pool:
        list(pool.map(work.rewrite, work.plan.rewrites))
    return unite(run)


def divide(run: Run) -> list[list[str]]:
    """Prepares the clone and returns the parts, lists of heaps, that workers may do in any order.

    Parts of about the same size, a few for each worker, so that all of them end together.
    """
    plan = run.result(PlanResult).plan
    if run.control.stage_note(run.id, NAME) is None:
        run.control.note_stage(run.id, NAME, {"schema": run.schema_digest()})
    with run.clone() as connection:
        connection.execute(statement("scrub/prepare").encode())
        if plan.functions:
            with run.clone() as reader:
                compute(reader, connection, plan)
        prepare(connection, plan, _bindings(connection, run))
    total = sum(rewrite.bytes for rewrite in plan.rewrites)
    wanted = max(_PARTS_A_WORKER * run.target.parallel, total // _LARGE)
    parts: list[list[str]] = [[] for _ in range(min(wanted, len(plan.rewrites), _MOST_PARTS))]
    filled = [(0, number) for number in range(len(parts))]
    for rewrite in plan.rewrites:
        size, number = heapq.heappop(filled)
        parts[number].append(str(rewrite.heap))
        heapq.heappush(filled, (size + rewrite.bytes + 1, number))
    return parts


def part(run: Run, heaps: Sequence[str]) -> None:
    """Rewrites these heaps; those that are done already are left alone."""
    work = _work(run)
    for rewrite in work.plan.rewrites:
        if str(rewrite.heap) in heaps:
            work.rewrite(rewrite)


def unite(run: Run) -> ScrubResult:
    """What all parts have done. WrongState when a heap was left out."""
    plan = run.result(PlanResult).plan
    with run.clone() as connection:
        heaps = sum(table.kind == "r" for table in read_catalog(connection).tables.values())
        done, rows = _done(connection, plan), tuple(_rows(connection, plan.subset))
    if left := [str(rewrite.heap) for rewrite in plan.rewrites if rewrite.heap not in done]:
        raise WrongState(
            f"not rewritten yet: {', '.join(left)}", where=run.generation, hint="run the scrub again"
        )
    return ScrubResult(
        tables=tuple(done[rewrite.heap] for rewrite in plan.rewrites),
        untouched=heaps - len(plan.rewrites),
        schema_before=run.control.stage_note(run.id, NAME)["schema"],
        schema_after=run.schema_digest(),
        rows=rows,
    )


@dataclass(frozen=True)
class _Work:
    """What the rewriting of any heap needs."""

    run: Run
    plan: Plan
    catalog: Catalog
    bindings: Bindings

    def rewrite(self, rewrite: TablePlan) -> None:
        """One heap, in one transaction with the record that it is done."""
        heap, began = str(rewrite.heap), time.monotonic()
        self.run.progress.item(NAME, heap)
        try:
            with self.run.clone() as connection, described(_DOING), connection.transaction():
                rows = self._rewrite(connection, rewrite, began)
        except StatementFailed as error:
            raise _failed(error, heap) from None
        self.run.progress.item(NAME, heap, f"{rows:,} rows" if rows is not None else "done before", done=True)

    def _rewrite(self, connection: Connection[Any], rewrite: TablePlan, began: float) -> int | None:
        table = self.catalog.tables[rewrite.heap]
        # Whoever else is at this heap, perhaps a worker given up for dead, ends first: nothing is done twice.
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [table.oid])
        if rewrite.heap in _done(connection, self.plan):
            return None
        made = rewrite_table(connection, table, rewrite, self.bindings)
        seconds = round(time.monotonic() - began, 3)
        result = TableScrub(rewrite.heap, made.rows, seconds, made.bytes_before, made.bytes_after)
        record = "INSERT INTO understudy.done VALUES (%s, %s, %s)"
        stored = Jsonb(_TABLE.dump_python(result, mode="json"))
        connection.execute(record, [str(rewrite.heap), self.plan.digest, stored])
        return made.rows


def compute(reader: Connection[Any], writer: Connection[Any], plan: Plan) -> None:
    """Runs the plan's Python functions over the originals; what is there already is left alone."""
    tables = read_catalog(reader).tables
    for found in plan.functions:
        if _exists(writer, found.table):
            continue
        if source_digest(found.function) != found.source:
            raise ScrubFailed(
                f"the module of {found.function} is not the one the plan was made with",
                hint="run it again, so that a plan is made with the code that is there",
            )
        results_of(reader, writer, found, tables[found.heap])


def results_of(reader: Connection[Any], writer: Connection[Any], found: Function, heap: Table) -> None:
    """Makes the table of one function's results. ScrubFailed names the function."""
    from sanitizers.postgres.arrow import apply

    columns = [heap.by_name[name] for name in (found.column, *found.reads)]
    with _making(writer, f"{found.heap}.{found.column} by {found.function}"):
        apply(reader, writer, found.heap, columns, load(found.function), found.table, found.function)


def prepare(connection: Connection[Any], plan: Plan, bindings: Bindings) -> None:
    """Makes what rewrites lean on, in the scratch schema; what is there already is left alone."""
    if plan.subset is not None:
        _choose_rows(connection, plan.subset, bindings)
    for mapping in plan.mappings:
        _make_mapping(connection, mapping, bindings)
    for lookup in plan.lookups:
        _look_up(connection, lookup)
    for move in plan.moves:
        _move_rows(connection, move, bindings)
    if plan.large_objects == "empty":
        empty_large_objects(connection)


def rewrite_table(
    connection: Connection[Any], table: Table, rewrite: TablePlan, bindings: Bindings
) -> Rewritten:
    """One heap, in the caller's transaction."""
    values = bindings.values(rewrite.select.bindings)
    rows = NewRows(rewrite.insert, rewrite.select.sql, values, rewrite.treated, rewrite.ordered)
    return rewrite_heap(connection, table, SCRATCH, rows)


def _work(run: Run) -> _Work:
    with run.clone() as connection:
        return _Work(run, run.result(PlanResult).plan, read_catalog(connection), _bindings(connection, run))


def _bindings(connection: Connection[Any], run: Run) -> Bindings:
    epochs = run.policy.policy.epochs.items()
    # Of the day the run began, whenever and wherever its parts run.
    kept = {domain: run.epoch_keys.key(domain, rule.days, run.started.date()) for domain, rule in epochs}
    key, day = _key(connection, run.key), run.started.date()
    return Bindings(key, run.policy.policy.locale, _app_password(run), kept, as_of=day)


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
    if _exists(connection, mapping.table):
        return
    table = _identifier(mapping.table)
    columns = 'original text COLLATE "C" NOT NULL, replacement text COLLATE "C" NOT NULL'
    keys = "ADD PRIMARY KEY (original) INCLUDE (replacement), ADD UNIQUE (replacement)"
    with _making(connection, f"the mapping of domain {mapping.domain}") as cursor:
        cursor.execute(sql.SQL("CREATE TABLE {} ({})").format(table, sql.SQL(columns)))
        insert = sql.SQL("INSERT INTO {} {}").format(table, sql.SQL(mapping.create.sql))
        cursor.execute(insert, bindings.values(mapping.create.bindings))
        cursor.execute(sql.SQL("ALTER TABLE {} {}").format(table, sql.SQL(keys)))
    # With the visibility map set, a look-up reads the index alone.
    connection.execute(sql.SQL("VACUUM ANALYZE {}").format(table))


def _choose_rows(connection: Connection[Any], chosen: Subset, bindings: Bindings) -> None:
    steps = (
        (
            [
                Listing(_identifier(fill.into), fill.sql, bindings.values(fill.bindings))
                for fill in step.fills
            ],
            step.repeats,
        )
        for step in chosen.steps
    )
    try:
        with described(_DOING):
            make_subset(connection, [_identifier(name) for name in chosen.lists], steps, chosen.counts)
    except StatementFailed as error:
        what = error.what.removeprefix(f"{_DOING} failed: ")
        hint = "see the conditions under rows: in the policy"
        raise ScrubFailed(f"rows could not be chosen: {what}", hint=hint) from None


def _rows(connection: Connection[Any], chosen: Subset | None) -> Iterator[TableRows]:
    for schema, name, before, kept in subset_rows(connection) if chosen is not None else ():
        found = chosen.of(Name(schema, name)) if chosen is not None else None
        emptied = {column: None for one in (found.emptied if found else ()) for column in one.columns}
        yield TableRows(Name(schema, name), before, kept, tuple(emptied))


def _look_up(connection: Connection[Any], lookup: Lookup) -> None:
    if _exists(connection, lookup.table):
        return
    with _making(connection, f"the lookup {lookup.table}") as cursor:
        _create_as(cursor, lookup.table, lookup.create.sql, [])
        cursor.execute(sql.SQL("ANALYZE {}").format(_identifier(lookup.table)))


def _move_rows(connection: Connection[Any], move: Move, bindings: Bindings) -> None:
    if _exists(connection, move.rows):
        return
    with _making(connection, str(move.table)) as cursor:
        _create_as(cursor, move.rows, move.create.sql, bindings.values(move.create.bindings))
        astray = cursor.execute(move.astray.sql.encode()).fetchone()
        # Before it is there to stay: who comes after takes what is there for whole.
        if astray is not None and astray[0]:
            raise ScrubFailed(
                f"{astray[0]:,} treated rows of {move.table} fit none of its partitions",
                hint="keep the column the table is partitioned by, or choose a treatment that stays in range",
            )


@contextmanager
def _making(connection: Connection[Any], subject: str) -> Iterator[RawCursor[Any]]:
    """One transaction of the scratch schema; ScrubFailed names what could not be made."""
    try:
        with described(_DOING), connection.transaction():
            yield RawCursor(connection)
    except StatementFailed as error:
        raise _failed(error, subject) from None


def _create_as(cursor: RawCursor[Any], table: Name, select: str, values: Sequence[Any]) -> None:
    create = sql.SQL("CREATE TABLE {} AS {}").format(_identifier(table), sql.SQL(select))
    cursor.execute(create, values or None)


def _exists(connection: Connection[Any], table: Name) -> bool:
    found = connection.execute("SELECT to_regclass(%s)", [_identifier(table).as_string()]).fetchone()
    return bool(found and found[0])


def _identifier(name: Name) -> sql.Identifier:
    return sql.Identifier(name.schema, name.name)


def _done(connection: Connection[Any], plan: Plan) -> dict[Name, TableScrub]:
    rows = connection.execute("SELECT result FROM understudy.done WHERE plan = %s", [plan.digest]).fetchall()
    return {table.heap: table for table in (_TABLE.validate_python(row[0]) for row in rows)}


def _failed(error: StatementFailed, subject: str) -> ScrubFailed:
    what = error.what.removeprefix(f"{_DOING} failed: ")
    # The server names the twin that was being filled; its column is the table's.
    column = error.where.split(".")[2:]
    return ScrubFailed(
        f"{subject} could not be rewritten: {what}",
        where=f"column {column[0]}" if column else "",
        hint="the treatment's results break a constraint of the table: choose another one in the policy",
    )
