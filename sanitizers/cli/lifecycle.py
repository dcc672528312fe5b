"""`rollback`, `destroy`, `abandon`, `start`: going back, taking away, ending a stuck run, after a restart."""

from __future__ import annotations

import click

from sanitizers.cli.terminal import Shell, examples, interactive, json_option, say
from sanitizers.cli.words import listed


@click.command(
    epilog=examples(
        "understudy rollback hospital                  the generation before",
        "understudy rollback hospital --to hospital-20261121-001",
    )
)
@click.argument("database")
@click.option("--to", metavar="GENERATION", help="Which one. [default: the one before the live one]")
@json_option
@click.pass_obj
def rollback(shell: Shell, database: str, to: str | None, as_json: bool) -> None:
    """Point staging of DATABASE back at an earlier generation."""
    with shell.workspace() as workspace:
        switched = workspace.rollback(database, to)
    if as_json:
        say(switched)
        return
    before = f", before it {switched.previous.generation}" if switched.previous else ""
    click.echo(f"Staging of {database} serves {switched.destination.generation}{before}.")
    click.echo(f"  Connect  {switched.endpoint}")


@click.command(
    epilog=examples(
        "understudy destroy hospital hospital-20261121-001",
        "understudy destroy hospital --all --yes",
    )
)
@click.argument("database")
@click.argument("generation", required=False)
@click.option("--all", "everything", is_flag=True, help="Every generation, the live one included.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@click.pass_obj
def destroy(
    shell: Shell, database: str, generation: str | None, everything: bool, yes: bool, as_json: bool
) -> None:
    """Take a generation of DATABASE away, its server and its data. The live one only goes with --all."""
    if everything == bool(generation):
        raise click.UsageError("name one generation, or say --all")
    _make_sure(f"Destroy {generation or f'every generation of {database}, the live one included'}?", yes)
    with shell.workspace() as workspace:
        gone = workspace.destroy(database, generation)
    if as_json:
        say({"destroyed": gone})
    else:
        click.echo(f"Destroyed {listed(gone)}." if gone else "There was nothing to destroy.")


@click.command(epilog=examples("understudy abandon hospital"))
@click.argument("database")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@click.pass_obj
def abandon(shell: Shell, database: str, yes: bool, as_json: bool) -> None:
    """End the run of DATABASE that a scheduler has left open, and destroy what it made.

    Staging serves what it served. A run whose process is at work at this moment cannot be ended.
    """
    _make_sure(f"End the open run of {database} and destroy its clone?", yes)
    with shell.workspace() as workspace:
        ended = workspace.abandon(database)
    if as_json:
        say({"ended": ended})
    else:
        click.echo(f"Ended {listed(ended)}." if ended else "No run was open.")


@click.command(epilog=examples("understudy start", "understudy start hospital"))
@click.argument("database", required=False)
@json_option
@click.pass_obj
def start(shell: Shell, database: str | None, as_json: bool) -> None:
    """Start the servers of live generations, for instance after the staging host was restarted."""
    with shell.workspace() as workspace:
        chosen = [database] if database else sorted(workspace.settings.targets)
        served = {name: workspace.start(name) for name in chosen}
    if as_json:
        say(served)
        return
    for name, generation in served.items():
        click.echo(f"{name}: {generation} serves" if generation else f"{name}: nothing is live yet")


def _make_sure(question: str, yes: bool) -> None:
    if yes:
        return
    if not interactive():
        raise click.UsageError("nobody is here to ask; say --yes")
    click.confirm(question, abort=True, err=True)


COMMANDS = (rollback, destroy, abandon, start)
