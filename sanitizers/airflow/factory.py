"""DAGs made from the settings' targets and the pipeline's own list of stages: one night, one DAG run.

`open_run` only reserves a generation and so cannot half-fail; that makes it the setup whose teardowns follow
whatever fails in between. A plain teardown comes first after the switch and the one that judges last: a run
whose last task succeeds is green in Airflow, however its middle went.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from airflow.sdk import (
    DAG,
    Asset,
    BaseNotifier,
    CronTriggerTimetable,
    Param,
    TaskGroup,
    chain,
    get_parsing_context,
)
from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from sanitizers.airflow.nights import REFRESH
from sanitizers.airflow.operators import (
    ASK,
    OPEN,
    Approve,
    Ask,
    BrokenPolicy,
    Divide,
    OpenRun,
    Part,
    Reap,
    Report,
    Stage,
    Switch,
    Unite,
    Verdict,
)
from sanitizers.errors import UnderstudyError
from sanitizers.pipeline import FORWARD, Step
from sanitizers.policy.document import LoadedPolicy, load_policy
from sanitizers.settings import Settings, Target
from sanitizers.stages import approve, switch

TIMEOUT = timedelta(hours=12)
"""For one task. A run as a whole has none: Airflow would skip the teardowns and leave the clone behind."""


_PART = "{{ task.items[0] }}{% if task.items[1:] %} and {{ task.items[1:] | length }} more{% endif %}"


def refresh_dags(settings: Settings, notifiers: Sequence[BaseNotifier] = ()) -> Iterator[DAG]:
    """The refresh of every target; in a task's own process, of the one target it belongs to.

    A policy that cannot be read becomes a DAG that fails and says why. `notifiers` hear of every night that
    did not come through.
    """
    wanted = get_parsing_context().dag_id
    for database, target in settings.targets.items():
        if wanted is None or wanted == REFRESH + database:
            yield _refresh_dag(database, target, list(notifiers))


def staging_asset(database: str, target: Target) -> Asset:
    """What the switch makes new: schedule DAGs of tests on it."""
    return Asset(name=f"staging/{database}", uri=f"understudy://{target.endpoint.service}")


def _refresh_dag(database: str, target: Target, notifiers: list[BaseNotifier]) -> DAG:
    try:
        policy, problem = load_policy(target.policy), ""
    except UnderstudyError as error:
        policy, problem = None, str(error)
    with DAG(
        dag_id=REFRESH + database,
        description=f"The nightly staging copy of {database}",
        schedule=_timetable(target),
        catchup=False,
        max_active_runs=1,
        default_args={
            "execution_timeout": TIMEOUT,
            "retries": 3,
            **({"queue": target.queue} if target.queue else {}),
        },
        deadline=_deadline(database, target),
        tags={"understudy", "policy-error" if problem else "refresh"},
        doc_md=_description(database, target, policy, problem),
    ) as dag:
        opening = BrokenPolicy if problem else OpenRun
        open_run = opening(task_id=OPEN, database=database, on_failure_callback=notifiers)
        if not problem:
            _stages(open_run, database, target, notifiers)
    # Given sooner, every task would copy them, which takes a fifth of all the time.
    dag.params.update(_params(target))
    return dag


def _timetable(target: Target) -> CronTriggerTimetable | None:
    if target.schedule is None:
        return None
    # Without a start date and with this, unpausing a DAG starts nothing before its next slot.
    return CronTriggerTimetable(
        target.schedule.cron, timezone=target.schedule.timezone, run_immediately=timedelta(0)
    )


def _params(target: Target) -> dict[str, Param]:
    full = "Copy all of production, even where an increment would do."
    rehearsal = "Stop before the release: staging keeps what it serves."
    skip = "Release without asking anybody. The reason goes into the evidence, with your name."
    params = {
        "full_snapshot": Param(False, type="boolean", title="Full snapshot", description=full),
        "dry_run": Param(False, type="boolean", title="Rehearsal", description=rehearsal),
    }
    if target.approval == "required":
        params["skip_approval"] = Param(
            None, type=["null", "string"], minLength=1, title="Skip the approval, because", description=skip
        )
    return params


def _deadline(database: str, target: Target) -> DeadlineAlert | None:
    """Staging that is older than promised is told while the night still runs."""
    schedule = target.schedule
    promised = schedule and schedule.promised(datetime.now(ZoneInfo("UTC")))
    if not promised:
        return None
    began, due = promised
    callback = SyncCallback("sanitizers.airflow.alerts.late", kwargs={"database": database})
    return DeadlineAlert(DeadlineReference.DAGRUN_LOGICAL_DATE, due - began, callback, name="fresh")


def _stages(open_run: OpenRun, database: str, target: Target, notifiers: list[BaseNotifier]) -> None:
    common = {"database": database}
    stages = [task for step in FORWARD for task in _tasks(step, database, target)]
    report = Report(task_id="publish_report", **common).as_teardown()
    reap = Reap(task_id="reap", **common).as_teardown()
    verdict = Verdict(task_id="verdict", retries=0, on_failure_callback=notifiers, **common)
    verdict.as_teardown(on_failure_fail_dagrun=True)
    open_run.as_setup()  # type: ignore[no-untyped-call]
    chain(open_run, *stages, report, reap, verdict)
    open_run >> [report, reap, verdict]


def _tasks(step: Step, database: str, target: Target) -> Iterator[Any]:
    """The tasks of one stage, in order."""
    common: dict[str, Any] = {"database": database, "pool": target.pool}
    if step.divisible:
        yield _divided(step, target, common)
    elif step.stage is approve:
        if target.approval == "required":
            yield _ask(database, target)
        yield Approve(task_id=step.name, stage=step.name, **common)
    elif step.stage is switch:
        yield Switch(task_id=step.name, stage=step.name, outlets=[staging_asset(database, target)], **common)
    else:
        yield Stage(task_id=step.name, stage=step.name, **common)


def _divided(step: Step, target: Target, common: dict[str, Any]) -> TaskGroup:
    with TaskGroup(group_id=step.name) as group:
        divide = Divide(task_id="divide", stage=step.name, **common)
        parts = Part.partial(
            task_id="tables",
            stage=step.name,
            max_active_tis_per_dagrun=target.parallel,
            map_index_template=_PART,
            **common,
        ).expand(items=divide.output)
        parts >> Unite(task_id="unite", stage=step.name, **common)
    return group


def _ask(database: str, target: Target) -> Ask:
    reason = Param("", type="string", title="Why", description="Goes into the evidence, with your name.")
    within = timedelta(hours=target.approval_within_hours)
    return Ask(
        task_id=ASK,
        database=database,
        params={"reason": reason},
        response_timeout=within,
        execution_timeout=None,
    )


def _description(database: str, target: Target, policy: LoadedPolicy | None, problem: str) -> str:
    if policy is None:
        return (
            f"**The policy of {database} cannot be read, so there is no refresh.**\n\n```\n{problem}\n```\n"
        )
    schedule = target.schedule
    when = f"`{schedule.cron}` in {schedule.timezone}" if schedule else "when triggered"
    promise = f", promised fresh by {schedule.fresh_by:%H:%M}" if schedule and schedule.fresh_by else ""
    return (
        f"Makes the staging copy of **{database}** {when}{promise}, and switches `{target.endpoint.service}` "
        "to it once every gate has passed. Until then, and whatever fails, staging serves what it served.\n\n"
        f"Policy version {policy.policy.version}, profile {policy.policy.profile}, "
        f"{len(policy.policy.tables)} tables. Handle the result as protected health information.\n\n"
        "A stage that failed can be cleared and goes on from there for half a day; after a refusal, mend "
        "what was refused and clear the whole run.\n"
    )
