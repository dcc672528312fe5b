"""The role that clients of a clone log in as: its password, and its rights, which are not production's."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import RawCursor, sql

from sanitizers.errors import SettingsInvalid
from sanitizers.postgres.connection import Session
from sanitizers.postgres.statements import statement

_PLAIN = "NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"


def admit(
    connection: Session, role: str, password: str, grants: Sequence[str], *, shared_server: bool = False
) -> None:
    """Lets `role` log in with the rights of `grants`, whatever production let a role of that name do or be.

    On a server shared with other databases (`shared_server`) a role that is there keeps what it has.
    SettingsInvalid when there is no such grant, or the role could leave the clone; then nothing is changed.
    """
    if role == connection.info.user:
        raise _unfit("clients cannot be let in as the clone's superuser", role)
    with connection.transaction():
        known = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles").fetchall()}
        if missing := [grant for grant in grants if grant not in known]:
            raise _unfit(f"the clone has no role {', '.join(missing)}", role)
        if role in known and not shared_server:
            _strip(connection, role)
        _let_in(connection, role, password, known=role in known)
        for grant in grants:
            connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(grant), sql.Identifier(role)))
        if ways := _asked(connection, "clone/ways_out", role):
            raise _unfit(f"the role could leave the clone as {', '.join(way for way, *_ in ways)}", role)


def _strip(connection: Session, role: str) -> None:
    connection.execute(sql.SQL("ALTER ROLE {} {}").format(sql.Identifier(role), sql.SQL(_PLAIN)))
    for _, revoke in _asked(connection, "clone/memberships", role):
        connection.execute(revoke.encode())


def _let_in(connection: Session, role: str, password: str, *, known: bool) -> None:
    # Hashed on this side, so that the password itself is in no statement.
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    verb = sql.SQL("ALTER ROLE" if known else "CREATE ROLE")
    connection.execute(
        sql.SQL("{} {} LOGIN PASSWORD {}").format(verb, sql.Identifier(role), sql.Literal(verifier))
    )


def _asked(connection: Session, name: str, role: str) -> list[tuple[str, ...]]:
    return RawCursor(connection).execute(statement(name).encode(), [role]).fetchall()


def _unfit(what: str, role: str) -> SettingsInvalid:
    return SettingsInvalid(what, where=role, hint="correct access.role or access.grants in the settings")
