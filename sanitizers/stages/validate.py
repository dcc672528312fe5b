"""Validates the clone before anybody may use it: mass gates against the sealed original, and expectations.

Every gate is judged, however many fail; then one GateFailed lists them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from psycopg import Connection

from sanitizers.catalog import Catalog, ForeignKey, Name
from sanitizers.errors import GateFailed, Problem, StatementFailed
from sanitizers.forensics.sample import draw
from sanitizers.migrations import migration_adapter
from sanitizers.policy.plan import Plan, TableRulePlan
from sanitizers.policy.rows import TableRows
from sanitizers.postgres.connection import open_clone
from sanitizers.postgres.introspect import read_catalog
from sanitizers.postgres.schema_dump import schema_text
from sanitizers.results import (
    ColumnCounts,
    Forensics,
    Gate,
    MigrateResult,
    OffsetResult,
    PlanResult,
    ScrubResult,
    SnapshotResult,
    ValidateResult,
)
from sanitizers.snapshots.base import CloneRef
from sanitizers.snapshots.original import sealed_original
from sanitizers.stages.base import Run
from sanitizers.validators import gates, originals
from sanitizers.validators.base import Migrations, changed_columns, settle
from sanitizers.validators.expectations import ExpectationRunner
from sanitizers.validators.suites import build_suites

NAME = "validate"


@dataclass(frozen=True)
class _Sides:
    """The clone and its original, both sealed, and what is meant to differ between them."""

    run: Run
    original: CloneRef
    plan: Plan
    before: Catalog
    after: Catalog
    migrations: Migrations

    @property
    def rows(self) -> dict[Name, TableRows]:
        """What was chosen, of tables of which not all rows arrive as they are."""
        return {rows.table: rows for rows in self.run.result(ScrubResult).rows}

    @contextmanager
    def sessions(self) -> Iterator[tuple[Connection[Any], Connection[Any]]]:
        """Settled sessions on clone and original; the one on the clone only reads."""
        with self.run.clone() as clone, _open(self.run, self.original) as original:
            settle(clone, read_only=True)
            settle(original)
            yield clone, original


@contextmanager
def _open(run: Run, ref: CloneRef) -> Iterator[Connection[Any]]:
    with open_clone(ref.dsn(), ref.label, database_marker=run.provider.database_marker) as connection:
        yield connection


def run(run: Run) -> ValidateResult:
    """Safe to run again. GateFailed lists every failed gate and expectation; its `result` holds them all."""
    with run.clone() as connection:
        after = read_catalog(connection)
    plan, migrations = run.result(PlanResult).plan, _migrations(run)
    with ThreadPoolExecutor(2) as background:
        suites = background.submit(_expectations, run, plan, after, migrations)
        snapshot, tables = run.result(SnapshotResult).snapshot, run.policy.policy.tables
        with sealed_original(run.provider, snapshot, run.generation, tables) as original:
            with _open(run, original) as connection:
                before = read_catalog(connection)
            sides = _Sides(run, original, plan, before, after, migrations)
            searched = background.submit(_search, sides)
            found, columns = _judge(sides)
            residue, forensics = searched.result()
        result = _concluded([*found, *residue], columns, suites, forensics)
    if result.failed:
        raise _refusal(result)
    run.control.move(run.generation, "validated", run.clock())
    return result


def _migrations(run: Run) -> Migrations:
    settings, applied = run.target.migrations, {one.version for one in run.result(MigrateResult).applied}
    if settings is None or not applied:
        return Migrations()
    available = migration_adapter(settings).available()
    return Migrations(
        tuple(
            migration.path.read_text(encoding="utf-8-sig")
            for migration in available
            if migration.version in applied
        )
    )


def _expectations(run: Run, plan: Plan, catalog: Catalog, migrations: Migrations) -> list[dict[str, Any]]:
    runner = run.expectations or ExpectationRunner()
    suites = build_suites(plan, catalog, run.policy.policy.expect, migrations)
    run.progress.item(NAME, "expectations", f"{len(suites)} suites")
    found = runner.run(run.result(SnapshotResult).clone.dsn(), suites)
    run.progress.item(NAME, "expectations", f"{len(found)} suites", done=True)
    return found


def _judge(sides: _Sides) -> tuple[list[Gate], list[ColumnCounts]]:
    """All mass gates, tables side by side."""
    judged = list(_whole(sides))
    columns: list[ColumnCounts] = []
    rules = [rule for rule in sides.plan.rules if changed_columns(rule)]
    rules.sort(key=lambda rule: -sum(heap.bytes for heap in sides.before.heaps(rule.table)))
    with ThreadPoolExecutor(sides.run.target.parallel) as pool:
        for found, counts in pool.map(lambda rule: _table(sides, rule), rules):
            judged += found
            columns += counts
    return judged, columns


def _table(sides: _Sides, rule: TableRulePlan) -> tuple[list[Gate], tuple[ColumnCounts, ...]]:
    name = str(rule.table)
    sides.run.progress.item(NAME, name)
    compared: list[originals.Comparison] = []

    def against_original(clone: Connection[Any], original: Connection[Any]) -> Iterator[Gate]:
        rows = sides.rows.get(rule.table)
        if found := originals.compare(clone, original, rule, sides.after, sides.before, rows):
            compared.append(found)
            yield from originals.comparison_gates(found, sides.migrations)
            yield from gates.reserved_gates(clone, rule, sides.after.tables[rule.table])

    judged = _attempt(sides, "compared with original", name, against_original)
    sides.run.progress.item(NAME, name, f"{sum(gate.passed for gate in judged)} gates passed", done=True)
    return judged, compared[0].columns if compared else ()


def _whole(sides: _Sides) -> Iterator[Gate]:
    """The gates that are not about one treated table."""
    run, name = sides.run, sides.plan.database
    scrub, migrate = run.result(ScrubResult), run.result(MigrateResult)
    windows = (*run.result(OffsetResult).windows, *migrate.windows)
    yield from gates.schema_gates(scrub.schema_before, scrub.schema_after, migrate.schema_before, name)
    yield from gates.sequence_gates(sides.after, windows, sides.migrations)
    yield from _attempt(sides, "row count", name, partial(_rows, sides))
    yield from _attempt(sides, "indexes valid", name, lambda a, b: [gates.index_gate(a, b, name)])
    yield from _attempt(sides, "constraints valid", name, lambda a, b: [gates.constraint_gate(a, b, name)])
    for key in gates.touched_keys(sides.plan, sides.after, sides.rows):
        yield from _attempt(sides, "foreign key", f"{key.table}.{key.name}", partial(_orphans, sides, key))


def _rows(sides: _Sides, clone: Connection[Any], original: Connection[Any]) -> Iterator[Gate]:
    before = gates.row_counts(original, gates.countable(sides.before))
    after = gates.row_counts(clone, gates.countable(sides.after))
    scrubbed = gates.scrubbed_rows(sides.run.result(ScrubResult).tables, sides.before)
    return gates.row_count_gates(before, after, scrubbed, sides.migrations, sides.rows)


def _orphans(
    sides: _Sides, key: ForeignKey, clone: Connection[Any], original: Connection[Any]
) -> Iterator[Gate]:
    yield gates.foreign_key_gate(clone, key, sides.after, original)


def _search(sides: _Sides) -> tuple[list[Gate], Forensics | None]:
    """Looks for originals everywhere in the clone; a search that breaks off has failed."""
    # Brings numpy, which the parse of a DAG need not wait for.
    from sanitizers.forensics.examination import Subject, examine, surface_gates

    run, ref = sides.run, sides.run.result(SnapshotResult).clone
    subject = Subject(
        run.clone,
        sides.after,
        partial(schema_text, ref.dsn(), ref.version // 10000, run.binaries, home=run.root),
        # The files of a clone that is a database of production's server are production's, too.
        None if run.provider.database_marker else Path(ref.location).parent,
        run.target.parallel,
        lambda surface, detail: run.progress.item(NAME, "search", f"{surface} {detail}"),
    )
    try:
        with _open(run, sides.original) as original:
            sample = draw(original, sides.plan, sides.before, run.policy.policy.locale)
        found = examine(subject, sample, sides.plan)
    except StatementFailed as error:
        return [Gate("no original left", sides.plan.database, False, error.what, "can be searched")], None
    originals = sum(count for _, count in found.searched)
    run.progress.item(NAME, "search", f"{originals} originals, {len(found.residue)} findings", done=True)
    return surface_gates(found), found


_Gates = Callable[[Connection[Any], Connection[Any]], Iterable[Gate]]


def _attempt(sides: _Sides, name: str, subject: str, judge: _Gates) -> list[Gate]:
    """The gates of one check; one that cannot be judged has failed, and the others go on."""
    judged: list[Gate] = []
    try:
        with sides.sessions() as (clone, original):
            judged.extend(judge(clone, original))
    except StatementFailed as error:
        judged.append(Gate(name, subject, False, error.what, "can be judged"))
    return judged


def _concluded(
    found: list[Gate],
    columns: list[ColumnCounts],
    suites: Future[list[dict[str, Any]]],
    forensics: Forensics | None,
) -> ValidateResult:
    try:
        results = suites.result()
    except GateFailed as error:
        results = []
        found = [*found, Gate("expectations", error.where, False, error.what, "evaluated")]
    return ValidateResult(tuple(found), tuple(columns), tuple(results), forensics)


def _refusal(result: ValidateResult) -> GateFailed:
    items = [(suite, item) for suite in result.suites for item in suite["results"] if _critical(item)]
    problems = (
        *(_of_gate(gate) for gate in result.gates if not gate.passed),
        *(_of_expectation(suite, item) for suite, item in items),
    )
    error = GateFailed(
        f"validation failed: {len(problems)} problem{'s' * (len(problems) > 1)}",
        problems=problems,
        hint="the generation is refused and the endpoint still serves the one before; see the report",
    )
    error.result = result
    return error


def _of_gate(gate: Gate) -> Problem:
    return Problem(gate.subject, f"{gate.name}: {gate.observed}, expected {gate.expected}")


def _critical(item: dict[str, Any]) -> bool:
    return not item["success"] and item["expectation_config"]["severity"] == "critical"


def _of_expectation(suite: dict[str, Any], item: dict[str, Any]) -> Problem:
    config, numbers = item["expectation_config"], item["result"]
    column, what = config["kwargs"].get("column"), config["kwargs"].get("description") or config["type"]
    subject = f"{suite['suite_name']}.{column}" if column else str(suite["suite_name"])
    raised = item["exception_info"]["exception_message"]
    if raised:
        return Problem(subject, f"expectation cannot be evaluated: {what}: {raised}")
    counts = f" ({numbers['unexpected_count']} unexpected)" if "unexpected_count" in numbers else ""
    return Problem(subject, f"expectation does not hold: {what}{counts}")
