"""A run that a scheduler takes from stage to stage: every step knows nothing but the run's id."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from sanitizers.control.model import RunEntry
from sanitizers.errors import Busy, PlanRefused, SourceUnreachable, UnderstudyError, WrongState
from sanitizers.pipeline import FORWARD, STAGES, Execution
from sanitizers.settings import load_settings
from sanitizers.stages.base import Options
from sanitizers.workspace import Workspace, open_workspace
from tests.e2e.conftest import Clinic

DRIVER = "airflow:staging_clinic/manual__1"
NAMES = [step.name for step in FORWARD]


class Silent:
    """A watcher that is not interested."""

    def stage_started(self, stage: str) -> None: ...

    def stage_finished(self, stage: str, seconds: float, result: Any) -> None: ...

    def stage_failed(self, stage: str, seconds: float, error: UnderstudyError) -> None: ...

    def item(self, stage: str, item: str, detail: str = "", *, done: bool = False) -> None: ...


@contextmanager
def opened(clinic: Clinic) -> Iterator[Workspace]:
    with open_workspace(load_settings(clinic.settings)) as workspace:
        yield workspace


@contextmanager
def resumed(clinic: Clinic, run: str, *, shared: bool = False) -> Iterator[Execution]:
    with opened(clinic) as workspace, workspace.resume(run, Silent(), shared=shared) as execution:
        yield execution


def open_run(clinic: Clinic, driver: str = DRIVER, **options: Any) -> str:
    with opened(clinic) as workspace:
        return workspace.open_run(clinic.database, Options(**options), driver)


def step(clinic: Clinic, run: str, *names: str) -> None:
    for name in names:
        with resumed(clinic, run) as execution:
            execution.step(name)


def through(last: str) -> list[str]:
    return NAMES[: NAMES.index(last) + 1]


def conclude(clinic: Clinic, run: str) -> RunEntry:
    with resumed(clinic, run) as execution:
        execution.report()
    with resumed(clinic, run) as execution:
        execution.reap()
    with opened(clinic) as workspace:
        return workspace.control.run(run)


def state(clinic: Clinic, run: str) -> str | None:
    with opened(clinic) as workspace:
        generation = workspace.control.generation_of(run)
        return generation and generation.state


def originals(clinic: Clinic, run: str) -> int:
    """Names of production's that are left in the run's clone."""
    with opened(clinic) as workspace:
        generation = workspace.control.generation_of(run)
    assert generation
    assert generation.clone
    with psycopg.connect(generation.clone.dsn()) as connection:
        found = connection.execute("SELECT count(*) FROM patients WHERE name LIKE 'Original%'").fetchone()
    assert found
    return int(found[0])


def test_stage_by_stage_it_comes_to_the_same_as_in_one_process(clinic: Clinic) -> None:
    run = open_run(clinic, trigger="airflow, scheduled")
    step(clinic, run, *NAMES)
    assert conclude(clinic, run).status == "released"
    assert (state(clinic, run), originals(clinic, run)) == ("live", 0)
    with opened(clinic) as workspace:
        with workspace.staging(clinic.database) as client:
            assert client.execute("SELECT current_user").fetchall() == [("staging",)]
        record = workspace.control.record(run)
        assert (record["status"], record["runner"]["trigger"]) == ("released", "airflow, scheduled")
        assert [timing["stage"] for timing in record["timings"]] == NAMES
        assert [entry.stage for entry in workspace.control.stages(run)] == list(STAGES)
    assert open_run(clinic) == run
    with pytest.raises(WrongState, match="the run has ended: released"):
        step(clinic, run, "snapshot")


def test_workers_share_the_tables_of_one_clone(clinic: Clinic) -> None:
    run = open_run(clinic)
    step(clinic, run, *through("plan"))
    with resumed(clinic, run) as execution:
        parts = execution.divide("scrub")
    assert sorted(heap for part in parts for heap in part) == ["public.patients", "public.visits"]

    def work(part: list[str]) -> None:
        with resumed(clinic, run, shared=True) as execution:
            execution.part("scrub", part)

    with ThreadPoolExecutor(4) as pool:
        # Each part twice, as when a worker that was given up for dead is not.
        list(pool.map(work, [*parts, *parts]))
    with resumed(clinic, run) as execution:
        execution.unite("scrub")
    assert originals(clinic, run) == 0


def test_a_scrub_with_a_part_missing_does_not_end(clinic: Clinic) -> None:
    run = open_run(clinic)
    step(clinic, run, *through("plan"))
    with resumed(clinic, run) as execution:
        first, *_ = execution.divide("scrub")
        execution.part("scrub", first)
        with pytest.raises(WrongState, match="not rewritten yet: public"):
            execution.unite("scrub")
    conclude(clinic, run)


def test_a_stage_waits_for_its_turn(clinic: Clinic) -> None:
    run = open_run(clinic)
    step(clinic, run, *through("isolate"))
    with pytest.raises(WrongState, match="plan comes before validate and is not done"):
        step(clinic, run, "validate")
    with pytest.raises(WrongState, match="scrub has not begun"), resumed(clinic, run) as execution:
        execution.part("scrub", ["public.patients"])
    conclude(clinic, run)


def test_a_stage_done_again_takes_back_what_came_after_it(clinic: Clinic) -> None:
    run = open_run(clinic)
    step(clinic, run, *through("validate"))
    assert state(clinic, run) == "validated"
    step(clinic, run, "offset")
    assert state(clinic, run) == "scrubbed"
    with pytest.raises(WrongState, match="migrate comes before switch"):
        step(clinic, run, "switch")
    step(clinic, run, "migrate", "validate", "approve", "switch")
    assert conclude(clinic, run).status == "released"


def test_what_is_scrubbed_and_purged_is_not_scrubbed_again(clinic: Clinic) -> None:
    run = open_run(clinic)
    step(clinic, run, *through("purge"))
    with pytest.raises(WrongState, match="the generation is scrubbed; scrub needs one that is sealed"):
        step(clinic, run, "scrub")
    step(clinic, run, *through("purge"))
    assert originals(clinic, run) == 0


def test_a_failed_run_goes_on_where_it_failed(clinic: Clinic) -> None:
    run = open_run(clinic)
    step(clinic, run, *through("plan"))
    with resumed(clinic, run) as execution:
        # A worker that dies leaves a stage that has begun and never ended.
        first, *_ = execution.divide("scrub")
        execution.part("scrub", first)
    ended = conclude(clinic, run)
    assert (ended.status, ended.error and ended.error["what"]) == ("failed", "scrub was not done")
    assert state(clinic, run) == "sealed"

    assert open_run(clinic) == run
    step(clinic, run, "scrub")
    assert originals(clinic, run) == 0


def test_a_retryable_failure_leaves_the_run_to_go_on(clinic: Clinic) -> None:
    port = f"port={clinic.production.port}"
    clinic.configure(port, "port=1")
    run = open_run(clinic)
    with pytest.raises(SourceUnreachable):
        step(clinic, run, "snapshot")
    assert conclude(clinic, run).status == "failed"
    clinic.configure("port=1", port)
    assert open_run(clinic) == run
    step(clinic, run, "snapshot")
    assert state(clinic, run) == "sealed"


def test_a_refused_run_is_over_and_its_clone_gone(clinic: Clinic) -> None:
    clinic.produce("ALTER TABLE patients ADD COLUMN ssn text")
    run = open_run(clinic)
    with pytest.raises(PlanRefused):
        step(clinic, run, *NAMES)
    assert conclude(clinic, run).status == "refused"
    assert state(clinic, run) == "destroyed"
    assert list(clinic.home.rglob("data/PG_VERSION")) == [clinic.home / "control" / "data" / "PG_VERSION"]
    assert open_run(clinic) != run


def test_a_rehearsal_has_no_release(clinic: Clinic) -> None:
    run = open_run(clinic, dry_run=True)
    step(clinic, run, *through("validate"))
    assert conclude(clinic, run).status == "rehearsed"
    assert state(clinic, run) == "destroyed"


def test_nobody_else_refreshes_the_database_meanwhile(clinic: Clinic) -> None:
    run = open_run(clinic)
    result = clinic.run("refresh", clinic.database)
    assert result.exit_code == Busy.exit_code
    assert f"understudy abandon {clinic.database}" in " ".join(result.output.split())
    with pytest.raises(Busy):
        open_run(clinic, "airflow:another_dag/manual__1")

    abandoned = clinic.run("abandon", clinic.database, "--yes")
    assert abandoned.exit_code == 0, abandoned.output
    assert state(clinic, run) == "destroyed"
    assert open_run(clinic, "airflow:another_dag/manual__1") != run


def test_the_next_night_of_the_same_dag_closes_the_one_before(clinic: Clinic) -> None:
    first = open_run(clinic, "airflow:staging_clinic/monday")
    step(clinic, first, *through("isolate"))
    second = open_run(clinic, "airflow:staging_clinic/tuesday")
    conclude(clinic, second)
    assert state(clinic, first) == "destroyed"
    with pytest.raises(WrongState, match="the run has ended: failed"):
        step(clinic, first, "plan")


def test_the_policy_is_the_one_the_run_began_with(clinic: Clinic) -> None:
    run = open_run(clinic)
    clinic.edit("tables:", "tables: [")
    step(clinic, run, *through("plan"))
