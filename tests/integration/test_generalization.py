"""Generalizations on a real server, value by value: what is told, what is brought together, what stays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from psycopg import Connection

from sanitizers.postgres.cluster import Cluster
from tests.scrubbing import shared_session, treat

Spec = dict[str, Any]


@pytest.fixture(scope="module")
def server(production18: Cluster) -> Iterator[Connection[Any]]:
    with shared_session(production18, "generalization") as connection:
        # Whatever the session prefers must not matter.
        connection.execute("SET DateStyle = 'German'")
        connection.execute("SET TimeZone = 'America/New_York'")
        yield connection


def iso(server: Connection[Any], type_: str, values: list[str], **spec: object) -> list[str]:
    """The results as ISO dates and times, those with a time zone in UTC."""
    treat(server, type_, values, dict(spec))
    with server.transaction():
        server.execute("SET LOCAL DateStyle = 'ISO'")
        server.execute("SET LOCAL TimeZone = 'UTC'")
        return [row[0] for row in server.execute("SELECT v::text FROM result ORDER BY id")]


class TestTruncate:
    @pytest.mark.parametrize(
        ("to", "day"),
        [("year", "2024-01-01"), ("quarter", "2024-04-01"), ("month", "2024-05-01"), ("week", "2024-05-27")],
    )
    def test_the_first_day(self, server: Connection[Any], to: str, day: str) -> None:
        spec = {"kind": "truncate", "to": to}
        assert iso(server, "date", ["2024-05-31"], **spec) == [day]
        assert iso(server, "timestamp", ["2024-05-31 23:59:59.9"], **spec) == [f"{day} 00:00:00"]
        assert iso(server, "timestamptz", ["2024-05-31 23:59+00"], **spec) == [f"{day} 00:00:00+00"]
        assert iso(server, "text", ["2024-05-31", "2024-05-31T23:59:59.5+02:00"], **spec) == [
            day,
            f"{day}T00:00:00.0+00:00",
        ]

    def test_a_day_begins_at_midnight_of_the_zone(self, server: Connection[Any]) -> None:
        moments = ["2024-01-01 04:59+00", "2024-01-01 05:00+00"]
        year = {"kind": "truncate", "to": "year", "time_zone": "America/New_York"}
        assert iso(server, "timestamptz", moments, **year) == [
            "2023-01-01 05:00:00+00",
            "2024-01-01 05:00:00+00",
        ]

    def test_marks_stay(self, server: Connection[Any]) -> None:
        marks = ["infinity", "-infinity", "9999-12-31", "0001-01-01", "0044-03-15 BC", "5874897-12-31"]
        assert iso(server, "date", marks, kind="truncate", to="year") == marks
        assert iso(server, "text", ["9999-12-31", "0001-01-01"], kind="truncate", to="year") == [
            "9999-12-31",
            "0001-01-01",
        ]

    @pytest.mark.parametrize(
        "text",
        ["05/31/2024", "May 31", "2024-13-01", "2024-00-10", "2024-05-00", "2024-5-31", "20240531",
         "2024-05-31 Ada Example",
         "\u0662\u0660\u0662\u0664-\u0660\u0665-\u0663\u0661", "2024-05-31x", " 2024-05-31", "-infinity"],
    )  # fmt: skip
    def test_other_text_is_not_told(self, server: Connection[Any], text: str) -> None:
        assert treat(server, "varchar(60)", [text], {"kind": "truncate", "to": "year"}) == ["?"]

    @pytest.mark.parametrize("to", ["year", "quarter", "month", "week"])
    def test_impossible_days_are_no_error(self, server: Connection[Any], to: str) -> None:
        days = ["2023-02-29", "2024-02-31", "9989-12-31", "0010-01-01", "0000-01-01", "9999-12-31"]
        after = treat(server, "varchar(10)", days, {"kind": "truncate", "to": to})
        assert all(len(day) == 10 for day in after)

    def test_order_survives(self, server: Connection[Any]) -> None:
        moments = [f"20{n % 40:02}-0{n % 9 + 1}-11 0{n % 10}:00+0{n % 7}" for n in range(200)]
        after = iso(server, "timestamptz", moments, kind="truncate", to="month")
        server.execute(
            "CREATE TEMP TABLE pair AS SELECT t.v AS old, r.v AS new FROM t JOIN result r USING (id)"
        )
        turned = "SELECT count(*) FROM pair a JOIN pair b ON a.old <= b.old AND a.new > b.new"
        assert server.execute(turned.encode()).fetchone() == (0,)
        assert len(set(after)) > 20


AGES: Spec = {"kind": "top_code"}
BIRTHS: Spec = {"kind": "top_code", "as_of": "2024-11-21", "to": "year"}


class TestTopCode:
    @pytest.mark.parametrize("type_", ["int2", "int8", "numeric(3)", "numeric(3,1)", "float4"])
    def test_ages(self, server: Connection[Any], type_: str) -> None:
        after = treat(server, type_, ["0", "-1", "89", "90", "91", "99"], AGES)
        assert [float(age) for age in after] == [0, -1, 89, 90, 90, 90]

    def test_ages_in_text(self, server: Connection[Any]) -> None:
        words = [
            "89",
            "007",
            "90",
            "117",
            "9" * 18,
            "95+",
            "85+",
            "9" * 19,
            "+",
            "92 years",
            "89.5",
            "ninety",
        ]
        told = ["89", "007", "90+", "90+", "90+", "90+", "85+", "?", "?", "?", "?", "?"]
        assert treat(server, "text", words, AGES) == told
        assert treat(server, "varchar(2)", ["89", "90"], AGES) == ["89", "90"]

    def test_birth_dates(self, server: Connection[Any]) -> None:
        born = ["1901-02-03", "1934-11-21", "1934-11-22", "1935-01-01", "2024-02-29", "0001-01-01"]
        told = ["1934-01-01", "1934-01-01", "1934-01-01", "1935-01-01", "2024-01-01", "0001-01-01"]
        assert iso(server, "date", born, **BIRTHS) == told
        assert iso(server, "text", born, **BIRTHS) == told
        assert iso(server, "timestamptz", born, **BIRTHS)[:5] == [f"{day} 00:00:00+00" for day in told[:5]]

    def test_birth_dates_to_the_day(self, server: Connection[Any]) -> None:
        spec = {"kind": "top_code", "as_of": "2024-02-29"}
        born = ["1934-02-27", "1934-02-28", "1934-03-01"]
        assert iso(server, "date", born, **spec) == ["1934-02-28", "1934-02-28", "1934-03-01"]
        assert iso(server, "date", ["1900-01-01", "infinity"], kind="top_code")[1] == "infinity"

    def test_years_of_birth(self, server: Connection[Any]) -> None:
        assert treat(server, "int2", ["1901", "1934", "1935", "0", "-1"], BIRTHS) == [
            "1934", "1934", "1935", "0", "-1"
        ]  # fmt: skip


class TestRound:
    @pytest.mark.parametrize("type_", ["int4", "numeric(6,2)", "numeric", "float4", "float8"])
    def test_to_the_nearest_or_the_one_below(self, server: Connection[Any], type_: str) -> None:
        values = ["0", "49", "50", "149", "-49", "-50", "-149", "-151", "100"]
        nearest = treat(server, type_, values, {"kind": "round", "to": 100})
        assert [float(n) for n in nearest] == [0, 0, 100, 100, 0, -100, -100, -200, 100]
        below = treat(server, type_, values, {"kind": "round", "to": 100, "down": True})
        assert [float(n) for n in below] == [0, 0, 0, 100, -100, -100, -200, -200, 100]

    @pytest.mark.parametrize(
        ("type_", "edge"),
        [("int2", "32767"), ("int4", str(2**31 - 1)), ("int8", str(2**63 - 1)), ("numeric(4,2)", "99.99"),
         ("numeric(2,-3)", "99000"), ("float4", "3.4028235e38"), ("float8", "1.7976931348623157e308")],
    )  # fmt: skip
    @pytest.mark.parametrize("to", [2, 30, 100, 1e9])
    @pytest.mark.parametrize("down", [True, False])
    def test_nothing_overflows(
        self, server: Connection[Any], type_: str, edge: str, to: float, down: bool
    ) -> None:
        after = treat(server, type_, [edge, f"-{edge}"], {"kind": "round", "to": to, "down": down})
        assert all(abs(float(n)) <= float(edge) for n in after)

    def test_fractions(self, server: Connection[Any]) -> None:
        spec = {"kind": "round", "to": 0.05}
        assert treat(server, "numeric(6,2)", ["0.02", "0.03", "-1.98"], spec) == ["0.00", "0.05", "-2.00"]
        assert [float(n) for n in treat(server, "float8", ["0.02", "0.03", "5e-324"], spec)] == [0, 0.05, 0]


RANGES: Spec = {"kind": "bucket", "edges": [1, 18, 19, 65]}


class TestBucket:
    def test_numbers_become_the_lower_edge(self, server: Connection[Any]) -> None:
        values = ["-5", "0", "1", "17", "18", "19", "64", "65", "32767"]
        assert treat(server, "int2", values, RANGES) == ["1", "1", "1", "1", "18", "19", "19", "65", "65"]

    def test_text_becomes_the_name_of_the_range(self, server: Connection[Any]) -> None:
        values = ["0", "1", "18", "064", "65", "9" * 18, "about 40", "-5"]
        assert treat(server, "text", values, RANGES) == [
            "<1", "1-17", "18", "19-64", "65+", "65+", "?", "?"
        ]  # fmt: skip


WRITTEN = {
    "10025": "100", "10025-1234": "100", "100251234": "100", "10025 1234": "100", "00501": "005",
    "2139": "021", "2139-4307": "021", "100": "100", "03601": "000", "3601": "000", "89301-0001": "000",
    "00000": "000", "12": "000", "SW1A 1AA": "000", "1002": "010", "100259": "000", "10025-12": "000",
    "Ada": "000", "\uff11\uff10\uff10\uff12\uff15": "000", "-10025": "000",
}  # fmt: skip


class TestZip3:
    @pytest.mark.parametrize("digits", [3, 5])
    def test_text(self, server: Connection[Any], digits: int) -> None:
        after = treat(server, "text", list(WRITTEN), {"kind": "zip3", "digits": digits})
        assert after == [prefix + "0" * (digits - 3) for prefix in WRITTEN.values()]

    @pytest.mark.parametrize("type_", ["int4", "int8", "numeric(9)", "numeric"])
    def test_numbers_have_lost_their_zeros(self, server: Connection[Any], type_: str) -> None:
        values = ["10025", "501", "2139", "100251234", "21394307", "3601", "0", "-10025", "999999999"]
        after = treat(server, type_, values, {"kind": "zip3", "digits": 5})
        assert after == ["10000", "500", "2100", "10000", "2100", "0", "0", "0", "99900"]
        assert treat(server, type_, values[:2], {"kind": "zip3"}) == ["100", "5"]

    def test_more_prefixes_may_be_sparse(self, server: Connection[Any]) -> None:
        spec = {"kind": "zip3", "also": ["100", "005"]}
        assert treat(server, "text", ["10025", "00501", "10125"], spec) == ["000", "000", "101"]
        assert treat(server, "int4", ["10025", "501", "10125"], spec) == ["0", "0", "101"]


class TestCentroid:
    @pytest.mark.parametrize("type_", ["numeric(9,6)", "float8", "numeric"])
    def test_the_middle_of_the_cell(self, server: Connection[Any], type_: str) -> None:
        after = treat(server, type_, ["40.7128", "40.51", "-74.006", "0", "-0.1"], {"kind": "centroid"})
        assert [float(n) for n in after] == [40.75, 40.75, -74.25, 0.25, -0.25]

    @pytest.mark.parametrize("degrees", [0.001, 0.1, 0.3, 0.5, 1, 7.5, 90])
    def test_within_the_globe(self, server: Connection[Any], degrees: float) -> None:
        spec = {"kind": "centroid", "degrees": degrees}
        after = treat(server, "float8", ["90", "-90", "180", "-180", "5e-324"], spec)
        bounds = (90, 90, 180, 180, degrees)
        assert all(0 < abs(float(n)) < bound for n, bound in zip(after, bounds, strict=True))

    def test_what_is_no_coordinate(self, server: Connection[Any]) -> None:
        after = treat(server, "float8", ["NaN", "Infinity", "1e308", "-180.5"], {"kind": "centroid"})
        assert after == ["0", "0", "0", "0"]

    def test_points(self, server: Connection[Any]) -> None:
        after = treat(server, "point", ["(-74.006,40.7128)", "(NaN,90)"], {"kind": "centroid"})
        assert after == ["(-74.25,40.75)", "(0,89.75)"]
