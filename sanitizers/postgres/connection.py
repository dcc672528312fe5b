"""Opening connections, and errors that say what failed without repeating what the server said about the data.

Two doors: `read_source` for production (read-only, always) and `open_clone` for a clone of ours (checked
to be that clone before anything can be written).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection, errors

from sanitizers.errors import (
    DiskShort,
    GuardTripped,
    ServerFailed,
    SourceRefused,
    SourceUnreachable,
    StatementFailed,
    UnderstudyError,
)
from sanitizers.postgres.statements import statement

CLONE_SETTING = "cluster_name"
"""A clone's configuration, written by us from scratch, names it here; a copied data directory cannot."""

Session = Connection[tuple[Any, ...]]

_OURS = (
    # psycopg reads dates in one style; the others are for people's sessions, which ours is not.
    "DateStyle=ISO",
    "IntervalStyle=postgres",
    "statement_timeout=0",
    "lock_timeout=0",
    "idle_in_transaction_session_timeout=0",
    "default_tablespace=",
)
"""Settings that a database or a role of production may have set otherwise."""


NO_LIBRARIES = ("session_preload_libraries=", "local_preload_libraries=")
"""Settings, of a superuser's session, that keep out what a database or a role would have it load."""


def options(*settings: str) -> str:
    """The `options` of a connection whose session goes by these settings, whatever production has set."""
    return " ".join(f"-c {setting}" for setting in (*_OURS, *settings))


@contextmanager
def read_source(dsn: str, *, purpose: str) -> Iterator[Session]:
    """A read-only session on production. SourceUnreachable or SourceRefused when it cannot be had."""
    try:
        connection = psycopg.connect(
            dsn,
            autocommit=True,
            connect_timeout=10,
            application_name=f"understudy {purpose}",
            options=options("default_transaction_read_only=on", "lock_timeout=5s"),
        )
    except psycopg.OperationalError as error:
        raise source_error(error, dsn) from None
    with connection, described(purpose, SourceUnreachable):
        yield connection


def source_error(error: psycopg.OperationalError, dsn: str) -> UnderstudyError:
    """Whether production is away (try again later) or said no (somebody has to change something)."""
    place = address(dsn)
    text = str(error)
    # A server that is there says FATAL; while it starts or stops, trying again later is all it takes.
    away = any(said in text for said in ("starting up", "shutting down", "recovery mode"))
    refused = error.sqlstate is not None or "password" in text or ("FATAL:" in text and not away)
    if not refused:
        return SourceUnreachable(
            "the source does not answer", where=place, hint="is the server up, and the host and port right?"
        )
    reason = _condition(error) if error.sqlstate else _refusal(text)
    return SourceRefused(
        f"the source refused the connection: {reason}",
        where=place,
        hint="check user, password and pg_hba.conf",
    )


def _refusal(text: str) -> str:
    # libpq carries no SQLSTATE for failures before the session exists; tell the cases apart by its wording.
    cases = {
        "password authentication failed": "wrong password",
        "no pg_hba.conf entry": "no pg_hba.conf entry for this host, user and database",
        "no password supplied": "no password supplied",
        "does not exist": "no such database or role",
        "too many": "too many connections",
    }
    return next((said for marker, said in cases.items() if marker in text), "authentication failed")


def address(dsn: str) -> str:
    """Host, port, user and database of a connection string, for messages."""
    parts = psycopg.conninfo.conninfo_to_dict(dsn)
    host, port = parts.get("host", "local socket"), parts.get("port", 5432)
    return f"{parts.get('user', 'default user')}@{host}:{port}/{parts.get('dbname', '')}"


@contextmanager
def open_clone(dsn: str, label: str, *, database_marker: bool = False) -> Iterator[Session]:
    """A session that may write, on the clone named `label` and nowhere else.

    The proof is the server's `cluster_name` (from the configuration we wrote) and the directory it runs in,
    or, where a clone is a database beside others (`database_marker`), the database's comment and name.
    GuardTripped when it is another.
    """
    with described("opening the clone"):
        connection = _enter(dsn)
    with connection:
        with described("opening the clone"):
            guard(connection, label, database_marker=database_marker)
            connection.execute(statement("clone/session").encode())
        with described("a statement on the clone"):
            yield connection


def _enter(dsn: str) -> Session:
    writing = "default_transaction_read_only=off"
    try:
        return psycopg.connect(dsn, autocommit=True, connect_timeout=10, options=options(writing))
    except psycopg.OperationalError:
        # Until isolation, production's sessions may ask for libraries that are not here.
        alone = options(writing, *NO_LIBRARIES)
        return psycopg.connect(dsn, autocommit=True, connect_timeout=10, options=alone)


def guard(connection: Session, label: str, *, database_marker: bool = False) -> None:
    """GuardTripped unless the session is on the clone of that label."""
    proof = statement("clone/database_proof" if database_marker else "clone/server_proof")
    said, place = connection.execute(proof.encode()).fetchone() or (None, None)
    # The marker could have been copied to another server or database; where a clone lies cannot.
    there = is_clones_name(place, label) if database_marker else _lies_there(connection, place, label)
    if said != marker(label) or not there:
        raise GuardTripped(
            "this server is not the clone of this run; nothing was written",
            where=label,
            hint="do not point a clone's address at another server",
        )


def _lies_there(connection: Session, data: str | None, label: str) -> bool:
    """Whether we came in by the private socket of the very directory that the clone of that label has."""
    directory = Path(data or "/").parent
    return directory.name == label and connection.info.host == str(socket_directory(directory))


def is_clones_name(database: str | None, label: str) -> bool:
    """Whether that is the name of the database that the clone of that label is, beside its source."""
    return re.fullmatch(rf"understudy_clone_[0-9a-f]{{8}}_{re.escape(label)}", database or "") is not None


def socket_directory(directory: Path) -> Path:
    """Where a server of ours in that directory has its socket. Paths of sockets may have 107 bytes only, so
    that cannot be below `home`."""
    digest = hashlib.sha256(str(directory.resolve()).encode()).hexdigest()[:12]
    return Path("/tmp") / f"understudy-{digest}"


def marker(label: str) -> str:
    """What a clone carries to be recognised by the write guard."""
    return f"understudy/{label}"


@contextmanager
def described(doing: str, lost: type[UnderstudyError] = ServerFailed) -> Iterator[None]:
    """Turns psycopg's errors into ours: names and SQLSTATE are kept, whatever can hold data is dropped.

    `lost` is raised when the server went away or cannot be reached, which may pass.
    """
    try:
        yield
    except errors.DiskFull:
        raise DiskShort(
            f"no space left on the disk during {doing}", hint="free space under the home directory"
        ) from None
    except psycopg.Error as error:
        if isinstance(error, psycopg.OperationalError) and _went_away(error):
            raise lost(f"{doing} failed: {_condition(error)}") from None
        raise statement_error(error, doing) from None


def _went_away(error: psycopg.OperationalError) -> bool:
    """A broken connection (class 08), a server that stops, starts or is full; libpq itself gives no state."""
    return error.sqlstate is None or error.sqlstate.startswith(("08", "57P", "53300"))


def statement_error(error: psycopg.Error, doing: str) -> StatementFailed:
    """The error with the names PostgreSQL reports in fields of their own; its message text is left out.

    Where a function of the database's own raised it (RAISE ... USING TABLE), it has put there what it liked.
    """
    diag = error.diag
    if (diag.source_file or "").startswith(("pl_", "plpy", "plperl")):
        return StatementFailed(f"{doing} failed: {_condition(error)}, raised by a function")
    names = [diag.schema_name, diag.table_name, diag.column_name]
    where = ".".join(name for name in names if name)
    constraint = f", constraint {diag.constraint_name}" if diag.constraint_name else ""
    return StatementFailed(f"{doing} failed: {_condition(error)}{constraint}", where=where)


def _condition(error: psycopg.Error) -> str:
    state = error.sqlstate
    if not state:
        return "the connection was lost"
    try:
        return f"{errors.lookup(state).__name__} (SQLSTATE {state})"
    except KeyError:
        return f"SQLSTATE {state}"
