"""golang-migrate's files, `012_add_visits.up.sql`, recorded in `schema_migrations` as one version."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, ClassVar

from psycopg import Connection, sql

from sanitizers.catalog import Name
from sanitizers.errors import MigrationFailed, Problem
from sanitizers.migrations.base import Migration

_UP = re.compile(r"(?P<version>\d+)_(?P<name>.+)\.up\.sql")


class Golang:
    """Migrations of one directory, in the order of their numbers. The `.down.sql` files are left alone."""

    LEDGER: ClassVar[str] = "schema_migrations"

    def __init__(self, directory: Path, ledger: str | None) -> None:
        self._directory = directory
        self._ledger = Name.parse(ledger or self.LEDGER)

    def available(self) -> list[Migration]:
        """In the order of their numbers, 10 after 9. MigrationFailed when a number comes twice."""
        if not self._directory.is_dir():
            hint = "see migrations.directory in the settings"
            raise MigrationFailed("no such directory", where=str(self._directory), hint=hint)
        by_number: dict[int, Migration] = {}
        problems = []
        for path in sorted(self._directory.iterdir()):
            if match := _UP.fullmatch(path.name):
                migration = Migration(str(int(match["version"])), match["name"], path)
                other = by_number.setdefault(int(match["version"]), migration)
                if other is not migration:
                    problems.append(Problem(path.name, f"has the number of {other.path.name}"))
        if problems:
            raise MigrationFailed("the migrations cannot be put in order", problems=tuple(problems))
        return [by_number[number] for number in sorted(by_number)]

    def pending(self, connection: Connection[Any]) -> list[Migration]:
        """Those above the ledger's version; all of them when it has none yet."""
        current = self._current(connection)
        return [migration for migration in self.available() if int(migration.version) > current]

    def applied(self, connection: Connection[Any]) -> list[str]:
        """Every file's up to the ledger's version, and that one: the ledger keeps no others."""
        current = self._current(connection)
        known = [int(migration.version) for migration in self.available()]
        reached = {number for number in (*known, current) if 0 <= number <= current}
        return [str(number) for number in sorted(reached)]

    def record(self, connection: Connection[Any], migration: Migration, milliseconds: int) -> None:
        """One row is all the tool keeps; it knows no durations."""
        connection.execute(sql.SQL("DELETE FROM {}").format(self._table))
        insert = sql.SQL("INSERT INTO {} (version, dirty) VALUES (%s, false)").format(self._table)
        connection.execute(insert, [int(migration.version)])

    @property
    def _table(self) -> sql.Identifier:
        return sql.Identifier(self._ledger.schema, self._ledger.name)

    def _current(self, connection: Connection[Any]) -> int:
        found = connection.execute("SELECT to_regclass(%s)", [self._table.as_string()]).fetchone()
        if found == (None,):
            hint = "name the table under migrations.ledger as schema.table"
            what = "production's ledger of migrations is missing"
            raise MigrationFailed(what, where=str(self._ledger), hint=hint)
        row = connection.execute(sql.SQL("SELECT version, dirty FROM {}").format(self._table)).fetchone()
        if row and row[1]:
            hint = "repair it in production first (migrate force)"
            what = f"the ledger is dirty: version {row[0]} failed in production"
            raise MigrationFailed(what, where=str(self._ledger), hint=hint)
        return int(row[0]) if row else -1
