"""Bad input and bad days: one clear error, its exit code, and staging serves what it served before."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sanitizers import errors
from sanitizers.errors import UnderstudyError
from sanitizers.postgres import binaries
from sanitizers.settings import load_settings
from sanitizers.workspace import open_workspace
from tests.conftest import remove_servers
from tests.e2e.conftest import Clinic


@contextmanager
def yesterday_keeps_serving(clinic: Clinic) -> Iterator[None]:
    """Refreshes once, then checks after the block that clients still get that generation."""
    clinic.refresh()
    before = clinic.staging("SELECT current_setting('cluster_name')")
    yield
    assert clinic.staging("SELECT current_setting('cluster_name')") == before
    assert clinic.staging("SELECT count(*) FROM patients") == [(300,)]


def refused(clinic: Clinic, error: type[UnderstudyError], *said: str) -> None:
    result = clinic.run("refresh", clinic.database)
    assert result.exit_code == error.exit_code, result.output
    unwrapped = " ".join(result.output.split())
    for words in said:
        assert words in unwrapped, result.output
    assert "Traceback" not in result.output


def test_a_column_nobody_classified(clinic: Clinic) -> None:
    with yesterday_keeps_serving(clinic):
        clinic.produce("ALTER TABLE patients ADD COLUMN ssn text")
        refused(clinic, errors.PlanRefused, "no rule covers column public.patients.ssn", "policy.yaml:")


def test_a_policy_column_that_does_not_exist(clinic: Clinic) -> None:
    with yesterday_keeps_serving(clinic):
        clinic.edit("email: email", "emial: email")
        refused(clinic, errors.PlanRefused, "public.patients.emial does not exist", "did you mean email?")


def test_a_misspelt_key(clinic: Clinic) -> None:
    with yesterday_keeps_serving(clinic):
        clinic.edit("version: 1", "version: 1\nprofiel: hipaa-lds")
        refused(clinic, errors.PolicyInvalid, "unknown key profiel", "did you mean profile?", "policy.yaml:3")


def test_treatments_that_cannot_fit_are_all_named_at_once(clinic: Clinic) -> None:
    with yesterday_keeps_serving(clinic):
        clinic.edit("name: name.full", "name: {category: name, treat: {kind: 'null'}}")
        clinic.edit("email: email", "email: {category: email, treat: {kind: surrogate, of: first_name}}")
        clinic.edit("{category: device_id}", "{category: device_id, treat: {kind: unique, format: token}}")
        refused(
            clinic, errors.PlanRefused, "3 problems", "null would put NULL into a NOT NULL column",
            "index patients_email_key is unique", "needs 21 characters, character varying(5) is too short",
        )  # fmt: skip


def test_a_foreign_key_treated_on_one_side_only(clinic: Clinic) -> None:
    with yesterday_keeps_serving(clinic):
        clinic.edit(
            "id: non_identifying\n      name", "id: {category: mrn, treat: {kind: unique}}\n      name"
        )
        kept = "patient_id: {category: mrn, treat: {kind: keep}, reason: needed}"
        clinic.edit("patient_id: non_identifying", kept)
        refused(clinic, errors.PlanRefused, "public.visits.patient_id (kept) references public.patients.id")


def test_a_locale_without_words(clinic: Clinic) -> None:
    with yesterday_keeps_serving(clinic):
        clinic.edit("version: 1", "version: 1\nlocale: xx_YY")
        refused(clinic, errors.PolicyInvalid, "Faker knows no locale 'xx_YY'")


def test_an_exemption_that_has_expired(clinic: Clinic) -> None:
    with yesterday_keeps_serving(clinic):
        expired = (
            "exempt: {where: ward = 'T', reason: test ward, owner: quality engineering, expires: 2020-01-31}"
        )
        clinic.edit("  public.patients:\n", f"  public.patients:\n    {expired}\n")
        refused(clinic, errors.PlanRefused, "the exemption expired on 2020-01-31", "ask quality engineering")


def test_broken_yaml(clinic: Clinic) -> None:
    with yesterday_keeps_serving(clinic):
        clinic.edit("tables:", "tables: [")
        refused(clinic, errors.PolicyInvalid, "broken YAML", "policy.yaml:")
    last = json.loads(clinic.run("status", clinic.database, "--json").stdout)[0]["runs"][0]
    assert (last["status"], last["error"]["error"]) == ("refused", "PolicyInvalid")


def test_the_source_is_down(clinic: Clinic) -> None:
    with yesterday_keeps_serving(clinic):
        clinic.configure(f"port={clinic.production.port}", "port=1")
        refused(clinic, errors.SourceUnreachable, "the source does not answer")


def test_a_wrong_password(clinic: Clinic) -> None:
    with yesterday_keeps_serving(clinic):
        (clinic.folder / "password").write_text("wrong")
        refused(clinic, errors.SourceRefused, "password")


def test_a_version_without_server_binaries(clinic16: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    version_of = binaries._version

    def without_16(folder: Path) -> str | None:
        found = version_of(folder)
        return None if found is None or found.startswith("16") else found

    with yesterday_keeps_serving(clinic16), monkeypatch.context() as patch:
        patch.setattr(binaries, "_version", without_16)
        refused(clinic16, errors.ServerMissing, "16", "postgresql-16")


def test_a_migration_that_fails_half_way(clinic: Clinic) -> None:
    with yesterday_keeps_serving(clinic):
        broken = "ALTER TABLE patients ADD COLUMN good text; SELECT 1/0;"
        (clinic.folder / "migrations" / "V1__broken.sql").write_text(broken)
        refused(clinic, errors.MigrationFailed, "V1__broken.sql", "22012")


def test_a_treatment_that_breaks_a_constraint(clinic: Clinic) -> None:
    with yesterday_keeps_serving(clinic):
        clinic.produce("ALTER TABLE patients ADD CONSTRAINT known CHECK (name LIKE 'Original%')")
        refused(clinic, errors.ScrubFailed, "public.patients could not be rewritten", "constraint known")


@pytest.fixture
def cramped(home: Path) -> Iterator[Path]:
    """The home on a small disk of its own."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk takes root")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=700m,mode=0711", "tmpfs", home], check=True)
    yield home
    remove_servers(home)
    subprocess.run(["umount", home], check=True)


def test_no_room_on_the_disk(cramped: Path, clinic: Clinic) -> None:
    with yesterday_keeps_serving(clinic):
        room = os.statvfs(cramped)
        with (cramped / "somebody_elses_file").open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize - 2**22)
        refused(clinic, errors.DiskShort, "free")
        (cramped / "somebody_elses_file").unlink()
    clinic.refresh()


def test_a_second_refresh_while_one_runs(clinic: Clinic) -> None:
    with yesterday_keeps_serving(clinic):
        first = subprocess.Popen(
            _command(clinic), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        try:
            _wait_for_stage(clinic, "snapshot")
            refused(clinic, errors.Busy, f"another refresh of {clinic.database} runs")
        finally:
            # With the tools it has started: one that went on copying would outlive the test.
            os.killpg(first.pid, signal.SIGKILL)
            first.wait()


def test_a_run_that_crashed_is_cleaned_up_by_the_next(clinic: Clinic) -> None:
    with yesterday_keeps_serving(clinic):
        first = subprocess.Popen(_command(clinic), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _wait_for_stage(clinic, "scrub")
        first.send_signal(signal.SIGKILL)
        first.wait()
    crashed = _states(clinic)
    assert "live" in crashed
    clinic.refresh()
    assert set(_states(clinic)) == {"live", "retired"}
    assert clinic.staging("SELECT count(*) FROM patients WHERE name LIKE 'Original%'") == [(0,)]


def _command(clinic: Clinic) -> list[str]:
    return [
        sys.executable,
        "-m",
        "sanitizers.cli",
        "--settings",
        str(clinic.settings),
        "refresh",
        clinic.database,
    ]


def _states(clinic: Clinic) -> list[str]:
    status = json.loads(clinic.run("status", clinic.database, "--json").stdout)
    return [generation["state"] for generation in status[0]["generations"]]


def _wait_for_stage(clinic: Clinic, stage: str) -> None:
    """Until the running refresh has begun a stage, as the control database tells."""
    until = time.monotonic() + 60
    with open_workspace(load_settings(clinic.settings)) as workspace:
        while time.monotonic() < until:
            for run in workspace.control.unfinished_runs(clinic.database):
                if any(entry.stage == stage for entry in workspace.control.stages(run.id)):
                    return
            time.sleep(0.02)
    raise AssertionError(f"the refresh never came to {stage}")
