"""Windows: apart from each other, past production, inside the type, in production's residue class."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sanitizers.catalog import Column, Name, Sequence
from sanitizers.windows import (
    EXACT,
    GUARD,
    GUARD_DAYS,
    GUARD_SHARE,
    NARROWEST,
    RECENT_DAYS,
    WIDEST,
    beyond,
    choose_window,
    growth,
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


@settings(max_examples=150, deadline=None)
@given(
    type=st.sampled_from(sorted(BOUNDS)),
    increment=st.sampled_from([1, -1, 2, -3, 7, 50, -1000]),
    filled=st.floats(0, 1),
    daily=st.integers(0, 2_000_000),
    refreshes=st.integers(1, 3),
)
def test_sixty_days(type: str, increment: int, filled: float, daily: int, refreshes: int) -> None:
    direction = 1 if increment > 0 else -1
    low, high = BOUNDS[type]
    daily = min(daily, (high - low) // 400)
    production = direction * (low + int(filled * (high - low)) // abs(increment) * abs(increment))
    bounds = (low, high) if direction > 0 else (-high, -low)
    windows: list[tuple[int, tuple[int, int]]] = []
    history: list[tuple[datetime, int]] = []
    for day in range(60):
        production += daily // abs(increment) * increment
        history.append((NOW + timedelta(days=day), production))
        for _ in range(refreshes):
            recent = [window for taken, window in windows if taken >= day - RECENT_DAYS]
            pace = growth(history, increment)
            found = choose_window(bounds, increment, production, recent, seed(day), pace)
            if found is None:
                end = max(direction * bound for bound in bounds)
                assert end - direction * production < 10_000 * abs(increment)
                return
            check(found, recent, production, increment, bounds)
            windows.append((day, found))


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
