"""Pictures of id ranges: where production stands in one, what is left to it, and whose windows lie behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sanitizers.windows import EXACT

WIDTH = 1000
"""Units from the beginning of a range to its end."""
_SEEN = 6
"""Units that a window takes at least, or nobody would see it."""


@dataclass(frozen=True)
class Bar:
    x: float
    width: float

    @property
    def percent(self) -> str:
        return f"{100 * self.x / WIDTH:.0f}"


@dataclass(frozen=True)
class Picture:
    """One range as bars of one line."""

    sequence: str
    columns: tuple[str, ...]
    begin: int
    end: int
    made: Bar
    """What production has given."""
    guard: Bar
    """What is left to it until the generation retires."""
    past: tuple[Bar, ...]
    today: Bar


def picture(window: Mapping[str, Any]) -> Picture | None:
    """The picture of a recorded window; None where the record is of a version that told too little."""
    if window.get("guard") is None:
        return None
    begin, end = window["start"], _end(window)
    at = _Scale(begin, end)
    made, guarded = at(window["production"]), at(window["guard"])
    return Picture(
        window["sequence"],
        tuple(window["columns"]),
        begin,
        end,
        Bar(0, made),
        Bar(made, max(guarded - made, 0)),
        tuple(at.bar(*one) for one in window["past"]),
        at.bar(window["first"], window["last"]),
    )


def _end(window: Mapping[str, Any]) -> int:
    """Of 64 bits only what JavaScript keeps exactly, where windows lie in that: the rest would hide them."""
    furthest = max(abs(window["last"]), abs(window["production"]))
    limit: int = window["limit"]
    return limit if furthest > EXACT else max(min(limit, EXACT), -EXACT)


@dataclass(frozen=True)
class _Scale:
    begin: int
    end: int

    def __call__(self, value: int) -> float:
        share = (value - self.begin) / (self.end - self.begin or 1)
        return round(min(max(share, 0), 1) * WIDTH, 1)

    def bar(self, first: int, last: int) -> Bar:
        x = min(self(first), WIDTH - _SEEN)
        return Bar(x, round(max(self(last) - x, _SEEN), 1))
