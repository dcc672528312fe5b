"""Nights under a real Airflow, all its components as processes, driven over the REST API."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sanitizers.airflow.local import LocalAirflow
from sanitizers.control.model import RunEntry
from sanitizers.pipeline import FORWARD
from sanitizers.postgres import postmaster
from sanitizers.settings import load_settings
from sanitizers.workspace import Workspace, open_workspace
from tests.airflow.conftest import finish_run, start_run, task_states, until
from tests.e2e.conftest import Clinic

pytestmark = pytest.mark.timeout(600)


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
def endpoint_untouched(clinic: Clinic) -> Iterator[None]:
    """Clients are sent where they were, be it nowhere, after the block."""
    file = clinic.folder / "pg_service.conf"
    before = file.read_bytes() if file.exists() else None
    yield
    assert (file.read_bytes() if file.exists() else None) == before


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
    assert event["uri"].rstrip("/") == f"understudy://{clinic.database}_staging"
    assert event["extra"]["run"] == run.id
    assert control.control.generation(event["extra"]["generation"]).state == "live"
    tests = f"integration_tests_{clinic.database}"
    until(lambda: ended_runs(local_airflow, tests) == ["success"], 120, "the tests were not told")


def test_a_column_nobody_classified_is_refused_and_staging_untouched(
    local_airflow: LocalAirflow, clinics: dict[str, Clinic], control: Workspace
) -> None:
    clinic = clinics["first"]
    clinic.produce("ALTER TABLE patients ADD COLUMN ssn text")
    try:
        with endpoint_untouched(clinic):
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
    clinic = clinics["crowded"]
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


def test_a_failed_night_goes_on_when_its_failed_tasks_are_cleared(
    local_airflow: LocalAirflow, clinics: dict[str, Clinic], control: Workspace
) -> None:
    clinic = clinics["connected"]
    dag_id = dag_of(clinic)
    move_production(local_airflow, 1)
    try:
        run_id, ended = night(local_airflow, clinic)
    finally:
        move_production(local_airflow, clinic.production.port)
    failed = run_of(control, dag_id, run_id)
    assert (ended, failed.status, task_states(local_airflow, dag_id, run_id)["snapshot", -1]) == (
        "failed", "failed", "failed",
    )  # fmt: skip
    wanted = {"dag_run_id": run_id, "dry_run": False, "only_failed": True, "include_downstream": True}
    local_airflow.api("POST", f"/dags/{dag_id}/clearTaskInstances", wanted)
    assert finish_run(local_airflow, dag_id, run_id) == "success"
    mended = run_of(control, dag_id, run_id)
    assert (mended.id, mended.status) == (failed.id, "released")
    assert originals(clinic) == 0


def move_production(airflow: LocalAirflow, port: int) -> None:
    """Changes the connection through which the connected clinic reaches production."""
    changed = {"connection_id": "production_connected", "conn_type": "postgres", "port": port}
    airflow.api("PATCH", "/connections/production_connected?update_mask=port", changed)


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
    with endpoint_untouched(clinic):
        run_id, ended, _ = decide(local_airflow, clinic, "Reject", "not before the audit")
    run = run_of(control, dag_of(clinic), run_id)
    approval = control.control.record(run.id)["approval"]
    assert (ended, run.status) == ("failed", "refused")
    assert (approval["granted"], approval["by"]) == (False, "admin")
    assert approval["reason"] == "not before the audit"


def test_two_databases_at_once(
    local_airflow: LocalAirflow, clinics: dict[str, Clinic], control: Workspace
) -> None:
    """One of them reached through a connection of Airflow's, the other released without asking anybody."""
    confs: dict[str, dict[str, Any]] = {
        "connected": {},
        "approved": {"skip_approval": "nobody works on Sunday"},
    }
    runs = [
        (clinics[name], start_run(local_airflow, dag_of(clinics[name]), **conf))
        for name, conf in confs.items()
    ]
    for clinic, run_id in runs:
        assert finish_run(local_airflow, dag_of(clinic), run_id) == "success"
        assert originals(clinic) == 0
    first, second = (run_of(control, dag_of(clinic), run_id) for clinic, run_id in runs)
    approval = control.control.record(second.id)["approval"]
    assert (approval["by"], approval["reason"]) == ("admin", "approval skipped: nobody works on Sunday")
    assert first.finished
    assert second.finished
    assert first.started < second.finished
    assert second.started < first.finished


def test_by_day_production_s_new_migration_comes_to_staging(
    local_airflow: LocalAirflow, clinics: dict[str, Clinic]
) -> None:
    clinic = clinics["first"]
    night(local_airflow, clinic)
    script = "CREATE TABLE wards (id serial PRIMARY KEY)"
    (clinic.folder / "migrations" / "V1__wards.sql").write_text(script)
    policy = clinic.policy.read_text()
    clinic.policy.write_text(policy + "  public.wards:\n    columns: {id: non_identifying}\n")
    clinic.produce(f"GRANT SELECT ON flyway_schema_history TO {clinic.database}")
    clinic.produce(script)
    clinic.produce(
        "INSERT INTO flyway_schema_history VALUES"
        " (1, '1', 'wards', 'SQL', 'V1__wards.sql', NULL, 'somebody', now(), 1, true)"
    )
    assert by_day(local_airflow, "understudy_drift", clinic) == "success"
    assert clinic.staging("SELECT version FROM flyway_schema_history") == [("1",)]
    assert clinic.staging("SELECT count(*) FROM wards") == [(0,)]

    clinic.produce("ALTER TABLE wards ADD COLUMN head_nurse text")
    try:
        assert by_day(local_airflow, "understudy_drift", clinic) == "failed"
    finally:
        clinic.produce("ALTER TABLE wards DROP COLUMN head_nurse")


def test_by_day_a_live_generation_that_stopped_is_started_again(
    local_airflow: LocalAirflow, clinics: dict[str, Clinic], control: Workspace
) -> None:
    clinic = clinics["first"]
    night(local_airflow, clinic, full_snapshot=True)
    live = control.control.live(clinic.database)
    assert live
    assert live.clone
    assert control.control.stage_results(live.run_id)["snapshot"]["snapshot"]["kind"] == "full"
    postmaster.stop_server(Path(live.clone.location), immediate=True)
    assert by_day(local_airflow, "understudy_reaper", clinic) == "success"
    assert clinic.staging("SELECT count(*) FROM patients")


def test_people_are_told_of_a_late_night_and_of_a_refused_one(
    local_airflow: LocalAirflow, clinics: dict[str, Clinic], told: list[dict[str, Any]]
) -> None:
    clinic = clinics["late"]
    begin = datetime.now(UTC) - timedelta(hours=1)
    run_id = start_run(local_airflow, dag_of(clinic), logical_date=begin.isoformat(), dry_run=True)
    until(lambda: "late" in alerts(told, clinic), 60, "nobody was told that it is late")
    assert finish_run(local_airflow, dag_of(clinic), run_id) == "success"

    clinic.policy.write_text(clinic.policy.read_text().replace("tables:", "tabels:"))
    until(lambda: broken(local_airflow, dag_of(clinic)), 60, "the policy is not read again")
    assert night(local_airflow, clinic)[1] == "failed"
    until(lambda: "refused" in alerts(told, clinic), 60, "nobody was told of the refusal")
    assert "unknown key tabels (did you mean tables?)" in alerts(told, clinic)["refused"]["text"]
    assert alerts(told, clinic)["late"]["promise"] == "fresh by 00:05 UTC"


def alerts(told: list[dict[str, Any]], clinic: Clinic) -> dict[str, dict[str, Any]]:
    """What people were told of a clinic, by kind."""
    return {one["kind"]: one for one in told if one["database"] == clinic.database}


def broken(airflow: LocalAirflow, dag_id: str) -> bool:
    tags = airflow.api("GET", f"/dags/{dag_id}")["tags"]
    return "policy-error" in {tag["name"] for tag in tags}


def by_day(airflow: LocalAirflow, dag_id: str, clinic: Clinic) -> str | None:
    """What became of the clinic's task in a run of a DAG that looks after all of them."""
    run_id = start_run(airflow, dag_id)
    finish_run(airflow, dag_id, run_id)
    return task_states(airflow, dag_id, run_id)[clinic.database, -1]


def instances(airflow: LocalAirflow, clinic: Clinic, run_id: str) -> list[dict[str, Any]]:
    path = f"/dags/{dag_of(clinic)}/dagRuns/{run_id}/taskInstances?limit=1000"
    found: list[dict[str, Any]] = airflow.api("GET", path)["task_instances"]
    return found


def ended_runs(airflow: LocalAirflow, dag_id: str) -> list[str]:
    return [run["state"] for run in airflow.api("GET", f"/dags/{dag_id}/dagRuns")["dag_runs"]]


def rewriting(control: Workspace, dag_id: str, run_id: str) -> bool:
    """Whether a table of the run's clone is being rewritten at this moment."""
    run = control.control.run_of(f"airflow:{dag_id}/{run_id}")
    generation = control.control.generation_of(run.id) if run else None
    if generation is None or generation.clone is None:
        return False
    filling = "state = 'active' AND query LIKE 'CREATE TABLE \"understudy\"%' AND pid <> pg_backend_pid()"
    with psycopg.connect(generation.clone.dsn()) as connection:
        found = connection.execute(f"SELECT 1 FROM pg_stat_activity WHERE {filling}".encode()).fetchall()
    return bool(found)


def processes_titled(title: str) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            if title.encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found


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
