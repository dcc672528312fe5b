"""Suppression: the value goes, nothing of it stays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlglot import exp

from sanitizers.catalog import Column
from sanitizers.transformers.base import (
    NUMBER,
    TEXT,
    Params,
    Scope,
    Transformer,
    Uniqueness,
    cast,
    fragment,
)


class Keep(Transformer):
    """Leaves the column as it is. Wants a reason unless the column is non-identifying."""

    kind = "keep"
    family = "none"
    elementwise = False

    def uniqueness(self, params: Any) -> Uniqueness:
        return "preserved"

    def expression(self, column: Column, params: Any, value: exp.Expression, scope: Scope) -> exp.Expression:
        return value


class Null(Transformer):
    """Makes every value NULL. Not for NOT NULL columns."""

    kind = "null"
    family = "suppression"
    may_null = True
    keeps_empty = False
    elementwise = False

    def uniqueness(self, params: Any) -> Uniqueness:
        return "preserved"  # NULLs are distinct in a unique index

    def summary(self, params: Any) -> str:
        return "set to NULL"

    def expression(self, column: Column, params: Any, value: exp.Expression, scope: Scope) -> exp.Expression:
        return exp.null()


class ConstantParams(Params):
    value: str | int | float | bool
    """What every value becomes, written as the column's type is."""


class Constant(Transformer):
    """Replaces every value by one constant; NULL stays NULL. For an enum it has to be one of its labels."""

    kind = "constant"
    family = "suppression"
    may_equal = True
    params = ConstantParams
    accepts = (
        TEXT | NUMBER | {"bool", "date", "timestamp", "timestamptz", "inet", "uuid", "jsonb", "json", "enum"}
    )

    def uniqueness(self, params: Any) -> Uniqueness:
        return "lossy"

    def summary(self, params: ConstantParams) -> str:
        return "one constant"

    def problems(self, column: Column, params: ConstantParams) -> Iterator[str]:
        if column.max_length is not None and len(str(params.value)) > column.max_length:
            yield f"the constant is longer than {column.type}"
        if column.base in NUMBER and (isinstance(params.value, bool) or not _is_number(params.value)):
            yield f"the constant is not a number, the column is {column.type}"
        if column.base == "enum" and params.value not in column.labels:
            yield f"the constant is no label of {column.type}"

    def expression(
        self, column: Column, params: ConstantParams, value: exp.Expression, scope: Scope
    ) -> exp.Expression:
        constant = exp.Literal.string(str(params.value))
        return constant if column.base in TEXT else cast(constant, column.cast_type)


def _is_number(value: object) -> bool:
    try:
        float(str(value))
    except ValueError:
        return False
    return True


_RANGES = ("int4range", "int8range", "numrange", "daterange", "tsrange", "tstzrange")
_MULTIRANGES = tuple(name.replace("range", "multirange") for name in _RANGES)
_CATALOGED = (
    "proc", "procedure", "oper", "operator", "class", "type", "config", "dictionary", "namespace", "role",
    "collation",
)  # fmt: skip
"""What a `reg` type names."""
_EMPTY = {
    **dict.fromkeys(TEXT, ""),
    **dict.fromkeys(NUMBER | {"money", "oid", "xid", "xid8", "cid", "interval"}, "0"),
    **dict.fromkeys(("date", "timestamp", "timestamptz"), "1900-01-01"),
    **dict.fromkeys(("time", "timetz"), "00:00"),
    **dict.fromkeys(
        ("tsvector", "tsquery", "varbit", "hstore", "oidvector", "int2vector", "char", "refcursor"), ""
    ),
    **dict.fromkeys(("json", "jsonb"), "{}"),
    **dict.fromkeys((f"reg{of}" for of in _CATALOGED), "0"),
    **dict.fromkeys((*_RANGES, "range"), "empty"),
    **dict.fromkeys((*_MULTIRANGES, "multirange"), "{}"),
    **dict.fromkeys(("txid_snapshot", "pg_snapshot"), "1:1:"),
    "bool": "false",
    "xml": "<empty/>",
    "jsonpath": "$",
    "uuid": "00000000-0000-0000-0000-000000000000",
    "inet": "0.0.0.0",
    "cidr": "0.0.0.0/32",
    "macaddr": "00:00:00:00:00:00",
    "macaddr8": "00:00:00:00:00:00:00:00",
    "point": "(0,0)",
    "line": "{1,0,0}",
    "lseg": "((0,0),(0,0))",
    "box": "((0,0),(0,0))",
    "path": "((0,0))",
    "polygon": "((0,0))",
    "circle": "<(0,0),0>",
    "tid": "(0,0)",
    "pg_lsn": "0/0",
}
"""Text of the value that says nothing, by base type."""
_PIXEL = (
    "89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c02"
    "0000000b4944415478da6364f80f00010501012718e3660000000049454e44ae426082"
)
"""A valid PNG of one grey pixel, so that code that draws pictures keeps working."""


class PlaceholderParams(Params):
    image: bool = False
    """Put a one-pixel PNG into binary columns instead of zero bytes."""


class Placeholder(Transformer):
    """Replaces every value by an empty one of its type; binary columns may get a one-pixel picture.

    Text becomes '', an array {}, a number 0, a date 1900-01-01, a range empty, a point (0,0), an enum its
    first label, a bit string as many zeros, a network address 0.0.0.0, and so on for every type that
    PostgreSQL comes with.
    """

    kind = "placeholder"
    family = "suppression"
    may_equal = True
    params = PlaceholderParams
    keeps_empty = True
    elementwise = False
    accepts = frozenset(_EMPTY) | {"bytea", "bit", "enum"}

    def uniqueness(self, params: Any) -> Uniqueness:
        return "lossy"

    def summary(self, params: Any) -> str:
        return "empty placeholder"

    def expression(
        self, column: Column, params: PlaceholderParams, value: exp.Expression, scope: Scope
    ) -> exp.Expression:
        if column.array:
            return exp.Literal.string("{}")
        if column.base == "bytea":
            return fragment("decode(:hex, 'hex')", hex=_PIXEL if params.image else "")
        if column.base == "bit":
            return fragment("(:v # :v)", v=value)
        if column.base == "enum":
            return cast(_literal(*column.labels[:1]), column.cast_type)
        empty = _literal(_EMPTY[column.base])
        return empty if column.base in TEXT else cast(empty, column.cast_type)


def _literal(text: str | None = None) -> exp.Expression:
    return exp.null() if text is None else exp.Literal.string(text)
