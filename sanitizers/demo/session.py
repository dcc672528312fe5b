"""The demo's stage: a hospital's production server on this machine, settings for it, and the end of it.

Everything lies in one folder that carries a marker file; nothing without the marker is ever removed.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import Connection, RawCursor, sql
from psycopg.rows import class_row, tuple_row

from sanitizers.demo.hospital import MIGRATIONS, load_hospital
from sanitizers.endpoints.base import Destination
from sanitizers.errors import WrongState
from sanitizers.postgres import files
from sanitizers.postgres.account import make_passable
from sanitizers.postgres.binaries import Binaries, find_binaries
from sanitizers.postgres.cluster import Cluster, create_cluster, remove_cluster
from sanitizers.postgres.connection import described
from sanitizers.postgres.statements import data_root, statement

DATABASE: Final = "hospital"
SERVICE: Final = "hospital_staging"
MAJOR: Final = 18

_MARKER: Final = ".understudy-demo"
_COPIER: Final = "understudy"
"""The role on production that takes base backups."""
_SEED: Final = 2026
_NEW_PATIENTS: Final = 3
_MOVES: Final = 2


@dataclass(frozen=True)
class Person:
    """What the demo shows of a patient. Made up from the start, so production's side may be shown too."""

    id: int
    name: str
    email: str
    phone: str
    ssn: str
    mrn: str
    city: str
    born: str
    is_test: bool


@dataclass(frozen=True)
class Demo:
    """The demo in one folder."""

    home: Path

    @property
    def settings(self) -> Path:
        return self.home / "understudy.yaml"

    @property
    def service_file(self) -> Path:
        return self.home / "pg_service.conf"

    @property
    def exists(self) -> bool:
        return (self.home / _MARKER).is_file()

    @property
    def binaries(self) -> Binaries:
        return find_binaries(MAJOR, home=self.home / "state")

    @property
    def production(self) -> Cluster:
        return Cluster(self.home / "production", self.binaries)

    def prepare(self, patients: int, tell: Callable[[str], None]) -> None:
        """Brings production up: made and filled the first time, with a day's changes every later time.

        `tell` is given a sentence for each step. WrongState when the folder is somebody else's.
        """
        self._claim()
        server, known = self.production, self.production.data.exists()
        verb = "Using" if known and server.running else "Starting" if known else "Making"
        tell(f"{verb} a PostgreSQL {self.binaries.version} server as production")
        production = create_cluster(self.home / "production", self.binaries, listen="127.0.0.1")
        with _session(production.dsn()) as connection:
            self._admit_copier(connection)
            if _scalar(connection, "database", DATABASE) is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
        with _session(production.dsn(DATABASE)) as connection:
            tell(fill(connection, patients))
        self._write_settings(production.port)

    def _claim(self) -> None:
        if not self.exists and self.home.exists() and any(self.home.iterdir()):
            hint = "name another with --home"
            raise WrongState(
                "this folder has other things in it than a demo", where=str(self.home), hint=hint
            )
        make_passable(self.home)
        _keep(self.home / _MARKER, "Made by `understudy demo`, removed by `understudy demo stop`.\n")
        folder = self.home / "secrets"
        folder.mkdir(mode=0o700, exist_ok=True)
        for name in ("copier", "staging"):
            _keep(folder / name, secrets.token_urlsafe(24))

    def _admit_copier(self, connection: Connection[Any]) -> None:
        known = _scalar(connection, "role", _COPIER)
        password, name = self._secret("copier").encode(), _COPIER.encode()
        verifier = connection.pgconn.encrypt_password(password, name, b"scram-sha-256").decode()
        verb = sql.SQL("ALTER ROLE" if known else "CREATE ROLE")
        wanted = sql.SQL("{} {} LOGIN REPLICATION PASSWORD {}")
        connection.execute(wanted.format(verb, sql.Identifier(_COPIER), sql.Literal(verifier)))

    def _secret(self, name: str) -> str:
        return (self.home / "secrets" / name).read_text(encoding="utf-8")

    def _write_settings(self, port: int) -> None:
        quoted = {
            "policy": str(data_root("policies") / "hospital.yaml"),
            "migrations": str(MIGRATIONS),
            **{name: f"file:{self.home / 'secrets' / name}" for name in ("copier", "staging")},
        }
        text = _SETTINGS.format(port=port, **{key: json.dumps(value) for key, value in quoted.items()})
        self.settings.write_text(text, encoding="utf-8")

    def compare(self, staging: Destination) -> list[tuple[Person, Person]]:
        """A few patients in production and in staging."""
        with _session(self.production.dsn(DATABASE)) as connection:
            with RawCursor(connection, row_factory=tuple_row) as cursor:
                chosen = [number for (number,) in cursor.execute(_sql("pick")).fetchall()]
            before = _people(connection, chosen)
        with psycopg.connect(
            host=staging.host,
            port=staging.port,
            dbname=staging.database,
            user=staging.role,
            password=self._secret("staging"),
        ) as connection:
            after = _people(connection, chosen)
        return list(zip(before, after, strict=True))

    def psql(self) -> str:
        """A line for the shell that opens staging."""
        return f"PGSERVICEFILE={self.service_file} {self.binaries.path('psql')} service={SERVICE}"

    def stop(self) -> int:
        """Stops every server of the demo and removes the folder; returns how many servers there were.

        Nothing there is fine. WrongState when the folder is not the demo's.
        """
        if not self.exists:
            if self.home.exists() and any(self.home.iterdir()):
                raise WrongState(
                    "this folder carries no marker of the demo, so it stays",
                    where=str(self.home),
                    hint="name the demo's folder with --home",
                )
            return 0
        clusters = list(_clusters(self.home))
        for directory in clusters:
            remove_cluster(directory)
        files.remove(self.home)
        return len(clusters)


_SETTINGS: Final = f"""\
# Written anew by every `understudy demo`, removed by `understudy demo stop`.
home: state
targets:
  {DATABASE}:
    policy: {{policy}}
    source:
      dsn: host=127.0.0.1 port={{port}} user={_COPIER} dbname={DATABASE}
      password: {{copier}}
    snapshot: {{{{provider: basebackup, incremental: true}}}}
    migrations:
      provider: flyway
      directory: {{migrations}}
    endpoint: {{{{provider: service, service: {SERVICE}, file: pg_service.conf}}}}
    access:
      role: staging
      password: {{staging}}
"""


def fill(connection: Connection[Any], patients: int) -> str:
    """Fills an empty database, or does a day's work in one that is filled; says what was done.

    The role that copies production may read which migrations it has had, so that drift can be seen by day.
    """
    done = _fill(connection, patients)
    grant = sql.SQL("GRANT SELECT ON public.flyway_schema_history TO {}")
    connection.execute(grant.format(sql.Identifier(_COPIER)))
    return done


def _fill(connection: Connection[Any], patients: int) -> str:
    if not _scalar(connection, "loaded"):
        made = load_hospital(connection, patients=patients, seed=_SEED)
        about = f"{made.patients:,} patients, {made.observations:,} measurements"
        return f"Filled it with a made-up hospital: {about}"
    with connection.transaction(), RawCursor(connection) as cursor:
        came = cursor.execute(_sql("new_patients"), [_NEW_PATIENTS]).rowcount
        moved = cursor.execute(_sql("moves"), [_MOVES]).rowcount
    count = _scalar(connection, "count")
    return f"A day passes in the hospital of {count:,} patients: {came} come, {moved} move"


def _people(connection: Connection[Any], chosen: list[int]) -> list[Person]:
    with RawCursor(connection, row_factory=class_row(Person)) as cursor:
        return cursor.execute(_sql("people"), [chosen]).fetchall()


def _scalar(connection: Connection[Any], name: str, *values: object) -> Any:
    with RawCursor(connection, row_factory=tuple_row) as cursor:
        row = cursor.execute(_sql(name), values).fetchone()
    return row[0] if row else None


def _sql(name: str) -> bytes:
    return statement(f"demo/session/{name}").encode()


@contextmanager
def _session(dsn: str) -> Iterator[Connection[Any]]:
    with described("preparing the demo"), psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


def _keep(path: Path, text: str) -> None:
    """Writes a file for our eyes only, unless it is there."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)


def _clusters(folder: Path) -> Iterator[Path]:
    """Directories of servers below a folder; what lies inside of data directories is not looked at."""
    for parent, names, _ in os.walk(folder):
        if (Path(parent) / "data" / "PG_VERSION").is_file():
            yield Path(parent)
            names.clear()
        elif (Path(parent) / "PG_VERSION").is_file():
            names.clear()
