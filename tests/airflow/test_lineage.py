"""Lineage as the real provider writes it: every column, which were masked, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sanitizers.airflow.lineage import server, staging
from sanitizers.policy.bind import compile_plan
from sanitizers.policy.plan import Plan
from sanitizers.settings import EndpointSettings, Source
from tests.airflow import ROOT, rehearse
from tests.catalogs import catalog, column, table
from tests.scrubbing import policy

LINES = """
  public.person:
    exempt: {where: is_test, reason: static test data, owner: o}
    columns:
      id: non_identifying
      email: email
      password_hash: credential.password
      is_test: non_identifying
  public.card:
    columns: {id: non_identifying, who: name.full}
"""

DAG = """
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

from airflow.sdk import dag, task

from sanitizers.airflow.lineage import emit_lineage
from sanitizers.results import PlanResult, SnapshotResult
from sanitizers.settings import EndpointSettings, Source
from sanitizers.snapshots.base import Snapshot
from tests.airflow.test_lineage import plan

FOLDER = Path(__file__).parents[1]


@dag(dag_id="lineage")
def lineage():
    @task
    def scrubbed(production):
        taken = ("1", 180004, "0/0", datetime.now(UTC), 0)
        snapshot = Snapshot("basebackup", "s", "", "full", True, "clinic", "postgres", *taken)
        results = {PlanResult: PlanResult(plan(FOLDER)), SnapshotResult: SnapshotResult(snapshot, None)}
        endpoint = EndpointSettings(service="clinic_staging", file="f")
        target = SimpleNamespace(source=Source(dsn=production), endpoint=endpoint)
        emit_lineage(SimpleNamespace(generation="clinic-001", target=target, result=results.__getitem__))

    scrubbed.override(task_id="good")("env:PRODUCTION") >> scrubbed.override(task_id="bad")("env:NOT_THERE")


rehearsed = lineage()
if __name__ == "__main__":
    assert rehearsed.test().state == "success"
"""


def plan(folder: Path) -> Plan:
    found = catalog(
        table(
            "public.person", column("id", "bigint", not_null=True), column("email"), column("password_hash"),
            column("is_test", "boolean"), column("shout", generated="s", default="upper(email)"),
        ),
        table("public.card", column("id"), column("who")),
    )  # fmt: skip
    return compile_plan(policy(folder, LINES), found)


def test_every_column_says_where_it_comes_from_and_whether_it_was_masked(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    transport = {"type": "file", "log_file_path": str(events), "append": True}
    said = rehearse(
        tmp_path,
        DAG,
        AIRFLOW__OPENLINEAGE__TRANSPORT=json.dumps(transport),
        PRODUCTION="host=db1.example,db2.example port=5433,5434 user=reader password=hunter2 dbname=clinic",
    )
    text = events.read_text(encoding="utf-8")
    sent = [json.loads(line) for line in text.splitlines()]
    (event,) = [event for event in sent if event.get("outputs")]

    assert [(one["namespace"], one["name"]) for one in event["inputs"]] == [
        ("postgres://db1.example:5433", "clinic.public.card"),
        ("postgres://db1.example:5433", "clinic.public.person"),
    ]
    card, person = event["outputs"]
    assert (person["namespace"], person["name"]) == ("understudy://clinic_staging", "clinic.public.person")
    assert {name: _how(one) for name, one in _fields(card).items()} == {
        "id": ("IDENTITY", False),
        "who": ("TRANSFORMATION", True),
    }
    assert {name: _how(one) for name, one in _fields(person).items()} == {
        "id": ("IDENTITY", False),
        "email": ("TRANSFORMATION", True),
        "password_hash": ("TRANSFORMATION", True),
        "is_test": ("IDENTITY", False),
        "shout": ("TRANSFORMATION", None),
    }
    (origin,) = _fields(person)["email"]["inputFields"]
    assert (origin["namespace"], origin["name"]) == ("postgres://db1.example:5433", "clinic.public.person")
    (transformation,) = origin["transformations"]
    assert transformation["description"].endswith("; rows that the policy exempts are kept")
    assert {one["name"] for one in person["facets"]["schema"]["fields"]} == set(_fields(person))

    assert "the lineage of clinic-001 was not sent: SettingsInvalid" in said
    for told in (text, said):
        assert not [word for word in ("hunter2", "reader", "static test data") if word in told]


@pytest.mark.parametrize(
    ("dsn", "namespace"),
    [
        ("postgresql://u:p@db.example:5433/clinic?sslmode=require", "postgres://db.example:5433"),
        ("host=db.example", "postgres://db.example:5432"),
        ("host=/run/postgresql port=5433 user=u", "postgres://localhost:5433"),
        ("dbname=clinic", "postgres://localhost:5432"),
    ],
)
def test_a_namespace_has_host_and_port_and_nothing_else(dsn: str, namespace: str) -> None:
    assert server(dsn) == namespace


def test_staging_is_where_clients_find_it_every_night() -> None:
    service = EndpointSettings(service="shop_staging", file=Path("f"))
    assert staging(service, "shop") == ("understudy://shop_staging", "shop")
    console = Source(dsn="host=bouncer.example user=admin", password="env:NOT_THERE")
    bouncer = EndpointSettings(provider="pgbouncer", service="shop_staging", file=Path("f"), console=console)
    assert staging(bouncer, "shop") == ("postgres://bouncer.example:6432", "shop_staging")


@pytest.mark.parametrize(
    "without", ['sys.modules["airflow"] = None', 'os.environ["AIRFLOW__OPENLINEAGE__DISABLED"] = "True"']
)
def test_without_an_active_provider_nothing_happens(without: str) -> None:
    script = f"""
import logging, os, sys
{without}
logging.basicConfig()
from sanitizers.airflow.lineage import emit_lineage
emit_lineage(None)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "lineage" not in done.stdout + done.stderr


def _fields(dataset: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = dataset["facets"]["columnLineage"]["fields"]
    return fields


def _how(field: dict[str, Any]) -> tuple[str, bool | None]:
    (source,) = field["inputFields"]
    (transformation,) = source["transformations"]
    return transformation["subtype"], transformation.get("masking")
