"""`refresh`: one run of one database, watched; and who may say yes to it."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from sanitizers.cli.live import Display, display
from sanitizers.cli.terminal import Shell, examples, interactive, json_option, say, screen
from sanitizers.cli.words import seconds
from sanitizers.results import PlanResult, ReportResult, SwitchResult

if TYPE_CHECKING:
    from sanitizers.pipeline import Outcome
    from sanitizers.stages.base import Decision, Options
    from sanitizers.workspace import Workspace


@click.command(
    epilog=examples(
        "understudy refresh hospital",
        "understudy refresh hospital --dry-run       stops before the release: staging keeps what it serves",
        "understudy refresh hospital --full          a full copy, even where an increment would do",
        'understudy refresh hospital --approve-as "Kim Novak" --reason "release 4.2 goes to testing"',
    )
)
@click.argument("database")
@click.option("--full", is_flag=True, help="Take a full snapshot, not an incremental one.")
@click.option("--dry-run", is_flag=True, help="Stop before approval and switch.")
@click.option("--approve-as", metavar="NAME", help="Who approves, where the target wants approval.")
@click.option("--reason", metavar="TEXT", help="Why; goes into the record with the name.")
@click.option("--trigger", default="manual", show_default=True, help="What set this run off, for the record.")
@json_option
@click.pass_obj
def refresh(
    shell: Shell,
    database: str,
    full: bool,
    dry_run: bool,
    approve_as: str | None,
    reason: str | None,
    trigger: str,
    as_json: bool,
) -> None:
    """Make a new staging copy of DATABASE and switch to it.

    Runs every stage from the snapshot to the switch. The first refusal ends the run; staging then serves what
    it served, and a report says what was wrong.
    """
    if bool(approve_as) != bool(reason):
        raise click.UsageError("--approve-as and --reason belong together")
    console = screen(err=as_json)
    with shell.workspace() as workspace:
        from sanitizers.stages.base import Options

        outcome = watched(
            workspace,
            database,
            console,
            Options(full_snapshot=full, dry_run=dry_run, trigger=trigger),
            live=not as_json,
            approval=Approval(approve_as, reason) if approve_as and reason else None,
        )
    if as_json:
        say(machine_outcome(database, outcome))
    else:
        conclude(console, outcome)


def watched(
    workspace: Workspace,
    database: str,
    console: Console,
    options: Options,
    *,
    live: bool,
    approval: Approval | None = None,
) -> Outcome:
    """A refresh with its progress shown. Without `approval`, whoever sits at the terminal is asked."""
    from sanitizers.pipeline import STAGES

    with display(STAGES, console, live=live) as watcher:
        approver = approval or (Asker(watcher) if interactive() else None)
        return workspace.refresh(database, options=options, watcher=watcher, approver=approver)


def machine_outcome(database: str, outcome: Outcome) -> dict[str, Any]:
    """An outcome as JSON; the plan by its digests, since `plan --json` prints it whole."""
    results = {_stage_of(kind): result for kind, result in outcome.results.items() if kind is not PlanResult}
    if plan := outcome.results.get(PlanResult):
        results["plan"] = {"digest": plan.plan.digest, "policy_digest": plan.plan.policy_digest}
    return {
        "database": database,
        "run": outcome.run_id,
        "generation": outcome.generation,
        "status": outcome.status,
        "timings": outcome.timings,
        "results": results,
    }


def _stage_of(kind: type) -> str:
    return kind.__name__.removesuffix("Result").lower()


def conclude(console: Console, outcome: Outcome) -> None:
    """The compact summary after a run that came through."""
    total = seconds(sum(outcome.timings.values()))
    released = outcome.results.get(SwitchResult)
    console.print()
    if released:
        console.print(f"[bold green]Released[/] {outcome.generation} in {total}. Handle it as PHI.")
        console.print(f"  Connect  {released.endpoint}", markup=False, soft_wrap=True)
    else:
        console.print(f"[bold]Rehearsed[/] {outcome.generation} in {total}; nothing was switched.")
    if report := outcome.results.get(ReportResult):
        console.print(f"  Report   {report.page}", markup=False, soft_wrap=True)


@dataclass(frozen=True)
class Approval:
    """A decision made before the run, on the command line."""

    name: str
    reason: str

    def __call__(self, database: str, generation: str) -> Decision:
        from sanitizers.stages.base import Decision

        return Decision(True, self.name, self.reason)


@dataclass(frozen=True)
class Asker:
    """Asks whoever sits at the terminal, after every gate has passed."""

    watcher: Display

    def __call__(self, database: str, generation: str) -> Decision:
        from sanitizers.stages.base import Decision

        with self.watcher.pause():
            click.echo(
                f"\n{generation} has passed every gate. Staging of {database} can be switched to it.",
                err=True,
            )
            granted = click.confirm("Release it?", err=True)
            name = click.prompt("Your name, for the record", default=getpass.getuser(), err=True)
            reason = click.prompt("Why", default="decided on the terminal", err=True)
        return Decision(granted, name, reason)


COMMANDS = (refresh,)
