"""Rewriting one table: a new heap filled by a SELECT, swapped in under the old table's name and OID.

The same steps VACUUM FULL takes, with our expressions in the middle: fill a twin table, exchange the storage
pointers in `pg_class`, rebuild the indexes, drop the twin with the old storage. Views, foreign keys,
policies, triggers, grants, publications, comments and statistics objects hang on the OID and never notice.
One transaction: a table is either wholly rewritten or untouched.

The twin is made by CREATE TABLE AS: it writes faster than INSERT, in the order it reads, and several
processes can compute its rows. What a constraint would have refused is looked for afterwards, in one scan.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, RawCursor, sql

from sanitizers.catalog import Column, Table
from sanitizers.errors import StatementFailed
from sanitizers.postgres.statements import statement


@dataclass(frozen=True)
class Rewritten:
    rows: int
    bytes_before: int
    bytes_after: int


@dataclass(frozen=True)
class NewRows:
    """What a heap is filled with: a SELECT that gives `columns` in order, and its parameters."""

    columns: Sequence[str]
    select: str
    values: Sequence[Any]
    treated: Sequence[str] | None = None
    """The columns whose values are new, which have to obey the table's constraints; None: all."""
    ordered: bool = True
    """Whether the rows have to stay in their physical order, which one process alone keeps."""


@dataclass(frozen=True)
class _Attribute:
    """A physical attribute, as the twin needs it."""

    number: int
    dropped: bool
    name: str
    type: str
    not_null: bool
    generated: str
    expression: str | None
    collation_schema: str | None
    collation: str | None
    storage: str | None
    compression: str | None


def rewrite_heap(connection: Connection[Any], table: Table, scratch: str, rows: NewRows) -> Rewritten:
    """Replaces a table's rows. In the caller's transaction; `scratch` is the schema for the twin.

    StatementFailed names the NOT NULL, CHECK or length that a new value breaks, unique and exclusion
    constraints as indexes are rebuilt. Foreign keys are not checked: rows keep or change keys on both sides
    alike.
    """
    cursor = RawCursor(connection)
    name = sql.Identifier(table.name.schema, table.name.name)
    cursor.execute(sql.SQL("LOCK TABLE ONLY {} IN ACCESS EXCLUSIVE MODE").format(name))
    before = _size(cursor, table.oid)
    twin = sql.Identifier(scratch, f"heap_{table.oid}")
    indexes = cursor.execute(statement("scrub/indexes").encode(), [table.oid]).fetchall()
    _hurry(cursor, alone=rows.ordered or any(index[2] for index in indexes))
    count = _make_twin(cursor, table, twin, rows)
    _swap(cursor, table.oid, twin)
    for schema, index, _, valid in indexes:
        _rebuild(cursor, sql.Identifier(schema, index), valid=valid)
    _obey_as_rows(cursor, table, name)
    return Rewritten(count, before, _size(cursor, table.oid))


def _size(cursor: RawCursor[Any], oid: int) -> int:
    found = cursor.execute(b"SELECT pg_total_relation_size($1::oid)", [oid]).fetchone()
    return int(found[0]) if found else 0


def _rebuild(cursor: RawCursor[Any], index: sql.Identifier, *, valid: bool) -> None:
    rebuild = sql.SQL("REINDEX INDEX {}").format(index)
    if valid:
        cursor.execute(rebuild)
        return
    # What CREATE INDEX CONCURRENTLY left behind holds originals too, and stays as unfinished as it is.
    state = cursor.execute(statement("scrub/loosen_index").encode(), [index.as_string()]).fetchone()
    cursor.execute(rebuild)
    cursor.execute(statement("scrub/invalidate_index").encode(), state)


def _obey_as_rows(cursor: RawCursor[Any], table: Table, name: sql.Identifier) -> None:
    """The checks that the twin could not be asked for, because they name the table's own row."""
    for check in table.checks:
        if not (check.validated and check.of_row):
            continue
        query = sql.SQL("SELECT EXISTS (SELECT FROM ONLY {} WHERE NOT ({}))")
        broken = cursor.execute(query.format(name, sql.SQL(check.of_row))).fetchone()
        if broken and broken[0]:
            raise StatementFailed(f"a check failed: constraint {check.name}", where=str(table.name))


def _hurry(cursor: RawCursor[Any], *, alone: bool) -> None:
    """Settings of the transaction. The planner knows nothing of what our expressions cost, or who waits."""
    cursor.execute(b"SET LOCAL synchronize_seqscans = off")
    # A twin without a tablespace of its own has to lie where the table lies.
    cursor.execute(b"SET LOCAL default_tablespace = ''")
    # One process fewer than there are: the leader computes rows too, and writes all of them.
    workers = 0 if alone else max(1, (os.cpu_count() or 2) - 1)
    cursor.execute(f"SET LOCAL max_parallel_workers_per_gather = {workers}".encode())
    cursor.execute(b"SET LOCAL parallel_tuple_cost = 0")


def _make_twin(cursor: RawCursor[Any], table: Table, twin: sql.Identifier, rows: NewRows) -> int:
    attributes = [
        _Attribute(*row)
        for row in cursor.execute(statement("scrub/attributes").encode(), [table.oid]).fetchall()
    ]
    # CREATE TABLE AS knows no storage of single columns.
    if any(item.storage or item.compression for item in attributes):
        return _insert(cursor, table, twin, attributes, rows)
    count = _create_as(cursor, table, twin, attributes, rows)
    _obey(cursor, table, twin, attributes, rows)
    return count


def _create_as(
    cursor: RawCursor[Any],
    table: Table,
    twin: sql.Identifier,
    attributes: Sequence[_Attribute],
    rows: NewRows,
) -> int:
    names = sql.SQL("({})").format(_comma(map(_name, attributes))) if attributes else sql.SQL("")
    text = "CREATE {}TABLE {} {}{} AS SELECT {} FROM (SELECT {} FROM ({}) AS r {}) AS r"
    by_name = {item.name: item for item in attributes}
    cursor.execute(
        sql.SQL(text).format(
            _unlogged(table),
            twin,
            names,
            _place(table),
            _comma(map(_stored, attributes)),
            _comma(_typed(by_name[name], table.by_name[name], rows) for name in rows.columns),
            sql.SQL(rows.select),
            _list(rows.columns),
        ),
        rows.values or None,
    )
    return cursor.rowcount


def _comma(parts: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(parts)


def _name(item: _Attribute) -> sql.Identifier:
    # The new rows must have the same attribute numbers as the old ones; what was dropped is NULL in them.
    return sql.Identifier(f"understudy_dropped_{item.number}" if item.dropped else item.name)


def _list(columns: Sequence[str]) -> sql.Composable:
    # A table whose columns are all dropped or generated has rows too.
    return sql.SQL("({})").format(_comma(map(sql.Identifier, columns))) if columns else sql.SQL("")


def _stored(item: _Attribute) -> sql.Composable:
    """What a physical attribute holds: the new value, or what is computed from the new values."""
    if item.dropped:
        return sql.SQL("NULL::integer")
    # A virtual column is NULL on disk.
    computed = {"s": f"({item.expression})", "v": "NULL"}.get(item.generated)
    if computed is None:
        return sql.SQL("r.{}").format(sql.Identifier(item.name))
    return _as_declared(sql.SQL(computed), item)


def _typed(item: _Attribute, column: Column, rows: NewRows) -> sql.Composable:
    """A new value as exactly the column's type."""
    value: sql.Composable = sql.SQL("r.{}").format(sql.Identifier(item.name))
    if column.max_length and not column.array and _is_treated(item.name, rows):
        # A cast would cut off what is too long without a word; an assignment, which this is, complains.
        text = f'pg_catalog."{column.base}"({{}}::{column.base}, {column.max_length + 4}, false)'
        value = sql.SQL(text).format(value)
    return sql.SQL("{} AS {}").format(_as_declared(value, item), sql.Identifier(item.name))


def _as_declared(value: sql.Composable, item: _Attribute) -> sql.Composable:
    typed = sql.SQL("({})::{}").format(value, sql.SQL(item.type))
    # Treatments mix collations, of which none would follow.
    return sql.SQL("{}{}").format(typed, _collate(item))


def _collate(item: _Attribute) -> sql.Composable:
    if item.collation is None:
        return sql.SQL("")
    return sql.SQL(" COLLATE {}").format(sql.Identifier(item.collation_schema or "", item.collation))


def _is_treated(name: str, rows: NewRows) -> bool:
    return rows.treated is None or name in rows.treated


def _obey(
    cursor: RawCursor[Any],
    table: Table,
    twin: sql.Identifier,
    attributes: Sequence[_Attribute],
    rows: NewRows,
) -> None:
    """Has the server look whether the new values obey NOT NULL and CHECK, all in one scan."""
    new = {item.name for item in attributes if item.generated or _is_treated(item.name, rows)}
    rules = [
        sql.SQL("ALTER COLUMN {} SET NOT NULL").format(sql.Identifier(item.name))
        for item in attributes
        if item.not_null and item.name in new
    ]
    rules += [sql.SQL("ADD {}").format(rule) for rule in _checks(table, new)]
    if rules:
        cursor.execute(sql.SQL("ALTER TABLE {} {}").format(twin, _comma(rules)))


def _checks(table: Table, of: set[str]) -> list[sql.Composable]:
    # Under their own names, so that an error names what the table's owner knows.
    return [
        sql.SQL("CONSTRAINT {} {}").format(sql.Identifier(check.name), sql.SQL(check.definition))
        for check in table.checks
        if check.validated and not check.of_row and of & set(check.columns)
    ]


def _unlogged(table: Table) -> sql.SQL:
    return sql.SQL("UNLOGGED " if table.persistence == "u" else "")


def _place(table: Table) -> sql.Composable:
    options = sql.SQL(f" WITH ({', '.join(table.options)})" if table.options else "")
    if not table.tablespace:
        return options
    return sql.SQL("{} TABLESPACE {}").format(options, sql.Identifier(table.tablespace))


def _insert(
    cursor: RawCursor[Any],
    table: Table,
    twin: sql.Identifier,
    attributes: Sequence[_Attribute],
    rows: NewRows,
) -> int:
    """The slower way to the same twin, which stores every column as the table does."""
    body = [_definition(item) for item in attributes]
    body += _checks(table, {item.name for item in attributes})
    cursor.execute(
        sql.SQL("CREATE {}TABLE {} ({}){}").format(_unlogged(table), twin, _comma(body), _place(table))
    )
    for item in attributes:
        if item.storage and not item.dropped:
            change = "ALTER TABLE {} ALTER COLUMN {} SET STORAGE {}"
            cursor.execute(sql.SQL(change).format(twin, sql.Identifier(item.name), sql.SQL(item.storage)))
    insert = sql.SQL("INSERT INTO {} {} {}").format(twin, _list(rows.columns), sql.SQL(rows.select))
    cursor.execute(insert, rows.values or None)
    return cursor.rowcount


def _definition(item: _Attribute) -> sql.Composable:
    if item.dropped:
        return sql.SQL("{} integer").format(_name(item))
    parts: list[sql.Composable] = [_name(item), sql.SQL(item.type)]
    if item.compression:
        parts.append(sql.SQL(f"COMPRESSION {item.compression}"))
    parts.append(_collate(item))
    if item.generated:
        kept = {"s": "STORED", "v": "VIRTUAL"}[item.generated]
        parts.append(sql.SQL(f"GENERATED ALWAYS AS ({item.expression}) {kept}"))
    if item.not_null:
        parts.append(sql.SQL("NOT NULL"))
    return sql.SQL(" ").join(parts)


def _swap(cursor: RawCursor[Any], oid: int, twin: sql.Identifier) -> None:
    found = cursor.execute(b"SELECT $1::regclass::oid", [twin.as_string()]).fetchone()
    options = cursor.execute(statement("scrub/toast_options").encode(), [oid]).fetchone()
    assert found is not None
    pair = [oid, found[0]]
    cursor.execute(statement("scrub/swap_heap").encode(), pair)
    cursor.execute(statement("scrub/swap_toast_owner").encode(), pair)
    cursor.execute(statement("scrub/forget_missing").encode(), [oid])
    cursor.execute(sql.SQL("DROP TABLE {}").format(twin))
    cursor.execute(statement("scrub/name_toast").encode(), [oid, options[0] if options else None])
