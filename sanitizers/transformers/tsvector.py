"""Search vectors: built again from the treated text they were built from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field
from sqlglot import exp

from sanitizers.catalog import Column
from sanitizers.transformers.base import TEXT, Params, Scope, Transformer, Uniqueness, cast, fragment

_MOST = 100_000
"""Characters that certainly fit into a tsvector, of which no more than a megabyte may come."""


class TsvectorParams(Params):
    columns: tuple[str, ...] = Field(min_length=1)
    """Columns of the same table whose treated text is indexed, in this order."""
    config: str = Field("english", pattern=r"^[a-z_][a-z0-9_.]*$")
    """The text search configuration."""


class Tsvector(Transformer):
    """Builds a tsvector anew from the treated text of other columns, its first 100,000 characters.

    Weights are not kept. Where production builds it in another way, by a trigger perhaps, rebuild it after
    the refresh. Generated columns need no treatment: the server computes them again.
    """

    kind = "tsvector"
    family = "suppression"
    params = TsvectorParams
    accepts = frozenset({"tsvector"})
    may_equal = True
    elementwise = False
    deterministic = False
    combinable = TEXT

    def combines(self, params: TsvectorParams) -> tuple[str, ...]:
        return params.columns

    def uniqueness(self, params: Any) -> Uniqueness:
        return "lossy"

    def summary(self, params: TsvectorParams) -> str:
        return f"built again from {', '.join(params.columns)}"

    def problems(self, column: Column, params: TsvectorParams) -> Iterator[str]:
        if column.name in params.columns:
            yield "a tsvector cannot be built from itself"

    def expression(
        self, column: Column, params: TsvectorParams, value: exp.Expression, scope: Scope
    ) -> exp.Expression:
        texts = [fragment(":t::text", t=scope.treated(name)) for name in params.columns]
        text = exp.Anonymous(this="concat_ws", expressions=[exp.Literal.string(" "), *texts])
        config = cast(exp.Literal.string(params.config), "regconfig")
        return fragment("to_tsvector(:config, left(:text, :most))", config=config, text=text, most=_MOST)
