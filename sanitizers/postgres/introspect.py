"""Reading a database's catalog: a fixed number of round trips, however many tables there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from psycopg import Connection, RawCursor, sql

from sanitizers.catalog import (
    Catalog,
    Check,
    Column,
    ForeignKey,
    Name,
    Sequence,
    SequenceUse,
    Table,
    Unique,
    View,
)
from sanitizers.postgres.statements import statement

Rows = list[tuple[Any, ...]]


def read_catalog(connection: Connection[Any], *, positions: bool = True) -> Catalog:
    """The catalog of the database the session is in.

    Reading where sequences stand takes the right to read them. Without `positions` any role that may connect
    will do, and every sequence is told to stand at its start.
    """
    tables = _rows(connection, "catalog/tables")
    oids = [row[2] for row in tables]
    columns = _columns(connection, oids)
    uniques = _grouped(_rows(connection, "catalog/uniques", oids))
    constraints = _grouped(_rows(connection, "catalog/constraints", oids))
    return Catalog(
        database=connection.info.dbname,
        version=connection.info.server_version,
        tables={
            Name(row[0], row[1]): _table(row, columns[row[2]], uniques[row[2]], constraints[row[2]])
            for row in tables
        },
        sequences=_sequences(connection, positions),
        views={Name(*row[:2]): _view(row) for row in _rows(connection, "catalog/views")},
        large_objects=_rows(connection, "catalog/large_objects")[0][0],
    )


def _rows(connection: Connection[Any], name: str, *parameters: Any) -> Rows:
    cursor = RawCursor(connection)
    return cursor.execute(statement(name).encode(), parameters or None).fetchall()


def _grouped(rows: Rows) -> defaultdict[int, Rows]:
    grouped: defaultdict[int, Rows] = defaultdict(list)
    for row in rows:
        grouped[row[0]].append(row[1:])
    return grouped


def _columns(connection: Connection[Any], oids: list[int]) -> dict[int, tuple[Column, ...]]:
    """The columns of tables, and of the composite types they are made of, each level in one round trip."""
    read, found = set[int](), defaultdict[int, Rows](list)
    while oids:
        read.update(oids)
        found |= _grouped(_rows(connection, "catalog/columns", oids))
        oids = [oid for oid in _composites(found) if oid not in read]
    return {oid: _fields(oid, found) for oid in read}


def _composites(found: Mapping[int, Rows]) -> set[int]:
    return {row[-1] for rows in found.values() for row in rows if row[-1]}


def _fields(oid: int, found: Mapping[int, Rows]) -> tuple[Column, ...]:
    return tuple(
        replace(
            Column(*facts),
            inputs=tuple(inputs),
            labels=tuple(labels),
            fields=_fields(type_, found) if type_ else (),
        )
        for *facts, inputs, labels, type_ in found[oid]
    )


def _table(row: tuple[Any, ...], columns: tuple[Column, ...], uniques: Rows, constraints: Rows) -> Table:
    (
        schema,
        name,
        oid,
        kind,
        parent_schema,
        parent,
        key,
        holds,
        attributes,
        persistence,
        options,
        space,
        method,
        rows,
        size,
    ) = row
    me = Name(schema, name)
    return Table(
        name=me,
        oid=oid,
        kind=kind,
        columns=columns,
        parent=Name(parent_schema, parent) if parent else None,
        partition_key=tuple(key),
        holds=holds,
        attributes=attributes,
        persistence=persistence,
        options=tuple(options),
        tablespace=space,
        method=method,
        uniques=tuple(_unique(unique) for unique in uniques),
        foreign_keys=tuple(_foreign_key(me, item) for item in constraints if item[0] == "f"),
        checks=tuple(
            Check(item[1], tuple(item[2]), item[7], item[6], item[8])
            for item in constraints
            if item[0] == "c"
        ),
        rows=rows,
        bytes=size,
    )


def _unique(row: tuple[Any, ...]) -> Unique:
    name, columns, definition, primary, partial, touched = row
    return Unique(name, tuple(columns), definition, primary, partial, tuple(touched))


def _foreign_key(table: Name, row: tuple[Any, ...]) -> ForeignKey:
    _, name, columns, schema, referenced, referenced_columns, validated, *_ = row
    return ForeignKey(
        name, table, tuple(columns), Name(schema, referenced), tuple(referenced_columns), validated
    )


def _view(row: tuple[Any, ...]) -> View:
    schema, name, materialized, populated, reads = row
    return View(Name(schema, name), materialized, populated, tuple(sorted(Name(*item) for item in reads)))


def _sequences(connection: Connection[Any], positions: bool) -> dict[Name, Sequence]:
    rows = _rows(connection, "catalog/sequences")
    stand = _positions(connection, [Name(row[0], row[1]) for row in rows]) if positions else {}
    found = [_sequence(row, stand) for row in rows]
    return {sequence.name: sequence for sequence in found}


def _sequence(row: tuple[Any, ...], stand: dict[Name, tuple[int, bool]]) -> Sequence:
    schema, name, type_, start, minimum, maximum, increment, cycle, cache, uses = row
    last, called = stand.get(Name(schema, name), (start, False))
    return Sequence(
        name=Name(schema, name), type=_INTEGERS[type_], start=start, minimum=minimum, maximum=maximum,
        increment=increment, cycle=cycle, cache=cache, last_value=last, is_called=called,
        uses=tuple(SequenceUse(Name(*use[:2]), use[2], use[3]) for use in uses),
    )  # fmt: skip


_INTEGERS = {"smallint": "int2", "integer": "int4", "bigint": "int8"}


def _positions(connection: Connection[Any], names: list[Name]) -> dict[Name, tuple[int, bool]]:
    # pg_sequences hides the position of a sequence that was never called; the relation itself tells it.
    if not names:
        return {}
    one = sql.SQL("SELECT {}::int, last_value, is_called FROM {}")
    parts = [one.format(number, sql.Identifier(name.schema, name.name)) for number, name in enumerate(names)]
    found = connection.execute(sql.SQL(" UNION ALL ").join(parts)).fetchall()
    return {names[number]: (last, called) for number, last, called in found}
