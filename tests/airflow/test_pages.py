"""The page "Scrub reports" in a real Airflow: who sees what, the way back, and how it looks in a browser."""

from __future__ import annotations

import hashlib
import html
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import httpx
import psycopg
import pytest

from sanitizers.airflow.housekeeping import rollback_dags
from sanitizers.airflow.local import LocalAirflow, airflow
from sanitizers.airflow.nights import ROLLBACK, age
from sanitizers.control import Control
from sanitizers.postgres.cluster import Cluster
from sanitizers.settings import load_settings
from tests.airflow.browser import Browser, browser
from tests.airflow.sample_nights import BEGAN, MARKUP, NOW, by_dag_run, fill
from tests.conftest import passable_folder

SETTINGS = """\
home: {folder}/home
control: {{dsn: "{control}"}}
targets:
  clinic:
    <<: &target
      policy: policy.yaml
      source: {{dsn: "host=127.0.0.1 dbname=clinic user=copier"}}
      endpoint: {{provider: service, service: clinic_staging, file: pg_service.conf}}
    schedule: {{cron: "{minute} {hour} * * *", timezone: Europe/Vienna, fresh_by: "{due}"}}
  pharmacy:
    <<: *target
    endpoint: {{provider: service, service: pharmacy_staging, file: pg_service.conf}}
    schedule: {{cron: "0 2 * * *", fresh_by: "02:30"}}
  archive:
    <<: *target
    endpoint: {{provider: service, service: archive_staging, file: pg_service.conf}}
"""
DAGS = """\
from airflow.sdk import DAG, Param, task

for name in ("clinic", "pharmacy"):
    with DAG(f"staging_{name}", schedule=None):
        @task
        def refresh():
            pass
        refresh()
    to, reason = Param(None, type=["null", "string"]), Param("", type="string")
    paused, params = name == "pharmacy", {"to": to, "reason": reason}
    with DAG(f"rollback_{name}", schedule=None, params=params, is_paused_upon_creation=paused):
        @task
        def back(params=None):
            print(params["to"])
        back()
with DAG("something_else", schedule=None):
    refresh()
"""
SAME_SITE = {"Sec-Fetch-Site": "same-origin"}


@dataclass(frozen=True)
class Pages:
    """Airflow with the plugin, and the control database that it reads."""

    airflow: LocalAirflow
    control: Control
    made: dict[str, str]
    """The id of each run, by the name its night is called here."""

    def get(self, path: str, user: str | None = "viewer") -> httpx.Response:
        bearer = {"Authorization": f"Bearer {self.airflow.token(user)}"} if user else {}
        return httpx.get(f"{self.airflow.url}/scrub-reports{path}", headers=bearer, timeout=60)

    def post(
        self, user: str | None = "admin", headers: dict[str, str] = SAME_SITE, **form: str
    ) -> httpx.Response:
        """Asks for a rollback of the clinic, as the form does unless told otherwise."""
        live, retired = (
            self.control.generations("clinic", [state])[0].label for state in ("live", "retired")
        )
        known = {"to": retired, "instead_of": live, "reason": "wrong totals", "ticket": secrets.token_hex(8)}
        cookies = {"_token": self.airflow.token(user)} if user else {}
        with httpx.Client(cookies=cookies, headers=headers, timeout=60) as client:
            return client.post(
                f"{self.airflow.url}/scrub-reports/dags/rollback_clinic/rollback", data=known | form
            )

    def rollbacks(self) -> list[dict[str, Any]]:
        runs: list[dict[str, Any]] = self.airflow.api("GET", "/dags/rollback_clinic/dagRuns")["dag_runs"]
        return runs


@pytest.fixture(scope="module")
def pages(production18: Cluster, default_home: Path) -> Iterator[Pages]:
    with passable_folder() as folder:
        (folder / "servers").symlink_to(default_home / "servers")
        with served(production18, folder) as found:
            yield found


@contextmanager
def served(cluster: Cluster, folder: Path) -> Iterator[Pages]:
    with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE pages_control")
    control = Control(cluster.dsn("pages_control"))
    control.prepare()
    made = fill(control)
    (folder / "dags").mkdir()
    (folder / "dags" / "pages.py").write_text(DAGS)
    settings = folder / "understudy.yaml"
    settings.write_text(_settings(folder, control.dsn, BEGAN))
    with airflow(folder / "airflow", folder / "dags", settings) as running:
        pages = Pages(running, control, made)
        _wait_for_dags(running)
        yield pages


def _settings(folder: Path, control: str, began: datetime) -> str:
    """The clinic's night was due an hour ago and came in time."""
    here = began.astimezone(ZoneInfo("Europe/Vienna"))
    due = f"{here + timedelta(hours=3):%H:%M}"
    return SETTINGS.format(folder=folder, control=control, minute=here.minute, hour=here.hour, due=due)


def _wait_for_dags(running: LocalAirflow) -> None:
    until = time.monotonic() + 90
    while running.api("GET", "/dags")["total_entries"] < 5:
        assert time.monotonic() < until, running.api("GET", "/importErrors")
        time.sleep(0.5)


# -- reading


def test_overview_tells_each_database_apart(pages: Pages) -> None:
    answer = pages.get("/")
    text = _text(answer)
    assert answer.status_code == 200
    places = [text.index(f"{name} Staging serves") for name in ("archive", "clinic", "pharmacy")]
    assert places == sorted(places)
    assert "Later than promised: pharmacy" in text
    assert "No night yet" in text
    live = pages.control.live("clinic")
    assert live is not None
    assert f"Staging serves {live.label}" in text
    assert "Kept fresh by" in text
    assert "Not kept was to be fresh by 02:30" in text
    assert "psql service=clinic_staging" in text
    assert {"Released", "Refused", "Running"} <= set(text.split())


def test_page_of_a_database_has_every_night(pages: Pages) -> None:
    text = _text(pages.get("/dags/staging_clinic"))
    for generation in pages.control.generations("clinic"):
        assert generation.label in text
    assert "the policy does not fit the database: 3 problems" in text
    assert "Airflow scheduled" in text
    assert "command line manual, on staging-1" in text
    assert "41 min 00 s" in text
    assert "CET" in text or "CEST" in text


def test_report_is_found_by_airflows_run_and_by_ours(pages: Pages) -> None:
    run = pages.control.run(pages.made["last"])
    by_airflow = pages.get(f"/dags/staging_clinic/runs/{quote(run.driver.partition('/')[2], safe='')}")
    ours = pages.get(f"/dags/staging_clinic/reports/{run.id}")
    assert "Column inventory" in _text(ours)
    assert _body(by_airflow) == _body(ours)


def test_record_is_the_one_whose_digest_the_report_shows(pages: Pages) -> None:
    path = f"/dags/staging_clinic/reports/{pages.made['last']}"
    record = pages.get(f"{path}/record.json")
    assert record.headers["content-disposition"].startswith("attachment")
    assert record.json()["database"] == "clinic"
    assert hashlib.sha256(record.content).hexdigest() in pages.get(path).text


def test_run_without_a_report_says_why(pages: Pages) -> None:
    refused = pages.get(f"/dags/staging_clinic/reports/{pages.made['unreadable']}")
    assert "What to do: Mend it." in _text(refused)
    going_on = pages.get("/dags/staging_pharmacy/runs/manual__now")
    assert "This run goes on, now at scrub." in _text(going_on)


def test_everything_that_is_shown_is_escaped(pages: Pages) -> None:
    listed, alone = pages.get("/"), pages.get(f"/dags/staging_clinic/reports/{pages.made['unreadable']}")
    unknown = pages.get(f"/dags/staging_{MARKUP}".replace("</", "<"))
    for answer in (listed, alone, unknown):
        assert html.escape("<script>alert('x')", quote=False).split("'")[0] in answer.text
        assert "<script" not in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/dags/staging_nobody",
        "/dags/something_else",
        "/dags/something_else/runs/manual__1",
        "/dags/staging_clinic/runs/manual__1",
        "/dags/staging_clinic/reports/none",
        "/dags/staging_clinic/reports/none/record.json",
        "/dags/rollback_clinic/rollback/manual__1",
    ],
)
def test_what_is_not_there(pages: Pages, path: str) -> None:
    answer = pages.get(path)
    assert answer.status_code == 404
    assert "Nothing here" in _text(answer)


def test_report_of_one_database_is_not_had_by_the_rights_on_another(pages: Pages) -> None:
    assert pages.get(f"/dags/staging_pharmacy/reports/{pages.made['last']}").status_code == 404


def test_nothing_runs_scripts_or_stays_in_a_cache(pages: Pages) -> None:
    for path in (
        "/",
        "/dags/staging_clinic",
        f"/dags/staging_clinic/reports/{pages.made['last']}",
        "/nowhere",
    ):
        answer = pages.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'self'" in policy
        assert "script" not in policy
        assert "<script" not in answer.text
        assert answer.headers["cache-control"] == "no-store"


# -- permissions and the way back


@pytest.mark.parametrize(
    "path", ["/", "/dags/staging_clinic", "/dags/rollback_clinic/rollback", "/dags/x/runs/y"]
)
def test_nobody_gets_anything_without_logging_in(pages: Pages, path: str) -> None:
    answer = pages.get(path, user=None)
    assert answer.status_code == 401
    assert "clinic" not in answer.text


def test_viewers_see_reports_and_no_button(pages: Pages) -> None:
    assert "Roll back" not in pages.get("/").text
    assert "Roll back" not in pages.get("/dags/staging_clinic").text
    assert pages.get("/dags/rollback_clinic/rollback").status_code == 403
    assert pages.post(user="viewer").status_code == 403
    assert "Roll back" in pages.get("/", user="admin").text
    assert "Roll back" in pages.get("/dags/staging_clinic", user="admin").text


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "https://sibling.example.org"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://elsewhere.example.org"},
        {"Origin": "null"},
        {},
    ],
    ids=str,
)
def test_forms_from_elsewhere_are_refused(pages: Pages, headers: dict[str, str]) -> None:
    before = len(pages.rollbacks())
    assert pages.post(headers=headers).status_code == 403
    assert len(pages.rollbacks()) == before


def test_rollback_needs_somebody_logged_in(pages: Pages) -> None:
    assert pages.post(user=None).status_code == 401


def test_confirmation_names_both_generations(pages: Pages) -> None:
    live, *retired = pages.control.generations("clinic", ["live", "retired"])
    text = _text(pages.get("/dags/rollback_clinic/rollback", user="admin"))
    assert f"Staging of clinic will go back from {live.label} to {retired[0].label}, made" in text
    chosen = _text(pages.get(f"/dags/rollback_clinic/rollback?to={retired[1].label}", user="admin"))
    assert f"Staging of clinic will go back from {live.label} to {retired[1].label}, made" in chosen


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"reason": "  "}, 400),
        ({"reason": "x" * 501}, 422),
        ({"ticket": "../../x"}, 422),
        ({"to": "clinic-19990101-001"}, 409),
        ({"instead_of": "clinic-19990101-001"}, 409),
        ({"more": "x"}, 422),
    ],
    ids=str,
)
def test_wrong_forms_start_nothing(pages: Pages, form: dict[str, str], status: int) -> None:
    before = len(pages.rollbacks())
    assert pages.post(**form).status_code == status
    assert len(pages.rollbacks()) == before


def test_rollback_starts_the_dag_for_the_user_once(pages: Pages) -> None:
    origin = {"Origin": pages.airflow.url}
    ticket, reason = secrets.token_hex(8), "totals of <March> are wrong"
    answers = [pages.post(headers=origin, ticket=ticket, reason=reason) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    (run,) = [run for run in pages.rollbacks() if run["dag_run_id"].endswith(ticket)]
    retired = pages.control.generations("clinic", ["retired"])[0].label
    assert run["conf"] == {"to": retired, "reason": reason}
    assert run["triggering_user_name"] == "admin"
    assert run["note"] == reason
    path = answers[0].headers["location"].removeprefix("/scrub-reports")
    shown = _until(lambda: pages.get(path), "Done")
    assert f"/dags/rollback_clinic/runs/{run['dag_run_id']}" in shown
    assert "totals of &lt;March&gt; are wrong" in shown
    logged = pages.airflow.api("GET", "/eventLogs?dag_id=rollback_clinic&event=roll_back")["event_logs"]
    assert logged[0]["owner"] == "admin"


def test_paused_dag_is_not_left_waiting_with_a_rollback(pages: Pages) -> None:
    answer = pages.get("/dags/rollback_pharmacy/rollback", user="admin")
    assert answer.status_code == 409
    assert "rollback_pharmacy is paused" in _text(answer)


# -- in a browser


@pytest.fixture(scope="module")
def tab(pages: Pages) -> Iterator[Browser]:
    with browser() as found:
        found.log_in(pages.airflow.url, pages.airflow.token("admin"))
        yield found


def test_pages_stand_in_airflows_interface(pages: Pages, tab: Browser) -> None:
    tab.open(f"{pages.airflow.url}/plugin/scrub-reports")
    assert "Later than promised: pharmacy" in tab.wait_for("staging databases")
    tab.open(f"{pages.airflow.url}/dags/staging_clinic/plugin/scrub-reports-dag")
    tab.wait_for("the policy does not fit the database: 3 problems")
    assert tab.complaints == []


def test_report_stands_on_the_dag_run(pages: Pages, tab: Browser) -> None:
    run_id = "manual__2026-11-21T02:00:00+00:00"
    pages.airflow.api("POST", "/dags/staging_clinic/dagRuns", {"dag_run_id": run_id, "logical_date": None})
    by_dag_run(pages.control, "staging_clinic", run_id)
    encoded = quote(run_id, safe="")
    tab.open(f"{pages.airflow.url}/dags/staging_clinic/runs/{encoded}/plugin/scrub-report-run")
    assert "Category coverage" in tab.wait_for("Column inventory")
    assert tab.complaints == []


def test_rollback_by_keyboard_alone(pages: Pages, tab: Browser) -> None:
    tab.open(f"{pages.airflow.url}/plugin/scrub-reports")
    tab.wait_for("staging databases")
    tab.find("a.button", "focus()")
    tab.press("Enter")
    tab.wait_for("will go back from")
    tab.find("#reason", "focus()")
    tab.type("the browser asks for it")
    tab.press("Tab")
    tab.press("Enter")
    shown = tab.wait_for("Done")
    assert "the browser asks for it" in shown
    assert "admin" in shown
    assert tab.complaints == []


@pytest.mark.parametrize("width", [800, 1400])
def test_nothing_sticks_out(pages: Pages, tab: Browser, width: int) -> None:
    for path in ("/", "/dags/staging_clinic", "/dags/rollback_clinic/rollback"):
        tab.open(f"{pages.airflow.url}/scrub-reports{path}", width=width)
        tab.wait_for("clinic")
        assert tab.run("document.documentElement.scrollWidth") <= width


# -- alone


def test_settings_that_cannot_be_read_are_one_clear_page(tmp_path: Path) -> None:
    """In a process of its own: the pages read the settings where their server runs."""
    (tmp_path / "broken.yaml").write_text("targets: {}\nnonsense: 1\n")
    program = (
        "import os, airflow.api_fastapi.app\n"
        "from sanitizers.airflow.pages import app, get_user\n"
        "from fastapi.testclient import TestClient\n"
        "app.dependency_overrides[get_user] = lambda: None\n"
        "for name in ('', 'missing.yaml', 'broken.yaml'):\n"
        "    os.environ['UNDERSTUDY_SETTINGS'] = name\n"
        "    answer = TestClient(app).get('/')\n"
        "    print(answer.status_code, answer.text)\n"
    )
    command = [sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.count("503 <!DOCTYPE html>") == 3
    assert done.stdout.count("does not find the settings file") == 2
    assert "unknown key nonsense" in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.filterwarnings("default")
def test_page_asks_the_dags_that_there_are(tmp_path: Path) -> None:
    file = tmp_path / "understudy.yaml"
    file.write_text(_settings(tmp_path, "dbname=nowhere", BEGAN))
    (dag,) = (dag for dag in rollback_dags(load_settings(file)) if dag.dag_id == f"{ROLLBACK}clinic")
    dag.params.update({"to": "clinic-20261120-001", "reason": "wrong totals"})
    dag.params.validate()


def test_plugin_costs_other_components_nothing() -> None:
    program = (
        "import sys\nfrom sanitizers.airflow.plugin import ScrubReports\n"
        "print(len(ScrubReports.fastapi_apps), *({'fastapi', 'sanitizers.workspace'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "just now"), (60, "a minute ago"), (119, "a minute ago"), (120, "2 minutes ago"),
        (7199, "119 minutes ago"), (7200, "2 hours ago"), (86400, "24 hours ago"), (172800, "2 days ago"),
    ],
)  # fmt: skip
def test_ages_in_words(seconds: int, words: str) -> None:
    assert age(NOW, NOW + timedelta(seconds=seconds)) == words


def _text(answer: httpx.Response) -> str:
    """What a reader sees, in one line."""
    body = re.sub(r"<style>.*?</style>", " ", answer.text, flags=re.DOTALL)
    return (
        " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split()).replace(" ,", ",").replace(" .", ".")
    )


def _body(answer: httpx.Response) -> str:
    return answer.text.partition('<div class="page">')[2]


def _until(get: Callable[[], httpx.Response], words: str) -> str:
    until = time.monotonic() + 60
    while words not in (text := get().text):
        assert time.monotonic() < until, text
        time.sleep(0.5)
    return text
