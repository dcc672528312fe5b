"""Airflow run natively from docker-compose.yml: up, closed to strangers, and honest when it cannot start."""

from __future__ import annotations

import os
from pathlib import Path

import httpx
import pytest

from sanitizers.airflow import local
from sanitizers.airflow.local import LocalAirflow, airflow
from sanitizers.errors import ServerFailed
from sanitizers.postgres.binaries import find_binaries
from sanitizers.postgres.cluster import Cluster
from tests.airflow.conftest import processes_of, until


def test_every_component_is_healthy_and_the_pool_of_the_staging_host_exists(
    local_airflow: LocalAirflow,
) -> None:
    health = httpx.get(f"{local_airflow.url}/api/v2/monitor/health").json()
    assert {name: part["status"] for name, part in health.items()} == dict.fromkeys(
        ("metadatabase", "scheduler", "triggerer", "dag_processor"), "healthy"
    )
    assert local_airflow.api("GET", "/pools/staging")["slots"] == 4


def test_strangers_are_kept_out_and_viewers_only_look(local_airflow: LocalAirflow) -> None:
    assert httpx.get(f"{local_airflow.url}/api/v2/dags").status_code == 401
    wrong = {"username": "admin", "password": "admin"}
    assert httpx.post(f"{local_airflow.url}/auth/token", json=wrong).status_code == 401
    assert "dags" in local_airflow.api("GET", "/dags", user="viewer")
    with pytest.raises(httpx.HTTPStatusError, match="403"):
        local_airflow.api("POST", "/pools", {"name": "mine", "slots": 1}, user="viewer")


def test_no_password_is_shown_where_objects_are_printed(local_airflow: LocalAirflow) -> None:
    local_airflow.token()
    assert not any(secret in repr(local_airflow) for secret in local_airflow.passwords.values())
    assert local_airflow.token() not in repr(local_airflow)


def test_a_start_that_fails_says_why_and_leaves_nothing_running(airflow_home: Path) -> None:
    home = airflow_home / "failing"
    wrong = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql+nosuchdriver://"}
    with (
        pytest.raises(ServerFailed, match=r"airflow-init failed with status \d+:\n(?s:.*)nosuchdriver"),
        airflow(home, home, home, wrong),
    ):
        pytest.fail("there is no such driver")
    assert processes_of(home) == []
    assert not Cluster(home / "metadata", find_binaries(18)).running


def test_a_component_that_dies_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    command = ["sh", "-c", "echo what was wrong >&2; exit 3"]
    component = local._start("scheduler", command, tmp_path / "scheduler.log", os.environ)
    with pytest.raises(ServerFailed, match="scheduler ended with status 3:\nwhat was wrong"):
        local._wait_healthy("http://127.0.0.1:1", [component])
    local._stop([component.process])


def test_children_of_a_component_end_with_it(tmp_path: Path) -> None:
    command = ["sh", "-c", f"touch {tmp_path}/up; trap '' TERM; sleep 300 & wait"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local, "_GRACE", 0.2)
        environment = {**os.environ, "AIRFLOW_HOME": str(tmp_path / "airflow")}
        component = local._start("stubborn", command, tmp_path / "log", environment)
        until((tmp_path / "up").exists, 20, "the process does not start")
        local._stop([component.process])
    assert processes_of(tmp_path) == []
