"""`doctor`: in words, what is there, what is missing, and how to get it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import click
from rich.table import Table
from rich.text import Text

from sanitizers.cli.terminal import Shell, examples, json_option, say, screen
from sanitizers.cli.words import number
from sanitizers.errors import NotFound, UnderstudyError
from sanitizers.settings import Settings

_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


@click.command(epilog=examples("understudy doctor", "understudy doctor hospital", "understudy doctor --json"))
@click.argument("database", required=False)
@json_option
@click.pass_obj
def doctor(shell: Shell, database: str | None, as_json: bool) -> None:
    """Check this machine, and the databases of the settings, for all that a refresh needs.

    Each line says ok, warn or fail, and what to do about it. Nothing is changed. Without a settings file the
    machine alone is checked. The exit code is 0 unless something fails.
    """
    from sanitizers.cli.checks import Finding, control_findings, host_findings, target_findings

    settings = _settings(shell, needed=database is not None)
    groups: dict[str, list[Finding]] = {"this machine": list(host_findings(settings))}
    if settings:
        groups["this machine"] += control_findings(settings)
        targets = {database: settings.target(database)} if database else settings.targets
        groups |= {name: list(target_findings(name, target, settings)) for name, target in targets.items()}
    counts: Counter[str] = Counter(finding.verdict for findings in groups.values() for finding in findings)
    if as_json:
        say({"ok": not counts["fail"], "checks": groups})
    else:
        for name, findings in groups.items():
            _show(name, [(one.verdict, one.subject, one.what, one.hint) for one in findings])
        _sum_up(counts, settings, shell)
    if counts["fail"]:
        click.get_current_context().exit(UnderstudyError.exit_code)


def _settings(shell: Shell, *, needed: bool) -> Settings | None:
    try:
        return shell.settings()
    except NotFound:
        if needed or shell.named:
            raise
        return None


def _show(name: str, lines: Sequence[tuple[str, str, str, str]]) -> None:
    console = screen()
    grid = Table.grid(padding=(0, 2, 0, 0))
    for width in (4, 13):
        grid.add_column(min_width=width)
    grid.add_column(overflow="fold")
    for verdict, subject, what, hint in lines:
        grid.add_row(Text(verdict, _STYLES[verdict]), subject, Text(what))
        if hint:
            grid.add_row("", "", Text(f"-> {hint}", "italic"))
    console.print(f"\n[bold]{name}[/]")
    console.print(grid)


def _sum_up(counts: Counter[str], settings: Settings | None, shell: Shell) -> None:
    if settings is None:
        click.echo(f"\nNo settings file {shell.file} here, so no database was checked.")
    if counts["fail"]:
        click.echo(f"\n{number(counts['fail'], 'thing')} to mend before a refresh can work.")
    elif counts["warn"]:
        click.echo(f"\nAll that is needed is there; {number(counts['warn'], 'thing')} could be better.")
    else:
        click.echo("\nAll that is needed is there.")


COMMANDS = (doctor,)
