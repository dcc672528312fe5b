"""Clones that are databases beside their source, in its own server, where that lives on the staging host.

The role of the source's connection string copies databases (CREATEDB, and owner of the source or superuser)
and enters them without a password, by peer or ~/.pgpass. Clones are told apart by their comment.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from sanitizers.errors import GuardTripped, NotFound, SettingsInvalid, SourceRefused
from sanitizers.postgres import files
from sanitizers.postgres.backup import ask_source
from sanitizers.postgres.connection import (
    Session,
    address,
    described,
    is_clones_name,
    marker,
    source_error,
)
from sanitizers.settings import MultiSettings, RenameSettings, Target, resolve_dsn
from sanitizers.snapshots.base import CloneRef, Snapshot

_LONGEST_NAME: Final = 63
_POSITION: Final = "SELECT pg_current_wal_lsn()::text, pg_database_size(%s)"
_CUT: Final = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
_ALL: Final = "SELECT datname FROM pg_database WHERE starts_with(datname, %s)"

# How the server says that its platform or file system does not share blocks.
_CANNOT_CLONE: Final = (
    errors.FeatureNotSupported,
    errors.InvalidParameterValue,
    errors.SystemError,
    errors.InternalError_,
)


class Template:
    """`CREATE DATABASE ... TEMPLATE`: file by file, from version 18 on sharing blocks where the disk can."""

    database_marker = True

    def __init__(self, target: Target, name: str, home: Path, binaries: Sequence[Path] = ()) -> None:
        self._target = target
        self._home = home
        # Labels may begin alike in different targets of one server; this keeps their databases apart.
        self._prefix = hashlib.sha256(name.encode()).hexdigest()[:8]

    def create(self, label: str, previous: Snapshot | None, *, full: bool = False) -> Snapshot:
        """Copies the source database, always as a whole; nobody can connect to the copy."""
        source = ask_source(self._dsn())
        name = self._name("snapshot", label)
        with self._server() as connection:
            _drop(connection, name, label)
            cloned = _copy(connection, source.database, name)
            _mark(connection, name, label)
            row = connection.execute(_POSITION, [name]).fetchone()
            shares = cloned and self._shares_blocks(connection)
        lsn, size = row or ("", 0)
        return Snapshot(
            provider="template",
            label=label,
            location=name,
            kind="full",
            copy_on_write=shares,
            database=source.database,
            superuser=source.superuser,
            system_identifier=source.system_identifier,
            version=source.version,
            lsn=lsn,
            taken_at=source.asked_at,
            bytes=size,
        )

    def clone(self, snapshot: Snapshot, label: str) -> CloneRef:
        """Copies the snapshot to a database that only its owner and superusers may enter."""
        name = self._name("clone", label)
        with self._server() as connection:
            _drop(connection, name, label)
            _copy(connection, snapshot.location, name)
            _mark(connection, name, label)
            # Only now: until here not even its marker told the copy from production.
            connection.execute(_alter("REVOKE ALL ON DATABASE {} FROM PUBLIC", name))
            connection.execute(_alter("ALTER DATABASE {} ALLOW_CONNECTIONS true", name))
            info = connection.info
            return CloneRef(
                provider="template",
                label=label,
                location=name,
                database=name,
                user=info.user,
                host=info.host,
                port=info.port,
                version=snapshot.version,
            )

    def start(self, ref: CloneRef) -> None:
        """Lets sessions in again."""
        with self._server() as connection:
            name = self._require(connection, ref)
            connection.execute(_alter("ALTER DATABASE {} ALLOW_CONNECTIONS true", name))

    def stop(self, ref: CloneRef) -> None:
        """Lets nobody in, and ends the sessions that are there."""
        with self._server() as connection:
            name = self._require(connection, ref)
            connection.execute(_alter("ALTER DATABASE {} ALLOW_CONNECTIONS false", name))
            connection.execute(_CUT, [name])

    def cleanse(self, ref: CloneRef) -> tuple[str, ...]:
        """Has the server let go of removed files; its WAL and logs are production's and stay."""
        with self._server() as connection:
            connection.execute("CHECKPOINT")
        return ()

    def release(self, ref: CloneRef, listen: str, port: int, role: str) -> CloneRef:
        """Lets `role` in, made without password when missing. Address and port are the server's own."""
        with self._server() as connection:
            name = self._require(connection, ref)
            connection.execute("CHECKPOINT")
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
                connection.execute(_alter("CREATE ROLE {} LOGIN", role))
            connection.execute(_alter("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}", name, role))
        return replace(ref, client_host=ref.host, client_port=ref.port)

    def destroy(self, label: str) -> None:
        """Drops the clone of that label, its sessions too; nothing there is fine."""
        with self._server() as connection:
            _drop(connection, self._place(connection, self._name("clone", label), label), label)

    def discard(self, label: str) -> None:
        """Drops the snapshot; nothing there is fine."""
        with self._server() as connection:
            _drop(connection, self._name("snapshot", label), label)

    def find(self) -> list[str]:
        """Labels of all clones of this target, half-made ones included."""
        return self._labels("clone")

    def find_snapshots(self) -> list[str]:
        """Labels of all snapshots of this target, half-made ones included."""
        return self._labels("snapshot")

    def _labels(self, kind: str) -> list[str]:
        start = self._name(kind, "")
        with self._server() as connection:
            rows = connection.execute(_ALL, [start]).fetchall()
        return sorted(row[0].removeprefix(start) for row in rows)

    @property
    def _lent(self) -> list[str]:
        """Names that an endpoint gives to the database of whichever clone is live."""
        endpoint = self._target.endpoint
        every = endpoint.endpoints if isinstance(endpoint, MultiSettings) else (endpoint,)
        return [one.service for one in every if isinstance(one, RenameSettings)]

    def _place(self, connection: Session, own: str, label: str) -> str:
        """What the clone's database is called now: its own name, or the one it has been lent."""
        return next((name for name in self._lent if _comment(connection, name)[1] == marker(label)), own)

    def _require(self, connection: Session, ref: CloneRef) -> str:
        """What the clone's database is called now. NotFound when it is gone, GuardTripped for another."""
        name = self._place(connection, ref.location, ref.label)
        exists, comment = _comment(connection, name)
        if not exists:
            raise NotFound("the clone is gone", where=ref.label)
        if comment != marker(ref.label) or not is_clones_name(ref.location, ref.label):
            raise GuardTripped("this database is not the clone; nothing was changed", where=name)
        return name

    def _name(self, kind: str, label: str) -> str:
        name = f"understudy_{kind}_{self._prefix}_{label}"
        if len(name.encode()) > _LONGEST_NAME:
            raise SettingsInvalid(f"{label!r} is too long for a database's name", hint="rename the target")
        return name

    def _dsn(self) -> str:
        dsn = resolve_dsn(self._target.source)
        if conninfo_to_dict(dsn).get("password"):
            raise SettingsInvalid(
                "the snapshot provider template enters clones without a password",
                where=address(dsn),
                hint="let this user in by peer or by ~/.pgpass, and take the password out of the settings",
            )
        return dsn

    @contextmanager
    def _server(self) -> Iterator[Session]:
        """A session beside the databases that are copied; it changes databases of ours only."""
        dsn = make_conninfo(self._dsn(), dbname="postgres", application_name="understudy snapshot")
        try:
            connection = psycopg.connect(dsn, autocommit=True, connect_timeout=10)
        except psycopg.OperationalError as error:
            raise source_error(error, dsn) from None
        with connection, described("a copy of a database"):
            yield connection

    def _shares_blocks(self, connection: Session) -> bool:
        """Whether the server's disk is the one of `home`, and shares blocks; nothing is tried there."""
        found = connection.execute("SELECT setting FROM pg_settings WHERE name = 'data_directory'").fetchone()
        try:
            same = found is not None and Path(found[0]).stat().st_dev == self._home.stat().st_dev
        except OSError:
            return False
        return same and files.shares_blocks(self._home)


def _alter(statement: str, *names: str) -> sql.Composed:
    return sql.SQL(statement).format(*map(sql.Identifier, names))


def _copy(connection: Session, template: str, name: str) -> bool:
    """Copies a database to one that lets nobody in; whether by `file_copy_method = clone`."""
    major = connection.info.server_version // 10000
    strategy = " STRATEGY FILE_COPY" if major >= 15 else ""
    command = _alter(f"CREATE DATABASE {{}} TEMPLATE {{}} ALLOW_CONNECTIONS false{strategy}", name, template)
    try:
        if major >= 18 and _copy_sharing(connection, command):
            return True
        connection.execute(command)
        return False
    except errors.ObjectInUse:
        raise SourceRefused(
            "other sessions use the database, so the server does not copy it",
            where=template,
            hint="end them for the time of the copy, or use the snapshot provider basebackup",
        ) from None


def _copy_sharing(connection: Session, command: sql.Composed) -> bool:
    """Copies with `file_copy_method = clone`; False, with the setting reset, where the server cannot."""
    try:
        connection.execute("SET file_copy_method = clone")
        connection.execute(command)
    except _CANNOT_CLONE:
        connection.execute("SET file_copy_method = copy")
        return False
    return True


def _mark(connection: Session, name: str, label: str) -> None:
    connection.execute(_alter("COMMENT ON DATABASE {} IS ", name) + sql.Literal(marker(label)))


def _comment(connection: Session, name: str) -> tuple[bool, str | None]:
    """Whether the database exists, and its comment."""
    query = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
    row = connection.execute(query, [name]).fetchone()
    return row is not None, row[0] if row else None


def _drop(connection: Session, name: str, label: str) -> None:
    """Drops a database of ours. GuardTripped when somebody else has given one that name."""
    exists, comment = _comment(connection, name)
    if not exists:
        return
    # Without a comment it is one whose making was cut short.
    if comment not in {None, marker(label)}:
        raise GuardTripped("this database is not one of ours; it was not dropped", where=name)
    connection.execute(_alter("DROP DATABASE {} WITH (FORCE)", name))
