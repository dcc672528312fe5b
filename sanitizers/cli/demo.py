"""`demo`: the whole product at work on a made-up hospital, on this machine, in one command."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sanitizers.cli.present import show_database, table
from sanitizers.cli.refresh import conclude, machine_outcome, watched
from sanitizers.cli.terminal import Shell, examples, json_option, say, screen
from sanitizers.cli.words import number
from sanitizers.results import ReapResult, SwitchResult
from sanitizers.settings import default_home

if TYPE_CHECKING:
    from sanitizers.demo.session import Demo, Person


@click.command(
    epilog=examples(
        "understudy demo                        make production, refresh staging, show both",
        "understudy demo                        again: an incremental snapshot, a second generation",
        "understudy demo --patients 50000",
        "understudy demo stop                   stop and remove all of it",
    )
)
@click.argument("action", type=click.Choice(["run", "stop", "status"]), default="run")
@click.option(
    "--patients", type=click.IntRange(min=10), default=1000, show_default=True, help="Size of a new hospital."
)
@click.option(
    "--home", type=click.Path(path_type=Path), help="Where it lives.  [default: `demo` in Understudy's home]"
)
@json_option
def demo(action: str, patients: int, home: Path | None, as_json: bool) -> None:
    """See a nightly refresh at work on a made-up hospital.

    Starts a PostgreSQL server as production, fills it, refreshes its staging copy, and shows a few patients
    on both sides. Needs no server, no container and no rights. Everything lives in one folder.
    """
    from sanitizers.demo.session import Demo

    chosen = Demo((home or default_home() / "demo").absolute())
    _ACTIONS[action](chosen, patients, as_json)


def _run(demo: Demo, patients: int, as_json: bool) -> None:
    console = screen(err=as_json)
    demo.prepare(patients, lambda step: console.print(step, markup=False))
    console.print()
    with Shell(demo.settings, True).workspace() as workspace:
        from sanitizers.stages.base import Options

        outcome = watched(workspace, "hospital", console, Options(trigger="demo"), live=not as_json)
    pairs = demo.compare(outcome.results[SwitchResult].destination)
    if as_json:
        shown = [{"production": before, "staging": after} for before, after in pairs]
        about = {"settings": demo.settings, "psql": demo.psql(), "patients": shown}
        say({**machine_outcome("hospital", outcome), **about})
        return
    console.print()
    _show_pairs(console, pairs)
    conclude(console, outcome)
    _show_next(console, demo, len(outcome.results[ReapResult].kept))


def _show_pairs(console: Console, pairs: list[tuple[Person, Person]]) -> None:
    console.print((_wide if console.width >= _WIDE else _narrow)(pairs))
    console.print(Text(_LEGEND, "dim"))


_FIELDS = ("name", "email", "phone", "ssn", "mrn", "city", "born")
_TITLE = "The same patients in production and in staging"
_WIDE = 156
"""Columns of the terminal from which on a patient fits into a line."""


def _wide(pairs: list[tuple[Person, Person]]) -> Table:
    shown = table(_TITLE, "", "", *_FIELDS)
    for before, after in pairs:
        shown.add_row(_label(before), "production", *(Text(_field(before, name), "dim") for name in _FIELDS))
        shown.add_row("", "staging", *(_changed(before, after, name) for name in _FIELDS), end_section=True)
    return shown


def _narrow(pairs: list[tuple[Person, Person]]) -> Table:
    shown = table(_TITLE, "", "", "production", "staging")
    for before, after in pairs:
        for name in _FIELDS:
            label = _label(before) if name == _FIELDS[0] else ""
            values = (Text(_field(before, name), "dim"), _changed(before, after, name))
            shown.add_row(label, name, *values, end_section=name == _FIELDS[-1])
    return shown


def _label(person: Person) -> str:
    return f"{person.id} (test)" if person.is_test else str(person.id)


def _field(person: Person, name: str) -> str:
    return str(getattr(person, name))


_LEGEND = """\
Production's patients are made up, too. Test patients arrive unchanged, because the policy says so;
birth dates and cities may stay in a limited data set."""


def _changed(before: Person, after: Person, name: str) -> Text:
    value = _field(after, name)
    return Text(value, "dim" if value == _field(before, name) else "bold")


def _show_next(console: Console, demo: Demo, generations: int) -> None:
    command = f"{_program()} --settings {demo.settings}"
    lines = {
        "Staging in psql": demo.psql(),
        "What there is": f"{command} status hospital",
        "Once more": f"{_again(demo, '')}   (an incremental snapshot, a new generation)",
        **({"Back by one": f"{command} rollback hospital"} if generations > 1 else {}),
        "The end": _again(demo, " stop"),
    }
    console.print("\n[bold]To try next[/]")
    for what, how in lines.items():
        console.print(f"  {what:16} {how}", markup=False, soft_wrap=True)


def _again(demo: Demo, action: str) -> str:
    home = "" if demo.home == default_home() / "demo" else f" --home {demo.home}"
    return f"{_program()} demo{action}{home}"


def _program() -> str:
    """How this program was started, as one would type it again."""
    started = Path(sys.argv[0])
    if started.name == "__main__.py":
        return f"{_short(Path(sys.executable))} -m sanitizers.cli"
    return "understudy" if shutil.which("understudy") else _short(started)


def _short(path: Path) -> str:
    """Relative to where the user is, when it lies below."""
    place = path.absolute()
    return str(place.relative_to(Path.cwd())) if place.is_relative_to(Path.cwd()) else str(place)


def _stop(demo: Demo, patients: int, as_json: bool) -> None:
    existed = demo.exists
    servers = demo.stop()
    if as_json:
        say({"home": demo.home, "removed": existed, "servers": servers})
    elif existed:
        click.echo(f"Stopped {number(servers, 'server')} and removed {demo.home}.")
    else:
        click.echo(f"No demo in {demo.home}.")


def _status(demo: Demo, patients: int, as_json: bool) -> None:
    there = demo.settings.is_file()
    running = there and demo.production.running
    found = []
    if there:
        with Shell(demo.settings, True).workspace() as workspace:
            found = workspace.status("hospital")
    if as_json:
        say({"home": demo.home, "exists": there, "production_running": running, "databases": found})
        return
    if not there:
        click.echo(f"No demo in {demo.home}.")
        return
    click.echo(f"Production {'runs' if running else 'is stopped'}, settings {demo.settings}")
    for one in found:
        show_database(screen(), one)


_ACTIONS: dict[str, Callable[[Demo, int, bool], None]] = {"run": _run, "stop": _stop, "status": _status}
COMMANDS = (demo,)
