"""A night that goes well: what production has, staging has, with nobody in it."""

from __future__ import annotations

import json

from tests.e2e.conftest import Clinic


def test_staging_has_every_row_and_no_original(clinic: Clinic) -> None:
    clinic.refresh()
    assert clinic.staging("SELECT count(*) FROM patients") == [(300,)]
    assert clinic.staging("SELECT count(*) FROM visits JOIN patients p ON p.id = patient_id") == [(300,)]
    assert clinic.staging(
        "SELECT count(*) FROM patients WHERE name LIKE 'Original%' OR email LIKE '%northlake%'"
    ) == [(0,)]
    assert clinic.staging("SELECT count(*) FROM visits WHERE note LIKE '%Original%'") == [(0,)]


def test_no_file_of_the_released_server_holds_an_original(clinic: Clinic) -> None:
    generation = clinic.refresh()["generation"]
    [data] = clinic.home.rglob(f"{generation}/data")
    files = [file for file in data.rglob("*") if file.is_file()]
    assert len(files) > 500
    holding = [
        file
        for file in files
        if b"northlake-mail" in file.read_bytes() or b"Original Person" in file.read_bytes()
    ]
    assert holding == []


def test_new_rows_in_staging_get_ids_far_past_production(clinic: Clinic) -> None:
    clinic.refresh()
    found = clinic.staging("INSERT INTO patients (name) VALUES ('made by a test') RETURNING id")
    assert found[0][0] > 1_000_000


def test_the_second_night_is_incremental_and_keeps_the_first_for_rollback(clinic: Clinic) -> None:
    first = clinic.refresh()
    clinic.produce("INSERT INTO patients (name) VALUES ('Original Newcomer')")
    second = clinic.refresh()
    assert clinic.staging("SELECT count(*) FROM patients") == [(301,)]
    assert second["generation"] != first["generation"]
    status = json.loads(clinic.run("status", clinic.database, "--json").stdout)
    assert [g["state"] for g in status[0]["generations"]] == ["live", "retired"]

    back = clinic.run("rollback", clinic.database, "--json")
    assert back.exit_code == 0, back.output
    assert clinic.staging("SELECT count(*) FROM patients") == [(300,)]


def test_a_rehearsal_stops_before_the_switch(clinic: Clinic) -> None:
    clinic.refresh()
    clinic.produce("INSERT INTO patients (name) VALUES ('Original Newcomer')")
    rehearsal = clinic.refresh("--dry-run")
    assert rehearsal["status"] == "rehearsed"
    record = json.loads(next(clinic.home.rglob(f"{rehearsal['generation']}.json")).read_text())
    assert (record["status"], record["switch"], record["statement"]) == ("rehearsed", None, "")
    assert clinic.staging("SELECT count(*) FROM patients") == [(300,)]


def test_pending_migrations_are_replayed(clinic: Clinic) -> None:
    (clinic.folder / "migrations" / "V1__nickname.sql").write_text(
        "ALTER TABLE patients ADD COLUMN nickname text;"
    )
    clinic.edit(
        "      ward: non_identifying\n",
        "      ward: non_identifying\n      nickname: {category: name.first, pending: true}\n",
    )
    clinic.refresh()
    assert clinic.staging("SELECT version FROM flyway_schema_history") == [("1",)]
    assert clinic.staging("SELECT count(nickname) FROM patients") == [(0,)]


def test_a_clone_beside_production_in_one_server(clinic: Clinic) -> None:
    """The template provider: for a server on the staging host itself, entered through its socket."""
    server = clinic.production
    socket = f"host={server.socket_dir} port={server.port} user=postgres dbname={clinic.database}"
    clinic.configure(
        f'source: {{dsn: "host=127.0.0.1 port={server.port} user={clinic.database} dbname={clinic.database}",'
        f' password: "file:{clinic.folder / "password"}"}}',
        f'source: {{dsn: "{socket}"}}\n    snapshot: {{provider: template}}',
    )
    clinic.refresh()
    assert clinic.staging("SELECT count(*) FROM patients WHERE name LIKE 'Original%'") == [(0,)]
    first = clinic.staging("SELECT current_database()")
    assert first != [(clinic.database,)]
    clinic.refresh()
    assert clinic.staging("SELECT current_database()") != first


def test_production_of_an_older_version(clinic16: Clinic) -> None:
    clinic16.refresh()
    clinic16.produce("INSERT INTO patients (name) VALUES ('Original Newcomer')")
    clinic16.refresh()
    assert clinic16.staging(
        "SELECT count(*), count(*) FILTER (WHERE name LIKE 'Original%') FROM patients"
    ) == [(301, 0)]
    assert clinic16.staging("SELECT current_setting('server_version_num')::int / 10000") == [(16,)]


def test_a_key_treated_once_is_followed_wherever_it_is_referenced(clinic: Clinic) -> None:
    clinic.edit("id: non_identifying\n      name", "id: {category: mrn, treat: {kind: unique}}\n      name")
    clinic.refresh()
    joined = clinic.staging("SELECT count(*), count(*) FILTER (WHERE p.id > 300) FROM visits"
                            " JOIN patients p ON p.id = patient_id")  # fmt: skip
    assert joined[0][0] == 300
    assert joined[0][1] > 0
