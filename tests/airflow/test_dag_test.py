"""The whole refresh as one process, `dag.test()`: what an engineer does who changes a DAG."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.airflow.conftest import DAGS
from tests.e2e.conftest import Clinic

pytestmark = pytest.mark.timeout(600)

NIGHTS = """
import json, sys
from airflow.dag_processing.dagbag import DagBag

[dag] = [dag for dag in DagBag(sys.argv[1]).dags.values() if dag.dag_id == sys.argv[2]]
told = []
for conf in json.loads(sys.argv[3]):
    run = dag.test(run_conf=conf)
    tasks = {f"{ti.task_id}/{ti.map_index}": ti.state for ti in run.get_task_instances()}
    told.append({"state": run.state, "tasks": tasks})
print("told:", json.dumps(told))
"""


def nights(clinic: Clinic, home: Path, *confs: dict[str, Any]) -> list[dict[str, Any]]:
    """Runs the clinic's DAG once with each of these, in one process; what became of run and tasks."""
    environment = os.environ | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__OPENLINEAGE__DISABLED": "True",
        "UNDERSTUDY_SETTINGS": str(clinic.settings),
    }
    airflow = str(Path(sys.executable).with_name("airflow"))
    subprocess.run([airflow, "db", "migrate"], env=environment, check=True, capture_output=True)
    arguments = [str(DAGS), f"staging_{clinic.database}", json.dumps(confs)]
    done = subprocess.run(
        [sys.executable, "-c", NIGHTS, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("told: ")]
    assert lines, done.stdout[-3000:] + done.stderr[-3000:]
    told: list[dict[str, Any]] = json.loads(lines[-1].removeprefix("told: "))
    return told


def test_a_released_night_a_rehearsal_and_a_refused_night(clinic: Clinic, tmp_path: Path) -> None:
    released, rehearsed = nights(clinic, tmp_path / "airflow", {}, {"dry_run": True})
    assert released["state"] == "success", released
    assert set(released["tasks"].values()) == {"success"}
    assert clinic.staging("SELECT count(*) FROM patients WHERE name LIKE 'Original%'") == [(0,)]
    served = clinic.staging("SELECT current_setting('cluster_name')")

    assert rehearsed["state"] == "success"
    assert {name for name, state in rehearsed["tasks"].items() if state == "skipped"} == {
        "approve/-1",
        "switch/-1",
    }
    assert clinic.staging("SELECT current_setting('cluster_name')") == served

    clinic.produce("ALTER TABLE patients ADD COLUMN ssn text")
    [refused] = nights(clinic, tmp_path / "airflow", {})
    assert refused["state"] == "failed"
    assert {refused["tasks"][f"{name}/-1"] for name in ("publish_report", "reap")} == {"success"}
    assert {refused["tasks"][f"{name}/-1"] for name in ("plan", "verdict")} == {"failed"}
    assert clinic.staging("SELECT current_setting('cluster_name')") == served
