"""Who is let into a released clone: one role, with the rights the target names and no way out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from sanitizers.errors import SettingsInvalid
from sanitizers.postgres.admission import admit
from sanitizers.postgres.cluster import Cluster

READ = ("pg_read_all_data",)
ROLES = ("tester", "reporting", "janitor", "boss")


@pytest.fixture(params=["production18", pytest.param("production16", marks=pytest.mark.exhaustive)])
def session(request: pytest.FixtureRequest) -> Iterator[Connection[Any]]:
    cluster: Cluster = request.getfixturevalue(request.param)
    with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
        connection.execute("CREATE ROLE reporting; CREATE ROLE janitor; CREATE ROLE boss SUPERUSER")
        yield connection
        for role in ROLES:
            connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}".encode()) if _roles(
                connection, role
            ) else None


def _roles(connection: Connection[Any], role: str) -> list[tuple[Any, ...]]:
    """What a role is a member of, and whether it is anything special."""
    query = (
        "SELECT r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls,"
        " ARRAY(SELECT roleid::regrole::text FROM pg_auth_members WHERE member = r.oid ORDER BY 1)"
        " FROM pg_roles r WHERE rolname = %s"
    )
    return connection.execute(query, [role]).fetchall()


def test_a_role_has_the_rights_the_target_names(session: Connection[Any]) -> None:
    admit(session, "tester", "secret", ("pg_read_all_data", "reporting"))
    assert _roles(session, "tester") == [(False, ["pg_read_all_data", "reporting"])]
    info = session.info
    with psycopg.connect(
        host="127.0.0.1", port=info.port, dbname="postgres", user="tester", password="secret"
    ) as client:
        client.execute("SELECT 1")


def test_what_productions_role_of_that_name_could_do_is_taken_from_it(session: Connection[Any]) -> None:
    session.execute("CREATE ROLE tester SUPERUSER CREATEROLE REPLICATION")
    session.execute("SET ROLE boss")
    session.execute("GRANT janitor, pg_execute_server_program TO tester")
    session.execute("RESET ROLE")
    admit(session, "tester", "secret", READ)
    admit(session, "tester", "secret", READ)
    assert _roles(session, "tester") == [(False, ["pg_read_all_data"])]


def test_on_a_shared_server_a_role_keeps_what_it_has(session: Connection[Any]) -> None:
    session.execute("CREATE ROLE tester CREATEDB; GRANT janitor TO tester")
    admit(session, "tester", "secret", READ, shared_server=True)
    assert _roles(session, "tester") == [(True, ["janitor", "pg_read_all_data"])]


@pytest.mark.parametrize(
    ("role", "grants", "what"),
    [
        ("tester", ("nobody_knows",), "the clone has no role nobody_knows"),
        ("tester", ("boss",), "the role could leave the clone as boss"),
        ("tester", ("pg_execute_server_program",), "could leave the clone as pg_execute_server_program"),
        ("postgres", READ, "clients cannot be let in as the clone's superuser"),
    ],
)
def test_rights_that_lead_out_are_refused(
    session: Connection[Any], role: str, grants: tuple[str, ...], what: str
) -> None:
    with pytest.raises(SettingsInvalid, match=what):
        admit(session, role, "secret", grants)
    assert _roles(session, "tester") == []


def test_a_way_out_may_be_several_grants_long(session: Connection[Any]) -> None:
    session.execute("GRANT boss TO janitor; GRANT janitor TO reporting")
    with pytest.raises(SettingsInvalid, match="as boss"):
        admit(session, "tester", "secret", ("reporting",))
