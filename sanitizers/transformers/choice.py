"""Choice: one of a few values of the policy's own, by the keyed digest of the value or of the person."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field
from sqlglot import exp

from sanitizers.catalog import Column
from sanitizers.transformers.base import (
    INTEGER,
    TEXT,
    Digest,
    Keyed,
    KeyedParams,
    Scope,
    cast,
    fragment,
    text_of,
)

_LARGEST = {"int2": 2**15, "int4": 2**31, "int8": 2**63}


class ChoiceParams(KeyedParams):
    values: tuple[str | bool | int, ...] = Field(min_length=1)
    """What to choose from, each as likely as the others; repeat a value to make it more likely."""
    by: str | None = None
    """The column whose value decides, for instance the person's number; else the value itself."""


class Choice(Keyed):
    """Replaces a value by one of the listed ones, chosen by keyed digest: for enums, codes and categories.

    Equal values get equal choices, so with few values in the column name a column under `by:`, or the table's
    subject: then whoever had the same value does not share the new one. The choice may happen to be the
    original.
    """

    kind = "choice"
    family = "surrogate"
    params = ChoiceParams
    accepts = TEXT | INTEGER | {"bool", "enum"}
    follows_subject = "always"
    may_equal = True

    def summary(self, params: ChoiceParams) -> str:
        return f"one of {len(params.values)} values" + (f" by {params.by}" if params.by else "")

    def problems(self, column: Column, params: ChoiceParams) -> Iterator[str]:
        for value in dict.fromkeys(params.values):
            if column.base == "enum" and value not in column.labels:
                yield f"{value} is no label of {column.type}"
            if column.max_length is not None and len(str(value)) > column.max_length:
                yield f"{value} is longer than {column.type}"
            if not _fits(value, column.base):
                yield f"{value} is no {column.type}"

    def expression(
        self, column: Column, params: ChoiceParams, value: exp.Expression, scope: Scope
    ) -> exp.Expression:
        decides = text_of(column, value)
        if params.by:
            decides = fragment("coalesce(:by::text, :v)", by=scope.column(params.by), v=decides)
        listed = exp.Array(expressions=[exp.Literal.string(str(value)) for value in params.values])
        values = cast(listed, f"{column.cast_type}[]")

        def build(digest: Digest) -> exp.Expression:
            place = fragment("1 + :n % :count", n=digest.integer(0), count=len(params.values))
            return fragment("(:listed)[:place]", listed=values, place=place)

        return scope.keyed(decides, build)


def _fits(value: str | bool | int, base: str) -> bool:
    if base in INTEGER:
        return type(value) is int and -_LARGEST[base] <= value < _LARGEST[base]
    return base != "bool" or isinstance(value, bool)
