"""Between two nights: production changes, `understudy drift` sees it, and live staging catches up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from click.testing import Result

from sanitizers.settings import load_settings
from sanitizers.workspace import open_workspace
from tests.e2e.conftest import Clinic

WARDS = """
CREATE TABLE wards (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL);
INSERT INTO wards (name) SELECT DISTINCT ward FROM patients;
ALTER TABLE patients ADD COLUMN ward_id int REFERENCES wards;
CREATE INDEX patients_by_ward ON patients (ward_id);
"""


@pytest.fixture
def readable(clinic: Clinic) -> Clinic:
    """A clinic whose copying role may read the ledger."""
    clinic.produce(f"GRANT SELECT ON flyway_schema_history TO {clinic.database}")
    return clinic


def write(clinic: Clinic, version: int, text: str) -> None:
    (clinic.folder / "migrations" / f"V{version}__change.sql").write_text(text)


def deploy(clinic: Clinic, version: int, text: str) -> None:
    """What a deployment does to production: the script, and its entry in the ledger."""
    clinic.produce(text)
    clinic.produce(
        "INSERT INTO flyway_schema_history SELECT coalesce(max(installed_rank), 0) + 1,"
        f" '{version}', 'change', 'SQL', 'V{version}__change.sql', 0, 'deployer', now(), 1, true"
        " FROM flyway_schema_history"
    )


def classify_wards(clinic: Clinic) -> None:
    clinic.edit(
        "      ward: non_identifying\n",
        "      ward: non_identifying\n      ward_id: {category: non_identifying, pending: true}\n",
    )
    clinic.edit(
        "  public.visits:\n",
        "  public.wards: {pending: true, columns: {id: non_identifying, name: non_identifying}}\n"
        "  public.visits:\n",
    )


def look(clinic: Clinic, *more: str, code: int = 0) -> dict[str, Any]:
    result = clinic.run("drift", clinic.database, "--json", *more)
    assert result.exit_code == code, result.output
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def found(drift: dict[str, Any], kind: str) -> dict[str, str]:
    return {one["subject"]: one["what"] for one in drift["findings"] if one["kind"] == kind}


def said(result: Result) -> str:
    return " ".join(result.output.split())


@contextmanager
def untouched(clinic: Clinic) -> Iterator[None]:
    """Staging is the same after the block: its schema, its rows, its ledger."""
    queries = (
        "SELECT table_name, column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = 'public' ORDER BY 1, 2",
        "SELECT version FROM flyway_schema_history ORDER BY installed_rank",
        "SELECT * FROM patients ORDER BY id",
    )
    before = [clinic.staging(query) for query in queries]
    yield
    assert [clinic.staging(query) for query in queries] == before


def test_after_a_night_nothing_drifts_not_even_where_staging_is_ahead(readable: Clinic) -> None:
    write(readable, 1, "ALTER TABLE patients ALTER COLUMN code TYPE varchar(9), DROP COLUMN ward; ANALYZE;")
    readable.refresh()
    assert look(readable) == {
        "database": readable.database,
        "live": look(readable)["live"],
        "findings": [],
        "missing": [],
        "replayed": [],
    }
    assert "No drift" in said(readable.run("drift", readable.database))
    assert look(readable, "--replay")["replayed"] == []


def test_what_the_night_would_refuse_is_seen_by_day_all_at_once(readable: Clinic) -> None:
    readable.refresh()
    readable.produce("ALTER TABLE patients ADD COLUMN ssn text; ALTER TABLE visits ALTER note SET NOT NULL")
    drift = look(readable, code=12)
    [(where, what)] = found(drift, "policy").items()
    assert where.startswith(f"{readable.policy}:")
    assert what == "no rule covers column public.patients.ssn (text)"
    assert found(drift, "schema") == {
        "column public.patients.ssn": "production has it, staging does not",
        "column public.visits.note": "text NOT NULL in production, text in staging",
    }
    exempt = "exempt: {where: \"ward = 'T'\", reason: tests, owner: quality, expires: 2024-01-01}"
    readable.edit("  public.patients:\n", f"  public.patients:\n    {exempt}\n")
    told = readable.run("drift", readable.database)
    assert told.exit_code == 12
    for words in ("public.patients.ssn", "the exemption expired on 2024-01-01", f"{readable.policy}:"):
        assert words in said(told)


def test_migrations_of_the_day_reach_live_staging_once(readable: Clinic) -> None:
    classify_wards(readable)
    readable.refresh()
    readable.staging("INSERT INTO patients (name) VALUES ('made by a test') RETURNING id")
    before = readable.staging("SELECT id, name, email, code FROM patients ORDER BY id")
    for version, text in ((1, WARDS), (2, "ALTER TABLE wards ADD COLUMN floor int NOT NULL DEFAULT 1")):
        write(readable, version, text)
    readable.edit("name: non_identifying}}", "name: non_identifying, floor: non_identifying}}")
    deploy(readable, 1, WARDS)
    deploy(readable, 2, "ALTER TABLE wards ADD COLUMN floor int NOT NULL DEFAULT 1")

    drift = look(readable)
    assert drift["missing"] == ["1", "2"]
    assert set(found(drift, "schema")) == {
        "table public.wards",
        "column public.patients.ward_id",
        "constraint public.patients.patients_ward_id_fkey",
        "index public.patients.patients_by_ward",
    }
    after = look(readable, "--replay")
    assert [run["version"] for run in after["replayed"]] == ["1", "2"]
    assert (after["findings"], after["missing"]) == ([], [])

    assert readable.staging("SELECT id, name, email, code FROM patients ORDER BY id") == before
    assert readable.staging("SELECT name, floor FROM wards") == [("A", 1)]
    assert readable.staging("SELECT version FROM flyway_schema_history") == [("1",), ("2",)]
    with open_workspace(load_settings(readable.settings)) as workspace:
        live = workspace.control.live(readable.database)
        assert live
        windows = {str(name): window for name, window in workspace.control.handed_out(live.label).items()}
        entries = workspace.control.stage_note(live.run_id, "replay")
    assert [entry["version"] for entry in entries] == ["1", "2"]
    window = windows["public.wards_id_seq"]
    [(made,)] = readable.staging("INSERT INTO wards (name) VALUES ('B') RETURNING id")
    assert made == window.first > 10_000

    again = look(readable, "--replay")
    assert (again["replayed"], again["findings"]) == ([], [])
    # The next night builds on production, which has them now.
    readable.refresh()
    assert look(readable)["findings"] == []


def test_nothing_is_replayed_while_a_column_is_unclassified(readable: Clinic) -> None:
    readable.refresh()
    write(readable, 1, WARDS)
    deploy(readable, 1, WARDS)
    with untouched(readable):
        drift = look(readable, "--replay", code=12)
    assert (drift["missing"], drift["replayed"]) == (["1"], [])
    assert found(drift, "migration") == {"1": "not replayed: production has columns that no rule covers"}


def test_what_cannot_be_replayed_is_told_and_not_guessed(clinic: Clinic) -> None:
    clinic.refresh()
    deploy(clinic, 7, "CREATE INDEX visits_by_patient ON visits (patient_id)")
    ledger = "public.flyway_schema_history"
    with untouched(clinic):
        blind = look(clinic, "--replay", code=35)
        clinic.produce(f"GRANT SELECT ON {ledger} TO {clinic.database}")
        drift = look(clinic, "--replay", code=35)
    [right] = [one for one in blind["findings"] if one["kind"] == "migration"]
    assert right["subject"] == ledger
    assert f"GRANT SELECT ON {ledger} TO {clinic.database}" in right["hint"]
    assert list(found(drift, "migration")) == ["7"]
    assert list(found(drift, "schema")) == ["index public.visits.visits_by_patient"]
    assert found(blind, "schema") == found(drift, "schema")
    assert drift["missing"] == []


def test_a_replay_that_fails_leaves_staging_as_it_was(readable: Clinic) -> None:
    readable.refresh()
    text = "ALTER TABLE patients ALTER ward SET DEFAULT 'B'; ALTER TABLE visits ALTER note SET NOT NULL;"
    deploy(readable, 1, text)
    write(readable, 1, text)
    with untouched(readable), busy(readable):
        fails(
            readable, "V1__change.sql: statement 2 failed: LockNotAvailable", "somebody uses what it changes"
        )
    write(readable, 1, f"{text} INSERT INTO visits (patient_id) VALUES (0);")
    with untouched(readable):
        fails(readable, "V1__change.sql: statement 3 failed: NotNullViolation")
    write(readable, 1, text)
    assert [run["version"] for run in look(readable, "--replay")["replayed"]] == ["1"]


def fails(clinic: Clinic, *words: str) -> None:
    result = clinic.run("drift", clinic.database, "--replay")
    assert result.exit_code == 35, result.output
    assert all(word in said(result) for word in words), result.output
    assert "Traceback" not in result.output


@contextmanager
def busy(clinic: Clinic) -> Iterator[None]:
    """A test engineer has read a table in a transaction that is still open."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGSERVICEFILE", str(clinic.folder / "pg_service.conf"))
        with psycopg.connect(f"service={clinic.database}_staging") as connection:
            connection.execute("SELECT count(*) FROM visits")
            yield


def test_one_that_fails_after_another_keeps_the_first(readable: Clinic) -> None:
    classify_wards(readable)
    readable.refresh()
    write(readable, 1, WARDS)
    write(readable, 2, "SELECT 1 / 0;")
    deploy(readable, 1, WARDS)
    deploy(readable, 2, "SELECT 1")
    fails(readable, "V2__change.sql: statement 1 failed: DivisionByZero")
    assert look(readable)["missing"] == ["2"]
    [(made,)] = readable.staging("INSERT INTO wards (name) VALUES ('B') RETURNING id")
    assert made > 10_000


def test_before_the_first_night_there_is_only_the_policy(readable: Clinic) -> None:
    drift = look(readable, "--replay")
    assert (drift["live"], drift["findings"], drift["missing"]) == (None, [], [])
    told = said(readable.run("drift", readable.database))
    assert "No drift: the policy fits production." in told
    assert "is live yet" in told
    readable.produce("ALTER TABLE patients ADD COLUMN ssn text")
    assert found(look(readable, code=12), "policy")


def test_a_production_that_is_away_is_an_error_of_its_own(clinic: Clinic) -> None:
    clinic.configure("host=127.0.0.1 port=", "host=127.0.0.1 connect_timeout=1 port=1")
    result = clinic.run("drift", clinic.database, "--json")
    assert result.exit_code == 20
    assert json.loads(result.stdout)["retryable"] is True
