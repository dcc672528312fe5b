"""Randomization: dates moved per person, numbers and times blurred, amounts scaled by a secret factor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from functools import partial

from pydantic import Field, model_validator
from sqlglot import exp

from sanitizers.catalog import Column
from sanitizers.transformers.base import (
    INTEGER,
    NUMBER,
    TIME,
    Build,
    Digest,
    Keyed,
    KeyedParams,
    Names,
    Params,
    Scope,
    Transformer,
    cast,
    fragment,
)

_DAY = 24 * 60 * 60
_MOST_DAYS = 3650
"""So that no date between the marks becomes one."""


class DateShiftParams(KeyedParams):
    days: int = Field(30, ge=1, le=_MOST_DAYS)
    """The furthest a date moves, in days, to either side; it never stays."""
    by: str | None = None
    """The column that names the person, so that all dates of one person move alike. Else, and where it is
    NULL, the value itself decides, and intervals change."""


_MOMENTS = {
    "daterange": "date", "tsrange": "timestamp", "tstzrange": "timestamptz",
    "datemultirange": "date", "tsmultirange": "timestamp", "tstzmultirange": "timestamptz",
}  # fmt: skip
"""What ranges of time are ranges of."""


class DateShift(Keyed):
    """Moves dates by a secret number of days per person, which keeps the intervals between them.

    The time of day stays; with a time zone an hour may be gained or lost where clocks change, because the
    interval is what counts. Both ends of a range move alike, and whether they belong to it stays. Dates
    outside the years 11 to 9989 are marks, such as 9999-12-31 or infinity, and stay.
    """

    kind = "date_shift"
    family = "noise"
    follows_subject = "always"
    first_byte = 28
    params = DateShiftParams
    accepts = TIME | set(_MOMENTS)

    def reads(self, params: DateShiftParams) -> frozenset[str]:
        return frozenset({params.by} if params.by else ())

    def summary(self, params: DateShiftParams) -> str:
        return f"shifted by up to {params.days} days" + (f" per {params.by}" if params.by else "")

    def expression(
        self, column: Column, params: DateShiftParams, value: exp.Expression, scope: Scope
    ) -> exp.Expression:
        def build(digest: Digest) -> exp.Expression:
            days = fragment("(1 + :size % :days)", size=digest.integer(0), days=params.days)
            moment = replace(column, base=_MOMENTS.get(column.base, column.base))
            move = partial(_moved, moment, size=days, side=digest.byte(3), unit=_DAY)
            return move(value) if moment == column else _moved_range(column.base, value, move)

        return scope.keyed(_source(params.by, fragment(":v::text", v=value), scope), build)


def _moved_range(
    base: str, value: exp.Expression, move: Callable[[exp.Expression], exp.Expression]
) -> exp.Expression:
    if "multirange" in base:
        one = _moved_range(base.replace("multi", ""), exp.column("r", table="m"), move)
        return fragment("(SELECT coalesce(range_agg(:one), '{}') FROM unnest(:v) AS m(r))", one=one, v=value)
    # A date that moves beside a mark that stays must not overtake it. An end that is open stays NULL.
    return fragment(
        f"""CASE WHEN isempty(:v) THEN :v
                 ELSE {base}(CASE WHEN lower(:v) IS NOT NULL THEN least(:lower, :upper) END, :upper,
                             concat(CASE WHEN lower_inc(:v) THEN '[' ELSE '(' END,
                                    CASE WHEN upper_inc(:v) THEN ']' ELSE ')' END)) END""",
        v=value,
        lower=move(fragment("lower(:v)", v=value)),
        upper=move(fragment("upper(:v)", v=value)),
    )


def _source(by: str | None, own: exp.Expression, scope: Scope) -> exp.Expression:
    """The text a value's randomness comes from: another column's where it has one, else the value's own."""
    return own if by is None else fragment("coalesce(:by::text, :own)", by=scope.column(by), own=own)


def _moved(
    column: Column, value: exp.Expression, size: exp.Expression, side: exp.Expression, unit: int
) -> exp.Expression:
    """The date or time moved by `size` times `unit` seconds, to the side a byte says."""
    if column.base == "date":
        template = "((:size) * (1 - 2 * (:side % 2)))::int"
    else:
        # Seconds, because a day of a time zone with summer time can have 23 hours.
        template = "make_interval(secs => :unit * (:size) * (1 - 2 * (:side % 2)))"
    return fragment(
        "CASE WHEN :v >= '0011-01-01' AND :v < '9990-01-01' THEN :v + :shift ELSE :v END",
        v=value,
        shift=fragment(template, size=size, side=side, unit=unit),
    )


class NoiseParams(KeyedParams):
    up_to: float = Field(0.1, gt=0, le=1)
    """The most a number moves, as a share of itself: 0.1 is ten percent."""
    range: float | None = Field(None, gt=0)
    """The most it moves, instead: in the number's own unit, or in days for dates and times."""
    by: str | None = None
    """A column whose equal values move alike, to the same side by the same share; else the value itself."""

    @model_validator(mode="after")
    def _one_measure(self) -> NoiseParams:
        if self.range is not None and "up_to" in self.model_fields_set:
            raise ValueError("give either up_to, a share, or range, in units or days")
        return self

    @property
    def most(self) -> float:
        """Whichever of the two counts."""
        return self.up_to if self.range is None else self.range


class Noise(Keyed):
    """Moves each number, date or time by a secret amount, by at least one of its last places or seconds.

    Signs, zero and the number of decimal places stay, and no result leaves the range of the column's type.
    Noise goes to both sides alike, so it cancels in sums and averages: they stay as good as true. Where they
    must not, as with a company's amounts, use `scale`. Intervals between dates change unless `by` names who
    they belong to; `date_shift` is for those. Dates outside the years 11 to 9989 are marks and stay.
    """

    kind = "noise"
    family = "noise"
    params = NoiseParams
    accepts = NUMBER | TIME | {"money"}

    def reads(self, params: NoiseParams) -> frozenset[str]:
        return frozenset({params.by} if params.by else ())

    def summary(self, params: NoiseParams) -> str:
        most = f"{params.up_to:.0%} of itself" if params.range is None else f"{params.range:g}"
        return f"noise of up to {most}" + (f" per {params.by}" if params.by else "")

    def problems(self, column: Column, params: NoiseParams) -> Iterator[str]:
        if column.base in TIME:
            if params.range is None:
                yield f"a share of a {column.type} means nothing: give range: in days"
            elif not _unit(column) <= params.most * _DAY <= _MOST_DAYS * _DAY:
                least = "day" if column.base == "date" else "second"
                yield f"range: of a {column.type} is a {least} to {_MOST_DAYS} days"
        elif Decimal(params.range or 0) * 2 * 10 ** (column.scale or 0) > _largest(column):
            yield f"range: is more than half of what {column.type} can hold"

    def expression(
        self, column: Column, params: NoiseParams, value: exp.Expression, scope: Scope
    ) -> exp.Expression:
        if column.base in TIME:
            text, build = fragment(":v::text", v=value), _blurred_time(column, params, value)
        else:
            amount = fragment(":v::numeric", v=value)
            text, build = fragment("trim_scale(:v)::text", v=amount), _blurred_number(column, params, amount)
        return scope.keyed(_source(params.by, text, scope), build)


def _blurred_time(column: Column, params: NoiseParams, value: exp.Expression) -> Build:
    most = round(params.most * _DAY) // _unit(column)

    def build(digest: Digest) -> exp.Expression:
        size = fragment("(1 + :bits % :most)", bits=_bits(digest), most=most)
        return _moved(column, value, size, digest.byte(6), _unit(column))

    return build


def _unit(column: Column) -> int:
    """Seconds, in steps of which it moves."""
    return _DAY if column.base == "date" else 1


def _bits(digest: Digest) -> exp.Expression:
    """48 bits, 0 to 281474976710655."""
    return fragment("(:a::int8 * 16777216 + :b)", a=digest.integer(0), b=digest.integer(3))


_BLURRED = """
(SELECT round(sign(n.v) * CASE WHEN n.u + n.m BETWEEN 1 AND :largest THEN n.u + n.m ELSE n.u - n.m END
              / n.p, n.d)
 FROM (SELECT w.*, (1 - 2 * (:side % 2)) * (1 + div(:bits * greatest(floor(:whole * :most), 1), :all)) AS m
       FROM (SELECT p.*, round(abs(p.v) * p.p) AS u
             FROM (SELECT v.v, :digits AS d, trim_scale(10::numeric ^ :digits) AS p
                   FROM (SELECT :v AS v OFFSET 0) AS v OFFSET 0) AS p OFFSET 0) AS w OFFSET 0) AS n)
"""
"""`u` is the amount in units of its last place, `m` by how many it moves. What would lose its sign or outgrow
the column moves to the other side: no `range` is so wide that both are closed. Step by step, because each
value is needed more than once and costs more than a level of subquery."""


def _blurred_number(column: Column, params: NoiseParams, amount: exp.Expression) -> Build:
    def build(digest: Digest) -> exp.Expression:
        blurred = fragment(
            _BLURRED,
            v=amount,
            digits=_digits(column, exp.column("v", table="v")),
            whole=exp.column("u" if params.range is None else "p", table="w"),
            most=fragment(f"'{params.most!r}'::numeric"),
            bits=_bits(digest),
            all=2**48,
            side=digest.byte(6),
            largest=fragment(f"'{_largest(column)}'::numeric"),
        )
        return cast(_if_finite(column, amount, blurred, amount), column.base)

    return build


_LARGEST: dict[str, Decimal | int] = {
    "int2": 2**15 - 1, "int4": 2**31 - 1, "int8": 2**63 - 1, "money": 2**63 - 1,
    "float4": Decimal("3.4e38"), "float8": Decimal("1.79e308"),
}  # fmt: skip


def _largest(column: Column) -> Decimal | int:
    """The largest number that fits, in units of its last place; infinite where the type has no bound.

    Floats are counted in whole numbers: those with decimal places are far from the bound.
    """
    if column.base != "numeric":
        return _LARGEST[column.base]
    return int("9" * column.precision) if column.precision else Decimal("Infinity")


def _if_finite(
    column: Column, amount: exp.Expression, result: exp.Expression, otherwise: exp.Expression
) -> exp.Expression:
    """The result, or something else where the amount is NaN or infinite."""
    if column.base in INTEGER | {"money"}:
        return result
    template = "CASE WHEN abs(:v) < 'Infinity' THEN :result ELSE :otherwise END"
    return fragment(template, v=amount, result=result, otherwise=otherwise)


class ScaleParams(KeyedParams):
    series: str | None = None
    """Amounts of one series share one secret factor, so that ratios survive; the domain otherwise."""
    noise: float = Field(0.05, ge=0, le=0.5)
    """By how much of itself an amount shrinks further, at most; equal amounts get equal noise."""
    group: Names = ()
    """Column or columns that name what amounts belong to, for instance the invoice or the journal entry.
    Amounts of one series and group share their noise, too, and what added up adds up afterwards."""
    side: str | None = None
    """A column that tells sides of a group apart, such as debit and credit: each adds up by itself."""
    digits: int | None = Field(None, ge=0, le=12)
    """Decimal places of the results. The column's own when left out; where its type leaves them open, those
    of the amount, and 2 within a group."""


class Scale(Keyed):
    """Multiplies amounts by a secret factor between 0.5 and 0.95 and noise: sums and averages are off too.

    Both only make amounts smaller, so that none outgrows its column; zero-mean noise alone would cancel in a
    sum. Signs stay: what is not zero does not become zero.

    With `group`, the treated amounts of a group add up exactly to the treated sum of the group, wherever else
    that sum stands under the same series and noise: as the total of an invoice ({kind: scale, series: s,
    group: id}, one row a group) beside its lines ({kind: scale, series: s, group: invoice_id}), or as the
    other side of an entry. What balances still balances. For that, amounts are rounded together, so equal
    amounts may come out one last place apart, and one of less than four last places may become zero. Exact
    for numeric, money and integers with equally many decimal places (give `digits` otherwise), to the last
    place for floats.
    """

    kind = "scale"
    family = "noise"
    params = ScaleParams
    accepts = NUMBER | {"money"}

    def reads(self, params: ScaleParams) -> frozenset[str]:
        return frozenset(params.group) | ({params.side} if params.side else set())

    def one_heap(self, params: ScaleParams) -> tuple[str, ...]:
        return params.group

    def summary(self, params: ScaleParams) -> str:
        exact = f", adding up per {', '.join(params.group)}" if params.group else ""
        return f"scaled by a secret factor, noise up to {params.noise:.0%}{exact}"

    def problems(self, column: Column, params: ScaleParams) -> Iterator[str]:
        if params.group and column.array:
            yield "scale with group: adds up single amounts, not arrays"
        if params.side and not params.group:
            yield "scale with side: needs a group: whose sides they are"

    def expression(
        self, column: Column, params: ScaleParams, value: exp.Expression, scope: Scope
    ) -> exp.Expression:
        amount = fragment(":v::numeric", v=value)
        series = params.series or scope.domain
        factor = scope.parameter(f"factor:{series}", "numeric")

        def factor_of(digest: Digest) -> exp.Expression:
            noise, n = repr(params.noise), digest.integer(0)
            template = "(:factor * (1 - :noise::numeric * :n / 16777216))"
            return fragment(template, factor=factor, noise=noise, n=n)

        if params.group:
            group = [fragment(":c::text", c=scope.column(name)) for name in params.group]
            # As a row, because its text tells columns apart whatever they hold.
            row = fragment(":row::text", row=exp.Anonymous(this="ROW", expressions=group))
            digest = scope.secret(f"scale:{series}", row)
            scaled = _adding_up(column, params, amount, digest, scope.once(factor_of(digest)), scope)
            return cast(scaled, column.base)
        digits = _digits(column, amount, params.digits)
        # Without trailing zeros, so that equal amounts of different columns have equal digests.
        source = fragment("trim_scale(:v)::text", v=amount)
        scaled = scope.keyed(
            source, lambda digest: fragment(_SCALED, v=amount, factor=factor_of(digest), digits=digits)
        )
        return cast(scaled, column.base)


_SCALED = """
coalesce(nullif(round(:v * :factor, :digits), 0), round(sign(:v) * 10::numeric ^ -:digits, :digits))
"""
_RUNNING = "sum(:v) OVER (PARTITION BY :group ORDER BY :v < 0, :v, :place ROWS UNBOUNDED PRECEDING)"
"""Debits first, so that the positive amounts of a group add up by themselves as well."""


def _adding_up(
    column: Column,
    params: ScaleParams,
    amount: exp.Expression,
    digest: Digest,
    factor: exp.Expression,
    scope: Scope,
) -> exp.Expression:
    """Each amount is what it adds to the scaled and rounded sum of those before it in its group."""
    finite = scope.once(_if_finite(column, amount, amount, exp.null()))
    running = fragment(_RUNNING, v=finite, group=digest.tree, place=scope.place)
    if params.side:
        running.append("partition_by", fragment(":s::text", s=scope.column(params.side)))
    for part in scope.exempt:
        running.append("partition_by", part)
    return fragment(
        "coalesce(round(:factor * :sum, :digits) - round(:factor * (:sum - :finite), :digits), :v)",
        factor=factor,
        sum=scope.once(running),
        finite=finite,
        digits=_digits(column, amount, 2 if params.digits is None else params.digits),
        v=amount,
    )


class SumOfParams(Params):
    columns: tuple[str, ...] = Field(min_length=2)
    """The columns that make up the total, in the same row."""


class SumOf(Transformer):
    """Computes a total anew from the treated amounts of other columns in its row, so that it still adds up.

    NULL and NaN count as nothing, and a total that is NULL stays NULL. One that did not add up before does so
    afterwards. A sum that outgrows the column becomes the largest that fits.
    """

    kind = "sum_of"
    family = "noise"
    params = SumOfParams
    accepts = NUMBER | {"money"}
    elementwise = False
    deterministic = False

    def combines(self, params: SumOfParams) -> tuple[str, ...]:
        return params.columns

    def summary(self, params: SumOfParams) -> str:
        return f"sum of the treated {', '.join(params.columns)}"

    def problems(self, column: Column, params: SumOfParams) -> Iterator[str]:
        if column.array:
            yield "sum_of makes a single amount, not an array"
        if column.name in params.columns:
            yield "sum_of: a total is no part of itself"

    def expression(
        self, column: Column, params: SumOfParams, value: exp.Expression, scope: Scope
    ) -> exp.Expression:
        total: exp.Expression = exp.Literal.number(0)
        for name in params.columns:
            template = ":total + coalesce(nullif(:part::numeric, 'NaN'), 0)"
            total = fragment(template, total=total, part=scope.treated(name))
        return cast(_fitting(column, total), column.base)


def _fitting(column: Column, total: exp.Expression) -> exp.Expression:
    """The total as the column holds it: rounded, and no larger than it can be."""
    places = _places(column)
    digits = _MOST_DIGITS.get(column.base) if places is None else places
    if digits is None:
        return total
    largest = fragment(f"'{_largest(column)}{f'e{-places}' if places else ''}'::numeric")
    rounded = fragment("trim_scale(round(:total, :digits))", total=total, digits=digits)
    return fragment("least(greatest(:total, -:largest), :largest)", total=rounded, largest=largest)


_MOST_DIGITS = {"float4": 37, "float8": 307}


def _places(column: Column) -> int | None:
    """Decimal places of the column, None where its type leaves them open."""
    if column.base in INTEGER:
        return 0
    return 2 if column.base == "money" else column.scale


def _digits(column: Column, amount: exp.Expression, wanted: int | None = None) -> exp.Expression:
    """Decimal places wanted, no more than the column has; where neither says, those of the amount itself."""
    told = [places for places in (wanted, _places(column)) if places is not None]
    if told:
        return fragment("(:places)", places=min(told))
    # A float below its smallest normal number would be an error, not zero.
    return fragment(
        "least(coalesce(scale(:v), 0), :most)", v=amount, most=_MOST_DIGITS.get(column.base, 1000)
    )
