"""Partitioned tables of which a partition key is treated: rows that may have to change partitions."""

from __future__ import annotations

from hashlib import sha256

from sanitizers.catalog import Column, Name, Table
from sanitizers.policy.compile import SCRATCH, RowSelect, numbered, quoted, relation, sql_text
from sanitizers.policy.plan import Move, Statement


def move(table: Name, columns: tuple[Column, ...], select: RowSelect, heaps: tuple[Table, ...]) -> Move:
    """The rows of all partitions, treated, in one place, from which partitions are filled anew."""
    rows = Name(SCRATCH, f"moved_{sha256(str(table).encode()).hexdigest()[:16]}")
    names = ", ".join(quoted(column.name) for column in columns)
    source = " UNION ALL ".join(select.text(heap.name) for heap in heaps)
    typed = ", ".join(f"{quoted(column.name)}::{column.type}" for column in columns)
    create = f"SELECT {typed} FROM ({source}) AS t ({names})"
    held = " OR ".join(f"({heap.holds or 'TRUE'})" for heap in heaps)
    astray = f"SELECT count(*) FROM {sql_text(relation(rows))} WHERE NOT coalesce({held}, FALSE)"
    return Move(table, rows, numbered(create), numbered(astray))


def moved_rows(rows: Name, columns: tuple[Column, ...], heap: Table) -> Statement:
    """Those of the moved rows that a partition holds."""
    names = ", ".join(quoted(column.name) for column in columns)
    return numbered(f"SELECT {names} FROM {sql_text(relation(rows))} WHERE {heap.holds or 'TRUE'}")
