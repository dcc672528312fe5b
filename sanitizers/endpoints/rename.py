"""Databases of one server that take turns in bearing the name clients ask for; for clones made by `template`.

Both names change in one transaction. A server renames a database only while nobody is in it, so new sessions
have to wait, are then told that the database was just renamed, and those of both databases are cut: clients
connect again, and a transaction under way is lost.
The role of `server:` owns both databases, may create databases and may end the sessions of others
(pg_signal_backend), or is a superuser.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import RawCursor, errors, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from sanitizers.endpoints.base import Destination
from sanitizers.errors import EndpointFailed
from sanitizers.postgres.connection import Session, marker
from sanitizers.postgres.statements import statement
from sanitizers.settings import RenameSettings, resolve_dsn

_LONGEST_NAME: Final = 63
_BETWEEN_CUTS: Final = 0.05
"""Seconds. The server itself waits five seconds for sessions to be gone."""


@dataclass(frozen=True)
class _Database:
    name: str
    generation: str | None
    """None for one that is not ours."""
    role: str


class Rename:
    """Gives the name to a generation's database, and the database that bore it the one it had before."""

    def __init__(self, settings: RenameSettings) -> None:
        self._name = settings.service
        self._source = settings.server

    def current(self) -> Destination | None:
        """The generation that bears the name; None when nobody does, or a database that is not ours."""
        with self._server() as server:
            return self._destination(_databases(server).get(self._name))

    def point_to(self, destination: Destination, password: str | None) -> Destination | None:
        """Renames both databases or neither; the password goes nowhere. EndpointFailed when it cannot be."""
        with self._server() as server:
            known = _databases(server)
            holder = known.get(self._name)
            if holder and holder.generation is None:
                raise self._failed(
                    "the name belongs to a database that is not ours",
                    "give it another name, or this endpoint",
                )
            if holder is None or holder.generation != destination.generation:
                self._swap(server, self._renames(holder, self._found(destination, known)))
            return self._destination(holder)

    def client_dsn(self) -> str:
        """The server and the name, with the role that is let in; clients bring their password."""
        host, port = self._address()
        there = self.current()
        return make_conninfo(host=host, port=port, dbname=self._name, user=there.role if there else None)

    def describe(self) -> str:
        """How a person connects."""
        host, port = self._address()
        return f"psql -h {host} -p {port} {self._name}"

    def _address(self) -> tuple[str, int]:
        server = conninfo_to_dict(resolve_dsn(self._source.model_copy(update={"password": None})))
        return str(server.get("host") or "localhost"), int(server.get("port") or 5432)

    def _destination(self, holder: _Database | None) -> Destination | None:
        if holder is None or holder.generation is None:
            return None
        return Destination(holder.generation, *self._address(), holder.name, holder.role)

    @contextmanager
    def _server(self) -> Iterator[Session]:
        """A session beside the databases that are renamed."""
        dsn = make_conninfo(
            resolve_dsn(self._source), dbname="postgres", application_name="understudy switch"
        )
        try:
            with psycopg.connect(dsn, autocommit=True, connect_timeout=10) as connection:
                yield connection
        except psycopg.OperationalError as error:
            # Its text, where it has no state, names host and role, and what libpq was told.
            raise self._failed(
                f"the server does not answer: {error.sqlstate or 'no connection'}", "check `server:`"
            ) from None

    def _found(self, destination: Destination, known: dict[str, _Database]) -> _Database:
        """The generation's database: the one it says, or, of one that bore the name, the one it is now."""
        ours = {one.name: one for one in known.values() if one.generation == destination.generation}
        if destination.database in ours:
            return ours[destination.database]
        if destination.database != self._name or len(ours) != 1:
            what = f"generation {destination.generation} has no database on this server"
            raise self._failed(what, "`rename` is for clones that the snapshot provider `template` makes")
        return next(iter(ours.values()))

    def _renames(self, holder: _Database | None, found: _Database) -> list[tuple[str, str]]:
        """What is renamed to what, in order."""
        if holder is None:
            return [(found.name, self._name)]
        # Clones are named alike but for their generation, and this one was one of them.
        alike = found.name.removesuffix(found.generation or "")
        before = f"{alike if alike != found.name else f'{self._name}_'}{holder.generation}"
        if len(before.encode()) > _LONGEST_NAME:
            raise self._failed("the old generation is too long for a database's name", "rename the target")
        return [(self._name, before), (found.name, self._name)]

    def _swap(self, server: Session, renames: list[tuple[str, str]]) -> None:
        databases = [old for old, _ in renames]
        with self._server() as other, ThreadPoolExecutor(1) as pool:
            swapping = pool.submit(_rename, server, renames)
            # The one lets nobody in while the other ends the sessions that are there.
            while not wait([swapping], _BETWEEN_CUTS).done:
                with suppress(psycopg.Error):
                    RawCursor(other).execute(statement("switch/cut").encode(), [databases])
            try:
                swapping.result()
            except errors.ObjectInUse:
                raise self._failed(
                    "somebody's sessions are in the way",
                    "may the role of `server:` end them? Those of superusers take a superuser",
                ) from None
            except psycopg.Error as error:
                raise self._failed(
                    f"the server renames nothing: {type(error).__name__}",
                    "the role of `server:` has to own both databases and be allowed CREATEDB",
                ) from None

    def _failed(self, what: str, hint: str) -> EndpointFailed:
        return EndpointFailed(what, where=f"database {self._name}", hint=hint)


def _databases(server: Session) -> dict[str, _Database]:
    rows = server.execute(statement("switch/databases").encode()).fetchall()
    return {name: _Database(name, _generation(comment), role or "") for name, comment, role in rows}


def _generation(comment: str | None) -> str | None:
    ours = marker("")
    return comment.removeprefix(ours) if comment and comment.startswith(ours) else None


def _rename(server: Session, renames: list[tuple[str, str]]) -> None:
    with server.transaction():
        server.execute("SET LOCAL lock_timeout = '10s'")
        for names in renames:
            renaming = sql.SQL("ALTER DATABASE {} RENAME TO {}")
            server.execute(renaming.format(*map(sql.Identifier, names)))
