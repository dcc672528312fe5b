"""The search for originals: in every night before its release, and by command whenever somebody asks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
from click.testing import CliRunner, Result

from sanitizers.cli import cli
from tests.e2e.conftest import Clinic

PERSON = "person7@northlake-mail.net"


def live_clone(clinic: Clinic) -> Path:
    """The directory of the live generation's server."""
    (folder,) = (clinic.home / "clones" / clinic.database).iterdir()
    return folder


def on_live(clinic: Clinic, statement: str) -> None:
    """What a mistake of the pipeline could have left, done as superuser."""
    settings = (live_clone(clinic) / "postgresql.conf").read_text().splitlines()
    known = {name: value.strip("' ") for name, _, value in (line.partition("=") for line in settings)}
    host, port = known["unix_socket_directories "], known["port "]
    dsn = f"host={host} port={port} user=postgres dbname={clinic.database}"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(statement.encode())


def command(clinic: Clinic, *more: str, given: str | bytes | None = None) -> Result:
    arguments = ["--settings", str(clinic.settings), "forensics", clinic.database, *more]
    return CliRunner().invoke(cli, arguments, input=given)


def search(clinic: Clinic, *more: str, given: str | None = None) -> tuple[int, dict[str, Any]]:
    result = command(clinic, "--json", *more, given=given)
    return result.exit_code, json.loads(result.stdout)


def test_a_released_generation_holds_no_original_until_somebody_leaves_one(clinic: Clinic) -> None:
    clinic.refresh()
    code, found = search(clinic)
    assert code == 0
    assert found["residue"] == []
    assert dict(found["searched"])["public.patients.email"] == 300
    (report,) = clinic.home.rglob("reports/*.json")
    record = json.loads(report.read_text())
    night = record["forensics"]
    assert {one["column"]: one["originals"] for one in night["searched"]} == dict(found["searched"])
    gates = {gate["subject"] for gate in record["validation"]["gates"] if gate["name"] == "no original left"}
    assert gates == {"rows", "catalogs", "statistics", "files"}
    assert live_clone(clinic).is_dir(), "the clone that the originals came from is gone"
    leave_one_and_find_it(clinic)


def leave_one_and_find_it(clinic: Clinic) -> None:
    on_live(clinic, f"COMMENT ON TABLE visits IS 'as for {PERSON}'")
    with (live_clone(clinic) / "server.log").open("a") as log:
        log.write(f"DETAIL: Key (email)=({PERSON}) already exists.\n")
    code, found = search(clinic)
    places = {(one["surface"], one["place"]) for one in found["residue"]}
    assert code == 33
    assert places >= {
        ("catalogs", "catalog pg_description"),
        ("rows", "schema text"),
        ("files", "server log"),
    }
    assert {one["column"] for one in found["residue"]} == {"public.patients.email"}
    shown = command(clinic)
    assert shown.exit_code == 33
    assert "catalog pg_description: 1 original of public.patients.email (plain)" in shown.stderr
    assert "person7" not in json.dumps(found) + shown.output


def test_a_list_of_ones_own_excuses_nothing(clinic: Clinic) -> None:
    clinic.refresh()
    on_live(clinic, f"UPDATE patients SET email = '{PERSON}' WHERE id = 1")
    assert search(clinic)[1]["excused_by"] == [["public.patients.email", 1]]
    code, found = search(clinic, "--values", "-", given=f"{PERSON}\nNobody of that name\n")
    assert code == 33
    assert ("rows", "table public.patients") in {(one["surface"], one["place"]) for one in found["residue"]}
    assert {one["count"] for one in found["residue"]} == {1}
    assert search(clinic, "--values", "-", given="Nobody of that name\n")[0] == 0


def test_a_night_that_would_release_an_original_is_refused(clinic: Clinic) -> None:
    (clinic.folder / "migrations" / "V1__comment.sql").write_text(
        f"COMMENT ON TABLE visits IS 'not {PERSON}';"
    )
    result = clinic.run("refresh", clinic.database)
    assert result.exit_code == 36
    assert "catalogs: no original left: 1 place: catalog pg_description, expected none" in result.stderr
    (page,) = clinic.home.rglob("*.html")
    assert "catalog pg_description" in page.read_text().replace("<wbr>", "")
    assert not any("person7" in text for text in (result.output, page.read_text()))


def test_what_cannot_be_searched_is_said_in_one_line(clinic: Clinic) -> None:
    assert "nothing is live yet" in command(clinic).stderr
    assert command(clinic, "--generation", "nobody-1").exit_code == 41
    for given, said in (("", "holds no value"), ("ab\n", "line 1"), (b"\xff\n", "not UTF-8")):
        result = command(clinic, "--values", "-", given=given)
        assert result.exit_code == 2
        assert said in result.stderr
