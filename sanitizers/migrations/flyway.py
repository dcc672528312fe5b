"""Flyway's versioned migrations: `V2_1__add_visits.sql`, recorded in `flyway_schema_history`."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

from psycopg import Connection, sql

from sanitizers.catalog import Name
from sanitizers.errors import MigrationFailed, Problem
from sanitizers.migrations.base import Migration

_VERSIONED = re.compile(r"V(?P<version>\d+(?:[._]\d+)*)__(?P<description>.+)\.sql")


class Flyway:
    """Migrations anywhere under the directory. Placeholders are not replaced, callbacks do not run."""

    LEDGER: ClassVar[str] = "flyway_schema_history"

    def __init__(self, directory: Path, ledger: str | None) -> None:
        self._directory = directory
        self._ledger = Name.parse(ledger or self.LEDGER)

    def available(self) -> list[Migration]:
        """In the order of their versions, 10 after 9. MigrationFailed when a file cannot be told."""
        if not self._directory.is_dir():
            hint = "see migrations.directory in the settings"
            raise MigrationFailed("no such directory", where=str(self._directory), hint=hint)
        files = sorted(self._directory.rglob("*.sql"))
        problems = [*_unreadable(files)]
        found = [_migration(path, match) for path in files if (match := _VERSIONED.fullmatch(path.name))]
        found.sort(key=lambda migration: _order(migration.version))
        problems += _doubles(found)
        if problems:
            raise MigrationFailed("the migrations cannot be put in order", problems=tuple(problems))
        return found

    def pending(self, connection: Connection[Any]) -> list[Migration]:
        """Those of which the ledger has no row, and no baseline at or above their version."""
        applied, baseline = set(), _order("0")
        for version, kind in _rows(connection, self._ledger):
            if version is not None:
                applied.add(_order(version))
                baseline = max(baseline, _order(version)) if kind == "BASELINE" else baseline
        return [
            migration
            for migration in self.available()
            if _order(migration.version) not in applied and _order(migration.version) > baseline
        ]

    def applied(self, connection: Connection[Any]) -> list[str]:
        """In the order of the ledger; a baseline stands for migrations that never ran here."""
        spelled = {_order(migration.version): migration.version for migration in self.available()}
        return [
            spelled.get(_order(version), version)
            for version, kind in _rows(connection, self._ledger)
            if version is not None and kind != "BASELINE"
        ]

    def record(self, connection: Connection[Any], migration: Migration, milliseconds: int) -> None:
        """Writes the row Flyway would have written, the checksum included."""
        insert = sql.SQL(
            "INSERT INTO {ledger} (installed_rank, version, description, type, script, checksum,"
            " installed_by, execution_time, success)"
            " SELECT coalesce(max(installed_rank), 0) + 1, %s, %s, 'SQL', %s, %s, current_user, %s, true"
            " FROM {ledger}"
        )
        script = migration.path.relative_to(self._directory).as_posix()
        values = (migration.version, migration.name, script, checksum(migration.path), milliseconds)
        connection.execute(insert.format(ledger=_table(self._ledger)), values)


def checksum(path: Path) -> int:
    """Flyway's: the signed CRC-32 of the lines without their ends, and without a byte order mark."""
    text = path.read_bytes().decode("utf-8-sig")
    value = zlib.crc32(text.replace("\r", "").replace("\n", "").encode())
    return value - 2**32 if value >= 2**31 else value


def _migration(path: Path, match: re.Match[str]) -> Migration:
    version = match["version"].replace("_", ".")
    return Migration(version, match["description"].replace("_", " "), path)


def _order(version: str) -> tuple[int, ...]:
    """Numbers in order; zeros at the end say nothing, so that 1.0 is 1."""
    numbers = [int(part) for part in re.split("[._]", version)]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _unreadable(files: Iterable[Path]) -> Iterable[Problem]:
    for path in files:
        if path.name.startswith("R__"):
            yield Problem(path.name, "repeatable migrations are not supported yet", "move it elsewhere")
        elif path.name.startswith("V") and not _VERSIONED.fullmatch(path.name):
            yield Problem(path.name, "is not named V<version>__<description>.sql", "as V2_1__add.sql is")


def _doubles(migrations: list[Migration]) -> list[Problem]:
    by_order: dict[tuple[int, ...], Migration] = {}
    problems = []
    for migration in migrations:
        other = by_order.setdefault(_order(migration.version), migration)
        if other is not migration:
            problems.append(Problem(migration.path.name, f"has the version of {other.path.name}"))
    return problems


def _rows(connection: Connection[Any], ledger: Name) -> list[tuple[str | None, str]]:
    """Version and type of every entry. MigrationFailed when there is no ledger, or one of them failed."""
    found = connection.execute("SELECT to_regclass(%s)", [_table(ledger).as_string()]).fetchone()
    if found == (None,):
        hint = "name the table under migrations.ledger as schema.table"
        raise MigrationFailed("production's ledger of migrations is missing", where=str(ledger), hint=hint)
    query = sql.SQL("SELECT version, type, success FROM {} ORDER BY installed_rank")
    rows = connection.execute(query.format(_table(ledger))).fetchall()
    if failed := [version for version, _, success in rows if not success]:
        raise _dirty(ledger, failed[0])
    return [(version, kind) for version, kind, _ in rows]


def _table(ledger: Name) -> sql.Identifier:
    return sql.Identifier(ledger.schema, ledger.name)


def _dirty(ledger: Name, version: str | None) -> MigrationFailed:
    which = f"version {version}" if version else "a repeatable migration"
    hint = "repair it in production first (flyway repair)"
    return MigrationFailed(f"the ledger is dirty: {which} failed in production", where=str(ledger), hint=hint)
