"""What runs by day: reaping what has expired, seeing drift before the night does, rolling back, tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, BaseNotifier, CronTriggerTimetable, Param, get_parsing_context

from sanitizers.airflow.factory import staging_asset
from sanitizers.airflow.metrics import staging_age
from sanitizers.airflow.nights import ROLLBACK
from sanitizers.airflow.operators import UnderstudyOperator
from sanitizers.drift import catch_up
from sanitizers.endpoints import endpoint_provider
from sanitizers.errors import EndpointFailed, PlanRefused, Problem
from sanitizers.settings import Settings, Target
from sanitizers.workspace import Workspace

if TYPE_CHECKING:
    from airflow.sdk import Context


class Reap(UnderstudyOperator):
    """Destroys what has expired, gives up runs nobody drives any more, and sees that live staging runs."""

    def call(self, workspace: Workspace, context: Context) -> dict[str, Any]:
        live = workspace.start(self.database)
        if since := workspace.freshness(self.database).live_since:
            staging_age(self.database, (datetime.now(UTC) - since).total_seconds())
        reaped = workspace.reap(self.database)
        return {"live": live, "destroyed": [*reaped.destroyed, *reaped.orphans]}


class Drift(UnderstudyOperator):
    """Compares production with policy and staging; replays migrations that production has received since."""

    def call(self, workspace: Workspace, context: Context) -> dict[str, Any]:
        watcher = self.watcher()

        def tell(item: str, detail: str = "", *, done: bool = False) -> None:
            watcher.item("drift", item, detail, done=done)

        found = catch_up(workspace, self.database, tell)
        if found.findings:
            problems = tuple(Problem(one.subject, one.what, one.hint) for one in found.findings)
            raise PlanRefused("production has drifted: see to it before tonight", problems=problems)
        return {"live": found.live, "replayed": [migration.version for migration in found.replayed]}


class Rollback(UnderstudyOperator):
    """Points the endpoint back at an earlier generation."""

    def call(self, workspace: Workspace, context: Context) -> str:
        params, by = context["params"], context["dag_run"].triggering_user_name
        said = f"rollback by {by or 'unknown'}: {params['reason']}"
        return workspace.rollback(self.database, params["to"], by=said).destination.generation


class StagingAnswers(UnderstudyOperator):
    """The smallest integration test: who connects to staging now finds the generation that was announced."""

    def call(self, workspace: Workspace, context: Context) -> str:
        events = [event for found in context["triggering_asset_events"].values() for event in found]
        with workspace.staging(self.database) as connection:
            connection.execute("SELECT count(*) FROM pg_tables")
        pointed = endpoint_provider(workspace.settings.target(self.database).endpoint).current()
        served = pointed.generation if pointed else "nothing"
        if events and events[-1].extra["generation"] != served:
            raise EndpointFailed(f"staging serves {served}, another than was announced", where=self.database)
        return served


def integration_tests_dags(settings: Settings) -> Iterator[DAG]:
    """For each target an example of a DAG that starts whenever there is a new staging copy."""
    for database, target in settings.targets.items():
        with DAG(
            dag_id=f"integration_tests_{database}",
            description=f"An example: tests on every new staging copy of {database}",
            schedule=[staging_asset(database, target)],
            max_active_runs=1,
            tags={"understudy", "example"},
        ) as dag:
            StagingAnswers(task_id="staging_answers", database=database, **_host(target))
        yield dag


def rollback_dags(settings: Settings) -> Iterator[DAG]:
    """A DAG for each target that somebody with the right to run it can trigger."""
    wanted = get_parsing_context().dag_id
    for database, target in settings.targets.items():
        if wanted is not None and wanted != ROLLBACK + database:
            continue
        to = Param(
            None, type=["null", "string"], title="To", description="A generation; empty: the one before."
        )
        reason = Param(
            type="string", minLength=1, title="Because", description="Goes into the history of switches."
        )
        with DAG(
            dag_id=ROLLBACK + database,
            description=f"Points staging of {database} back at an earlier generation",
            schedule=None,
            is_paused_upon_creation=False,
            max_active_runs=1,
            params={"to": to, "reason": reason},
            tags={"understudy", "rollback"},
        ) as dag:
            Rollback(task_id="rollback", database=database, **_host(target))
        yield dag


def reaper_dag(settings: Settings, every: str = "17 * * * *") -> DAG:
    """One DAG, one task for each target on its own host."""
    return _by_day(
        "understudy_reaper", "Destroys expired generations, keeps live ones up", every, Reap, settings
    )


def drift_dag(
    settings: Settings, notifiers: Sequence[BaseNotifier] = (), every: str = "*/30 6-22 * * *"
) -> DAG:
    """One DAG, one task for each target; `notifiers` hear what would make the night fail."""
    about = "Compares production with policy and staging, replays what production has received"
    return _by_day("understudy_drift", about, every, Drift, settings, on_failure_callback=list(notifiers))


def _by_day(
    dag_id: str, about: str, every: str, operator: type[UnderstudyOperator], settings: Settings, **more: Any
) -> DAG:
    with DAG(
        dag_id=dag_id,
        description=about,
        schedule=CronTriggerTimetable(every, timezone="UTC", run_immediately=timedelta(0)),
        catchup=False,
        max_active_runs=1,
        default_args={"execution_timeout": timedelta(hours=1)},
        tags={"understudy", "by-day"},
    ) as dag:
        for database, target in settings.targets.items():
            operator(task_id=database, database=database, **_host(target), **more)
    return dag


def _host(target: Target) -> dict[str, Any]:
    """Where tasks of a target run: beside its clones."""
    return {"pool": target.pool, **({"queue": target.queue} if target.queue else {})}
