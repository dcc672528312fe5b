"""The public data sets Pagila and Synthea, for tests: where the data folder lies beside the checkout."""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg import Connection, sql

_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"
SHARED: Path | None = _BESIDE if _BESIDE.is_dir() else None
"""The data folder, or None where there is none: tests that need it then skip, and say so."""
SYNTHEA_FOLDERS = ("csv-111-nebraska", "csv-27-massachusetts")

_COPY = re.compile(r"^(COPY [^\n]+ FROM stdin);\n(.*?)^\\\.\n", re.MULTILINE | re.DOTALL)
_SYNTHEA_ORDER = (
    "organizations", "payers", "providers", "patients", "encounters", "conditions", "allergies", "careplans",
    "medications", "procedures", "immunizations", "imaging_studies", "devices", "supplies",
    "payer_transitions", "observations", "claims", "claims_transactions",
)  # fmt: skip


def load_pagila(dsn: str) -> None:
    """Pagila 3.1 into an empty database. The dump names `postgres` as owner, so that role must exist."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for part in ("1-schema", "2-data"):
            _replay(connection, gzip.decompress((_folder("pagila") / f"{part}.sql.gz").read_bytes()).decode())
        connection.execute("ANALYZE")


def load_synthea(dsn: str, csv_folder: str = SYNTHEA_FOLDERS[0]) -> None:
    """Synthea's tables, in the schema `ehr`, into an empty database; one of `SYNTHEA_FOLDERS`."""
    folder = _folder("synthea")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute((folder / "schema.sql").read_bytes())
        for table in _SYNTHEA_ORDER:
            file = folder / csv_folder / f"{table}.csv.gz"
            if file.is_file():
                _copy_csv(connection, table, gzip.decompress(file.read_bytes()))
        connection.execute("REFRESH MATERIALIZED VIEW ehr.patient_summary")
        connection.execute("ANALYZE")


def _folder(name: str) -> Path:
    if SHARED is None:
        raise FileNotFoundError(f"no data set {name}: the shared data folder is not beside the checkout")
    return SHARED / name


def _replay(connection: Connection, dump: str) -> None:
    """A plain dump: statements as they are, COPY blocks through the copy protocol."""
    for statement, rows in _parts(dump):
        if rows is None:
            connection.execute(statement.encode())
            continue
        with connection.cursor().copy(statement.encode()) as copy:
            copy.write(rows)


def _parts(dump: str) -> Iterator[tuple[str, str | None]]:
    at = 0
    for block in _COPY.finditer(dump):
        yield dump[at : block.start()], None
        yield block[1], block[2]
        at = block.end()
    yield dump[at:], None


def _copy_csv(connection: Connection, table: str, content: bytes) -> None:
    header = next(csv.reader(io.StringIO(content.decode())))
    columns = sql.SQL(", ").join(sql.Identifier(name.strip().lower()) for name in header)
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv, HEADER)").format(
        sql.Identifier("ehr", table), columns
    )
    with connection.cursor().copy(statement) as copy:
        copy.write(content)
