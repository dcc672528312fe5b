"""What a policy says beyond single columns, through whole nights: epochs, large objects, functions, rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.conftest import Clinic

FUNCTION = """
import pyarrow as pa


def shortened(values: pa.Array) -> pa.Array:
    return pa.array([f"note of {len(value)} characters" for value in values.to_pylist()])
"""


def test_an_epoch_keeps_pseudonyms_from_night_to_night(clinic: Clinic) -> None:
    clinic.policy.write_text(
        clinic.policy.read_text() + "epochs: {email: {days: 30, reason: testers keep accounts}}\n"
    )
    people = "SELECT id, email, name FROM patients ORDER BY id"
    clinic.refresh()
    first = clinic.staging(people)
    clinic.produce("INSERT INTO patients (name, email) VALUES ('New', 'new@northlake-mail.net')")
    clinic.refresh()
    second = clinic.staging(people)
    assert [row[:2] for row in second[:300]] == [row[:2] for row in first]
    assert [row[2] for row in second[:300]] != [row[2] for row in first]
    [kept] = clinic.home.rglob("keys/*.json")
    assert kept.stat().st_mode & 0o777 == 0o600


def test_large_objects_have_to_be_spoken_of_and_are_emptied(clinic: Clinic) -> None:
    clinic.produce("SELECT lo_from_bytea(4711, 'a scanned letter of Original Person 7')")
    refused = clinic.run("refresh", clinic.database, "--json")
    assert refused.exit_code == 12
    [problem] = json.loads(refused.stdout)["problems"]
    assert "large objects, which belong to no table" in json.dumps(problem)
    clinic.policy.write_text(
        clinic.policy.read_text() + "large_objects: {treat: empty, reason: nobody needs scans}\n"
    )
    generation = clinic.refresh()["generation"]
    assert clinic.staging("SELECT count(*) FROM pg_largeobject_metadata") == [(1,)]
    [data] = clinic.home.rglob(f"{generation}/data")
    files = [file for file in data.rglob("*") if file.is_file()]
    assert not any(b"scanned letter" in file.read_bytes() for file in files)


def test_a_function_of_ones_own_and_rows_left_out(
    clinic: Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "clinic_functions.py").write_text(FUNCTION)
    monkeypatch.syspath_prepend(tmp_path)
    clinic.edit(
        "note: free_text}",
        "note: {category: free_text, treat: {kind: python, function: 'clinic_functions:shortened'}}}\n"
        "    rows: {keep: 'id <= 100'}",
    )
    clinic.refresh()
    assert clinic.staging("SELECT count(*), count(*) FILTER (WHERE note ~ '^note of [0-9]+ characters$')"
                          " FROM visits") == [(100, 100)]  # fmt: skip
    assert clinic.staging("SELECT count(*) FROM patients") == [(300,)]
