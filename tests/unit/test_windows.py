"""Windows: apart from each other, past production, inside the type, in production's residue class."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sanitizers.catalog import Column, Name, Sequence
from sanitizers.windows import (
    EXACT,
    FAR,
    GUARD,
    GUARD_DAYS,
    GUARD_SHARE,
    NARROWEST,
    RECENT_DAYS,
    SHARE,
    WIDEST,
    Counter,
    Reach,
    beyond,
    choose_window,
    forecast,
    growth,
    nights_to_end,
    outlook,
    pace,
    place,
    position,
    reach_of,
)

NOW = datetime(2026, 11, 21, tzinfo=UTC)
BOUNDS = {"int2": (1, 2**15 - 1), "int4": (1, 2**31 - 1), "int8": (1, 2**63 - 1)}


def seed(day: int) -> bytes:
    return hashlib.sha256(b"%d" % day).digest()


def sequence(type: str = "int8", increment: int = 1, last: int = 1, **changes: object) -> Sequence:
    low, high = BOUNDS[type]
    if increment < 0:
        low, high = -high - 1, -1
    values: dict[str, object] = {
        "name": Name("public", "s"),
        "type": type,
        "start": 1,
        "minimum": low,
        "maximum": high,
        "increment": increment,
        "cycle": False,
        "cache": 1,
        "last_value": last,
        "is_called": True,
    }
    return Sequence(**{**values, **changes})  # type: ignore[arg-type]


def column(base: str, **changes: object) -> Column:
    return Column("id", 1, changes.pop("type", base), base, **changes)  # type: ignore[arg-type]


def cut(windows: list[tuple[int, int]], increment: int, production: int, slots: int) -> bool:
    """Whether a whole cell of NARROWEST ids is free behind the guard: counted the slow way."""
    guard = min(GUARD, slots // GUARD_SHARE)
    busy = set()
    for first, last in windows:
        near, far = sorted(((first - production) // increment, (last - production) // increment))
        busy.update(range(max(near, 0), min(far, slots - 1) + 1))
    cells = range((slots - guard) // NARROWEST)
    return any(
        busy.isdisjoint(range(slots - (cell + 1) * NARROWEST, slots - cell * NARROWEST)) for cell in cells
    )


@dataclass
class Simulation:
    """Nights of one sequence: production grows, generations come, some are kept for long."""

    sequence: Sequence
    reach: Reach
    daily: int
    """Values production travels a day."""
    kept_every: int
    kept_days: int
    production: int
    windows: list[tuple[int, tuple[int, int], int]] = field(default_factory=list)
    """Day, window, and the day its generation is destroyed."""
    history: list[tuple[datetime, int]] = field(default_factory=list)

    def night(self, day: int, number: int) -> tuple[int, int] | None:
        """One refresh, with everything that has to hold of its window; None when there is no room."""
        step = self.sequence.increment
        self.windows = [one for one in self.windows if one[0] >= day - RECENT_DAYS or one[2] >= day]
        taken = [window for _, window, _ in self.windows]
        expected = growth(self.history, step, GUARD_DAYS + self.kept_days)
        found = place(self.sequence, self.reach, self.production, taken, seed(day), expected)
        left = max((self.end - self.production) // step + 1, 0)
        if found is None:
            guard = min(max(GUARD, expected // abs(step)), left // GUARD_SHARE)
            assert largest_gap(taken, step, self.production, guard, left) < 2 * NARROWEST
            return None
        check(found, taken, self.production, step, (self.reach.lower, self.reach.upper))
        assert abs(found[1] - found[0]) // abs(step) < max(NARROWEST, left // SHARE)
        kept = number == 0 and day % self.kept_every == 0
        self.windows.append((day, found, day + (self.kept_days if kept else 1)))
        return found

    def morning(self, day: int) -> None:
        """Production has gone on; it has reached no window whose guard could be as wide as it should."""
        step = self.sequence.increment
        known = len(self.history) > 1
        self.production += self.daily // abs(step) * step
        self.history = [*self.history[-40:], (NOW + timedelta(days=day), self.production)]
        room = abs(self.end - self.production) // GUARD_SHARE > self.daily * (GUARD_DAYS + self.kept_days)
        for made, (first, _), until in self.windows:
            if known and room and made > 2 and until >= day:
                assert (first - self.production) * step > 0

    @property
    def end(self) -> int:
        return self.reach.upper if self.sequence.increment > 0 else self.reach.lower


def largest_gap(taken: list[tuple[int, int]], step: int, production: int, guard: int, left: int) -> int:
    """Slots in a row that nobody has, between guard and end."""
    busy = sorted(
        sorted(((first - production) // step, (last - production) // step)) for first, last in taken
    )
    edge, widest = guard, 0
    for near, far in busy:
        widest = max(widest, min(near, left) - edge)
        edge = max(edge, far + 1)
    return max(widest, left - edge)


NIGHTS = {
    "type": st.sampled_from(sorted(BOUNDS)),
    "columns": st.lists(st.sampled_from(sorted(BOUNDS)), max_size=3),
    "increment": st.sampled_from([1, 1, -1, 2, -3, 7, 50, -1000]),
    # Near the end the interesting things happen.
    "filled": st.one_of(st.floats(0, 1), st.floats(0.95, 1), st.just(0.0)),
    "daily": st.one_of(st.integers(0, 2_000_000), st.integers(0, 300)),
    "refreshes": st.integers(1, 3),
    "kept_every": st.integers(5, 40),
    "kept_days": st.integers(8, 120),
}


def four_hundred_days(
    type: str,
    columns: list[str],
    increment: int,
    filled: float,
    daily: int,
    refreshes: int,
    kept_every: int,
    kept_days: int,
) -> None:
    shared = sequence(type, increment)
    reach = reach_of(shared, [column(base) for base in columns])
    whole = reach.upper - reach.lower
    done = int(filled * whole) // abs(increment) * increment
    begin = reach.lower if increment > 0 else reach.upper
    nights = Simulation(shared, reach, min(daily, whole // 100), kept_every, kept_days, begin + done)
    for day in range(400):
        nights.morning(day)
        for number in range(refreshes):
            if nights.night(day, number) is None:
                return


@settings(max_examples=60, deadline=None)
@given(**NIGHTS)
def test_windows_of_four_hundred_days_never_overlap(**night: Any) -> None:
    four_hundred_days(**night)


@pytest.mark.exhaustive
@settings(max_examples=1000, deadline=None)
@given(**NIGHTS)
def test_windows_of_many_times_four_hundred_days_never_overlap(**night: Any) -> None:
    four_hundred_days(**night)


@pytest.mark.parametrize("increment", [1, -1, 5])
@pytest.mark.parametrize(("type", "daily", "from_end"), [("int2", 150, 15_000), ("int4", 9_000, 1_000_000)])
def test_the_end_is_forecast_long_before(type: str, daily: int, from_end: int, increment: int) -> None:
    shared = sequence(type, increment)
    reach = reach_of(shared, [])
    end = reach.upper if increment > 0 else reach.lower
    begin = end - from_end // abs(increment) * increment
    nights = Simulation(shared, reach, daily, 1000, 8, begin)
    told, widths = list[int](), list[int]()
    while True:
        nights.morning(len(told))
        found = nights.night(len(told), 1)
        if found is None:
            break
        if len(told) > 1:
            seen = outlook(shared, reach, nights.production, nights.history, len(nights.windows) - 1)
            assert seen.nights is not None
            told.append(seen.nights)
        else:
            told.append(0)
        # At most a quarter of a cell is left out at its beginning.
        cells = -(-(abs(found[1] - found[0]) // abs(increment) + 1) // NARROWEST) - 1
        widths.append(NARROWEST << cells.bit_length())
    refused = len(told)
    assert refused > 20
    for day in range(2, refused):
        really = refused - day
        # Rather a week too early than too late.
        assert -9 <= told[day] - really <= max(2, really // 10), (day, told[day], really)
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] == NARROWEST


def test_a_window_of_a_time_when_the_sequence_ran_the_other_way_is_left_alone() -> None:
    for day in range(300):
        downward = (30_000, 17_000)
        found = choose_window(BOUNDS["int2"], 1, 500, [downward], seed(day))
        assert found
        assert found[1] < 17_000 or found[0] > 30_000


def test_the_outlook_in_words() -> None:
    assert forecast("int4", "orders.id", 41) == "int4 headroom of orders.id ends in about 41 nights"
    assert forecast("int4", "orders.id", 1) == "int4 headroom of orders.id ends in about 1 night"
    assert forecast("int2", "beds.id", 0) == "int2 headroom of beds.id has come to its end"
    assert forecast("int8", "rows.id", FAR + 1) == "int8 headroom of rows.id lasts for more than 10 years"
    assert forecast("int8", "rows.id", None) == ""


def test_no_end_is_in_sight_while_production_stands_still_or_goes_round() -> None:
    still = [(NOW, 100), (NOW + timedelta(days=1), 100)]
    moving = [(NOW, 100), (NOW + timedelta(days=1), 200)]
    for given_sequence, history in (
        (sequence("int4"), []),
        (sequence("int4"), still[:1]),
        (sequence("int4"), still),
        (sequence("int4", cycle=True), moving),
    ):
        assert outlook(given_sequence, reach_of(given_sequence, []), 200, history, 3).nights is None
    seen = outlook(sequence("int4"), reach_of(sequence("int4"), []), 200, moving, 3)
    assert seen.nights
    assert seen.headroom > 0.99


def test_the_refusal_says_when_production_itself_ends() -> None:
    moving = [(NOW, 100), (NOW + timedelta(days=1), 200)]
    reach = Reach(1, 1000, "int2")
    assert nights_to_end(reach, 1, 901, moving) == 1
    assert nights_to_end(reach, 1, 901, moving[:1]) is None


def test_the_usual_pace_is_that_of_the_last_four_weeks() -> None:
    history = [
        (NOW + timedelta(days=day), day * 1000 if day < 50 else 50_000 + day * 10) for day in range(100)
    ]
    assert pace(history, 1) == 10
    assert pace(history, 5) == 2
    assert pace(history, -1) == 0
    # Two refreshes within an hour do not make a day's growth of a minute's.
    assert pace([(NOW, 0), (NOW + timedelta(minutes=1), 50)], 1) == 50


@pytest.mark.parametrize(
    ("block", "first", "value"), [(1, 500, 500), (50, 500, 11), (50, 501, 12), (50, 499, 11), (10, 1, 2)]
)
def test_a_counter_goes_on_with_a_block_of_the_window(block: int, first: int, value: int) -> None:
    counter = Counter(Name("public", "keys"), "next", "", "true", block)
    assert counter.value_from(first) == value
    # Whether ids are counted from the block's number on or up to it.
    assert value * block >= first
    assert (value - 1) * block + 1 >= first


def check(
    found: tuple[int, int],
    recent: list[tuple[int, int]],
    production: int,
    increment: int,
    bounds: tuple[int, int],
) -> None:
    direction = 1 if increment > 0 else -1
    first, last = found
    assert direction * production < direction * first < direction * last
    assert min(bounds) <= min(found)
    assert max(found) <= max(bounds)
    assert (first - production) % increment == (last - production) % increment == 0
    assert NARROWEST <= (last - first) // increment + 1 <= WIDEST
    low, high = sorted(found)
    assert all(high < min(other) or max(other) < low for other in recent)


@given(
    slots=st.integers(0, 4000),
    taken=st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 300)), max_size=8),
    increment=st.sampled_from([1, -1, 3]),
)
def test_it_gives_up_only_when_there_is_no_room(
    slots: int, taken: list[tuple[int, int]], increment: int
) -> None:
    production = 1000 * increment
    end = production + (slots - 1) * increment
    windows = [(production + at * increment, production + (at + size) * increment) for at, size in taken]
    bounds = (min(end, production), max(end, production))
    found = choose_window(bounds, increment, production, windows, seed(1))
    if found is None:
        assert slots == 0 or not cut(windows, increment, production, slots)
    else:
        check(found, windows, production, increment, (production, end))


def test_the_same_day_gives_the_same_window_and_another_day_another() -> None:
    for bounds in BOUNDS.values():
        drawn = [choose_window(bounds, 1, 500, [], seed(day)) for day in (1, 1, 2, 3, 4)]
        assert drawn[0] == drawn[1]
        assert len(set(drawn)) == 4


def test_widths_follow_the_headroom() -> None:
    widths = {}
    for type, bounds in BOUNDS.items():
        found = choose_window(bounds, 1, 500, [], seed(1))
        assert found
        widths[type] = found[1] - found[0] + 1
    assert NARROWEST <= widths["int2"] < 512
    assert 2**23 < widths["int4"] <= 2**25
    assert 2**39 < widths["int8"] <= WIDEST


def test_ids_stay_exact_in_javascript_while_production_is_far_below() -> None:
    for direction in (1, -1):
        bounds = (-(2**63), 2**63 - 1)
        near = choose_window(bounds, direction, direction * 10**6, [], seed(1))
        far = choose_window(bounds, direction, direction * 2**60, [], seed(1))
        assert near
        assert far
        assert abs(near[1]) <= EXACT < abs(far[0])


def test_production_has_room_to_grow() -> None:
    for day in range(200):
        found = choose_window(BOUNDS["int4"], 1, 1, [], seed(day), 500_000_000)
        assert found
        assert found[0] > 500_000_000
        small = choose_window(BOUNDS["int2"], 1, 1, [], seed(day))
        assert small
        assert small[0] > (2**15) // GUARD_SHARE


def test_growth_is_the_fastest_day_in_the_direction_of_travel() -> None:
    history = [(NOW, 100), (NOW + timedelta(hours=1), 150), (NOW + timedelta(days=2, hours=1), 350)]
    assert growth(history, 1) == 100 * GUARD_DAYS
    assert growth(history, -1) == 0
    assert growth([(at, -value) for at, value in history], -2) == 100 * GUARD_DAYS
    assert growth([], 1) == growth(history[:1], 1) == 0


@pytest.mark.parametrize(
    ("type", "columns", "increment", "expected"),
    [
        ("int8", [], 1, (1, 2**63 - 1, "int8")),
        ("int8", [column("int4")], 1, (1, 2**31 - 1, "int4")),
        ("int8", [column("int8"), column("int4"), column("int2")], 1, (1, 2**15 - 1, "int2")),
        ("int8", [column("int4")], -1, (-(2**31), -1, "int4")),
        ("int2", [column("int8")], 1, (1, 2**15 - 1, "int2")),
        ("int8", [column("numeric", type="numeric(6)", precision=6)], 1, (1, 999_999, "numeric(6)")),
        ("int8", [column("numeric")], 1, (1, 2**63 - 1, "int8")),
        ("int8", [column("varchar", type="varchar(4)", max_length=4)], 1, (1, 9999, "varchar(4)")),
        ("int8", [column("float8", type="double")], 1, (1, 2**53, "double")),
        ("int8", [column("oid")], 1, (1, 2**32 - 1, "oid")),
    ],
)
def test_the_narrowest_column_bounds_the_window(
    type: str, columns: list[Column], increment: int, expected: tuple[int, int, str]
) -> None:
    reach = reach_of(sequence(type, increment), columns)
    assert (reach.lower, reach.upper, reach.type) == expected


@pytest.mark.parametrize(
    ("given_sequence", "extreme", "expected"),
    [
        (sequence(last=7), None, 8),
        (sequence(last=7, is_called=False), None, 7),
        (sequence(last=7), 3, 8),
        (sequence(last=7), 8, 9),
        (sequence(last=7, increment=10), 30, 37),
        (sequence(last=7, increment=10), 37, 47),
        (sequence(last=-7, increment=-2), -10, -11),
        (sequence(last=-7, increment=-2), -9, -11),
        (sequence("int2", last=2**15 - 1), None, 2**15),
        (sequence("int2", last=2**15 - 1, cycle=True), 5, 1),
        (sequence("int2", last=-(2**15), increment=-1, cycle=True), None, -1),
        (sequence("int2", last=9, cycle=True), 5000, 10),
    ],
)
def test_position_is_the_next_value_or_past_the_furthest_id(
    given_sequence: Sequence, extreme: int | None, expected: int
) -> None:
    assert position(given_sequence, extreme) == expected


@given(st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6), st.integers(-50, 50).filter(bool))
def test_beyond_is_the_first_value_past(start: int, extreme: int, increment: int) -> None:
    found = beyond(start, extreme, increment)
    direction = 1 if increment > 0 else -1
    assert (found - start) % increment == 0
    assert direction * found > direction * extreme or found == start
    assert direction * found >= direction * start
    assert found == start or direction * (found - increment) <= direction * extreme


def test_a_cycling_sequence_at_its_end_gets_a_window_where_it_wraps_to() -> None:
    for increment in (1, -1, 5):
        last = 32_000 if increment > 0 else -32_000
        cycling = sequence("int2", increment, last, cycle=True)
        reach = reach_of(cycling, [])
        taken = [(last, last + 760 * (1 if increment > 0 else -1))]
        found = place(cycling, reach, position(cycling), taken, seed(1))
        assert found
        assert abs(found[0]) < abs(found[1]) < 32_000
        fixed = sequence("int2", increment, last)
        assert place(fixed, reach, position(fixed), taken, seed(1)) is None


def test_a_cycle_of_a_few_values_has_no_window() -> None:
    counter = sequence(last=5, maximum=99, cycle=True)
    assert place(counter, reach_of(counter, []), 6, [], seed(1)) is None
