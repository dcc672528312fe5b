"""What a clone shows to SQL: rows, large objects and schema; system catalogs; statistics."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from psycopg import Connection, sql

from sanitizers.catalog import Catalog, Name
from sanitizers.forensics.matcher import Hit, Matcher
from sanitizers.forensics.needles import HEXADECIMAL
from sanitizers.forensics.sample import PARTS_STAY
from sanitizers.policy.plan import ColumnPlan, Plan
from sanitizers.postgres.statements import statement

Open: TypeAlias = Callable[[], AbstractContextManager[Connection[Any]]]
_PIECE = 4 << 20
"""Bytes gathered before they are searched."""
_ENDS = b"\t\n"
_HEX = rb"\\x"
"""What binary values begin with."""
_LONGEST_FILL = 1 << 10
_CONSTANT = re.compile(rb"\[ ((?:-?\d+ )+)\]")
_INNER = _ENDS + b'{}(),"'
"""What stands between the parts of an array, a row or a document."""


@dataclass
class Seen:
    """Which needles were seen, by place and spelling; their places in `Needles.items`, never themselves."""

    bytes: int = 0
    places: dict[tuple[str, str], set[int]] = field(default_factory=dict)
    excused: dict[str, set[int]] = field(default_factory=dict)
    """By the column of a table that may hold them."""

    def add(self, place: str, hit: Hit) -> None:
        self.places.setdefault((place, hit.spelling), set()).add(hit.needle)

    def __iadd__(self, other: Seen) -> Seen:
        self.bytes += other.bytes
        for key, found in other.places.items():
            self.places.setdefault(key, set()).update(found)
        for column, found in other.excused.items():
            self.excused.setdefault(column, set()).update(found)
        return self


@dataclass(frozen=True)
class _Relation:
    """A table or materialized view, and what its columns may hold."""

    name: Name
    view: bool
    columns: tuple[str, ...]
    composed: frozenset[str]
    """Columns whose values hold values."""
    identifying: frozenset[str]
    """Columns that keep what identifies people because the policy says so, also as a part of a value."""

    @property
    def place(self) -> str:
        return f"{'materialized view' if self.view else 'table'} {self.name}"

    @property
    def copy(self) -> sql.Composed:
        name = sql.Identifier(self.name.schema, self.name.name)
        source = name if self.view else sql.SQL("ONLY {}").format(name)
        return sql.SQL("COPY (SELECT * FROM {}) TO STDOUT").format(source)


def search_rows(
    open_clone: Open,
    matcher: Matcher,
    *,
    plan: Plan | None,
    catalog: Catalog,
    schema: bytes,
    workers: int,
) -> Seen:
    """Every table, materialized view and large object, and the schema as pg_dump writes it.

    With a plan, originals that a table holds as whole values are excused: kept by the policy, or dealt to
    another row by a treatment. So are parts of values in columns that the policy keeps though they identify.
    """
    with open_clone() as connection:
        relations = [_relation(row, plan, catalog) for row in _rows(connection, "forensics/tables")]
    seen = Seen()
    with ThreadPoolExecutor(workers) as pool:
        large = pool.submit(_large_objects, open_clone, matcher)
        for found in pool.map(
            lambda one: _relation_rows(open_clone, matcher, one, plan is not None), relations
        ):
            seen += found
        seen += large.result()
    return _into(seen, "schema text", schema, matcher)


def search_catalogs(open_clone: Open, matcher: Matcher) -> Seen:
    """Every system table but those of statistics, shared ones too."""
    seen = Seen()
    with _reading(open_clone) as connection:
        for (name,) in _rows(connection, "forensics/catalogs"):
            copy = sql.SQL("COPY {} TO STDOUT").format(sql.Identifier("pg_catalog", name))
            for block in _pieces(connection, copy):
                _into(seen, f"catalog {name}", block, matcher)
                _into(seen, f"catalog {name}", _constants(block), matcher)
    return seen


def search_statistics(open_clone: Open, matcher: Matcher) -> Seen:
    """The planner's samples of rows, and the views that show them and the texts of statements."""
    seen = Seen()
    with _reading(open_clone) as connection:
        for schema, name in _rows(connection, "forensics/statistics"):
            copy = sql.SQL("COPY (SELECT * FROM {}) TO STDOUT").format(sql.Identifier(schema, name))
            for block in _pieces(connection, copy):
                _into(seen, f"statistics {name}", block, matcher)
    return seen


def _relation(row: tuple[Any, ...], plan: Plan | None, catalog: Catalog) -> _Relation:
    view, schema, table, columns, arrays, documents = row
    name = Name(schema, table)
    root = catalog.root_of(name) if name in catalog.tables else name
    planned = [item for rule in plan.rules if rule.table == root for item in rule.columns] if plan else []
    treated = {item.name for item in planned if item.treated}
    kept = {item.name for item in planned if _keeps_parts(item)}
    composed = {*(arrays or ()), *(column for column in documents or () if column in treated)}
    return _Relation(name, view, tuple(columns), frozenset(composed), frozenset(kept))


def _keeps_parts(item: ColumnPlan) -> bool:
    return item.kind in PARTS_STAY or (not item.treated and item.classification != "non_identifying")


def _relation_rows(open_clone: Open, matcher: Matcher, relation: _Relation, excusing: bool) -> Seen:
    seen = Seen()
    with _reading(open_clone) as connection:
        for block in _pieces(connection, relation.copy):
            seen.bytes += len(block)
            for hit in matcher.search(block):
                column = _column(relation, block, hit)
                if excusing and not relation.view and _may_stay(relation, column, block, hit):
                    seen.excused.setdefault(f"{relation.name}.{column}", set()).add(hit.needle)
                else:
                    seen.add(relation.place, hit)
    return seen


def _column(relation: _Relation, block: bytes, hit: Hit) -> str:
    """The column in whose text the hit begins."""
    return relation.columns[block.count(b"\t", block.rfind(b"\n", 0, hit.start) + 1, hit.start)]


def _may_stay(relation: _Relation, column: str, block: bytes, hit: Hit) -> bool:
    """Whether a table may hold it there: as a whole value, or where the policy keeps what identifies."""
    if column in relation.identifying:
        return True
    ends = _INNER if column in relation.composed else _ENDS
    begin = hit.start - len(_HEX) if hit.spelling == HEXADECIMAL else hit.start
    if begin != hit.start and block[max(begin, 0) : hit.start] != _HEX:
        return False
    # A char(n) is filled up with blanks. Slices, because a block's first value has nothing before it.
    after = block[hit.end : hit.end + _LONGEST_FILL].lstrip(b" ")[:1]
    return block[max(begin - 1, 0) : begin] in ends and after in ends


def _large_objects(open_clone: Open, matcher: Matcher) -> Seen:
    seen, kept = Seen(), b""
    with _reading(open_clone) as connection:
        if not _rows(connection, "forensics/readable_large_objects")[0][0]:
            return seen
        for block in _pieces(connection, sql.SQL(statement("forensics/large_objects"))):
            content = bytes.fromhex(block.decode())
            _into(seen, "large object", kept + content, matcher)
            kept = content[-matcher.overlap :]
    return seen


def _constants(block: bytes) -> bytes:
    """What the constants of stored expressions hold, byte by byte in decimal there."""
    lists = (found[1].split() for found in _CONSTANT.finditer(block))
    return b"\n".join(bytes(int(number) & 0xFF for number in one) for one in lists)


def _into(seen: Seen, place: str, block: bytes, matcher: Matcher) -> Seen:
    seen.bytes += len(block)
    for hit in matcher.search(block):
        seen.add(place, hit)
    return seen


def _pieces(connection: Connection[Any], copy: sql.SQL | sql.Composed) -> Iterator[bytes]:
    """What the statement gives, in pieces of whole rows."""
    gathered: list[bytes | bytearray | memoryview] = []
    size = 0
    with connection.cursor().copy(copy) as source:
        while data := source.read():
            gathered.append(data)
            size += len(data)
            if size >= _PIECE:
                yield b"".join(gathered)
                gathered, size = [], 0
    yield b"".join(gathered)


@contextmanager
def _reading(open_clone: Open) -> Iterator[Connection[Any]]:
    with open_clone() as connection:
        connection.execute(statement("forensics/session").encode())
        yield connection


def _rows(connection: Connection[Any], name: str) -> list[tuple[Any, ...]]:
    return connection.execute(statement(name).encode()).fetchall()
