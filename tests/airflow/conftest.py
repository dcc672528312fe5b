"""A real Airflow for all tests here: its processes, and clinics with a DAG each.

It takes half a minute to start, so one worker has all its tests: see `ONE_WORKER` in tests/conftest.py.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
from ruamel.yaml import YAML

from sanitizers.airflow.local import LocalAirflow, airflow
from sanitizers.postgres.cluster import Cluster
from tests.conftest import passable_folder
from tests.e2e import conftest as e2e
from tests.e2e.conftest import POLICY, SCHEMA, Clinic, target

clinic = e2e.clinic
DAGS = Path(__file__).resolve().parents[2] / "dags"

CLINICS: dict[str, dict[str, Any]] = {
    "first": {},
    "connected": {"source": {"dsn": "airflow:production_connected"}},
    "crowded": {},
    "approved": {"approval": "required"},
    "late": {"schedule": {"cron": "0 0 1 1 *", "fresh_by": "00:05"}},
}
"""What is particular to each clinic's target."""

_FASTER = {
    "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "2",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "5",
}


@pytest.fixture(scope="package")
def airflow_home(default_home: Path) -> Iterator[Path]:
    with passable_folder() as folder:
        (folder / "servers").symlink_to(default_home / "servers")
        yield folder


@pytest.fixture(scope="package")
def clinics(airflow_home: Path, production18: Cluster) -> Iterator[dict[str, Clinic]]:
    """Clinics by what they are for; all have one home, so their generations have one control database."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(_clinic(airflow_home, name, production18)) for name in CLINICS}


@contextmanager
def _clinic(home: Path, name: str, production: Cluster) -> Iterator[Clinic]:
    folder = home / name
    folder.mkdir()
    made = target(production, home / "understudy", folder, POLICY)
    filled = next(made)
    filled.produce(SCHEMA)
    yield filled
    next(made, None)


@pytest.fixture(scope="package")
def airflow_settings(airflow_home: Path, clinics: dict[str, Clinic]) -> Path:
    """One settings file for all clinics."""
    yaml = YAML(typ="safe")
    whole: dict[str, Any] = {"home": str(airflow_home / "understudy"), "targets": {}}
    for name, made in clinics.items():
        settings = yaml.load(made.settings)["targets"][made.database] | CLINICS[name]
        settings["policy"] = str(made.policy)
        settings["endpoint"]["file"] = str(made.folder / "pg_service.conf")
        settings["migrations"]["directory"] = str(made.folder / "migrations")
        whole["targets"][made.database] = settings
    path = airflow_home / "understudy.yaml"
    yaml.dump(whole, path)
    return path


class _Receiver(BaseHTTPRequestHandler):
    """A webhook that keeps what it is sent."""

    told: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        self.told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="package")
def webhook() -> Iterator[int]:
    """The port of a server that takes alerts."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Receiver) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture
def told() -> list[dict[str, Any]]:
    """What people have been told so far."""
    return _Receiver.told


@pytest.fixture(scope="package")
def local_airflow(
    airflow_home: Path, airflow_settings: Path, clinics: dict[str, Clinic], webhook: int
) -> Iterator[LocalAirflow]:
    """Airflow as docker-compose.yml describes it, with this checkout's DAGs."""
    # Callbacks of deadlines may not read the connections that Airflow keeps in its database.
    alerts = {"conn_type": "http", "host": "http://127.0.0.1", "port": webhook, "password": "hook"}
    more = {**_FASTER, "AIRFLOW_CONN_UNDERSTUDY_ALERTS": json.dumps(alerts)}
    with airflow(airflow_home / "airflow", DAGS, airflow_settings, more) as running:
        _connect(running, clinics["connected"])
        yield running
    assert processes_of(airflow_home / "airflow") == []


def _connect(running: LocalAirflow, clinic: Clinic) -> None:
    """Production of one clinic as a connection of Airflow's, as the settings refer to it."""
    place = {"host": "127.0.0.1", "port": clinic.production.port, "schema": clinic.database}
    login = {"login": clinic.database, "password": (clinic.folder / "password").read_text()}
    connection = {"connection_id": "production_connected", "conn_type": "postgres"}
    running.api("POST", "/connections", {**connection, **place, **login})


def processes_of(home: Path) -> list[str]:
    """Command lines of processes that belong to the Airflow whose home that is."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"AIRFLOW_HOME={home / 'airflow'}\0".encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


def start_run(running: LocalAirflow, dag_id: str, logical_date: str | None = None, **conf: Any) -> str:
    """Triggers a DAG, as soon as it is known, over the REST API; returns the run's id."""
    until(lambda: _known(running, dag_id), 60, f"{dag_id} is not there")
    wanted = {"logical_date": logical_date, "conf": conf}
    return str(running.api("POST", f"/dags/{dag_id}/dagRuns", wanted)["dag_run_id"])


def finish_run(running: LocalAirflow, dag_id: str, run_id: str, seconds: float = 240) -> str:
    """Waits for the end of a run; returns its state, `success` or `failed`."""
    path = f"/dags/{dag_id}/dagRuns/{run_id}"
    ended = ("success", "failed")
    try:
        until(lambda: running.api("GET", path)["state"] in ended, seconds, f"{dag_id} does not end")
    except pytest.fail.Exception as raised:
        raised.add_note(str(task_states(running, dag_id, run_id)))
        raise
    return str(running.api("GET", path)["state"])


def task_states(running: LocalAirflow, dag_id: str, run_id: str) -> dict[tuple[str, int], str | None]:
    """The state of each task of a run, by task and map index (-1 where it is not mapped)."""
    path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances?limit=1000"
    found = running.api("GET", path)["task_instances"]
    return {(task["task_id"], task["map_index"]): task["state"] for task in found}


def until(true: Callable[[], bool], seconds: float, otherwise: str) -> None:
    """Waits until something is so; fails the test with `otherwise` when it does not come about."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            pytest.fail(otherwise)
        time.sleep(0.3)


def _known(running: LocalAirflow, dag_id: str) -> bool:
    if broken := running.api("GET", "/importErrors")["import_errors"]:
        pytest.fail("\n".join(error["stack_trace"] for error in broken))
    try:
        return bool(running.api("GET", f"/dags/{dag_id}"))
    except httpx.HTTPStatusError as error:
        if error.response.status_code != 404:
            raise
        return False
