"""Metrics as a StatsD server gets them, from a process configured as Airflow's tasks are."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.airflow import airflow_environment

SCRIPT = """
import logging, sys
from airflow.sdk.configuration import conf
from airflow.sdk.observability import stats
from airflow.sdk.observability.metrics.stats_utils import get_stats_factory
from sanitizers.airflow.metrics import MeteredWatcher, run_finished, staging_age
from sanitizers.catalog import Name
from sanitizers.errors import GateFailed
from sanitizers.results import Gate, PurgeResult, ScrubResult, TableScrub, ValidateResult

# As a task's process does it.
legacy = conf.getboolean("metrics", "legacy_names_on")
stats.initialize(factory=get_stats_factory(), export_legacy_names=legacy)
line = "%(name)s %(levelname)s %(message)s"
logging.basicConfig(level=logging.INFO, stream=sys.stdout, format=line, force=True)

watcher = MeteredWatcher("shop.eu")
watcher.stage_started("scrub")
watcher.item("scrub", "public.person", "1,200 rows", done=True)
tables = (
    TableScrub(Name("public", "person"), 1200, 1.0, 9000, 8000),
    TableScrub(Name("public", "card"), 34, 0.1, 10, 92),
)
watcher.stage_finished("scrub", 3.25, ScrubResult(tables, 2, "a", "a"))
watcher.stage_finished("purge", 0.5, PurgeResult(True, (), ()))
failed = GateFailed("2 gates failed")
gates = [Gate("mass", table, passed, "", "") for table, passed in (("a", False), ("b", True), ("c", False))]
failed.result = ValidateResult(tuple(gates), (), ())
watcher.stage_failed("validate", 1.5, failed)
run_finished("shop.eu", "refused")
staging_age("shop.eu", 93600.5)
"""


@pytest.fixture
def statsd() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        yield server


def run(home: Path, server: socket.socket, **more: str) -> tuple[set[str], list[str]]:
    """What the server got of ours, and what the log says."""
    place = {"STATSD_ON": "True", "STATSD_HOST": "127.0.0.1", "STATSD_PORT": str(server.getsockname()[1])}
    metrics = {f"AIRFLOW__METRICS__{name}": value for name, value in {**place, **more}.items()}
    environment = airflow_environment(home, **metrics)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    got = [metric for metric in received(server) if metric.startswith("airflow.understudy")]
    assert len(got) == len(set(got))
    return set(got), [line for line in done.stdout.splitlines() if line.startswith("airflow.task ")]


def received(server: socket.socket) -> Iterator[str]:
    # All of it has been sent, and to this very machine, when the process has ended.
    server.setblocking(False)
    while True:
        try:
            yield server.recv(2000).decode()
        except BlockingIOError:
            return


def test_a_server_without_tags_can_tell_databases_and_stages_apart(
    tmp_path: Path, statsd: socket.socket
) -> None:
    metrics, log = run(tmp_path, statsd)
    assert metrics == {
        "airflow.understudy.stage.duration:3250.000000|ms",
        "airflow.understudy.stage.duration.shop__eu.scrub:3250.000000|ms",
        "airflow.understudy.scrub.rows:1234|g",
        "airflow.understudy.scrub.rows.shop__eu:1234|g",
        "airflow.understudy.scrub.bytes:8092|g",
        "airflow.understudy.scrub.bytes.shop__eu:8092|g",
        "airflow.understudy.stage.duration:500.000000|ms",
        "airflow.understudy.stage.duration.shop__eu.purge:500.000000|ms",
        "airflow.understudy.stage.duration:1500.000000|ms",
        "airflow.understudy.stage.duration.shop__eu.validate:1500.000000|ms",
        "airflow.understudy.validate.gates_failed:2|g",
        "airflow.understudy.validate.gates_failed.shop__eu:2|g",
        "airflow.understudy.run.refused:1|c",
        "airflow.understudy.run.refused.shop__eu:1|c",
        "airflow.understudy.staging.age_seconds:93600.5|g",
        "airflow.understudy.staging.age_seconds.shop__eu:93600.5|g",
    }
    assert log == [
        "airflow.task INFO scrub: started",
        "airflow.task INFO scrub: public.person: 1,200 rows",
        "airflow.task INFO scrub: finished in 3.2 s, rows: 1,234, bytes: 8,092",
        "airflow.task INFO purge: finished in 0.5 s",
        "airflow.task ERROR validate: stopped after 1.5 s, GateFailed: 2 gates failed",
    ]


def test_a_server_with_tags_gets_each_metric_once(tmp_path: Path, statsd: socket.socket) -> None:
    metrics, _ = run(tmp_path, statsd, STATSD_INFLUXDB_ENABLED="True", LEGACY_NAMES_ON="False")
    assert metrics == {
        "airflow.understudy.stage.duration,database=shop.eu,stage=scrub:3250.000000|ms",
        "airflow.understudy.scrub.rows,database=shop.eu:1234|g",
        "airflow.understudy.scrub.bytes,database=shop.eu:8092|g",
        "airflow.understudy.stage.duration,database=shop.eu,stage=purge:500.000000|ms",
        "airflow.understudy.stage.duration,database=shop.eu,stage=validate:1500.000000|ms",
        "airflow.understudy.validate.gates_failed,database=shop.eu:2|g",
        "airflow.understudy.run.refused,database=shop.eu:1|c",
        "airflow.understudy.staging.age_seconds,database=shop.eu:93600.5|g",
    }


def test_without_a_server_nothing_is_sent(tmp_path: Path, statsd: socket.socket) -> None:
    metrics, log = run(tmp_path, statsd, STATSD_ON="False")
    assert metrics == set()
    assert len(log) == 5
