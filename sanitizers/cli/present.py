"""What people see of plans, policies, generations and runs: quiet tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from sanitizers.cli.words import listed, moment, number
from sanitizers.control import Generation, RunEntry
from sanitizers.policy.plan import ColumnPlan, Plan, Statement, TableRulePlan
from sanitizers.policy.rows import TableSubset

if TYPE_CHECKING:
    from sanitizers.preview import PreviewRow
    from sanitizers.workspace import DatabaseStatus

_OF_DATABASES = ("database", "staging serves", "since", "last run", "began", "connect")
_OF_GENERATIONS = ("generation", "state", "since", "clients at")
_OF_RUNS = ("run", "began", "ended", "by", "status", "error")
_SHORT = 60
"""Characters up to which an explanation stands beside what it explains."""

_STYLES = {
    "live": "green",
    "released": "green",
    "rehearsed": "green",
    "refused": "red",
    "failed": "red",
    "running": "cyan",
}


def table(title: str, *headings: str) -> Table:
    """An empty table in the house style."""
    made = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        made.add_column(heading, overflow="fold")
    return made


def grid(title: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """A table of plain strings; states are coloured, and said in words all the same."""
    made = table(title, *headings)
    for row in rows:
        made.add_row(*(Text(cell, _STYLES.get(cell, "")) for cell in row))
    return made


def show_plan(console: Console, plan: Plan) -> None:
    """Table for table what will be done to every column."""
    for rule in plan.rules:
        console.print(_rule(rule, plan.subset.of(rule.table) if plan.subset else None))
    treated = sum(len(rule.treated) for rule in plan.rules)
    columns = sum(len(rule.columns) for rule in plan.rules)
    console.print(
        f"{number(len(plan.rules), 'table')}, {number(columns, 'column')}, {treated:,} of them treated; "
        f"{number(len(plan.rewrites), 'rewrite')}, profile {plan.profile}"
    )
    nobody = [f"{key.table}.{key.column}" for key in plan.ids if key.made_by == "unknown"]
    if nobody:
        console.print(f"Ids that nothing known makes, and that are not moved: {listed(nobody)}", markup=False)
    console.print(f"Plan   {plan.digest}", markup=False)
    console.print(f"Policy {plan.policy_digest}, version {plan.policy_version}", markup=False)


def _rule(rule: TableRulePlan, chosen: TableSubset | None) -> RenderableType:
    made = table(str(rule.table), "column", "type", "is", "treatment")
    for column in rule.columns:
        style = "" if column.treated else "dim"
        cells = (column.name, column.type, column.category, _treatment(column))
        made.add_row(*(Text(cell, style) for cell in cells))
    notes = [f"Rows: {chosen.said}"] if chosen is not None else []
    if rule.exempt:
        condition = f" where {rule.exempt}" if len(rule.exempt) <= _SHORT else ""
        notes.append(f"Rows stay unchanged{condition}: {rule.exempt_reason}")
    return Group(made, *(Text(note, "italic") for note in notes), Text()) if notes else made


def _treatment(column: ColumnPlan) -> str:
    # A profile's own reasons quote the law at length; they are in the JSON and in every report.
    fits = 0 < len(column.reason) <= _SHORT
    return f"{column.summary}: {column.reason}" if fits else column.summary


def show_statements(console: Console, plan: Plan) -> None:
    """The SQL that the scrub runs, in order, ready to read (its parameters are secrets of the run)."""
    for step in plan.subset.steps if plan.subset else ():
        for fill in step.fills:
            title = f"rows, listed in {fill.into}{', until there are no more' * step.repeats}"
            _statement(console, title, Statement(fill.sql, fill.bindings))
    for mapping in plan.mappings:
        _statement(console, f"replacements of {mapping.domain}, in {mapping.table}", mapping.create)
    for rewrite in plan.rewrites:
        fills = f"{rewrite.heap} ({rewrite.why}), filling {listed(rewrite.insert)}"
        _statement(console, fills, rewrite.select)


def _statement(console: Console, title: str, statement: Statement) -> None:
    from sqlglot import parse_one

    lines = [f"-- {title}"]
    lines += [f"--   ${number_} is {binding}" for number_, binding in enumerate(statement.bindings, start=1)]
    pretty = parse_one(statement.sql, dialect="postgres").sql("postgres", pretty=True)
    console.print("\n".join([*lines, f"{pretty};", ""]), markup=False, soft_wrap=True)


def show_preview(console: Console, rows: Sequence[PreviewRow]) -> None:
    shown = grid(
        "What becomes of made-up values",
        ("column", "treatment", "before", "after"),
        ((f"{row.table}.{row.column}", row.treatment, _cell(row.before), _cell(row.after)) for row in rows),
    )
    console.print(shown)


def _cell(value: str | None) -> str:
    return "NULL" if value is None else value


def show_overview(console: Console, found: Sequence[DatabaseStatus]) -> None:
    """One line a database."""
    console.print(grid("", _OF_DATABASES, map(_database, found)))


def _database(one: DatabaseStatus) -> tuple[str, ...]:
    live, last = one.live, one.runs[0] if one.runs else None
    serving = (live.label, moment(live.changed)) if live else ("nothing yet", "")
    ran = (last.status, moment(last.started)) if last else ("never", "")
    return (one.database, *serving, *ran, one.endpoint)


def show_database(console: Console, one: DatabaseStatus) -> None:
    """All generations and the latest runs of one database."""
    show_overview(console, [one])
    if one.generations:
        console.print(grid("Generations", _OF_GENERATIONS, map(_generation, one.generations)))
    if one.runs:
        console.print(grid("Runs", _OF_RUNS, map(_run, one.runs)))


def _generation(one: Generation) -> tuple[str, ...]:
    clone = one.clone
    place = f"{clone.client_host}:{clone.client_port}" if clone and clone.client_port else ""
    return (one.label, one.state, moment(one.changed), place)


def _run(one: RunEntry) -> tuple[str, ...]:
    error = str(one.error.get("what", "")) if one.error else ""
    return (one.id, moment(one.started), moment(one.finished), one.trigger, one.status, error)
