"""Randomization: dates moved per person, amounts scaled by a secret factor."""

from __future__ import annotations

from pydantic import Field
from sqlglot import exp

from sanitizers.catalog import Column
from sanitizers.transformers.base import (
    INTEGER,
    NUMBER,
    TIME,
    Digest,
    Keyed,
    KeyedParams,
    Scope,
    cast,
    fragment,
)


class DateShiftParams(KeyedParams):
    days: int = Field(30, ge=1, le=3650)
    """The furthest a date moves, in days, to either side; it never stays."""
    by: str | None = None
    """The column that names the person, so that all dates of one person move alike; else the value itself."""


class DateShift(Keyed):
    """Moves dates by a secret number of days per person, which keeps the intervals between them.

    Dates outside the years 10 to 9989 are marks, such as 9999-12-31 or infinity, and stay.
    """

    kind = "date_shift"
    family = "noise"
    params = DateShiftParams
    accepts = TIME

    def summary(self, params: DateShiftParams) -> str:
        return f"shifted by up to {params.days} days" + (f" per {params.by}" if params.by else "")

    def expression(
        self, column: Column, params: DateShiftParams, value: exp.Expression, scope: Scope
    ) -> exp.Expression:
        subject = fragment(":v::text", v=value)
        if params.by:
            subject = fragment("coalesce(:by::text, :v)", by=scope.column(params.by), v=subject)

        def build(digest: Digest) -> exp.Expression:
            days = fragment(
                "((1 + :size % :days) * (1 - 2 * (:sign % 2)))::int",
                size=digest.integer(0),
                days=params.days,
                sign=digest.byte(3),
            )
            # Hours, because a day of a time zone with summer time can have 23 of them.
            shift = (
                days if column.base == "date" else fragment("make_interval(hours => 24 * :days)", days=days)
            )
            return fragment(
                "CASE WHEN :v >= '0010-01-01' AND :v < '9990-01-01' THEN :v + :shift ELSE :v END",
                v=value,
                shift=shift,
            )

        return scope.keyed(subject, build)


class ScaleParams(KeyedParams):
    series: str | None = None
    """Amounts of one series share one secret factor, so that ratios survive; the domain otherwise."""
    noise: float = Field(0.05, ge=0, le=0.5)
    """By how much of itself an amount shrinks further, at most; equal amounts get equal noise."""


class Scale(Keyed):
    """Multiplies amounts by a secret factor between 0.5 and 0.95 and noise: sums and averages are off too.

    Both only make amounts smaller, so that none outgrows its column; zero-mean noise alone would cancel in a
    sum. Signs stay: what is not zero does not become zero.
    """

    kind = "scale"
    family = "noise"
    params = ScaleParams
    accepts = NUMBER | {"money"}

    def summary(self, params: ScaleParams) -> str:
        return f"scaled by a secret factor, noise up to {params.noise:.0%}"

    def expression(
        self, column: Column, params: ScaleParams, value: exp.Expression, scope: Scope
    ) -> exp.Expression:
        factor = scope.parameter(f"factor:{params.series or scope.domain}", "numeric")
        amount = fragment(":v::numeric", v=value)

        def build(digest: Digest) -> exp.Expression:
            return fragment(
                """coalesce(nullif(round(:v * :factor * (1 - :noise::numeric * :n / 16777216), :digits), 0),
                            round(sign(:v) * 10::numeric ^ -:digits, :digits))""",
                v=amount,
                factor=factor,
                noise=repr(params.noise),
                n=digest.integer(0),
                digits=_digits(column, amount),
            )

        # Without trailing zeros, so that equal amounts of different columns have equal digests.
        return cast(scope.keyed(fragment("trim_scale(:v)::text", v=amount), build), column.base)


_MOST_DIGITS = {"float4": 37, "float8": 307}


def _digits(column: Column, amount: exp.Expression) -> exp.Expression:
    """Decimal places of the column, or of the amount itself where the type leaves them open."""
    if column.base in INTEGER:
        return exp.Literal.number(0)
    if column.base == "money":
        return exp.Literal.number(2)
    if column.scale is not None:
        return fragment("(:scale)", scale=column.scale)
    # A float below its smallest normal number would be an error, not zero.
    return fragment(
        "least(coalesce(scale(:v), 0), :most)", v=amount, most=_MOST_DIGITS.get(column.base, 1000)
    )
