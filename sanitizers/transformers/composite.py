"""Composite types: each field is treated by name, what is not listed is erased."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field
from sqlglot import exp

from sanitizers.catalog import Column
from sanitizers.transformers.base import (
    PartsParams,
    Scope,
    Transformer,
    Treats,
    Uniqueness,
    cast,
    fragment,
    owned,
)


class CompositeParams(PartsParams):
    fields: Treats = Field(default_factory=dict)
    """Fields and their treatments, `{kind: keep}` for one that stays; what is not listed becomes NULL."""


class Composite(Transformer):
    """Keeps or treats the listed fields of a composite type and sets all others NULL."""

    kind = "composite"
    family = "suppression"
    params = CompositeParams
    accepts = frozenset({"composite"})
    may_equal = True

    def uniqueness(self, params: Any) -> Uniqueness:
        return "lossy"

    def summary(self, params: CompositeParams) -> str:
        count = len(params.fields)
        return f"{count} fields kept or treated, the rest erased" if count else "all fields erased"

    def problems(self, column: Column, params: CompositeParams) -> Iterator[str]:
        known = {field.name: field for field in column.fields}
        for name, treat in params.fields.items():
            if name not in known:
                yield f"{column.type} has no field {name}"
            elif treat["kind"] == "unique" and treat.get("format") != "token":
                yield f"field {name} cannot hold a bijection"
        for field in column.fields:
            erased = params.fields.get(field.name, {"kind": "null"})["kind"] == "null"
            if erased and field.not_null:
                yield f"field {field.name} of {column.type} cannot be NULL: give it a treatment"

    def expression(
        self, column: Column, params: CompositeParams, value: exp.Expression, scope: Scope
    ) -> exp.Expression:
        parts = [_field(field, params.fields.get(field.name), value, scope) for field in column.fields]
        return cast(exp.Anonymous(this="ROW", expressions=parts), column.cast_type)


def _field(
    field: Column, treat: dict[str, Any] | None, value: exp.Expression, scope: Scope
) -> exp.Expression:
    if treat is None:
        return exp.null()
    whole = exp.Paren(this=owned(value))
    found = exp.Dot(this=whole, expression=exp.to_identifier(field.name, quoted=True))
    return fragment("(:t)", t=scope.nested(treat, field, found))
