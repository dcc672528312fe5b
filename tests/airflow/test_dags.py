"""The DAGs as Airflow reads them: whole, quick, and never one database's trouble for another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sanitizers.pipeline import FORWARD
from tests.airflow.conftest import DAGS

pytestmark = pytest.mark.filterwarnings("default")

POLICY = """\
policy: {name}
version: 1
tables:
  public.patients:
    columns: {{id: non_identifying, name: name.full, email: email}}
"""
TARGET = """\
  {name}:
    policy: {name}.yaml
    source: {{dsn: "env:NOT_SET", password: "env:NOT_SET"}}
    endpoint: {{provider: service, service: {name}_staging, file: pg_service.conf}}
    {more}
"""


@pytest.fixture
def dags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Reads a file of `dags/` with targets of these names (and what is particular to each)."""

    def read(*names: str, file: str = "refresh.py", **more: str) -> dict[str, Any]:
        from airflow.dag_processing.dagbag import DagBag

        targets = {**dict.fromkeys(names, ""), **more}
        for name in targets:
            if not (tmp_path / f"{name}.yaml").exists():
                (tmp_path / f"{name}.yaml").write_text(POLICY.format(name=name))
        settings = "".join(TARGET.format(name=name, more=text) for name, text in targets.items())
        (tmp_path / "understudy.yaml").write_text("targets:\n" + settings)
        monkeypatch.setenv("UNDERSTUDY_SETTINGS", str(tmp_path / "understudy.yaml"))
        bag = DagBag(str(DAGS / file))
        assert not bag.import_errors
        return dict(bag.dags)

    return read


def in_order(dag: Any) -> list[str]:
    return [task.task_id for task in dag.topological_sort()]


def test_two_hundred_databases_are_two_hundred_dags(dags: Callable[..., dict[str, Any]]) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    read = dags(*(f"db{number}" for number in range(200)))
    assert read.keys() == {f"staging_db{number}" for number in range(200)}
    for dag in read.values():
        assert DagSerialization.serialize_dag(dag)


def test_the_stages_are_the_pipelines_own_and_in_its_order(dags: Callable[..., dict[str, Any]]) -> None:
    [dag] = dags("hospital").values()
    stages = list(dict.fromkeys(task.partition(".")[0] for task in in_order(dag)))
    assert stages == ["open_run", *(step.name for step in FORWARD), "publish_report", "reap", "verdict"]
    assert [task for task in in_order(dag) if task.startswith("scrub.")] == [
        "scrub.divide", "scrub.tables", "scrub.unite",
    ]  # fmt: skip


def test_whatever_fails_is_reported_reaped_and_red(dags: Callable[..., dict[str, Any]]) -> None:
    [dag] = dags("hospital").values()
    tasks = dag.task_dict
    assert tasks["open_run"].is_setup
    for teardown in ("publish_report", "reap", "verdict"):
        assert tasks[teardown].is_teardown
        assert "open_run" in tasks[teardown].upstream_task_ids
    # Only the last may turn the run red: an earlier one would hide what is above it.
    assert [name for name, task in tasks.items() if task.on_failure_fail_dagrun] == ["verdict"]
    assert dag.dagrun_timeout is None


def test_one_night_at_a_time_and_none_made_up_for(dags: Callable[..., dict[str, Any]]) -> None:
    schedule = 'schedule: {cron: "30 1 * * *", timezone: Europe/Vienna, fresh_by: "06:00"}'
    [dag] = dags(hospital=schedule).values()
    assert (dag.max_active_runs, dag.catchup) == (1, False)
    assert dag.timetable.expression == "30 1 * * *"
    assert dag.deadline[0].interval == timedelta(hours=4, minutes=30)


def test_without_a_schedule_it_is_for_hands_only(dags: Callable[..., dict[str, Any]]) -> None:
    [dag] = dags("hospital").values()
    assert not dag.timetable.can_be_scheduled
    assert not dag.deadline


def test_a_host_with_workers_of_its_own_has_queue_and_pool(dags: Callable[..., dict[str, Any]]) -> None:
    [dag] = dags(hospital="queue: staging-2\n    pool: staging-2\n    parallel: 3").values()
    assert {task.queue for task in dag.tasks} == {"staging-2"}
    assert {dag.task_dict[step.name].pool for step in FORWARD if not step.divisible} == {"staging-2"}
    # What cleans up never waits for a place in the pool.
    assert dag.task_dict["reap"].pool == "default_pool"
    assert dag.task_dict["scrub.tables"].max_active_tis_per_dagrun == 3


def test_a_person_is_asked_where_the_target_wants_it(dags: Callable[..., dict[str, Any]]) -> None:
    read = dags("asking", "silent", asking="approval: required")
    order = in_order(read["staging_asking"])
    assert order.index("validate") < order.index("ask") < order.index("approve") < order.index("switch")
    assert read["staging_asking"].task_dict["ask"].response_timeout == timedelta(hours=4)
    assert "skip_approval" in read["staging_asking"].params
    assert "ask" not in read["staging_silent"].task_dict
    assert "skip_approval" not in read["staging_silent"].params


def test_a_broken_policy_is_one_failing_dag_that_says_why(
    dags: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    (tmp_path / "broken.yaml").write_text("policy: broken\nversion: 1\ntabels: {}\n")
    read = dags("good", "broken", "better")
    assert in_order(read["staging_broken"]) == ["open_run"]
    assert "policy-error" in read["staging_broken"].tags
    assert "unknown key tabels (did you mean tables?)" in read["staging_broken"].doc_md
    assert len(in_order(read["staging_good"])) == len(in_order(read["staging_better"])) > 10


def test_a_tasks_own_process_reads_its_own_policy_only(
    dags: Callable[..., dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "staging_db7")
    for number in range(20):
        (tmp_path / f"db{number}.yaml").write_text("tables: [" if number != 7 else POLICY.format(name="db7"))
    assert list(dags(*(f"db{number}" for number in range(20)))) == ["staging_db7"]


def test_by_day_each_target_has_a_task_on_its_host(dags: Callable[..., dict[str, Any]]) -> None:
    read = dags("first", second="queue: staging-2", file="by_day.py")
    assert read.keys() == {"understudy_reaper", "understudy_drift"}
    for dag in read.values():
        assert {task.task_id: task.queue for task in dag.tasks} == {"first": "default", "second": "staging-2"}


def test_a_rollback_wants_a_reason(dags: Callable[..., dict[str, Any]]) -> None:
    [dag] = dags("hospital", file="rollback.py").values()
    assert dag.dag_id == "rollback_hospital"
    assert not dag.timetable.can_be_scheduled
    with pytest.raises(Exception, match="reason"):
        dag.params.validate()


def test_a_notifier_hears_of_every_end_but_a_good_one(dags: Callable[..., dict[str, Any]]) -> None:
    [dag] = dags("hospital").values()
    heard = {name for name, task in dag.task_dict.items() if task.on_failure_callback}
    assert heard == {"open_run", "verdict"}


def test_the_files_airflow_reads_hold_no_logic() -> None:
    for file in DAGS.glob("*.py"):
        assert len(file.read_text().splitlines()) < 25, file
