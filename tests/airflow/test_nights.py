"""Nights under a real Airflow, all its components as processes, driven over the REST API."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sanitizers.airflow.local import LocalAirflow
from sanitizers.control.model import RunEntry
from sanitizers.pipeline import FORWARD
from sanitizers.settings import load_settings
from sanitizers.workspace import Workspace, open_workspace
from tests.airflow.conftest import finish_run, start_run, task_states, until
from tests.e2e.conftest import Clinic

pytestmark = [pytest.mark.xdist_group("airflow"), pytest.mark.timeout(600)]


@pytest.fixture
def control(airflow_settings: Path) -> Iterator[Workspace]:
    with open_workspace(load_settings(airflow_settings)) as workspace:
        yield workspace


def dag_of(clinic: Clinic) -> str:
    return f"staging_{clinic.database}"


def run_of(control: Workspace, dag_id: str, run_id: str) -> RunEntry:
    found = control.control.run_of(f"airflow:{dag_id}/{run_id}")
    assert found
    return found


def night(airflow: LocalAirflow, clinic: Clinic, **conf: Any) -> tuple[str, str]:
    """One whole night; the DAG run's id and how it ended."""
    run_id = start_run(airflow, dag_of(clinic), **conf)
    return run_id, finish_run(airflow, dag_of(clinic), run_id)


@contextmanager
def staging_unchanged(clinic: Clinic) -> Iterator[None]:
    """What clients are served is the same after the block."""
    serving = "SELECT current_setting('cluster_name'), (SELECT count(*) FROM patients)"
    before = clinic.staging(serving)
    yield
    assert clinic.staging(serving) == before


def originals(clinic: Clinic) -> int:
    return int(clinic.staging("SELECT count(*) FROM patients WHERE name LIKE 'Original%'")[0][0])


def test_a_night_is_green_to_the_end_and_tells_those_who_wait(
    local_airflow: LocalAirflow, clinics: dict[str, Clinic], control: Workspace
) -> None:
    clinic = clinics["first"]
    dag_id = dag_of(clinic)
    run_id, ended = night(local_airflow, clinic)
    states = task_states(local_airflow, dag_id, run_id)
    assert ended == "success", states
    assert set(states.values()) == {"success"}
    assert {task.partition(".")[0] for task, _ in states} >= {step.name for step in FORWARD}
    assert [task for task in states if task[0] == "scrub.tables"] == [
        ("scrub.tables", 0),
        ("scrub.tables", 1),
    ]
    assert originals(clinic) == 0

    run = run_of(control, dag_id, run_id)
    assert (run.status, run.trigger) == ("released", "airflow, manual, admin")
    [event] = [
        event
        for event in local_airflow.api("GET", "/assets/events")["asset_events"]
        if event["source_dag_id"] == dag_id
    ]
    assert event["uri"] == f"understudy://{clinic.database}_staging"
    assert event["extra"]["run"] == run.id
    assert control.control.generation(event["extra"]["generation"]).state == "live"


def test_a_column_nobody_classified_is_refused_and_staging_untouched(
    local_airflow: LocalAirflow, clinics: dict[str, Clinic], control: Workspace
) -> None:
    clinic = clinics["first"]
    clinic.produce("ALTER TABLE patients ADD COLUMN ssn text")
    try:
        with staging_unchanged(clinic):
            run_id, ended = night(local_airflow, clinic)
    finally:
        clinic.produce("ALTER TABLE patients DROP COLUMN ssn")
    states = task_states(local_airflow, dag_of(clinic), run_id)
    assert ended == "failed"
    assert states["plan", -1] == "failed"
    assert states["switch", -1] == "upstream_failed"
    assert (states["publish_report", -1], states["reap", -1]) == ("success", "success")
    run = run_of(control, dag_of(clinic), run_id)
    assert run.status == "refused"
    assert run.error
    assert "ssn" in str(run.error["problems"])
    [tried] = [t for t in instances(local_airflow, clinic, run_id) if t["task_id"] == "plan"]
    assert tried["try_number"] == 1, "a refusal is not tried again"


def test_a_worker_killed_in_mid_scrub_is_replaced(
    local_airflow: LocalAirflow, clinics: dict[str, Clinic], control: Workspace
) -> None:
    clinic = clinics["second"]
    many = (
        "SELECT 'Original Person ' || i, i || '@northlake-mail.net' FROM generate_series(1000, 150000) AS i"
    )
    clinic.produce(f"INSERT INTO patients (name, email) {many}")
    dag_id = dag_of(clinic)
    run_id = start_run(local_airflow, dag_id)
    until(lambda: rewriting(control, dag_id, run_id), 120, "no table is being rewritten")
    at_work = [
        task["id"] for task in instances(local_airflow, clinic, run_id) if task["task_id"] == "scrub.tables"
    ]
    killed = [process for task in at_work for process in processes_titled(f"airflow worker -- {task}")]
    assert killed
    for process in killed:
        os.kill(process, signal.SIGKILL)
    assert finish_run(local_airflow, dag_id, run_id) == "success"
    tries = [
        task["try_number"]
        for task in instances(local_airflow, clinic, run_id)
        if task["task_id"] == "scrub.tables"
    ]
    assert max(tries) > 1
    assert run_of(control, dag_id, run_id).status == "released"
    assert (originals(clinic), clinic.staging("SELECT count(*) > 149000 FROM patients")) == (0, [(True,)])


def test_a_person_approves_the_release(
    local_airflow: LocalAirflow, clinics: dict[str, Clinic], control: Workspace
) -> None:
    clinic = clinics["approved"]
    run_id, ended, asked = decide(local_airflow, clinic, "Approve", "release 4.2 goes to testing")
    assert ended == "success"
    assert "has passed every gate and waits, sealed" in asked["body"]
    approval = control.control.record(run_of(control, dag_of(clinic), run_id).id)["approval"]
    assert approval["at"]
    assert (approval["granted"], approval["by"]) == (True, "admin")
    assert approval["reason"] == "release 4.2 goes to testing"
    assert originals(clinic) == 0


def test_a_person_who_refuses_leaves_staging_as_it_was(
    local_airflow: LocalAirflow, clinics: dict[str, Clinic], control: Workspace
) -> None:
    clinic = clinics["approved"]
    with staging_unchanged(clinic):
        run_id, ended, _ = decide(local_airflow, clinic, "Reject", "not before the audit")
    run = run_of(control, dag_of(clinic), run_id)
    approval = control.control.record(run.id)["approval"]
    assert (ended, run.status) == ("failed", "refused")
    assert (approval["granted"], approval["by"]) == (False, "admin")
    assert approval["reason"] == "not before the audit"


def test_two_databases_at_once(
    local_airflow: LocalAirflow, clinics: dict[str, Clinic], control: Workspace
) -> None:
    both = [clinics["first"], clinics["second"]]
    for clinic in both:
        clinic.produce("INSERT INTO patients (name) VALUES ('Original Newcomer')")
    runs = [(clinic, start_run(local_airflow, dag_of(clinic))) for clinic in both]
    for clinic, run_id in runs:
        assert finish_run(local_airflow, dag_of(clinic), run_id) == "success"
        assert originals(clinic) == 0
    first, second = (run_of(control, dag_of(clinic), run_id) for clinic, run_id in runs)
    assert first.finished
    assert second.finished
    assert first.started < second.finished
    assert second.started < first.finished


def instances(airflow: LocalAirflow, clinic: Clinic, run_id: str) -> list[dict[str, Any]]:
    path = f"/dags/{dag_of(clinic)}/dagRuns/{run_id}/taskInstances?limit=1000"
    found: list[dict[str, Any]] = airflow.api("GET", path)["task_instances"]
    return found


def rewriting(control: Workspace, dag_id: str, run_id: str) -> bool:
    """Whether a table of the run's clone is being rewritten at this moment."""
    run = control.control.run_of(f"airflow:{dag_id}/{run_id}")
    generation = control.control.generation_of(run.id) if run else None
    if generation is None or generation.clone is None:
        return False
    inserting = "state = 'active' AND query LIKE 'INSERT INTO %SELECT%' AND pid <> pg_backend_pid()"
    with psycopg.connect(generation.clone.dsn()) as connection:
        found = connection.execute(f"SELECT 1 FROM pg_stat_activity WHERE {inserting}".encode()).fetchall()
    return bool(found)


def processes_titled(title: str) -> list[int]:
    return [
        int(folder.name)
        for folder in Path("/proc").glob("[0-9]*")
        if title.encode() in (folder / "cmdline").read_bytes()
    ]


def decide(
    airflow: LocalAirflow, clinic: Clinic, option: str, reason: str
) -> tuple[str, str, dict[str, Any]]:
    """A night whose question is answered, as on Airflow's page; run, how it ended, and what was asked."""
    dag_id = dag_of(clinic)
    run_id = start_run(airflow, dag_id)
    path = f"/dags/{dag_id}/dagRuns/{run_id}"
    given = {"chosen_options": [option], "params_input": {"reason": reason}}
    asked: list[dict[str, Any]] = []

    def ended() -> bool:
        for question in airflow.api("GET", f"{path}/hitlDetails?response_received=false")["hitl_details"]:
            # Sooner, Airflow may not have put the asking task down yet: it asks again, and we answer again.
            time.sleep(3)
            airflow.api("PATCH", f"{path}/taskInstances/ask/-1/hitlDetails", given)
            asked.append(question)
        return airflow.api("GET", path)["state"] in ("success", "failed")

    until(ended, 300, f"{dag_id} does not end")
    return run_id, finish_run(airflow, dag_id, run_id), asked[-1]
