"""Pictures of id ranges: everything lies within its range, in order, and can be seen."""

from __future__ import annotations

from typing import Any

import pytest

from sanitizers.audit.picture import WIDTH, Bar, picture


def window(**changes: Any) -> dict[str, Any]:
    return {
        "sequence": "public.beds_id_seq",
        "columns": ["public.beds.id"],
        "start": 1,
        "limit": 1001,
        "production": 201,
        "guard": 301,
        "first": 501,
        "last": 601,
        "past": [[401, 451], [701, 801]],
        **changes,
    }


def test_bars_lie_where_the_ids_do() -> None:
    shown = picture(window())
    assert shown
    assert shown.made == Bar(0, 200)
    assert shown.guard == Bar(200, 100)
    assert shown.today == Bar(500, 100)
    assert shown.past == (Bar(400, 50), Bar(700, 100))
    assert shown.today.percent == "50"


def test_a_descending_range_runs_from_its_beginning_too() -> None:
    down = {"start": -1, "limit": -1001, "production": -201, "guard": -301, "first": -501, "last": -601}
    shown = picture(window(**down, past=[]))
    assert shown
    assert (shown.made, shown.guard, shown.today) == (Bar(0, 200), Bar(200, 100), Bar(500, 100))


@pytest.mark.parametrize("limit", [2**63 - 1, -(2**63)])
def test_of_64_bits_that_part_is_shown_where_windows_lie(limit: int) -> None:
    sign = 1 if limit > 0 else -1
    near = {"start": sign, "production": sign, "guard": sign * 9, "first": sign * 2**50, "last": sign * 2**51}
    shown = picture(window(**near, limit=limit, past=[]))
    assert shown
    assert shown.end == sign * (2**53 - 1)
    far = picture(window(**near | {"first": sign * 2**60, "last": sign * 2**61}, limit=limit, past=[]))
    assert far
    assert far.end == limit


def test_the_narrowest_window_is_seen_and_does_not_stick_out() -> None:
    shown = picture(window(first=1001, last=1001, past=[[2**40, 2**41], [-5, -1]]))
    assert shown
    for bar in (shown.today, *shown.past):
        assert bar.width > 0
        assert bar.x + bar.width <= WIDTH


def test_a_record_of_an_earlier_version_has_no_picture() -> None:
    assert picture({"sequence": "public.s", "first": 1, "last": 2}) is None
