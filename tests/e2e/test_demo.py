"""The demo as a new user sees it: two nights, a look around, a step back, and nothing left at the end."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sanitizers.postgres import postmaster
from sanitizers.settings import load_settings, resolve_dsn

CHANGED = ("name", "email", "phone", "ssn", "mrn")
KEPT = ("id", "city", "born", "is_test")


@dataclass(frozen=True)
class DemoUser:
    """Somebody at a shell."""

    home: Path

    def types(self, *arguments: str | Path, fails: int = 0) -> subprocess.CompletedProcess[str]:
        """Runs `understudy` with these arguments in a process of its own."""
        command = [sys.executable, "-m", "sanitizers.cli", *map(str, arguments)]
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("UNDERSTUDY_")
        }
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=280,
            env={**environment, "UNDERSTUDY_HOME": str(self.home.parent / "elsewhere")},
        )
        assert done.returncode == fails, done.stdout + done.stderr
        return done

    def demo(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.types("demo", *arguments, "--home", self.home)

    def asks(self, *arguments: str) -> Any:
        """Runs a command on the demo's settings; its JSON."""
        return json.loads(
            self.types("--settings", self.home / "understudy.yaml", *arguments, "--json").stdout
        )

    def counts_patients(self) -> int:
        """In staging, through the service entry alone."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PGSERVICEFILE", str(self.home / "pg_service.conf"))
            with psycopg.connect("service=hospital_staging") as connection:
                row = connection.execute("SELECT count(*) FROM clinical.patients").fetchone()
        assert row is not None
        return int(row[0])

    def server_pids(self) -> list[int]:
        files = self.home.rglob("data/postmaster.pid")
        return [pid for file in files if (pid := postmaster.server_pid(file.parent)) is not None]


@pytest.fixture
def user() -> Iterator[DemoUser]:
    # Servers of root run as another user, who cannot pass pytest's own folders.
    folder = Path(tempfile.mkdtemp(prefix="understudy-demo-", dir="/tmp"))
    folder.chmod(0o711)
    user = DemoUser(folder / "demo")
    try:
        yield user
    finally:
        user.demo("stop")
        shutil.rmtree(folder)


@pytest.mark.timeout(900)
def test_two_nights_and_the_end(user: DemoUser) -> None:
    check_first_night(user.demo("--patients", "120").stdout, user)
    assert user.counts_patients() == 120

    second = json.loads(user.demo("--json").stdout)
    check_second_night(second)
    assert user.counts_patients() == 123

    check_a_look_around(user)
    check_a_first_policy(user)

    back = user.asks("rollback", "hospital")
    assert back["previous"]["generation"] == second["generation"]
    assert user.counts_patients() == 120

    pids = user.server_pids()
    assert len(pids) >= 3  # production, control and what serves as staging
    assert "Stopped" in user.demo("stop").stdout
    assert not user.home.exists()
    # A process that has ended may wait for its parent to notice, but it stands nowhere any more.
    assert not [pid for pid in pids if Path(f"/proc/{pid}/cwd").exists()]
    assert "No demo in" in user.demo("stop").stdout


def check_first_night(shown: str, user: DemoUser) -> None:
    stages = (
        "snapshot",
        "isolate",
        "plan",
        "scrub",
        "purge",
        "offset",
        "migrate",
        "validate",
        "approve",
        "switch",
    )
    lines = shown.splitlines()
    for stage in (*stages, "report", "reap"):
        assert any(line.startswith(f"{stage} ") for line in lines), stage
    assert "full, " in next(line for line in lines if line.startswith("snapshot "))
    assert "The same patients in production and in staging" in shown
    assert "test.patient1@example.com" in shown
    assert "Released hospital-" in shown
    assert f"PGSERVICEFILE={user.home}/pg_service.conf" in shown
    page = next(line.split(maxsplit=1)[1] for line in lines if line.strip().startswith("Report "))
    assert Path(page).is_file()


def check_second_night(second: dict[str, Any]) -> None:
    assert second["status"] == "released"
    assert second["results"]["snapshot"]["snapshot"]["kind"] == "incremental"
    assert second["generation"].endswith("-002")
    assert Path(second["results"]["report"]["page"]).is_file()
    pairs = second["patients"]
    assert len(pairs) == 4
    assert [pair["production"]["is_test"] for pair in pairs] == [True, False, False, False]
    for pair in pairs:
        before, after = pair["production"], pair["staging"]
        assert {name: before[name] for name in KEPT} == {name: after[name] for name in KEPT}
        same = [name for name in CHANGED if before[name] == after[name]]
        assert same == (list(CHANGED) if before["is_test"] else [])


def check_a_look_around(user: DemoUser) -> None:
    (status,) = user.asks("status")
    assert [one["state"] for one in status["generations"]] == ["live", "retired"]
    assert [one["status"] for one in status["runs"]] == ["released", "released"]

    plan = user.asks("plan", "hospital")
    assert len(plan["digest"]) == 64
    assert plan["rules"]
    sql = user.types("--settings", user.home / "understudy.yaml", "plan", "hospital", "--sql").stdout
    assert "-- clinical.patients (treated)" in sql

    preview = user.asks("preview", "hospital", "--table", "clinical.patients")
    assert {row["column"] for row in preview} >= {"email", "phone", "ssn"}

    assert Path(user.asks("report", "hospital")["record"]).is_file()
    assert user.asks("doctor", "hospital")["ok"]
    assert user.asks("lint")["ok"]

    live = status["live"]["label"]
    user.types("--settings", user.home / "understudy.yaml", "destroy", "hospital", live, "--yes", fails=42)
    assert "runs" in user.demo("status").stdout


def check_a_first_policy(user: DemoUser) -> None:
    dsn = resolve_dsn(load_settings(user.home / "understudy.yaml").target("hospital").source)
    policy = user.home / "first.yaml"
    shown = user.types("init", dsn, "-o", policy).stdout
    assert f"understudy lint {policy}" in shown
    assert "password: env:HOSPITAL_PASSWORD" in shown
    assert "# review" in policy.read_text(encoding="utf-8")
    (reading,) = json.loads(user.types("lint", policy, "--dsn", dsn, "--json").stdout)["files"]
    assert (reading["ok"], reading["bound"]) == (True, True)
    user.types("init", dsn, "-o", policy, fails=2)
