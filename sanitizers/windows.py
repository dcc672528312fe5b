"""Where a generation's ids come from: windows of each sequence's range, far past production, never shared.

Pure arithmetic. Values are counted in *slots*: slot 0 is the next value production would give, slot n lies n
increments further in the direction of travel, so ascending and descending sequences are the same here. The
range is cut into cells of one width, counted back from its end. Widths are 100 times a power of two, so that
cells of different widths nest and a range that fills up does not fragment.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from sanitizers.catalog import Column, Name
from sanitizers.catalog import Sequence as DatabaseSequence

NARROWEST = 100
"""Ids a window must hold at least, else the sequence is exhausted."""
WIDEST = 2**40
"""Ids a window holds at most: nobody inserts more into one generation."""
SHARE = 64
"""A window takes at most this fraction of the headroom, so that a week of several refreshes a day fits."""
GUARD = 10_000
"""Ids left to production at least, before the first window."""
GUARD_DAYS = 14
"""Days of production's growth left to it, beyond those that generations have been used for so far."""
GUARD_SHARE = 4
"""The guard takes at most this fraction of the headroom, so that room is left near the end of a type."""
RECENT_DAYS = 7
"""Windows are disjoint from those of this many days before, whatever became of their generations."""
EXACT = 2**53 - 1
"""The largest integer JavaScript keeps exactly: windows stay below it while production is far below."""
PACE_DAYS = 28
"""Days before, over which production's usual pace is taken: a month evens out weekends and imports."""
ATTENTION = 90
"""Nights before a range ends from which on every report says so."""
FAR = 3650
"""Nights beyond which a forecast is no more than `not soon`."""

_INTEGERS = {"int2": 2**15, "int4": 2**31, "int8": 2**63}
_FLOATS = {"float4": 2**24, "float8": 2**53}


@dataclass(frozen=True)
class Counter:
    """A row of a table that serves as a sequence: it holds the next id, or the next block of ids."""

    table: Name
    column: str
    where: str
    """Which row, as the policy says it; empty for the only one."""
    condition: str
    """The same in SQL, over the alias `t`."""
    block: int
    """Ids that one of its values stands for."""

    @property
    def name(self) -> Name:
        """What its windows are recorded under."""
        which = f" where {self.where}" if self.where else ""
        return Name(self.table.schema, f"{self.table.name}.{self.column}{which}")

    def value_from(self, first: int) -> int:
        """The value to go on with so that no id before `first` is given.

        Where values stand for blocks, some count the ids from `value * block` on and others up to it: so one
        block is left out.
        """
        return -(-first // self.block) + (self.block > 1)


@dataclass(frozen=True)
class Reach:
    """The values a sequence can give that all of its columns can hold, both ends included."""

    lower: int
    upper: int
    type: str
    """What sets the limit in the direction of travel: the sequence's own type, or a column's."""


def reach_of(sequence: DatabaseSequence, columns: Iterable[Column]) -> Reach:
    """The range of a sequence, narrowed by the columns that it feeds."""
    found = Reach(sequence.minimum, sequence.maximum, sequence.type)
    for column in columns:
        lower, upper = values_of(column)
        tighter = upper < found.upper if sequence.increment > 0 else lower > found.lower
        name = column.base if column.base in _INTEGERS else column.type
        found = Reach(max(found.lower, lower), min(found.upper, upper), name if tighter else found.type)
    return found


def values_of(column: Column) -> tuple[int, int]:
    """The least and the greatest id that a column can hold."""
    if column.base in _INTEGERS:
        return -_INTEGERS[column.base], _INTEGERS[column.base] - 1
    if column.base in _FLOATS:
        return -_FLOATS[column.base], _FLOATS[column.base]
    if column.base == "oid":
        return 0, 2**32 - 1
    if column.precision is not None:
        most: int = 10 ** (column.precision - (column.scale or 0)) - 1
        return -most, most
    if column.max_length is not None:
        return 1 - 10 ** (column.max_length - 1), 10**column.max_length - 1
    return -(2**63), 2**63 - 1


def position(sequence: DatabaseSequence, extreme: int | None = None) -> int:
    """The next value production would give, or the next one past `extreme`, whichever is further.

    `extreme` is the furthest id found in the sequence's columns: people insert ids by hand. It says nothing
    about a sequence that cycles.
    """
    own = sequence.last_value + (sequence.increment if sequence.is_called else 0)
    if not sequence.cycle:
        return own if extreme is None else beyond(own, extreme, sequence.increment)
    if own > sequence.maximum:
        return sequence.minimum
    return sequence.maximum if own < sequence.minimum else own


def beyond(start: int, extreme: int, increment: int) -> int:
    """The first of `start`, `start + increment`, ... that lies past `extreme`."""
    passed = (extreme - start) // increment + 1
    return start + max(passed, 0) * increment


def growth(history: Sequence[tuple[datetime, int]], increment: int, days: float = GUARD_DAYS) -> int:
    """How far production may travel in so many days, at the fastest pace of its history (oldest first)."""
    direction = 1 if increment > 0 else -1
    day = timedelta(days=1)
    paces = [
        direction * (later - earlier) / max((then - before) / day, 1)
        for (before, earlier), (then, later) in pairwise(history)
    ]
    return int(max([0, *paces]) * days)


def pace(history: Sequence[tuple[datetime, int]], increment: int) -> float:
    """Slots a day that production has travelled lately (history oldest first); 0 when none or not known."""
    recent = [entry for entry in history if history[-1][0] - entry[0] <= timedelta(days=PACE_DAYS)]
    if len(recent) < 2:
        return 0.0
    (then, earlier), (now, later) = recent[0], recent[-1]
    return max((later - earlier) / increment, 0.0) / max((now - then) / timedelta(days=1), 1)


@dataclass(frozen=True)
class Outlook:
    """How much of a range is left in front of production, and for how long."""

    headroom: float
    """The share of the range that production has not reached, 0 to 1."""
    nights: int | None
    """Nights until no window fits any more; None while production does not move, or only goes round."""


def outlook(
    sequence: DatabaseSequence,
    reach: Reach,
    production: int,
    history: Sequence[tuple[datetime, int]],
    in_use: int,
) -> Outlook:
    """What is left for a sequence of which `in_use` windows may not be touched.

    Windows shrink as the range fills up: the end comes when so many of the narrowest, and one more, lie
    beyond the guard. A wide window that is held for long near the end brings it forward.
    """
    bounds, step = (reach.lower, reach.upper), sequence.increment
    whole = (reach.upper - reach.lower) // abs(step) + 1
    left, daily = _ahead(bounds, step, production), pace(history, step)
    busy = max(in_use, RECENT_DAYS)  # a young ledger will fill up
    needed = (busy + 1) * NARROWEST * GUARD_SHARE / (GUARD_SHARE - 1)
    endless = sequence.cycle or daily == 0
    return Outlook(min(left / whole, 1.0), None if endless else int(max(left - needed, 0) / daily))


def nights_to_end(
    reach: Reach, increment: int, production: int, history: Sequence[tuple[datetime, int]]
) -> int | None:
    """Nights until production itself has no value left; None while it does not move."""
    daily = pace(history, increment)
    return int(_ahead((reach.lower, reach.upper), increment, production) / daily) if daily else None


def forecast(type: str, subject: str, nights: int | None) -> str:
    """The outlook in words: `int4 headroom of public.orders.id ends in about 41 nights`; empty for None."""
    if nights is None:
        return ""
    if nights > FAR:
        return f"{type} headroom of {subject} lasts for more than {FAR // 365} years"
    if nights == 0:
        return f"{type} headroom of {subject} has come to its end"
    return f"{type} headroom of {subject} ends in about {nights} night{'s' * (nights > 1)}"


def place(
    sequence: DatabaseSequence,
    reach: Reach,
    production: int,
    taken: Sequence[tuple[int, int]],
    seed: bytes,
    expected_growth: int = 0,
) -> tuple[int, int] | None:
    """The window of one sequence; one that cycles and has no room ahead gets it where production wraps to."""
    bounds, step = (reach.lower, reach.upper), sequence.increment
    found = choose_window(bounds, step, production, taken, seed, expected_growth)
    if found or not sequence.cycle:
        return found
    own = position(sequence)
    behind = (reach.lower, own - 1) if step > 0 else (own + 1, reach.upper)
    wrapped = reach.lower if step > 0 else reach.upper
    return choose_window(behind, step, wrapped, taken, seed, expected_growth)


def choose_window(
    bounds: tuple[int, int],
    increment: int,
    production: int,
    taken: Iterable[tuple[int, int]],
    seed: bytes,
    expected_growth: int = 0,
) -> tuple[int, int] | None:
    """The first and last id of a window past production, apart from every window in `taken`.

    `production` is the next value production would give, `seed` 32 bytes of this sequence and day alone,
    `expected_growth` the distance production may travel. None when no NARROWEST ids in a row are left.
    """
    track = _Track.of(bounds, increment, production)
    guard = track.guard(expected_growth)
    blocked = [track.backwards(*window) for window in taken]
    for width in _widths(track.slots):
        gaps = _free_cells(blocked, width, (track.slots - guard) // width)
        if free := sum(len(gap) for gap in gaps):
            draw, jitter = int.from_bytes(seed[:16]), int.from_bytes(seed[16:])
            cell = _nth(gaps, draw % free)
            # Narrow types have only dozens of cells: the first id moves within its cell's first quarter.
            skipped = jitter % (width // 4) if width > NARROWEST else 0
            return track.value((cell + 1) * width - 1 - skipped), track.value(cell * width)
    return None


def guard_end(bounds: tuple[int, int], increment: int, production: int, expected_growth: int) -> int:
    """The first value past those that are left to production."""
    return production + _Track.of(bounds, increment, production).guard(expected_growth) * increment


def _ahead(bounds: tuple[int, int], increment: int, production: int) -> int:
    """Slots from production's next value to the end of the range."""
    direction = 1 if increment > 0 else -1
    end = max(direction * bound for bound in bounds)
    return max((end - direction * production) // abs(increment) + 1, 0)


@dataclass(frozen=True)
class _Track:
    """The slots from production's next value to the end of the range."""

    production: int
    increment: int
    slots: int

    @classmethod
    def of(cls, bounds: tuple[int, int], increment: int, production: int) -> _Track:
        direction = 1 if increment > 0 else -1
        if direction * production <= EXACT // 2:
            bounds = (max(bounds[0], -EXACT), min(bounds[1], EXACT))
        return cls(production, increment, _ahead(bounds, increment, production))

    def guard(self, expected_growth: int) -> int:
        return min(max(GUARD, expected_growth // abs(self.increment)), self.slots // GUARD_SHARE)

    def backwards(self, first: int, last: int) -> tuple[int, int]:
        """The slots a range of values touches, counted back from the end.

        It may be of another residue, or of a time when the sequence ran the other way.
        """
        nearest, furthest = sorted((first, last), reverse=self.increment < 0)
        near = (nearest - self.production) // self.increment
        far = -((self.production - furthest) // self.increment)
        return self.slots - 1 - far, self.slots - 1 - near

    def value(self, back: int) -> int:
        return self.production + (self.slots - 1 - back) * self.increment


def _widths(slots: int) -> Iterable[int]:
    """Widths to try, widest first; none when not even the narrowest window fits."""
    share = min(WIDEST, slots // SHARE)
    powers = max((share // NARROWEST).bit_length() - 1, 0)
    return (NARROWEST << power for power in range(powers, -1, -1))


def _free_cells(blocked: Iterable[tuple[int, int]], width: int, cells: int) -> list[range]:
    gaps, edge = [], 0
    for first, last in sorted((first // width, last // width) for first, last in blocked):
        gaps.append(range(edge, min(first, cells)))
        edge = max(edge, last + 1)
    return [*gaps, range(edge, cells)]


def _nth(gaps: Iterable[range], number: int) -> int:
    for gap in gaps:
        if number < len(gap):
            return gap[number]
        number -= len(gap)
    raise IndexError(number)
