"""Tests of the Airflow side. This comes first and gives Airflow a home of its own."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]

_home = tempfile.mkdtemp(prefix="understudy-airflow-")
atexit.register(shutil.rmtree, _home, ignore_errors=True)
os.environ["AIRFLOW_HOME"] = _home


def airflow_environment(home: Path, **more: str) -> dict[str, str]:
    """The environment of an Airflow that lives in `home`, with its DAGs in `home/dags`."""
    return {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "PYTHONPATH": str(ROOT),
        **more,
    }


def rehearse(home: Path, dag: str, **more: str) -> str:
    """Runs the DAG file `dag`, which ends in `dag.test()`, in a new Airflow; what all its processes said."""
    environment = airflow_environment(home, **more)
    (home / "dags").mkdir()
    file = home / "dags" / "rehearsed.py"
    file.write_text(dag, encoding="utf-8")
    _run([sys.executable, "-m", "airflow", "db", "migrate"], environment)
    return _run([sys.executable, str(file)], environment)


def _run(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(
        command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    assert done.returncode == 0, done.stdout
    return done.stdout
