"""Randomization: dates moved per person, amounts scaled by a secret factor."""

from __future__ import annotations


from pydantic import Field
from sqlglot import exp

from sanitizers.catalog import Column
from sanitizers.transformers.base import NUMBER, TIME, Keyed, KeyedParams, Scope, fragment, integer


class DateShiftParams(KeyedParams):
    days: int = Field(30, ge=1, le=3650)
    """The furthest a date moves, in days, to either side; it never stays."""
    by: str | None = None
    """The column that names the person, so that all dates of one person move alike; the value itself otherwise."""


class DateShift(Keyed):
    """Moves dates by a secret number of days per person, which keeps the intervals between them."""

    kind = "date_shift"
    family = "noise"
    params = DateShiftParams
    accepts = TIME

    def summary(self, params: DateShiftParams) -> str:
        return f"shifted by up to {params.days} days" + (f" per {params.by}" if params.by else "")

    def expression(
        self, column: Column, params: DateShiftParams, value: exp.Expression, scope: Scope
    ) -> exp.Expression:
        subject = fragment("(:v)::text", v=scope.column(params.by) if params.by else value)

        def build(digest: exp.Expression) -> exp.Expression:
            days = fragment(
                "((1 + :size % :days) * (1 - 2 * (get_byte(:h, 3) % 2)))::int",
                size=integer(digest, 0), days=params.days, h=digest,
            )
            if column.base == "date":
                return fragment("(:v + :days)::date", v=value, days=days)
            return fragment("(:v + make_interval(days => :days))", v=value, days=days)

        return scope.keyed(subject, build)


class ScaleParams(KeyedParams):
    series: str | None = None
    """Amounts of one series share one secret factor, so that ratios and identities survive; the domain otherwise."""
    noise: float = Field(0.05, ge=0, le=0.5)
    """The largest relative change on top of the factor; equal amounts get equal noise."""


class Scale(Keyed):
    """Multiplies amounts by a secret factor between 0.5 and 0.95 and some noise: sums and averages are off too.

    The factor is below one so that no amount outgrows its column; zero-mean noise alone would cancel in a sum.
    """

    kind = "scale"
    family = "noise"
    params = ScaleParams
    accepts = NUMBER

    def summary(self, params: ScaleParams) -> str:
        return f"scaled by a secret factor, noise up to {params.noise:.0%}"

    def expression(self, column: Column, params: ScaleParams, value: exp.Expression, scope: Scope) -> exp.Expression:
        factor = scope.parameter(f"factor:{params.series or scope.domain}", "numeric")

        def build(digest: exp.Expression) -> exp.Expression:
            return fragment(
                "round((:v)::numeric * :factor * (1 + :noise::numeric * (:n - 8388608) / 8388608), :digits)",
                v=value, factor=factor, noise=repr(params.noise), n=integer(digest, 0), digits=_digits(column),
            )

        scaled = scope.keyed(fragment("(:v)::text", v=value), build)
        return exp.cast(scaled, exp.DataType.build(column.base, dialect="postgres"))


def _digits(column: Column) -> int:
    if column.base in {"int2", "int4", "int8"}:
        return 0
    return column.scale if column.scale is not None else 2
