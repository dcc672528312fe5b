"""The service file: libpq follows the entry, neighbours keep theirs, writers do not tread on each other."""

from __future__ import annotations

import concurrent.futures
import os
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from sanitizers.endpoints import endpoint_provider
from sanitizers.endpoints.base import Destination, EndpointProvider
from sanitizers.errors import EndpointFailed, SettingsInvalid
from sanitizers.postgres.cluster import Cluster
from sanitizers.settings import EndpointSettings

ONE = Destination("hospital-20261121-001", "127.0.0.1", 25001, "hospital", "staging")
TWO = Destination("hospital-20261122-001", "127.0.0.1", 25002, "hospital", "staging")

NEIGHBOURS = """\
# The warehouse, kept by hand.
[warehouse]
host=warehouse.example
port = 5432

# Old staging, to be replaced.
[hospital_staging]
host=old.example
port=5432
dbname=hospital
user=staging
application_name=something of the past

# Mind the trailing comment.
[zoo]
host=zoo.example
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "pg_service.conf"


def _endpoint(file: Path, service: str = "hospital_staging") -> EndpointProvider:
    return endpoint_provider(EndpointSettings(service=service, file=file))


def test_first_entry_makes_a_private_file(file: Path) -> None:
    endpoint = _endpoint(file)
    assert endpoint.current() is None
    assert endpoint.point_to(ONE, "open sesame") is None
    assert endpoint.current() == ONE
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text() == (
        "[hospital_staging]\n# understudy generation=hospital-20261121-001\n"
        "host=127.0.0.1\nport=25001\ndbname=hospital\nuser=staging\npassword=open sesame\n"
    )


def test_pointing_returns_where_it_pointed_before(file: Path) -> None:
    endpoint = _endpoint(file)
    endpoint.point_to(ONE, "a")
    assert endpoint.point_to(TWO, "b") == ONE
    text = file.read_text()
    assert endpoint.point_to(TWO, "b") == TWO
    assert file.read_text() == text
    assert endpoint.point_to(ONE, None) == TWO
    assert "password" not in file.read_text()


def test_neighbours_comments_and_order_stay(file: Path) -> None:
    file.write_text(NEIGHBOURS)
    file.chmod(0o644)
    endpoint = _endpoint(file)
    assert endpoint.current() is None
    assert endpoint.point_to(ONE, None) is None
    before, _, rest = NEIGHBOURS.partition("[hospital_staging]\n")
    after = rest[rest.index("\n# Mind the trailing comment.") :]
    entry = (
        "[hospital_staging]\n# understudy generation=hospital-20261121-001\n"
        "host=127.0.0.1\nport=25001\ndbname=hospital\nuser=staging\n"
    )
    assert file.read_text() == before + entry + after
    assert file.stat().st_mode & 0o777 == 0o644
    endpoint.point_to(TWO, None)
    assert file.read_text() == before + entry.replace("25001", "25002").replace("21-001", "22-001") + after


def test_new_entry_is_appended(file: Path) -> None:
    file.write_text("[warehouse]\nhost=warehouse.example")
    _endpoint(file).point_to(ONE, None)
    assert file.read_text().startswith("[warehouse]\nhost=warehouse.example\n\n[hospital_staging]\n")


def test_several_databases_in_one_file(file: Path) -> None:
    _endpoint(file, "one").point_to(ONE, None)
    _endpoint(file, "two").point_to(TWO, None)
    _endpoint(file, "one").point_to(TWO, None)
    assert _endpoint(file, "one").current() == TWO
    assert _endpoint(file, "two").current() == TWO
    assert file.read_text().count("[one]") == 1


def test_a_link_stays_a_link(tmp_path: Path, file: Path) -> None:
    real = tmp_path / "elsewhere" / "services"
    real.parent.mkdir()
    real.write_text("# kept\n")
    file.symlink_to(real)
    _endpoint(file).point_to(ONE, None)
    assert file.is_symlink()
    assert real.read_text().startswith("# kept\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
def test_owner_of_the_file_stays(file: Path) -> None:
    file.write_text("")
    os.chown(file, 12345, 12345)
    _endpoint(file).point_to(ONE, None)
    assert (file.stat().st_uid, file.stat().st_gid) == (12345, 12345)


def _point(file: Path, number: int) -> None:
    _endpoint(file, f"service_{number}").point_to(ONE, None)


def test_concurrent_writers_lose_nothing(file: Path) -> None:
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: _point(file, number), range(40)))
    assert sorted(file.read_text().count(f"[service_{number}]\n") for number in range(40)) == [1] * 40


def test_file_that_cannot_be_written_or_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("")
    with pytest.raises(EndpointFailed) as caught:
        _endpoint(tmp_path / "a file" / "pg_service.conf").point_to(ONE, "canary")
    assert "canary" not in str(caught.value)
    assert caught.value.exit_code == 38
    (tmp_path / "folder").mkdir()
    with pytest.raises(EndpointFailed, match="cannot be read"):
        _endpoint(tmp_path / "folder").current()


def test_values_the_format_cannot_hold_are_refused_untouched(file: Path) -> None:
    _endpoint(file).point_to(ONE, None)
    before = file.read_text()
    with pytest.raises(EndpointFailed, match="password"):
        _endpoint(file).point_to(TWO, "two\nlines")
    assert file.read_text() == before


def test_names_that_break_the_file_are_refused(file: Path) -> None:
    for name in ("", "a]b", "a\nb"):
        with pytest.raises(SettingsInvalid):
            _endpoint(file, name)


def test_unknown_provider_names_the_nearest(file: Path) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        endpoint_provider(EndpointSettings(provider="servcie", service="x", file=file))
    assert "did you mean service?" in caught.value.hint


def test_how_to_connect(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _endpoint(file).describe() == f"PGSERVICEFILE={file} psql service=hospital_staging"
    monkeypatch.setattr(Path, "home", lambda: file.parent)
    assert _endpoint(file.parent / ".pg_service.conf").describe() == "psql service=hospital_staging"


def test_clients_follow_the_entry(production18: Cluster, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    password = "it's # 100% \\ = fine"
    destination = Destination("g", "127.0.0.1", production18.port, "postgres", "client_of_staging")
    with psycopg.connect(production18.dsn(), autocommit=True) as admin:
        role = sql.Identifier(destination.role)
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(password)))
        try:
            _endpoint(file).point_to(destination, password)
            monkeypatch.setenv("PGSERVICEFILE", str(file))
            with psycopg.connect("service=hospital_staging") as client:
                assert client.execute("SELECT current_user::text").fetchone() == (destination.role,)
        finally:
            admin.execute(sql.SQL("DROP ROLE {}").format(role))
