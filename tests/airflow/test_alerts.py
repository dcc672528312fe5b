"""Alerts as a webhook gets them, over HTTP, from a control database on a real server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import structlog
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException
from airflow.sdk.execution_time.callback_supervisor import execute_callback

from sanitizers.airflow import webhook
from sanitizers.airflow.alerts import Alert, WebhookNotifier, describe, send
from sanitizers.airflow.operators import UnderstudyOperator, opened
from sanitizers.control import Control, NewRun, ReportEntry, Status
from sanitizers.errors import GateFailed, PlanRefused, Problem, UnderstudyError
from sanitizers.settings import load_settings
from sanitizers.workspace import Workspace
from tests.airflow import rehearse

NOW = datetime.now(UTC)
SECRET = "services/T0/very-secret"
BASE = "https://airflow.example"
SSN = "123-45-6789"
REFUSED = PlanRefused(
    "12 columns without a rule",
    hint="say what they are",
    problems=tuple(Problem(f"public.t.c{n}", "no rule covers it") for n in range(12)),
).to_json()


@dataclass
class Receiver:
    """A webhook: what it got, and what it answers, the last answer for good."""

    port: int
    answers: list[int] = field(default_factory=lambda: [200])
    paths: list[str] = field(default_factory=list)
    documents: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A running webhook that the connection `understudy_alerts` leads to; nobody waits between tries."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.paths.append(self.path)
            made.documents.append(json.loads(body))
            self.send_response(made.answers.pop(0) if len(made.answers) > 1 else made.answers[0])
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made = Receiver(server.server_port)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        connect(monkeypatch, made.port)
        monkeypatch.setenv("AIRFLOW__API__BASE_URL", f"{BASE}/")
        monkeypatch.setattr(webhook, "_PAUSES", (0, 0, 0))
        yield made
        server.shutdown()
        thread.join()


def connection(port: int) -> str:
    return json.dumps({"conn_type": "http", "host": "http://127.0.0.1", "port": port, "password": SECRET})


def connect(patch: pytest.MonkeyPatch, port: int) -> None:
    patch.setenv("AIRFLOW_CONN_UNDERSTUDY_ALERTS", connection(port))


@pytest.fixture
def workspace(tmp_path: Path, postgres_database: str, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """One database, `shop`, whose nights begin at midnight and are promised a minute later."""
    file = tmp_path / "understudy.yaml"
    file.write_text(
        f"""
home: {tmp_path}
control: {{dsn: "{postgres_database}"}}
targets:
  shop:
    policy: shop.yaml
    source: {{dsn: host=/nowhere dbname=shop}}
    endpoint: {{service: shop_staging, file: pg_service.conf}}
    schedule: {{cron: "0 0 * * *", fresh_by: "00:01"}}
""",
        encoding="utf-8",
    )
    (tmp_path / "shop.yaml").write_text("policy: shop\nversion: 1\nsurprise: {}\n", encoding="utf-8")
    monkeypatch.setenv("UNDERSTUDY_SETTINGS", str(file))
    control = Control(postgres_database)
    control.prepare()
    return Workspace(load_settings(file), tmp_path, control)


def night(control: Control, began: datetime, status: Status, driver: str = "") -> str:
    """A run that ended so; its id."""
    run = control.start_run(NewRun("shop", "manual", "", "", "host", 1, driver), began)
    label = control.new_generation("shop", run, began).label
    control.stage_started(run, "plan", began)
    if status == "released":
        control.stage_finished(run, "plan", began, {})
        for state in ("scrubbed", "validated", "live"):
            control.move(label, state, began)
    else:
        control.stage_failed(run, "plan", began, REFUSED)
        control.save_report(ReportEntry(run, "record.json", "/reports/page.html", "f00"), b"{}")
    control.finish_run(run, status, None if status == "released" else REFUSED, began)
    return run


class TestTheDocument:
    def test_it_has_all_there_is_to_know_and_a_text_for_people(self, workspace: Workspace) -> None:
        control = workspace.control
        night(control, NOW - timedelta(hours=50), "released")
        run = control.run(night(control, NOW, "refused"))
        document = describe(workspace, "shop", "refused", run=run).to_json()
        age = document.pop("age_seconds")
        text = document.pop("text").splitlines()
        assert 50 * 3600 <= age < 50 * 3600 + 300
        generation = f"shop-{NOW - timedelta(hours=50):%Y%m%d}-001"
        assert document == {
            "database": "shop",
            "kind": "refused",
            "error": REFUSED,
            "stage": "plan",
            "generation": generation,
            "promise": "fresh by 00:01 UTC",
            "links": {"report": "/reports/page.html"},
        }
        assert text[:4] == [
            "The refresh of shop was refused",
            "Stage: plan",
            "PlanRefused: 12 columns without a rule",
            "- public.t.c0: no rule covers it",
        ]
        assert text[12:] == [
            "- public.t.c9: no rule covers it",
            "- and 2 more",
            "What to do: say what they are",
            f"Staging serves {generation}, 50 h old; promised fresh by 00:01 UTC",
            "Report: /reports/page.html",
        ]

    def test_before_the_first_release(self, workspace: Workspace) -> None:
        alert = describe(workspace, "shop", "drift", error=GateFailed("1 finding").to_json())
        assert (alert.generation, alert.age_seconds, alert.stage, alert.links) == ("", None, "", {})
        assert alert.text.splitlines()[1:] == [
            "GateFailed: 1 finding",
            "Staging serves nothing that is known of; promised fresh by 00:01 UTC",
        ]


class TestTheWebhook:
    def test_its_address_is_the_connections_with_the_password_last(self, receiver: Receiver) -> None:
        send(Alert("shop", "drift"))
        assert receiver.paths == [f"/{SECRET}"]
        assert receiver.documents == [Alert("shop", "drift").to_json()]

    @pytest.mark.parametrize(("answers", "tries"), [([503, 429, 204], 3), ([500], 3), ([404], 1)])
    def test_it_is_tried_again_where_that_may_help(
        self, receiver: Receiver, answers: list[int], tries: int
    ) -> None:
        receiver.answers = answers
        send(Alert("shop", "drift"))
        assert len(receiver.documents) == tries

    def test_when_it_is_dead_that_is_a_line_in_the_log(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        receiver.answers = [500]
        send(Alert("shop", "drift"))
        connect(monkeypatch, 1)
        send(Alert("shop", "drift"))
        monkeypatch.setenv(
            "AIRFLOW_CONN_UNDERSTUDY_ALERTS", json.dumps({"conn_type": "http", "host": "http://h:x"})
        )
        send(Alert("shop", "drift"))
        monkeypatch.delenv("AIRFLOW_CONN_UNDERSTUDY_ALERTS")
        send(Alert("shop", "drift"))
        said = [record.getMessage().rpartition(": ")[2] for record in caplog.records]
        assert said == ["status 500", "ConnectError", "InvalidURL", "there is no such connection"]
        assert SECRET not in caplog.text


class TestLate:
    """Called as Airflow's supervisor calls a `SyncCallback`."""

    def call(self) -> None:
        dag_run = {"dag_id": "staging_shop", "dag_run_id": "scheduled__2026-11-21T00:00:00+00:00"}
        kwargs = {"database": "shop", "context": {"dag_run": dag_run, "deadline": {}}}
        log = structlog.get_logger()
        assert execute_callback("sanitizers.airflow.alerts.late", kwargs, Path(), None, log) == (True, None)

    def test_a_promise_kept_is_no_news(self, workspace: Workspace, receiver: Receiver) -> None:
        night(workspace.control, NOW, "released")
        self.call()
        assert receiver.documents == []

    def test_staging_older_than_promised(self, workspace: Workspace, receiver: Receiver) -> None:
        night(workspace.control, NOW - timedelta(hours=50), "released")
        night(workspace.control, NOW, "refused")
        self.call()
        (document,) = receiver.documents
        assert (document["kind"], document["stage"], document["error"]) == ("late", "plan", REFUSED)
        assert document["links"] == {
            "run": f"{BASE}/dags/staging_shop/runs/scheduled__2026-11-21T00%3A00%3A00%2B00%3A00",
            "report": "/reports/page.html",
        }
        assert document["text"].startswith("Staging of shop is older than promised\nStage: plan\n")

    def test_a_refresh_still_under_way(self, workspace: Workspace, receiver: Receiver) -> None:
        run = workspace.control.start_run(NewRun("shop", "manual", "", "", "host", 1, "airflow:x/y"), NOW)
        workspace.control.stage_started(run, "scrub", NOW)
        self.call()
        (document,) = receiver.documents
        assert (document["stage"], document["error"], document["generation"]) == ("scrub", None, "")

    def test_where_nobody_can_look(self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("UNDERSTUDY_SETTINGS", "/nowhere/understudy.yaml")
        self.call()
        (document,) = receiver.documents
        assert (document["kind"], document["error"]["error"]) == ("late", "NotFound")


class Failing(UnderstudyOperator):
    """A task of Understudy's."""


def fail(raised: BaseException, dag_id: str = "staging_shop") -> None:
    """What Airflow does when the task has raised that."""
    with DAG(dag_id) as dag:
        task = Failing(task_id="verdict", database="shop")
    WebhookNotifier()({"dag": dag, "task": task, "run_id": "r1", "exception": raised})


class TestTheNotifier:
    def test_it_tells_what_became_of_the_run(self, workspace: Workspace, receiver: Receiver) -> None:
        night(workspace.control, NOW, "refused", "airflow:staging_shop/r1")
        fail(AirflowFailException("refused"))
        (document,) = receiver.documents
        assert (document["kind"], document["stage"], document["error"]) == ("refused", "plan", REFUSED)
        assert document["links"]["run"] == f"{BASE}/dags/staging_shop/runs/r1"

    def test_a_task_whose_run_is_not_on_record_tells_why_itself(
        self, workspace: Workspace, receiver: Receiver
    ) -> None:
        fail(raised_by(GateFailed("2 gates failed")))
        fail(AirflowFailException("3 findings before tonight"), "understudy_drift")
        told = [(document["kind"], document["error"]["what"]) for document in receiver.documents]
        assert told == [("failed", "2 gates failed"), ("drift", "3 findings before tonight")]

    def test_without_a_control_database_it_still_tells(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("UNDERSTUDY_SETTINGS", "/nowhere/understudy.yaml")
        fail(raised_by(GateFailed("2 gates failed")))
        assert [document["error"]["error"] for document in receiver.documents] == ["NotFound"]

    def test_what_others_raise_may_hold_data_and_is_not_told(
        self, workspace: Workspace, receiver: Receiver, caplog: pytest.LogCaptureFixture
    ) -> None:
        fail(ValueError(f"Key (ssn)=({SSN}) already exists"))
        receiver.answers = [500]
        fail(ValueError(f"Key (ssn)=({SSN}) already exists"))
        assert receiver.documents[0]["error"]["what"] == "stopped by ValueError"
        assert SSN not in json.dumps(receiver.documents) + caplog.text


def raised_by(error: UnderstudyError) -> Exception:
    """What a task of Understudy's raises because of that error, or because it cannot begin at all."""
    with pytest.raises(AirflowFailException) as caught, opened(structlog.get_logger()):
        raise error
    return caught.value


DAG_FILE = """
import structlog
from airflow.callbacks.callback_requests import DagCallbackRequest
from airflow.dag_processing.dagbag import DagBag
from airflow.dag_processing.processor import _execute_dag_callbacks
from airflow.sdk import DAG

from sanitizers.airflow.alerts import WebhookNotifier
from sanitizers.airflow.operators import OpenRun

tell = [WebhookNotifier()]
with DAG("staging_shop", params={"full_snapshot": False, "dry_run": False}, on_failure_callback=tell) as dag:
    OpenRun(task_id="open_run", database="shop", on_failure_callback=tell)

if __name__ == "__main__":
    run = dag.test()
    assert run.state == "failed"
    # In a rehearsal a DAG's callbacks get half a DAG; in earnest the processor calls them, with a whole one.
    request = DagCallbackRequest(
        filepath="rehearsed.py", bundle_name="dags-folder", bundle_version=None, msg="task_failure",
        dag_id="staging_shop", run_id=run.run_id,
    )
    _execute_dag_callbacks(DagBag(__file__), request, structlog.get_logger())
"""


def test_airflow_itself_calls_it_for_a_task_and_for_a_dag(
    tmp_path: Path, workspace: Workspace, receiver: Receiver
) -> None:
    home = tmp_path / "airflow"
    home.mkdir()
    said = rehearse(home, DAG_FILE)
    assert SECRET not in said
    assert [document["kind"] for document in receiver.documents] == ["refused", "refused"]
    first, second = receiver.documents
    assert first == second
    assert first["error"]["error"] == "PolicyInvalid"
    assert first["links"]["run"].startswith(f"{BASE}/dags/staging_shop/runs/manual__")
