"""`status`, `report`: what there is, and what a run left as evidence."""

from __future__ import annotations

import click

from sanitizers.cli.present import show_database, show_overview
from sanitizers.cli.terminal import Shell, examples, json_option, say, screen


@click.command(epilog=examples("understudy status", "understudy status hospital --json"))
@click.argument("database", required=False)
@json_option
@click.pass_obj
def status(shell: Shell, database: str | None, as_json: bool) -> None:
    """Show what staging serves: all databases, or one with its generations and runs."""
    with shell.workspace() as workspace:
        found = workspace.status(database)
    if as_json:
        say(found)
    elif database:
        for one in found:
            show_database(screen(), one)
    else:
        show_overview(screen(), found)


@click.command(
    epilog=examples(
        "understudy report hospital                    the last run",
        "understudy report hospital 0191a4e2-...       an earlier one, as listed by status",
        'xdg-open "$(understudy report hospital --open)"',
    )
)
@click.argument("database")
@click.argument("run", required=False)
@click.option("--open", "path_only", is_flag=True, help="Print the path of the page and nothing else.")
@json_option
@click.pass_obj
def report(shell: Shell, database: str, run: str | None, path_only: bool, as_json: bool) -> None:
    """Show where the evidence of a run of DATABASE lies: the record (JSON) and the page (HTML)."""
    with shell.workspace() as workspace:
        found = workspace.report(database, run)
    if as_json:
        say(found)
    elif path_only:
        click.echo(found.page)
    else:
        click.echo(f"Page    {found.page}\nRecord  {found.record}\nSHA-256 {found.digest}")


COMMANDS = (status, report)
