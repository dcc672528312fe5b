"""The endpoint `pgbouncer` on a real PgBouncer, configured by the files that docker-compose.yml mounts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from sanitizers.endpoints import endpoint_provider
from sanitizers.endpoints.base import Destination, EndpointProvider
from sanitizers.errors import EndpointFailed, SettingsInvalid
from sanitizers.postgres.cluster import Cluster
from sanitizers.settings import EndpointSettings, Source
from tests.bouncer import Bouncer, bouncing

PASSWORD = "it's  a 'secret'; #1"


@pytest.fixture
def bouncer(home: Path) -> Iterator[Bouncer]:
    with bouncing(home, staging=PASSWORD, endpoint="for the console") as made:
        yield made


def _endpoint(bouncer: Bouncer, **other: object) -> EndpointProvider:
    console = {"dsn": bouncer.dsn("pgbouncer", "understudy"), "password": f"file:{bouncer.folder}/endpoint"}
    settings = {"service": "hospital", "file": bouncer.file, "console": console, **other}
    return endpoint_provider(EndpointSettings.model_validate({"provider": "pgbouncer", **settings}))


def _connect(bouncer: Bouncer) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(bouncer.dsn("hospital", "staging"), password=PASSWORD, autocommit=True)


@pytest.fixture
def generations(production18: Cluster) -> Iterator[list[Destination]]:
    """Two databases that stand for two generations: alike but for their name."""
    names = ["generation_one", "generation_two"]
    with psycopg.connect(production18.dsn(), autocommit=True) as connection:
        # Others' tests on this server may have made the role, too.
        known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'staging'").fetchone()
        verb = sql.SQL("ALTER ROLE staging" if known else "CREATE ROLE staging")
        connection.execute(sql.SQL("{} LOGIN PASSWORD {}").format(verb, sql.Literal(PASSWORD)))
        for name in names:
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER staging").format(sql.Identifier(name)))
        yield [Destination(f"{name}-001", "127.0.0.1", production18.port, name, "staging") for name in names]
        for name in names:
            connection.execute(sql.SQL("DROP DATABASE {} (FORCE)").format(sql.Identifier(name)))
        if not known:
            connection.execute("DROP ROLE staging")


def _where(session: psycopg.Connection[tuple[object, ...]]) -> object:
    row = session.execute("SELECT current_database()").fetchone()
    return row[0] if row else None


def test_new_sessions_follow_the_switch_and_open_ones_are_not_cut(
    bouncer: Bouncer, generations: list[Destination]
) -> None:
    one, two = generations
    endpoint = _endpoint(bouncer)
    assert endpoint.current() is None
    with pytest.raises(psycopg.OperationalError, match="no such database"):
        _connect(bouncer)
    assert endpoint.point_to(one, PASSWORD) is None
    with _connect(bouncer) as before:
        before.execute("BEGIN")
        assert _where(before) == "generation_one"
        assert endpoint.point_to(two, PASSWORD) == one
        assert endpoint.current() == two
        assert _where(before) == "generation_one"
        before.execute("COMMIT")
        with _connect(bouncer) as after:
            assert _where(after) == "generation_two"
    assert endpoint.point_to(two, PASSWORD) == two


def test_only_those_who_know_the_password_come_in(bouncer: Bouncer, generations: list[Destination]) -> None:
    _endpoint(bouncer).point_to(generations[0], PASSWORD)
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        psycopg.connect(bouncer.dsn("hospital", "staging"), password="staging")
    with pytest.raises(psycopg.OperationalError, match="not allowed"):
        psycopg.connect(bouncer.dsn("pgbouncer", "staging"), password=PASSWORD)


def test_the_file_keeps_its_owner_and_nobody_else_may_read_it(
    bouncer: Bouncer, generations: list[Destination]
) -> None:
    bouncer.file.chmod(0o640)
    before = bouncer.file.stat()
    _endpoint(bouncer).point_to(generations[0], PASSWORD)
    after = bouncer.file.stat()
    assert (after.st_uid, after.st_mode & 0o777) == (before.st_uid, 0o640)
    elsewhere = bouncer.folder / "new" / "hospital.ini"
    with pytest.raises(EndpointFailed, match="does not follow the file"):
        _endpoint(bouncer, file=elsewhere).point_to(generations[1], PASSWORD)
    assert elsewhere.stat().st_mode & 0o777 == 0o600


def test_a_console_that_does_not_answer_changes_nothing(
    bouncer: Bouncer, generations: list[Destination]
) -> None:
    one, two = generations
    _endpoint(bouncer).point_to(one, PASSWORD)
    text = bouncer.file.read_text()
    nobody = Source(dsn=bouncer.dsn("pgbouncer", "staging"), password=f"file:{bouncer.folder}/staging")
    with pytest.raises(EndpointFailed, match="does not take a RELOAD") as refused:
        _endpoint(bouncer, console=nobody.model_dump()).point_to(two, PASSWORD)
    assert bouncer.file.read_text() == text
    assert PASSWORD not in str(refused.value)
    with _connect(bouncer) as session:
        assert _where(session) == "generation_one"


def test_says_how_to_connect(bouncer: Bouncer) -> None:
    assert _endpoint(bouncer).describe() == f"psql -h 127.0.0.1 -p {bouncer.port} hospital"


@pytest.mark.parametrize("name", ["pgbouncer", "two words", "a=b", ""])
def test_names_that_pgbouncer_cannot_have_are_refused(tmp_path: Path, name: str) -> None:
    settings = EndpointSettings(
        provider="pgbouncer", service=name, file=tmp_path / "x", console=Source(dsn="host=nowhere")
    )
    with pytest.raises(SettingsInvalid, match="cannot name a database"):
        endpoint_provider(settings)


def test_a_console_is_needed(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="told of a switch"):
        endpoint_provider(EndpointSettings(provider="pgbouncer", service="x", file=tmp_path / "x"))
