"""Generalization: dates cut to year or month, high ages made one class, numbers rounded or put in ranges."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field
from sqlglot import exp

from sanitizers.catalog import Column
from sanitizers.transformers.base import (
    INTEGER,
    NUMBER,
    TEXT,
    TIME,
    Params,
    Scope,
    Transformer,
    Uniqueness,
    as_base,
    cast,
    fragment,
    text_of,
)

Grain = Literal["year", "quarter", "month", "week", "day"]
Day = Callable[[exp.Expression], exp.Expression]
"""What becomes of a date or timestamp, as SQL of the same type."""
UNREADABLE = "?"
"""Stands for text that is not what the treatment can read; NULL might not be allowed, and '' means empty."""


class Generalization(Transformer):
    """A treatment that makes values coarser: many become one."""

    family = "generalization"

    def uniqueness(self, params: Any) -> Uniqueness:
        return "lossy"


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError("no such time zone") from None
    return name


class TruncateParams(Params):
    to: Grain
    """What is left of a date: all of a `year` (or `quarter`, `month`, `week`, `day`) become its first day."""
    time_zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    """The zone whose midnight begins a day, for `timestamp with time zone`."""


class Truncate(Generalization):
    """Cuts dates and timestamps to the first day of their year, quarter, month or week, or to the day.

    Order survives: what was not later is not later afterwards. Intervals do not. Dates outside the years 10
    to 9989 are marks, such as 9999-12-31 or infinity, and stay. In text, ISO dates are cut and their time, if
    any, is set to zero; any other text becomes `?`.
    """

    kind = "truncate"
    params = TruncateParams
    accepts = TIME | TEXT

    def summary(self, params: TruncateParams) -> str:
        zone = "" if params.time_zone == "UTC" else f" in {params.time_zone}"
        return f"cut to the {params.to}{zone}, order kept"

    def problems(self, column: Column, params: TruncateParams) -> Iterator[str]:
        if column.base == "date" and params.to == "day":
            yield "truncate to: day leaves dates as they are: cut them to the week, month, quarter or year"

    def expression(
        self, column: Column, params: TruncateParams, value: exp.Expression, scope: Scope
    ) -> exp.Expression:
        def first(moment: exp.Expression) -> exp.Expression:
            return fragment("date_trunc(:grain, :m)", grain=params.to, m=moment)

        if column.base in TEXT:
            text = text_of(column, value)
            return as_base(column, _iso(text, first, fragment(":u", u=UNREADABLE)))
        return _by_calendar(column, value, first, params.time_zone)


class TopCodeParams(Params):
    above: int = Field(89, ge=0, le=999)
    """The highest age, in years, that is still told; all above become the next one."""
    to: Grain | None = None
    """For birth dates: how much of the others is told. Numbers are years of birth then, not ages."""
    as_of: date | None = None
    """The day on which ages are reckoned; the day the run began when left out."""


class TopCode(Generalization):
    """Brings the old together: ages above 89 become 90, in text `90+`; earlier birth dates become one date.

    That date is the one on which a person aged 90 was born, reckoned on the day the run began; `to: year`
    cuts it and all later ones as `truncate` does. Order survives. Birth dates outside the years 10 to 9989
    are marks, such as 0001-01-01, and stay. In text, whole numbers are ages and ISO dates are birth dates;
    any other text becomes `?`.
    """

    kind = "top_code"
    params = TopCodeParams
    accepts = TIME | TEXT | NUMBER

    def summary(self, params: TopCodeParams) -> str:
        cut = f", others cut to the {params.to}" if params.to else ""
        return f"ages above {params.above} as one{cut}, order kept"

    def problems(self, column: Column, params: TopCodeParams) -> Iterator[str]:
        if column.base in NUMBER and params.to not in (None, "year"):
            yield "top_code of a number is of an age, or with to: year of a year of birth; nothing else"
        if column.max_length is not None and column.max_length < len(str(params.above + 1)):
            yield f"{params.above + 1} does not fit {column.type}"

    def expression(
        self, column: Column, params: TopCodeParams, value: exp.Expression, scope: Scope
    ) -> exp.Expression:
        def born(moment: exp.Expression) -> exp.Expression:
            later = fragment("greatest(:m, :oldest)", m=moment, oldest=_oldest(params, scope))
            return fragment("date_trunc(:grain, :m)", grain=params.to, m=later) if params.to else later

        if column.base in TEXT:
            text = text_of(column, value)
            return as_base(column, _iso(text, born, _age(column, params, text)))
        if column.base in TIME:
            return _by_calendar(column, value, born, "UTC")
        if params.to is None:
            return cast(fragment("least(:v, :top)", v=value, top=params.above + 1), column.base)
        year = fragment(
            """CASE WHEN :v BETWEEN 1000 AND 9989
                    THEN greatest(:v, date_part('year', :oldest)::int) ELSE :v END""",
            v=value,
            oldest=_oldest(params, scope),
        )
        return cast(year, column.base)


def _oldest(params: TopCodeParams, scope: Scope) -> exp.Expression:
    """When somebody was born who has just passed the highest age that is told."""
    as_of = (
        cast(exp.Literal.string(params.as_of.isoformat()), "date")
        if params.as_of
        else scope.parameter("as_of", "date")
    )
    return fragment("(:as_of - make_interval(years => :years))", as_of=as_of, years=params.above + 1)


def _age(column: Column, params: TopCodeParams, text: exp.Expression) -> exp.Expression:
    top = f"{params.above + 1}+"
    fits = column.max_length is None or len(top) <= column.max_length
    return _number(
        # 95+ is an age that somebody else has brought together already.
        fragment("rtrim(:t, '+')", t=text),
        lambda age: fragment(
            "CASE WHEN :age > :above THEN :top ELSE :t END",
            age=age, above=params.above, top=top if fits else top[:-1], t=text,
        ),
    )  # fmt: skip


def _by_calendar(column: Column, value: exp.Expression, change: Day, zone: str) -> exp.Expression:
    """The change to a column's date, reckoned in a timestamp without time zone; marks stay."""
    if column.base == "timestamptz":
        local = change(fragment("(:v AT TIME ZONE :zone)", v=value, zone=zone))
        changed = fragment("(:local AT TIME ZONE :zone)", local=local, zone=zone)
    else:
        changed = change(fragment("(:v::timestamp)", v=value) if column.base == "date" else value)
    return fragment(
        "CASE WHEN :v >= '0010-01-01' AND :v < '9990-01-01' THEN :changed ELSE :v END",
        v=value,
        changed=cast(changed, "date") if column.base == "date" else changed,
    )


_ISO = """
CASE WHEN translate(left(:t, 10), '123456789', '000000000') = '0000-00-00'
          AND translate(substr(:t, 11), '0123456789:.,+- TZ', '') = ''
          AND substr(:t, 6, 2) BETWEEN '01' AND '12' AND substr(:t, 9, 2) BETWEEN '01' AND '31'
     THEN concat(CASE WHEN left(:t, 4) BETWEEN '0010' AND '9989' THEN to_char(:changed, 'YYYY-MM-DD')
                      ELSE left(:t, 10) END,
                 translate(substr(:t, 11), '123456789', '000000000'))
     ELSE :other END
"""
"""Checked by shape, because a cast of what is no date would be an error; February 30 becomes March 1 or 2."""


def _iso(text: exp.Expression, change: Day, other: exp.Expression) -> exp.Expression:
    """A text that is an ISO date, changed; `other` for any other text."""
    day = fragment(
        """(make_date(left(:t, 4)::int, substr(:t, 6, 2)::int, 1)
            + (substr(:t, 9, 2)::int - 1))::timestamp""",
        t=text,
    )
    return fragment(_ISO, t=text, changed=change(day), other=other)


def _number(text: exp.Expression, build: Day) -> exp.Expression:
    """What is made of a text that is a whole number; `?` for any other text."""
    return fragment(
        """CASE WHEN translate(:t, '0123456789', '') = '' AND length(:t) BETWEEN 1 AND 18
                THEN :built ELSE :unreadable END""",
        t=text,
        built=build(fragment("(:t::int8)", t=text)),
        unreadable=UNREADABLE,
    )


class RoundParams(Params):
    to: float = Field(ge=1e-6, le=1e9, allow_inf_nan=False)
    """The multiple: 100 makes 1,234 into 1,200."""
    down: bool = False
    """To the multiple below instead of the nearest: 10 makes an age of 29 into 20."""


class Round(Generalization):
    """Rounds numbers to a multiple, the nearest or the one below.

    Order survives, sums are off by little. Where the multiple does not fit the column, the next one towards
    zero is taken. NaN and infinity stay.
    """

    kind = "round"
    params = RoundParams
    accepts = NUMBER

    def summary(self, params: RoundParams) -> str:
        return f"rounded {'down ' if params.down else ''}to {_plain(params.to)}, order kept"

    def problems(self, column: Column, params: RoundParams) -> Iterator[str]:
        if column.base in INTEGER and (params.to != int(params.to) or params.to < 2):
            yield f"round wants a whole to: of 2 or more, the column is {column.type}"

    def expression(
        self, column: Column, params: RoundParams, value: exp.Expression, scope: Scope
    ) -> exp.Expression:
        multiple = exp.Literal.number(_plain(params.to))
        if not column.base.startswith("float"):
            return cast(_rounded(value, params, multiple, _furthest(column, params)), column.base)
        # As numeric, because arithmetic of floats can overflow and underflow. Their 15 digits end there.
        exact = _rounded(fragment("(:v::numeric)", v=value), params, multiple, None)
        return fragment(
            "CASE WHEN abs(:v) < 1e15 * :to THEN :exact ELSE :v END",
            v=value, to=multiple, exact=cast(exact, column.base),
        )  # fmt: skip


_NEAREST = """
:v - :v % :to + CASE WHEN 2 * (:v % :to) >= :to AND :room_up THEN :to
                     WHEN 2 * (:v % :to) <= -:to AND :room_down THEN -:to ELSE 0 END
"""
_BELOW = ":v - :v % :to - CASE WHEN :v % :to < 0 AND :room_down THEN :to ELSE 0 END"


def _rounded(
    value: exp.Expression, params: RoundParams, multiple: exp.Expression, furthest: str | None
) -> exp.Expression:
    up: exp.Expression = exp.true()
    down: exp.Expression = exp.true()
    if furthest is not None:
        edge = exp.Literal.number(furthest)
        up, down = fragment(":v < :edge", v=value, edge=edge), fragment(":v > -:edge", v=value, edge=edge)
    template = _BELOW if params.down else _NEAREST
    return fragment(template, v=value, to=multiple, room_up=up, room_down=down)


_LARGEST = {"int2": Decimal(2**15 - 1), "int4": Decimal(2**31 - 1), "int8": Decimal(2**63 - 1)}


def _largest(column: Column) -> Decimal | None:
    """The largest number that fits the column; None when there is no such."""
    if column.precision is not None and column.scale is not None:
        return Decimal(10) ** (column.precision - column.scale) - Decimal(10) ** -column.scale
    return _LARGEST.get(column.base)


def _furthest(column: Column, params: RoundParams) -> str | None:
    """The multiple furthest from zero that fits the column."""
    largest, multiple = _largest(column), Decimal(_plain(params.to))
    return None if largest is None else f"{largest // multiple * multiple:f}"


def _plain(number: float) -> str:
    """A number as SQL and people write it: 100, 0.05."""
    return f"{Decimal(repr(number)).normalize():f}"


def _rising(edges: tuple[float, ...]) -> tuple[float, ...]:
    if any(low >= high for low, high in pairwise(edges)):
        raise ValueError("edges have to rise")
    return edges


class BucketParams(Params):
    edges: Annotated[
        tuple[Annotated[float, Field(ge=-1e15, le=1e15)], ...], Field(min_length=1), AfterValidator(_rising)
    ]
    """Where ranges begin, rising: `[0, 18, 40, 65]`."""


class Bucket(Generalization):
    """Puts numbers into ranges: a number becomes the lower edge of its range, in text the range's name.

    With edges 18 and 65 the names are `<18`, `18-64` and `65+`. A number below all edges becomes the first
    edge. Order survives. Text that is no whole number becomes `?`.
    """

    kind = "bucket"
    params = BucketParams
    accepts = NUMBER | TEXT

    def summary(self, params: BucketParams) -> str:
        return f"put into ranges that begin at {', '.join(map(_plain, params.edges))}, order kept"

    def problems(self, column: Column, params: BucketParams) -> Iterator[str]:
        if column.base in TEXT | INTEGER and any(edge != int(edge) for edge in params.edges):
            yield f"bucket wants whole edges, the column is {column.type}"
            return
        largest = _largest(column)
        if largest is not None and max(map(abs, params.edges)) > largest:
            yield f"an edge does not fit {column.type}"
        if column.max_length is not None and max(map(len, _names(params))) > column.max_length:
            yield f"the name of a range is longer than {column.type}"

    def expression(
        self, column: Column, params: BucketParams, value: exp.Expression, scope: Scope
    ) -> exp.Expression:
        if column.base in TEXT:
            names = [exp.Literal.string(name) for name in _names(params)]
            number = _number(text_of(column, value), lambda number: _range(number, params, names))
            return as_base(column, number)
        lower = [exp.Literal.number(_plain(edge)) for edge in (params.edges[0], *params.edges)]
        return cast(_range(value, params, lower), column.base)


def _range(number: exp.Expression, params: BucketParams, results: Sequence[exp.Expression]) -> exp.Expression:
    """The result for the range a number is in; the first is for those below all edges."""
    found = exp.Case(ifs=[], default=results[0])
    for edge, result in reversed(list(zip(params.edges, results[1:], strict=True))):
        reached = fragment(":n >= :edge", n=number, edge=exp.Literal.number(_plain(edge)))
        found = found.when(reached, result, copy=False)
    return found


def _names(params: BucketParams) -> list[str]:
    """Of the ranges of whole numbers, the one below all edges first."""
    edges = [int(edge) for edge in params.edges]
    between = [f"{low}-{high - 1}" if high - low > 1 else str(low) for low, high in pairwise(edges)]
    return [f"<{edges[0]}", *between, f"{edges[-1]}+"]
