"""Sequences and counters on a server: the furthest ids in their columns, and where they go on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from psycopg import Connection, RawCursor, sql

from sanitizers.catalog import Catalog, Column, Name, Sequence, SequenceUse
from sanitizers.errors import WrongState
from sanitizers.postgres.statements import statement
from sanitizers.windows import Counter, values_of

_ROUND_TRIP = 400
"""Columns read in one statement; a statement of thousands of branches plans slowly."""
_NUMBERS = {"int2", "int4", "int8", "numeric", "float4", "float8"}


def fed_columns(catalog: Catalog, name: Name) -> list[Column]:
    """The columns that take their values from a sequence."""
    return [_column(catalog, use) for use in catalog.sequences[name].uses]


def _column(catalog: Catalog, use: SequenceUse) -> Column:
    table = catalog.tables.get(use.table)
    found = table.by_name.get(use.column) if table else None
    return found or Column(use.column, 0, use.type, use.type)


def read_extremes(
    connection: Connection[Any], catalog: Catalog, bounds: Mapping[Name, tuple[int, int]]
) -> dict[Name, int]:
    """The furthest id, in the direction of travel, that the columns of each sequence hold within its bounds.

    Sequences without columns, or with none but empty ones, are absent. Ids that are text are not looked at.
    """
    parts = [part for name, limits in bounds.items() for part in _parts(catalog, name, limits)]
    extremes: dict[Name, int] = {}
    for start in range(0, len(parts), _ROUND_TRIP):
        query = sql.SQL(" UNION ALL ").join(parts[start : start + _ROUND_TRIP])
        for schema, name, found in connection.execute(query):
            if found is not None:
                sequence, extreme = catalog.sequences[Name(schema, name)], int(found)
                further = max if sequence.increment > 0 else min
                extremes[sequence.name] = further(extremes.get(sequence.name, extreme), extreme)
    return extremes


def _parts(catalog: Catalog, name: Name, limits: tuple[int, int]) -> Iterator[sql.Composed]:
    aggregate = sql.SQL("ceil(max" if catalog.sequences[name].increment > 0 else "floor(min")
    # Cast, or a branch with a float makes the whole UNION inexact.
    one = sql.SQL(
        "SELECT {}::text, {}::text, {}({column})::numeric) FROM {heap} WHERE {column} BETWEEN {} AND {}"
    )
    for heap, column in sorted(_heaps(catalog, name)):
        names = {"heap": sql.Identifier(heap.schema, heap.name), "column": sql.Identifier(column)}
        yield one.format(name.schema, name.name, aggregate, *limits, **names)


def _heaps(catalog: Catalog, name: Name) -> set[tuple[Name, str]]:
    """Tables with rows of their own: partitions apart, foreign tables not, a clone cannot reach those."""
    return {
        (heap.name, use.column)
        for use in catalog.sequences[name].uses
        if use.table in catalog.tables
        for heap in catalog.heaps(use.table)
        if heap.kind == "r" and _is_number(_column(catalog, use))
    }


def _is_number(column: Column) -> bool:
    return column.base in _NUMBERS and not column.array


def set_positions(connection: Connection[Any], positions: Mapping[Name, int]) -> None:
    """Makes these the next values, all in one statement. Definitions stay as they are."""
    schemas, names = [name.schema for name in positions], [name.name for name in positions]
    cursor = RawCursor(connection)
    cursor.execute(statement("offset/set_positions").encode(), (schemas, names, list(positions.values())))


def read_counter(
    connection: Connection[Any], catalog: Catalog, counter: Counter, uses: tuple[SequenceUse, ...]
) -> Sequence:
    """A counter as the sequence it stands for, counted in ids. WrongState when it is not one row."""
    query = sql.SQL("SELECT {column}::numeric FROM {table} AS t WHERE {condition}")
    found = connection.execute(_counting(query, counter)).fetchall()
    if len(found) != 1 or found[0][0] is None:
        raise WrongState("the counter is not one row with a number", where=str(counter.name))
    column = catalog.tables[counter.table].by_name[counter.column]
    largest = min((values_of(column)[1] + 1) * counter.block, 2**63) - 1
    value = int(found[0][0]) * counter.block
    return Sequence(
        counter.name, column.base, 1, min(1, value), largest, 1, cycle=False, cache=1, last_value=value,
        is_called=False, uses=uses,
    )  # fmt: skip


def set_counter(connection: Connection[Any], counter: Counter, first: int) -> None:
    """Makes a counter give `first` or later next. WrongState when it is not one row."""
    value = sql.Literal(counter.value_from(first))
    update = sql.SQL("UPDATE {table} AS t SET {own} = {value} WHERE {condition}")
    if connection.execute(_counting(update, counter, value=value)).rowcount != 1:
        raise WrongState("the counter is not one row", where=str(counter.name))


def _counting(text: sql.SQL, counter: Counter, **more: sql.Composable) -> sql.Composed:
    return text.format(
        table=sql.Identifier(counter.table.schema, counter.table.name),
        column=sql.Identifier("t", counter.column),
        own=sql.Identifier(counter.column),
        condition=sql.SQL(f"({counter.condition})"),
        **more,
    )
