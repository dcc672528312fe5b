"""Catalogs written by hand, for tests that need no server."""

from __future__ import annotations

from typing import Any

from sanitizers.catalog import Catalog, Column, ForeignKey, Name, Table, Unique

_BASES = {"bigint": "int8", "int": "int4", "smallint": "int2", "boolean": "bool"}
_CATEGORIES = {"int8": "N", "int4": "N", "int2": "N", "numeric": "N", "date": "D", "bool": "B"}


def column(name: str, type_: str = "text", **more: Any) -> Column:
    """A column; the length of `varchar(n)` and the `[]` of an array are read from the type."""
    plain, _, length = type_.removesuffix("[]").partition("(")
    base = _BASES.get(plain, plain)
    facts: dict[str, Any] = {"category": _CATEGORIES.get(base, "S"), "array": type_.endswith("[]")}
    if length and base in ("varchar", "bpchar"):
        facts["max_length"] = int(length.rstrip(")"))
    return Column(name, more.pop("position", 0), type_, base, **{**facts, **more})


def table(name: str, *columns: Column, **more: Any) -> Table:
    """An ordinary table unless `kind` says otherwise; columns are numbered as they come."""
    placed = tuple(_at(position, one) for position, one in enumerate(columns, 1))
    facts: dict[str, Any] = {
        "oid": sum(name.encode()),
        "kind": "r",
        "attributes": len(columns),
        "bytes": 8192,
    }
    return Table(name=Name.parse(name), columns=placed, **{**facts, **more})


def _at(position: int, one: Column) -> Column:
    return Column(**{**vars(one), "position": position})


def unique(name: str, *columns: str, **more: Any) -> Unique:
    touched = more.pop("touched", columns)
    definition = more.pop("definition", f"CREATE UNIQUE INDEX {name}")
    return Unique(name, columns, definition, touched=touched, **more)


def primary(*columns: str) -> Unique:
    return unique("pkey", *columns, primary=True)


def reference(table_: str, columns: str, referenced: str, theirs: str, name: str = "fk") -> ForeignKey:
    """A foreign key; several columns are separated by blanks."""
    return ForeignKey(
        name, Name.parse(table_), tuple(columns.split()), Name.parse(referenced), tuple(theirs.split())
    )


def catalog(*tables: Table) -> Catalog:
    return Catalog("test", 180004, {one.name: one for one in tables})


def linked_catalog() -> Catalog:
    """Two tables with a natural key between them."""
    number = column("id", "bigint", not_null=True)
    person = table(
        "public.person", number, column("mrn"), column("is_test", "boolean"), column("email"),
        column("phone", "text[]"),
        column("notes"), uniques=(primary("id"), unique("u", "mrn")),
    )  # fmt: skip
    key = reference("public.card", "mrn", "public.person", "mrn")
    return catalog(
        person,
        table(
            "public.card",
            number,
            column("mrn"),
            column("who"),
            column("birth", "date"),
            foreign_keys=(key,),
        ),
    )
