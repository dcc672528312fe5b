"""What a database is made of, as plain values: tables, columns, keys, sequences, views.

Read by `postgres.introspect`, bound to a policy by `policy.bind`. Holds names and definitions, never rows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property


@dataclass(frozen=True, order=True)
class Name:
    """A schema-qualified name, unquoted."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"

    @classmethod
    def parse(cls, text: str) -> Name:
        """Splits `schema.name` at the first dot; a bare name lives in `public`."""
        schema, dot, name = text.partition(".")
        return cls(schema, name) if dot else cls("public", schema)


@dataclass(frozen=True)
class Column:
    """One attribute, of a table or of a composite type. `type` is `format_type()`'s spelling."""

    name: str
    position: int
    type: str
    base: str
    """The `typname` under domains and arrays; `enum`, `composite`, `range`, `multirange` for users' own."""
    category: str = ""
    """`pg_type.typcategory` of the base type (S string, N numeric, D date/time, ...)."""
    array: bool = False
    max_length: int | None = None
    """Characters that fit, of varchar(n) and char(n), domains included."""
    precision: int | None = None
    scale: int | None = None
    not_null: bool = False
    default: str | None = None
    identity: str = ""
    """`a` GENERATED ALWAYS AS IDENTITY, `d` BY DEFAULT, empty otherwise."""
    generated: str = ""
    """`s` stored, `v` virtual, empty otherwise."""
    qualified: str = ""
    """The base type as a cast has to write it, quoted and with its schema, where `base` would not do."""
    collated: bool = False
    """Whether it has a collation other than the database's."""
    inputs: tuple[str, ...] = ()
    """The columns a generated column is computed from."""
    labels: tuple[str, ...] = ()
    """Of an enum, in their order."""
    fields: tuple[Column, ...] = ()
    """Of a composite type."""

    @property
    def cast_type(self) -> str:
        """What a cast to the type under domains and arrays names."""
        return self.qualified or self.base


@dataclass(frozen=True)
class Unique:
    """A unique index (primary keys and unique constraints have one too)."""

    name: str
    columns: tuple[str, ...]
    """Plain key columns; empty names mark expressions."""
    definition: str
    primary: bool = False
    partial: bool = False
    touched: tuple[str, ...] = ()
    """Every column that the index reads, in keys, expressions or predicate."""


@dataclass(frozen=True)
class ForeignKey:
    name: str
    table: Name
    columns: tuple[str, ...]
    referenced: Name
    referenced_columns: tuple[str, ...]
    validated: bool = True


@dataclass(frozen=True)
class Check:
    name: str
    columns: tuple[str, ...]
    definition: str
    validated: bool = True
    of_row: str = ""
    """The expression, where it is about the row as a whole: no other table could evaluate it."""


@dataclass(frozen=True)
class Table:
    """A table that can hold rows or partitions. Partitions are tables of their own with `parent` set."""

    name: Name
    oid: int
    kind: str
    """`r` ordinary table, `p` partitioned parent, `f` foreign table."""
    columns: tuple[Column, ...]
    parent: Name | None = None
    """The partitioned table this one is a partition of."""
    partition_key: tuple[str, ...] = ()
    holds: str = ""
    """Of a partition: the condition that its rows satisfy."""
    attributes: int = 0
    """Physical attributes, dropped ones included."""
    persistence: str = "p"
    options: tuple[str, ...] = ()
    tablespace: str = ""
    method: str = "heap"
    """The access method that stores its rows."""
    uniques: tuple[Unique, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    checks: tuple[Check, ...] = ()
    rows: int = 0
    """The planner's estimate, -1 when never analysed."""
    bytes: int = 0

    @cached_property
    def by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}

    @property
    def primary_key(self) -> tuple[str, ...]:
        return next((unique.columns for unique in self.uniques if unique.primary), ())

    @property
    def has_dropped_columns(self) -> bool:
        return self.attributes > len(self.columns)


@dataclass(frozen=True)
class SequenceUse:
    """A column that takes its values from a sequence, by ownership, identity or default."""

    table: Name
    column: str
    type: str
    """`int2`, `int4`, `int8`, `numeric` ...: the narrower of sequence and column bounds the window."""


@dataclass(frozen=True)
class Sequence:
    name: Name
    type: str
    start: int
    minimum: int
    maximum: int
    increment: int
    cycle: bool
    cache: int
    last_value: int
    is_called: bool
    uses: tuple[SequenceUse, ...] = ()


@dataclass(frozen=True)
class View:
    name: Name
    materialized: bool
    populated: bool
    depends_on: tuple[Name, ...] = ()
    """Tables and views it reads directly."""


@dataclass(frozen=True)
class Catalog:
    """One database at one moment."""

    database: str
    version: int
    """`server_version_num`, for instance 180004."""
    tables: dict[Name, Table]
    sequences: dict[Name, Sequence] = field(default_factory=dict)
    views: dict[Name, View] = field(default_factory=dict)
    large_objects: bool = False
    """Whether there are any; they belong to no table."""

    @property
    def major(self) -> int:
        return self.version // 10000

    def roots(self) -> Iterator[Table]:
        """Tables a policy speaks of: partitions are covered by their root."""
        return (table for table in self.tables.values() if table.parent is None)

    def partitions(self, name: Name) -> Iterator[Table]:
        """All partitions below a table, at any depth."""
        for table in self._children.get(name, ()):
            yield table
            yield from self.partitions(table.name)

    @cached_property
    def _children(self) -> dict[Name, list[Table]]:
        children = dict[Name, list[Table]]()
        for table in self.tables.values():
            if table.parent is not None:
                children.setdefault(table.parent, []).append(table)
        return children

    def heaps(self, name: Name) -> tuple[Table, ...]:
        """The tables with rows of their own under a policy's table: itself, or its leaf partitions."""
        table = self.tables[name]
        if table.kind != "p":
            return (table,)
        return tuple(part for part in self.partitions(name) if part.kind == "r")

    def root_of(self, name: Name) -> Name:
        table = self.tables[name]
        return table.name if table.parent is None else self.root_of(table.parent)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over names and definitions; OIDs, sizes and positions of sequences left out."""
        return hashlib.sha256(json.dumps(self._shape(), sort_keys=True).encode()).hexdigest()

    def _shape(self) -> dict[str, object]:
        volatile = {"oid", "rows", "bytes", "attributes", "last_value", "is_called"}
        objects: list[Table | Sequence | View] = [
            *self.tables.values(),
            *self.sequences.values(),
            *self.views.values(),
        ]
        return {
            f"{type(item).__name__} {item.name}": {
                key: value for key, value in asdict(item).items() if key not in volatile | {"populated"}
            }
            for item in objects
        }
