"""`drift`: what production has become since last night, seen before the next, and brought to staging."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sanitizers.cli.terminal import Shell, examples, json_option, say
from sanitizers.cli.words import listed, seconds
from sanitizers.errors import MigrationFailed, PlanRefused, Problem

if TYPE_CHECKING:
    from sanitizers.drift import Drift

_EXITS = {"policy": PlanRefused.exit_code, "migration": MigrationFailed.exit_code}
"""Differences of schema alone are no failure: staging serves, and the next refresh mends them."""


@click.command(
    epilog=examples(
        "understudy drift hospital",
        "understudy drift hospital --replay           bring migrations of the day to live staging",
        "understudy drift hospital --json",
    )
)
@click.argument("database")
@click.option("--replay", "replayed", is_flag=True, help="Replay production's new migrations onto staging.")
@json_option
@click.pass_obj
def drift(shell: Shell, database: str, replayed: bool, as_json: bool) -> None:
    """Compare production of DATABASE, as it is now, with its policy and with live staging.

    Reads schemas and the ledger of migrations, never another row. Exit code: 12 when tonight's refresh would
    be refused because of the policy; else 35 when a migration cannot be brought to staging; else 0, also when
    staging lacks what a replay or tonight's refresh brings.
    """
    with shell.workspace() as workspace:
        from sanitizers.drift import catch_up, compare

        found = catch_up(workspace, database, _report) if replayed else compare(workspace, database)
    if as_json:
        say(found)
    else:
        _show(found)
    kinds = {finding.kind for finding in found.findings}
    click.get_current_context().exit(next((code for kind, code in _EXITS.items() if kind in kinds), 0))


def _report(migration: str, detail: str = "", *, done: bool = False) -> None:
    click.echo(f"{migration} {detail or '...'}", err=True)


def _show(found: Drift) -> None:
    for one in found.findings:
        # Lines that can be searched and clicked: a table would break the names.
        click.echo(f"{one.kind:<10} {Problem(one.subject, one.what, one.hint)}")
    if found.replayed:
        runs = (f"{run.version} ({run.name}, {seconds(run.seconds)})" for run in found.replayed)
        click.echo(f"Replayed onto {found.live}: {listed(runs)}.")
    if found.missing:
        click.echo(f"Staging lacks migrations of production: {listed(found.missing)}.")
    if not (found.findings or found.missing):
        compared = f" and {found.live} has what production has" if found.live else ""
        click.echo(f"No drift: the policy fits production{compared}.")
    if found.live is None:
        click.echo(f"Nothing of {found.database} is live yet, so there is no staging to compare with.")


COMMANDS = (drift,)
