"""The steps of a refresh as Airflow operators: each opens the run, takes one step, and lets go of it.

What a run is and how far it has come is in the control database; a task only carries the run's id.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from sanitizers.airflow.lineage import emit_lineage
from sanitizers.airflow.metrics import MeteredWatcher, run_finished
from sanitizers.airflow.plugin import PREFIX
from sanitizers.airflow.vault import Connections
from sanitizers.errors import UnderstudyError
from sanitizers.pipeline import RELEASE, STAGES, Execution
from sanitizers.results import PlanResult, ScrubResult, SnapshotResult, ValidateResult
from sanitizers.settings import DEFAULT_FILE, VAULTS, Settings, load_settings
from sanitizers.stages.base import Approver, Decision, Options, Run
from sanitizers.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from airflow.sdk import Context

OPEN = "open_run"
ASK = "ask"
APPROVE, REJECT = "Approve", "Reject"


def settings_file() -> Path:
    """Where Airflow's processes find the settings: `UNDERSTUDY_SETTINGS`."""
    return Path(os.environ.get("UNDERSTUDY_SETTINGS", DEFAULT_FILE))


def read_settings() -> Settings:
    """The settings, with Airflow's connections to refer to."""
    VAULTS["airflow"] = Connections()
    return load_settings(settings_file())


@contextmanager
def opened(log: Any) -> Iterator[Workspace]:
    """The workspace, with Understudy's errors in Airflow's terms.

    Only what may succeed later with nothing changed is tried again. Of errors that are not Understudy's own
    the log gets the type and the lines of code: their text may hold data.
    """
    try:
        with open_workspace(read_settings()) as workspace:
            yield workspace
    except UnderstudyError as error:
        raised = AirflowException if error.retryable else AirflowFailException
        raise raised(str(error)) from None
    except AirflowException:
        raise
    except Exception as error:
        for line in traceback.format_tb(error.__traceback__):
            log.error("%s", line.rstrip())
        raise AirflowFailException(f"a mistake in Understudy: {type(error).__name__}") from None


class UnderstudyOperator(BaseOperator):
    """One call of Understudy's for one database, where it is about one, for one stage of its run."""

    def __init__(self, *, database: str, stage: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.database = database
        self.stage = stage

    def execute(self, context: Context) -> Any:
        with opened(self.log) as workspace:
            return self.call(workspace, context)

    def call(self, workspace: Workspace, context: Context) -> Any:
        """What the task does."""
        raise NotImplementedError

    def watcher(self) -> MeteredWatcher:
        return MeteredWatcher(self.database)


class OpenRun(UnderstudyOperator):
    """Begins the run, or finds the one this DAG run began before; everything after works on its id."""

    def call(self, workspace: Workspace, context: Context) -> str:
        params, dag_run = context["params"], context["dag_run"]
        by = dag_run.triggering_user_name
        options = Options(
            full_snapshot=params["full_snapshot"],
            dry_run=params["dry_run"],
            trigger=f"airflow, {dag_run.run_type.value}" + (f", {by}" if by else ""),
        )
        driver = f"airflow:{dag_run.dag_id}/{dag_run.run_id}"
        return workspace.open_run(self.database, options, driver)


class BrokenPolicy(OpenRun):
    """Stands in for a database whose policy cannot be read: refuses the night, on record, with the reason."""

    def call(self, workspace: Workspace, context: Context) -> str:
        super().call(workspace, context)
        workspace.abandon(self.database)
        raise AirflowFailException(
            "the policy can be read by now: trigger the DAG again once it shows its stages"
        )


class RunOperator(UnderstudyOperator):
    """Something done with the run that `open_run` has opened."""

    shared = False
    """Whether several tasks do this at once."""

    def call(self, workspace: Workspace, context: Context) -> Any:
        run_id = context["ti"].xcom_pull(task_ids=OPEN)
        approver = self.approver(context)
        with workspace.resume(run_id, self.watcher(), approver=approver, shared=self.shared) as execution:
            return self.advance(execution, context)

    def advance(self, execution: Execution, context: Context) -> Any:
        """What the task does with the run."""
        raise NotImplementedError

    def approver(self, context: Context) -> Approver | None:
        return None


class Stage(RunOperator):
    """One stage, whole. Skipped, and with it what follows, where a rehearsal ends."""

    def advance(self, execution: Execution, context: Context) -> Any:
        if execution.run.options.dry_run and self.stage in RELEASE:
            raise AirflowSkipException("a rehearsal ends before the release")
        execution.step(self.stage)


class Divide(Stage):
    """Begins a divisible stage; gives its parts."""

    def advance(self, execution: Execution, context: Context) -> list[list[str]]:
        return execution.divide(self.stage)


class Part(Stage):
    """One part of a divisible stage."""

    shared = True

    def __init__(self, *, items: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.items = items

    def advance(self, execution: Execution, context: Context) -> None:
        execution.part(self.stage, self.items)


class Unite(Stage):
    """Ends a divisible stage whose parts are done."""

    def advance(self, execution: Execution, context: Context) -> None:
        execution.unite(self.stage)
        if ScrubResult in execution.run.results:
            emit_lineage(execution.run)


class Ask(HITLOperator):
    """Asks people for go or no-go on Airflow's own page. Nobody in time means no."""

    def __init__(self, *, database: str, **kwargs: Any) -> None:
        super().__init__(
            subject=f"Release tonight's staging copy of {database}?",
            options=[APPROVE, REJECT],
            defaults=REJECT,
            **kwargs,
        )
        self.database = database

    def execute(self, context: Context) -> Any:
        params = context["params"]
        if params["dry_run"]:
            raise AirflowSkipException("a rehearsal ends before the release")
        if reason := params["skip_approval"]:
            by = context["dag_run"].triggering_user_name or "whoever triggered the run"
            return {"skipped": True, "by": by, "reason": reason}
        run_id = context["ti"].xcom_pull(task_ids=OPEN)
        with (
            opened(self.log) as workspace,
            workspace.resume(run_id, MeteredWatcher(self.database)) as execution,
        ):
            self.body = _facts(execution.run)
        return super().execute(context)


def _facts(run: Run) -> str:
    """What somebody should know of the generation before deciding."""
    snapshot, plan = run.result(SnapshotResult).snapshot, run.result(PlanResult).plan
    gates = run.result(ValidateResult).gates
    treated = sum(len(rule.treated) for rule in plan.rules)
    rows = sum(table.rows for table in run.result(ScrubResult).tables)
    return (
        f"**{run.generation}** has passed every gate and waits, sealed.\n\n"
        f"- production as of {snapshot.taken_at:%Y-%m-%d %H:%M} UTC\n"
        f"- {treated} columns treated, {rows:,} rows rewritten, {len(gates)} gates passed\n"
        f"- policy version {plan.policy_version}, profile {plan.profile}, plan {plan.digest[:12]}\n\n"
        "Approve: staging is switched to it. Reject: it is destroyed, staging serves what it served."
    )


class Approve(Stage):
    """The stage that hears what was answered, and keeps it for the evidence."""

    def approver(self, context: Context) -> Approver | None:
        answer = context["ti"].xcom_pull(task_ids=ASK)
        return (lambda database, generation: decision(answer)) if answer else None


def decision(answer: dict[str, Any]) -> Decision:
    """What `Ask` gave, as a decision."""
    if answer.get("skipped"):
        return Decision(True, answer["by"], f"approval skipped: {answer['reason']}")
    granted = answer["chosen_options"] == [APPROVE]
    reason = (answer["params_input"] or {}).get("reason") or ""
    at = answer["responded_at"]
    when = datetime.fromisoformat(at) if isinstance(at, str) else at
    if user := answer["responded_by_user"]:
        return Decision(granted, user["name"], reason, when)
    return Decision(granted, "nobody", "no answer in time", when)


class Switch(Stage):
    """The switch, which tells whoever waits for new staging data."""

    def advance(self, execution: Execution, context: Context) -> None:
        super().advance(execution, context)
        run = execution.run
        for asset in self.outlets:
            context["outlet_events"][asset].extra = {
                "database": run.database,
                "generation": run.generation,
                "run": run.id,
                "report": f"{PREFIX}/dags/{self.dag_id}/reports/{run.id}",
            }


class Report(RunOperator):
    """Writes the evidence, whatever became of the run."""

    def advance(self, execution: Execution, context: Context) -> None:
        execution.report()


class Reap(RunOperator):
    """Ends the run and destroys what has expired."""

    def advance(self, execution: Execution, context: Context) -> None:
        run_finished(self.database, execution.reap())


class Verdict(UnderstudyOperator):
    """Makes the DAG run red unless the night was released, or rehearsed, and its evidence is written.

    Where failed tasks were cleared and the teardowns, which had succeeded, were not, it ends the run itself.
    """

    def call(self, workspace: Workspace, context: Context) -> str:
        run_id = context["ti"].xcom_pull(task_ids=OPEN)
        if workspace.control.run(run_id).status == "running":
            with workspace.resume(run_id, self.watcher()) as execution:
                run_finished(self.database, execution.conclude().status)
        run = workspace.control.run(run_id)
        wanted = [name for name in STAGES if not (run.options["dry_run"] and name in RELEASE)]
        done = {entry.stage for entry in workspace.control.stages(run.id) if entry.status == "finished"}
        if left := [name for name in wanted if name not in done]:
            what = (run.error or {}).get("what", "")
            raise AirflowFailException(
                f"{run.status}; not done: {', '.join(left)}. {what}".rstrip(". ") + "."
            )
        return run.status
