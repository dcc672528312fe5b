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
    as_base,
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


class Constant(Transformer):
    """Replaces every value by one constant; NULL stays NULL."""

    kind = "constant"
    family = "suppression"
    params = ConstantParams
    accepts = TEXT | NUMBER | {"bool", "date", "timestamp", "timestamptz", "inet", "uuid", "jsonb", "json"}

    def uniqueness(self, params: Any) -> Uniqueness:
        return "lossy"

    def summary(self, params: ConstantParams) -> str:
        return "one constant"

    def problems(self, column: Column, params: ConstantParams) -> Iterator[str]:
        if column.max_length is not None and len(str(params.value)) > column.max_length:
            yield f"the constant is longer than {column.type}"
        if column.base in NUMBER and (isinstance(params.value, bool) or not _is_number(params.value)):
            yield f"the constant is not a number, the column is {column.type}"

    def expression(
        self, column: Column, params: ConstantParams, value: exp.Expression, scope: Scope
    ) -> exp.Expression:
        return as_base(column, exp.Literal.string(str(params.value)))


def _is_number(value: object) -> bool:
    try:
        float(str(value))
    except ValueError:
        return False
    return True


_PIXEL = (
    "89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c02"
    "0000000b4944415478da6364f80f00010501012718e3660000000049454e44ae426082"
)
"""A valid PNG of one grey pixel, so that code that draws pictures keeps working."""


class PlaceholderParams(Params):
    image: bool = False
    """Put a one-pixel PNG into binary columns instead of zero bytes."""


class Placeholder(Transformer):
    """Replaces every value by an empty one of its type; binary columns may get a one-pixel picture."""

    kind = "placeholder"
    family = "suppression"
    params = PlaceholderParams
    keeps_empty = True
    elementwise = False
    accepts = (
        TEXT | NUMBER | {"bytea", "jsonb", "json", "xml", "tsvector", "date", "timestamp", "timestamptz"}
    )

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
        return as_base(
            column, exp.Literal.string(_EMPTY.get(column.base, "0" if column.base in NUMBER else ""))
        )


_EMPTY = {
    "json": "{}",
    "jsonb": "{}",
    "xml": "<empty/>",
    **dict.fromkeys(("date", "timestamp", "timestamptz"), "1900-01-01"),
}
