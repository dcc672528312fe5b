"""The hospital: makes its schema by migrations, as any application would, and fills it from a seed.

Rows are made by the server, set by set. What looks random in them is a hash of seed, purpose and row number,
so that the same seed always gives the same hospital; only words come from Python.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from psycopg import Connection, RawCursor
from psycopg.rows import class_row, tuple_row

from sanitizers.demo.words import Words, draw_words
from sanitizers.postgres.statements import SQL_ROOT, statement

MIGRATIONS: Final = SQL_ROOT / "demo" / "hospital" / "migrations"
"""All migrations that the hospital's code knows; its production database is at version 3."""

TEST_PATIENTS: Final = 5
"""Patients 1 to 5 are labelled `is_test` and the same for every seed."""

# What patients have: the statement that makes it, the table it goes to, the words it takes; parents first.
_RECORDS: Final = (
    ("relatives", "clinical.relatives", ("women", "last_names", "employers", "domains")),
    ("encounters", "clinical.encounters", ("reasons",)),
    ("conditions", "clinical.conditions", ()),
    ("medications", "clinical.medications", ()),
    ("observations", "clinical.observations", ()),
    ("notes", "clinical.notes", ("authors", "sentences")),
    ("insurance_cards", "billing.insurance_cards", ()),
    ("claims", "billing.claims", ()),
    ("ledger", "billing.ledger", ()),
    ("accounts", "iam.accounts", ("agents",)),
    ("sessions", "iam.sessions", ()),
    ("new_phones", "audit.changes", ()),
)


@dataclass(frozen=True)
class HospitalSize:
    """Rows in each filled table."""

    payers: int
    providers: int
    patients: int
    relatives: int
    encounters: int
    conditions: int
    medications: int
    observations: int
    notes: int
    insurance_cards: int
    claims: int
    ledger: int
    accounts: int
    sessions: int
    changes: int


def load_hospital(
    connection: Connection[Any],
    *,
    patients: int,
    seed: int,
    through: str = "3",
    report: Callable[[str, int], None] | None = None,
) -> HospitalSize:
    """Makes and fills the hospital in an empty database, in one transaction.

    `patients` counts the five test patients, who are always there. `through` is the last migration to apply,
    at least 3. `report` is told each table that was filled and the rows it was given. The session's user owns
    the database and may create roles. ValueError for too few patients or too early a migration.
    """
    if patients < TEST_PATIENTS or int(through) < 3:
        raise ValueError(f"a hospital has at least {TEST_PATIENTS} patients and migration 3")
    with connection.transaction():
        _migrate(connection, through)
        with _prepared(connection):
            _fill(_Filler(connection, seed, draw_words(seed), report or (lambda table, rows: None)), patients)
        for name in ("refresh/patient_summary", "refresh/payer_totals", "analyze"):
            _run(connection, name)
        return _size(connection)


def _migrate(connection: Connection[Any], through: str) -> None:
    _run(connection, "flyway/table")
    _run(connection, "flyway/index")
    for rank, path in enumerate(_migrations(through), start=1):
        version, _, description = path.stem.removeprefix("V").partition("__")
        began = time.monotonic()
        connection.execute(path.read_bytes())
        milliseconds = round(1000 * (time.monotonic() - began))
        entry = (rank, version, description.replace("_", " "), path.name, _checksum(path), milliseconds)
        _run(connection, "flyway/entry", *entry)


def _migrations(through: str) -> list[Path]:
    versions = {int(path.stem[1:].partition("__")[0]): path for path in MIGRATIONS.glob("V*__*.sql")}
    return [versions[version] for version in sorted(versions) if version <= int(through)]


def _checksum(path: Path) -> int:
    """Flyway's: the CRC-32 of the lines without their ends, as a signed 32-bit number."""
    crc = 0
    for line in path.read_bytes().splitlines():
        crc = zlib.crc32(line, crc)
    return crc - (1 << 32) if crc >= 1 << 31 else crc


@contextmanager
def _prepared(connection: Connection[Any]) -> Iterator[None]:
    """The database as the generator wants it: dice at hand, foreign keys put aside."""
    _run(connection, "settings")
    for name in ("schema", "roll", "chance", "scatter", "phone", "address"):
        _run(connection, f"dice/{name}")
    with RawCursor(connection, row_factory=tuple_row) as cursor:
        foreign_keys = cursor.execute(_sql("foreign_keys")).fetchall()
    for take_away, _ in foreign_keys:
        connection.execute(take_away)
    yield
    for _, put_back in foreign_keys:
        connection.execute(put_back)
    _run(connection, "dice/drop")


@dataclass(frozen=True)
class _Filler:
    """Runs the generator's statements, all of which take the seed first."""

    connection: Connection[Any]
    seed: int
    words: Words
    report: Callable[[str, int], None]

    def fill(self, name: str, table: str, *words: str, count: int | None = None) -> None:
        """Adds rows to the table: `count` of them where the statement asks for a number."""
        counted = () if count is None else (count,)
        drawn = (getattr(self.words, field) for field in words)
        self.report(table, _run(self.connection, name, self.seed, *counted, *drawn))


def _fill(filler: _Filler, patients: int) -> None:
    filler.fill("payers", "billing.payers", "insurers")
    staff = ("women", "last_names", "women_handles", "last_handles")
    filler.fill("providers", "clinical.providers", *staff, count=min(20 + patients // 100, 5000))
    filler.fill("staff_accounts", "iam.accounts")
    for name in ("patients", "relatives", "encounters", "notes", "accounts"):
        _run(filler.connection, f"test/{name}")
    people = ("women", "men", "last_names", "women_handles", "men_handles", "last_handles")
    places = ("streets", "cities", "states", "zips")
    filler.fill("patients", "clinical.patients", *people, *places, "domains", count=patients)
    for name, table, words in _RECORDS:
        filler.fill(name, table, *words)


def _size(connection: Connection[Any]) -> HospitalSize:
    with RawCursor(connection, row_factory=class_row(HospitalSize)) as cursor:
        size = cursor.execute(_sql("size")).fetchone()
    assert size is not None
    return size


def _run(connection: Connection[Any], name: str, *arguments: object) -> int:
    """Executes one statement of the generator; returns the rows it touched."""
    with RawCursor(connection) as cursor:
        # Planned anew each time: only then are seed and words constants, which the planner folds.
        cursor.execute(_sql(name), arguments, prepare=False)
        return cursor.rowcount


def _sql(name: str) -> bytes:
    return statement(f"demo/hospital/generate/{name}").encode()
