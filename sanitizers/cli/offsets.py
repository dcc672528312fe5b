"""`offsets`: which ids staging gives, how far production has come, and how long that goes well."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from sanitizers.cli.present import grid
from sanitizers.cli.terminal import Shell, examples, json_option, jsonable, say, screen
from sanitizers.cli.words import listed
from sanitizers.errors import NotFound, OffsetExhausted, Problem
from sanitizers.results import MigrateResult, OffsetResult, PlanResult, Window
from sanitizers.windows import FAR

if TYPE_CHECKING:
    from sanitizers.control import Control
    from sanitizers.policy.plan import IdPlan

_HEADINGS = ("sequence", "feeds", "type", "production", "before", "now", "headroom", "nights left")
_STAYING = {
    "max": "highest id plus one, which goes on where production stands",
    "application": "ids of the application, which go on where production stands",
    "unknown": "nothing in the database makes its values, and the policy does not say who does (ids:)",
}


@dataclass(frozen=True)
class Offsets:
    """The windows of the last run that came as far as the offset stage."""

    database: str
    generation: str
    day: date
    windows: tuple[Window, ...]
    keys: tuple[IdPlan, ...]
    """Keys that no sequence of their table feeds."""
    refused: tuple[dict[str, str], ...] = ()
    """What a later run was refused for, if that was for want of ids."""


@click.command(epilog=examples("understudy offsets hospital", "understudy offsets hospital --json"))
@click.argument("database")
@json_option
@click.pass_obj
def offsets(shell: Shell, database: str, as_json: bool) -> None:
    """Show the ids of DATABASE: where production stood at the snapshot, and the windows that staging has.

    `before` is the window of the generation before. `nights left` is how long production, at its pace of the
    last four weeks, leaves room for a window; below 90 it is told with every refresh, too.
    """
    with shell.workspace() as workspace:
        workspace.settings.target(database)
        found = _latest(workspace.control, database)
    if as_json:
        say({**jsonable(found), "windows": [_told(window) for window in found.windows]})
    else:
        _show(found)


def _latest(control: Control, database: str) -> Offsets:
    # Brings every stage, which the other commands need not wait for.
    from sanitizers.pipeline import stored_results

    refused: tuple[dict[str, str], ...] = ()
    for run in control.runs(database):
        results = stored_results(control, run.id)
        if OffsetResult in results:
            offset, migrate = results[OffsetResult], results.get(MigrateResult)
            windows = (*offset.windows, *offset.counters, *(migrate.windows if migrate else ()))
            generation = control.generation_of(run.id)
            label, keys = generation.label if generation else "", results[PlanResult].plan.ids
            return Offsets(database, label, offset.day, windows, keys, refused)
        if run.error and run.error.get("error") == OffsetExhausted.__name__:
            refused = refused or tuple(run.error["problems"])
    problems = tuple(Problem(**problem) for problem in refused)
    raise NotFound(f"no run of {database} has given windows yet", problems=problems)


def _told(window: Window) -> dict[str, Any]:
    return {**jsonable(window), "forecast": window.forecast}


def _show(found: Offsets) -> None:
    title = f"{found.database}: ids of {found.generation}, {found.day}"
    screen().print(grid(title, _HEADINGS, map(_row, found.windows)))
    _lines("Attention", (window.forecast for window in found.windows if window.ends_soon))
    _lines("Refused since", (str(Problem(**problem)) for problem in found.refused))
    staying = (key for key in found.keys if key.made_by in _STAYING)
    _lines("Not moved", (f"{key.table}.{key.column}: {_why(key)}" for key in staying))
    uuids = [f"{key.table}.{key.column}" for key in found.keys if key.made_by == "uuid"]
    _lines("UUIDs, which need nothing", [listed(uuids)] if uuids else [])


def _lines(title: str, lines: Iterable[str]) -> None:
    if listed_ := list(lines):
        click.echo("\n".join([f"{title}:", *(f"  {line}" for line in listed_)]))


def _why(key: IdPlan) -> str:
    return _STAYING[key.made_by] + (f"; accepted: {key.reason}" if key.reason else "")


def _row(window: Window) -> tuple[str, ...]:
    return (
        str(window.sequence),
        listed(window.columns),
        window.type,
        f"{window.production:,}",
        _range(*window.past[-1]) if window.past else "",
        _range(window.first, window.last),
        "" if window.headroom is None else f"{window.headroom * 100:.4g} %",
        _nights(window.nights),
    )


def _nights(nights: int | None) -> str:
    if nights is None:
        return ""
    return f"over {FAR:,}" if nights > FAR else f"{nights:,}"


def _range(first: int, last: int) -> str:
    return f"{first:,} to {last:,}"


COMMANDS = (offsets,)
