"""`demo`: the whole product at work on a made-up hospital, on this machine, in one command."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.text import Text

from sanitizers.cli.present import show_database, table
from sanitizers.cli.refresh import conclude, machine_outcome, watched
from sanitizers.cli.terminal import Shell, examples, json_option, say, screen
from sanitizers.cli.words import number
from sanitizers.results import SwitchResult
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
    _show_next(console, demo)


def _show_pairs(console: Console, pairs: list[tuple[Person, Person]]) -> None:
    columns = ("name", "email", "phone", "ssn", "mrn", "city", "born")
    shown = table("The same patients in production and in staging", "", *columns)
    for before, after in pairs:
        label = f"{before.id} (test)" if before.is_test else str(before.id)
        shown.add_row(label, *(Text(str(getattr(before, name)), "dim") for name in columns))
        shown.add_row("", *(_changed(before, after, name) for name in columns), end_section=True)
    console.print(shown)
    console.print(Text(_LEGEND, "dim"))


_LEGEND = """\
First line: production, all of them made-up people. Second line: staging, with what changed in bold.
Test patients arrive unchanged, because the policy says so; birth dates and cities may stay in a limited
data set."""


def _changed(before: Person, after: Person, name: str) -> Text:
    value = str(getattr(after, name))
    return Text(value, "bold" if value != str(getattr(before, name)) else "dim")


def _show_next(console: Console, demo: Demo) -> None:
    command = f"{_program()} --settings {demo.settings}"
    lines = {
        "Staging in psql": demo.psql(),
        "What there is": f"{command} status hospital",
        "Back by one": f"{command} rollback hospital      (after a second run)",
        "A second run": f"{_again(demo, '')}     (incremental, a new generation)",
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
    return "understudy" if shutil.which("understudy") else os.path.relpath(sys.argv[0])


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
