"""Rewriting one table: a new heap filled by a SELECT, swapped in under the old table's name and OID.

The same steps VACUUM FULL takes, with our expressions in the middle: fill a twin table, exchange the storage
pointers in `pg_class`, rebuild the indexes, drop the twin with the old storage. Views, foreign keys,
policies, triggers, grants, publications, comments and statistics objects hang on the OID and never notice.
One transaction: a table is either wholly rewritten or untouched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, RawCursor, sql

from sanitizers.catalog import Check, Table
from sanitizers.postgres.statements import statement


@dataclass(frozen=True)
class Rewritten:
    rows: int
    bytes_before: int
    bytes_after: int


def rewrite_heap(
    connection: Connection[Any],
    table: Table,
    scratch: str,
    columns: Sequence[str],
    select: str,
    values: Sequence[Any],
) -> Rewritten:
    """Replaces a table's rows by those of `select`, which gives `columns` in order.

    In the caller's transaction. `scratch` is the schema for the twin. CHECK and NOT NULL are checked as rows
    go in, unique and exclusion constraints as indexes are rebuilt; foreign keys are not: rows keep or change
    keys on both sides alike.
    """
    cursor = RawCursor(connection)
    name = sql.Identifier(table.name.schema, table.name.name)
    cursor.execute(sql.SQL("LOCK TABLE ONLY {} IN ACCESS EXCLUSIVE MODE").format(name))
    before = _size(cursor, table.oid)
    twin = sql.Identifier(scratch, f"heap_{table.oid}")
    _create_twin(cursor, table, twin)
    rows = _fill(cursor, twin, columns, select, values)
    _swap(cursor, table.oid, twin)
    for index in cursor.execute(statement("scrub/indexes").encode(), [table.oid]).fetchall():
        cursor.execute(sql.SQL("REINDEX INDEX {}").format(sql.Identifier(*index)))
    return Rewritten(rows, before, _size(cursor, table.oid))


def _size(cursor: RawCursor[Any], oid: int) -> int:
    found = cursor.execute(b"SELECT pg_total_relation_size($1::oid)", [oid]).fetchone()
    return int(found[0]) if found else 0


def _create_twin(cursor: RawCursor[Any], table: Table, twin: sql.Identifier) -> None:
    attributes = cursor.execute(statement("scrub/attributes").encode(), [table.oid]).fetchall()
    checks = [_check(check) for check in table.checks if check.validated]
    body = sql.SQL(", ").join([*(_definition(row) for row in attributes), *checks])
    unlogged = sql.SQL("UNLOGGED " if table.persistence == "u" else "")
    cursor.execute(
        sql.SQL("CREATE {}TABLE {} ({}){}{}").format(unlogged, twin, body, _options(table), _space(table))
    )
    for number, dropped, name, *_, storage, _compression in attributes:
        if dropped:
            cursor.execute(sql.SQL("ALTER TABLE {} DROP COLUMN {}").format(twin, _gap(number)))
        elif storage:
            change = "ALTER TABLE {} ALTER COLUMN {} SET STORAGE {}"
            cursor.execute(sql.SQL(change).format(twin, sql.Identifier(name), sql.SQL(storage)))


def _check(check: Check) -> sql.Composable:
    # Under its own name, so that an error names what the table's owner knows.
    return sql.SQL("CONSTRAINT {} {}").format(sql.Identifier(check.name), sql.SQL(check.definition))


def _definition(row: tuple[Any, ...]) -> sql.Composable:
    number, dropped, name, type_, not_null, generated, expression, schema, collation, _, compression = row
    if dropped:
        # The new rows must have the same attribute numbers as the old ones; what was dropped is NULL in them.
        return sql.SQL("{} integer").format(_gap(number))
    parts: list[sql.Composable] = [sql.Identifier(name), sql.SQL(type_)]
    if compression:
        parts.append(sql.SQL(f"COMPRESSION {compression}"))
    if schema:
        parts.append(sql.SQL("COLLATE {}").format(sql.Identifier(schema, collation)))
    if generated:
        kept = {"s": "STORED", "v": "VIRTUAL"}[generated]
        parts.append(sql.SQL(f"GENERATED ALWAYS AS ({expression}) {kept}"))
    if not_null:
        parts.append(sql.SQL("NOT NULL"))
    return sql.SQL(" ").join(parts)


def _gap(number: int) -> sql.Identifier:
    return sql.Identifier(f"understudy_dropped_{number}")


def _options(table: Table) -> sql.SQL:
    return sql.SQL(f" WITH ({', '.join(table.options)})" if table.options else "")


def _space(table: Table) -> sql.Composable:
    return (
        sql.SQL(" TABLESPACE {}").format(sql.Identifier(table.tablespace))
        if table.tablespace
        else sql.SQL("")
    )


def _fill(
    cursor: RawCursor[Any], twin: sql.Identifier, columns: Sequence[str], select: str, values: Sequence[Any]
) -> int:
    names = sql.SQL("({})").format(sql.SQL(", ").join(map(sql.Identifier, columns)))
    # A table whose columns are all dropped or generated has rows too.
    into = names if columns else sql.SQL("")
    insert = sql.SQL("INSERT INTO {} {} {}").format(twin, into, sql.SQL(select))
    cursor.execute(insert, values or None)
    return cursor.rowcount


def _swap(cursor: RawCursor[Any], oid: int, twin: sql.Identifier) -> None:
    found = cursor.execute(b"SELECT $1::regclass::oid", [twin.as_string()]).fetchone()
    options = cursor.execute(statement("scrub/toast_options").encode(), [oid]).fetchone()
    assert found is not None
    pair = [oid, found[0]]
    cursor.execute(statement("scrub/swap_heap").encode(), pair)
    cursor.execute(statement("scrub/swap_toast_owner").encode(), pair)
    cursor.execute(sql.SQL("DROP TABLE {}").format(twin))
    cursor.execute(statement("scrub/name_toast").encode(), [oid, options[0] if options else None])
