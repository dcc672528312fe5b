"""Randomization on a real server: what is conserved to the last cent, and what must not be."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection, sql
from sqlglot import exp, parse_one

from sanitizers.errors import PlanRefused
from sanitizers.keys import RunKey
from sanitizers.policy.bind import compile_plan
from sanitizers.policy.compile import heap_select, treatment
from sanitizers.postgres.cluster import Cluster
from sanitizers.postgres.introspect import read_catalog
from tests.contracts.test_transformers import TYPES, VALUES
from tests.datasets import SHARED, load_synthea
from tests.scrubbing import KEY, OTHER_KEY, policy, run, scrubbed, session, shared_session, table, treat

FEW = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
Specs = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def server(production18: Cluster) -> Iterator[Connection[Any]]:
    with shared_session(production18, "randomization") as connection:
        connection.execute("SET TimeZone = 'America/New_York'")
        yield connection


def made(server: Connection[Any], columns: str, rows: Sequence[Sequence[object]], name: str = "t") -> None:
    """A new table with these columns and rows, given as text."""
    server.execute(f"DROP TABLE IF EXISTS {name}".encode())
    server.execute(f"CREATE TABLE {name} ({columns})".encode())
    if rows:
        values = sql.SQL("INSERT INTO {} VALUES ({})").format(
            sql.Identifier(name), sql.SQL(", ").join([sql.Placeholder()] * len(rows[0]))
        )
        with server.cursor() as cursor:
            cursor.executemany(values, [[v if v is None else str(v) for v in row] for row in rows])


def treated(
    server: Connection[Any], specs: Specs, name: str = "public.t", key: RunKey = KEY, exempt: str = ""
) -> list[tuple[Any, ...]]:
    """The new rows of a table, its columns treated as told."""
    heap = table(server, name)
    found = {column: treatment(spec, "financial_sensitive") for column, spec in specs.items()}
    condition = parse_one(exempt, dialect="postgres") if exempt else None
    assert condition is None or isinstance(condition, exp.Expression)
    return run(server, heap_select(heap, heap.columns, found, condition), key)


def before(server: Connection[Any], name: str = "t") -> list[tuple[Any, ...]]:
    return server.execute(f"SELECT * FROM {name}".encode()).fetchall()


class TestDateShift:
    def test_an_interval_is_the_same_across_a_change_of_clocks(self, server: Connection[Any]) -> None:
        rows = [(n % 40, f"2024-03-{day:02} 23:30", "2024-11-03 01:30") for n, day in enumerate([8, 9] * 40)]
        made(server, "who int, a timestamptz, b timestamptz", rows)
        spec = {"kind": "date_shift", "days": 300, "by": "who"}
        after = treated(server, {"a": spec, "b": spec})
        for new, old in zip(after, before(server), strict=True):
            # In UTC, because Python subtracts what two clocks of one zone show.
            (a, b), (old_a, old_b) = ([at.astimezone(UTC) for at in row[1:]] for row in (new, old))
            assert b - a == old_b - old_a
            assert (a - old_a) % timedelta(days=1) == timedelta()
            assert a != old_a

    def test_tables_that_name_the_person_alike_shift_alike(self, server: Connection[Any]) -> None:
        made(server, "who int, a date", [(n, "2024-01-01") for n in range(20)])
        made(
            server,
            "person varchar(9), seen timestamp[]",
            [(n, "{2024-01-05 10:00,NULL}") for n in range(20)],
            "u",
        )
        days = [a for _, a in treated(server, {"a": {"kind": "date_shift", "by": "who"}})]
        visits = treated(server, {"seen": {"kind": "date_shift", "by": "person"}}, "public.u")
        assert [(seen[0].date() - day).days for day, (_, seen) in zip(days, visits, strict=True)] == [4] * 20
        assert len(set(days)) > 8

    def test_no_date_becomes_a_mark_or_leaves_the_calendar(self, server: Connection[Any]) -> None:
        made(server, "a date", [("0011-01-01",), ("9989-12-31",)])
        for key in (KEY, OTHER_KEY, RunKey(b"x" * 32), RunKey(b"y" * 32)):
            low, high = (
                row[0] for row in treated(server, {"a": {"kind": "date_shift", "days": 3650}}, key=key)
            )
            assert low.year < 22
            assert high.year > 9978


class TestNoise:
    @pytest.mark.parametrize(
        "type_", ["int2", "int4", "int8", "numeric(9,2)", "numeric", "float4", "float8", "money"]
    )
    def test_bounded_and_never_the_same(self, server: Connection[Any], type_: str) -> None:
        made(server, f"v {type_}", [(n * 7 + 100,) for n in range(300)])
        after = treated(server, {"v": {"kind": "noise", "up_to": 0.1}})
        old = [float(str(v[0]).strip("$").replace(",", "")) for v in before(server)]
        new = [float(str(v[0]).strip("$").replace(",", "")) for v in after]
        shares = [(b - a) / a for a, b in zip(old, new, strict=True)]
        assert all(0 < abs(share) <= 0.1001 for share in shares)
        assert sum(share > 0 for share in shares) in range(100, 200)
        assert min(shares) < -0.09
        assert max(shares) > 0.09

    def test_sums_stay_as_good_as_true_unlike_those_of_scale(self, server: Connection[Any]) -> None:
        made(server, "a numeric(9,2), b numeric(9,2)", [(n + 500, n + 500) for n in range(2000)])
        after = treated(server, {"a": {"kind": "noise", "up_to": 0.2}, "b": {"kind": "scale"}})
        true = sum(row[0] for row in before(server))
        assert abs(sum(row[0] for row in after) / true - 1) < Decimal("0.01")
        assert sum(row[1] for row in after) / true < Decimal("0.96")

    @FEW
    @given(st.data())
    def test_absolute_noise_keeps_sign_scale_and_range(self, server: Connection[Any], data: Any) -> None:
        places, precision = data.draw(st.sampled_from([(0, 3), (2, 5), (4, 4), (2, 18)]))
        most = 10**precision - 1
        units = data.draw(st.lists(st.integers(-most, most), min_size=1, max_size=40))
        reach = data.draw(st.integers(1, most // 2))
        made(server, f"v numeric({precision},{places})", [(Decimal(n).scaleb(-places),) for n in units])
        spec = {"kind": "noise", "range": reach / 10**places}
        for old, (new,) in zip(units, treated(server, {"v": spec}), strict=True):
            moved = int(new.scaleb(places))
            assert (moved > 0) == (old > 0)
            assert (moved < 0) == (old < 0)
            assert old == 0 or 0 < abs(moved - old) <= reach

    @pytest.mark.parametrize("type_", ["date", "timestamp", "timestamptz"])
    def test_dates_move_by_days_and_times_by_seconds(self, server: Connection[Any], type_: str) -> None:
        made(server, f"v {type_}", [(f"2024-03-{1 + n % 28:02} 10:00:{n:02}",) for n in range(60)])
        after = treated(server, {"v": {"kind": "noise", "range": 3}})
        moves = [new[0] - old[0] for new, old in zip(after, before(server), strict=True)]
        assert all(timedelta() < abs(move) <= timedelta(days=3) for move in moves)
        assert all(move % timedelta(days=1) == timedelta() for move in moves) == (type_ == "date")
        assert all(move % timedelta(seconds=1) == timedelta() for move in moves)

    def test_by_a_column_values_move_alike(self, server: Connection[Any]) -> None:
        made(server, "who text, v numeric", [(n % 5 or None, 100000 + n * 1000) for n in range(50)])
        shares = defaultdict(set)
        after = treated(server, {"v": {"kind": "noise", "up_to": 0.3, "by": "who"}})
        for (who, new), (_, old) in zip(after, before(server), strict=True):
            shares[who].add(round(new / old, 3))
        assert [len(found) for who, found in shares.items() if who] == [1] * 4
        assert len(shares[None]) > 5

    @pytest.mark.parametrize(
        ("spec", "type_", "what"),
        [
            ({"up_to": 0.1}, "date", "a share of a date means nothing: give range: in days"),
            ({"range": 0.5}, "date", "range: of a date is a day to 3650 days"),
            (
                {"range": 4000},
                "timestamp",
                "range: of a timestamp without time zone is a second to 3650 days",
            ),
            ({"range": 20000}, "int2", "range: is more than half of what smallint can hold"),
            ({"range": 600}, "numeric(5,2)", "range: is more than half of what numeric(5,2) can hold"),
        ],
    )
    def test_what_makes_no_sense_is_refused(
        self, server: Connection[Any], spec: dict[str, Any], type_: str, what: str
    ) -> None:
        made(server, f"v {type_}", [])
        found = treatment({"kind": "noise", **spec}, "financial_sensitive")
        assert list(found.transformer.problems(table(server).by_name["v"], found.params)) == [what]

    @pytest.mark.parametrize("spec", [{"up_to": 0.1, "range": 3}, {"up_to": 1.5}, {"range": 0}])
    def test_one_measure(self, spec: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match="1 validation error"):
            treatment({"kind": "noise", **spec}, "financial_sensitive")


LINES = {"kind": "scale", "series": "books", "group": "entry"}
TOTAL = {"kind": "scale", "series": "books", "group": "id"}
amounts = st.integers(1, 10**7)
entries = st.lists(st.lists(amounts, min_size=1, max_size=6), min_size=1, max_size=12)


def sums(rows: Sequence[tuple[Any, ...]], *by: int, of: int = -1) -> dict[Any, Decimal]:
    found: dict[Any, Decimal] = defaultdict(Decimal)
    for row in rows:
        found[tuple(row[n] for n in by)] += row[of] or 0
    return dict(found)


def split(total: int, shares: Sequence[int]) -> list[int]:
    """The total in as many parts as there are shares."""
    parts = [total * share // sum(shares) for share in shares]
    return [*parts[:-1], total - sum(parts[:-1])]


class TestScaleWithinGroups:
    @FEW
    @given(entries, st.lists(amounts, min_size=1, max_size=5), st.sampled_from([0, 0.05, 0.5]))
    def test_debit_and_credit_told_apart_by_a_column(
        self, server: Connection[Any], books: list[list[int]], shares: list[int], noise: float
    ) -> None:
        rows = [(n, "D", Decimal(v) / 100) for n, debits in enumerate(books) for v in debits]
        rows += [(n, "C", Decimal(v) / 100) for n, d in enumerate(books) for v in split(sum(d), shares)]
        made(server, "entry int, side char, v numeric(14,2)", rows)
        after = treated(server, {"v": {**LINES, "side": "side", "noise": noise}})
        found = sums(after, 0, 1)
        assert all(found[n, "D"] == found[n, "C"] for n in range(len(books)))

    @FEW
    @given(entries, st.lists(amounts, min_size=1, max_size=5))
    def test_debit_and_credit_in_columns_of_their_own(
        self, server: Connection[Any], books: list[list[int]], shares: list[int]
    ) -> None:
        rows: list[tuple[object, ...]] = [(n, v, None) for n, debits in enumerate(books) for v in debits]
        rows += [(n, 0, v) for n, d in enumerate(books) for v in split(sum(d), shares)]
        made(server, "entry int, debit int, credit int8", rows)
        after = treated(server, {"debit": LINES, "credit": LINES})
        assert sums(after, 0, of=1) == sums(after, 0, of=2)

    @FEW
    @given(entries, st.lists(amounts, min_size=1, max_size=5))
    def test_debit_and_credit_told_apart_by_their_sign(
        self, server: Connection[Any], books: list[list[int]], shares: list[int]
    ) -> None:
        rows = [(n, Decimal(v) / 100) for n, debits in enumerate(books) for v in debits]
        rows += [(n, -Decimal(v) / 100) for n, d in enumerate(books) for v in split(sum(d), shares)]
        made(server, "entry int, v money", rows)
        made(
            server,
            "id int, turnover numeric(14,2)",
            [(n, Decimal(sum(d)) / 100) for n, d in enumerate(books)],
            "u",
        )
        after = [
            (n, Decimal(str(v).replace("$", "").replace(",", ""))) for n, v in treated(server, {"v": LINES})
        ]
        assert set(sums(after, 0).values()) == {0}
        debits = sums([row for row in after if row[1] > 0], 0)
        assert debits == sums(treated(server, {"turnover": TOTAL}, "public.u"), 0)

    @FEW
    @given(st.lists(st.lists(st.integers(-(10**6), 10**9), min_size=1, max_size=6), min_size=1, max_size=12))
    def test_a_header_is_the_sum_of_its_lines_discounts_included(
        self, server: Connection[Any], invoices: list[list[int]]
    ) -> None:
        made(server, "line int, entry varchar(9), v numeric(14,2)", [
            (k, n, Decimal(v) / 100) for n, lines in enumerate(invoices) for k, v in enumerate(lines)
        ])  # fmt: skip
        made(
            server,
            "id bigint, total numeric(20,2)",
            [(n, Decimal(sum(i)) / 100) for n, i in enumerate(invoices)],
            "u",
        )
        lines = sums(treated(server, {"v": LINES}), 1)
        totals = sums(treated(server, {"total": TOTAL}, "public.u"), 0)
        assert {(int(n),): v for (n,), v in lines.items()} == totals

    def test_ratios_of_one_group_survive_and_sums_do_not(self, server: Connection[Any]) -> None:
        made(server, "entry int, v numeric(12,2)", [(n // 10, 1000 + n * 13) for n in range(1000)])
        after, old = treated(server, {"v": LINES}), before(server)
        ratios = {
            n: [new / was for (m, new), (_, was) in zip(after, old, strict=True) if m == n]
            for n in range(100)
        }
        assert all(max(found) - min(found) < Decimal("0.00003") for found in ratios.values())
        assert len({round(found[0], 4) for found in ratios.values()}) > 50
        assert sum(row[1] for row in after) < Decimal("0.96") * sum(row[1] for row in old)

    def test_no_amount_grows_or_changes_its_sign(self, server: Connection[Any]) -> None:
        made(server, "entry int, v numeric(4,2)", [(n % 3, Decimal(n - 500) / 100) for n in range(1000)])
        for (_, new), (_, old) in zip(treated(server, {"v": LINES}), before(server), strict=True):
            assert abs(new) <= abs(old)
            assert new == 0 or (new > 0) == (old > 0)
            assert new != 0 or abs(old) < Decimal("0.04")

    def test_columns_name_a_group_whatever_they_hold(self, server: Connection[Any]) -> None:
        made(server, "a text, b text, v numeric(9,2)", [
            ("x,y", "z", 10), ("x", "y,z", 10), ("x", None, 10), (None, "x", 10), (None, None, 10),
            ("", "", 10),
        ])  # fmt: skip
        after = treated(server, {"v": {"kind": "scale", "group": ["a", "b"], "noise": 0.5}})
        assert len({v for *_, v in after}) == 6

    def test_decimal_places_may_be_told(self, server: Connection[Any]) -> None:
        made(server, "entry int, v numeric(12,4), w numeric, f float8", [(1, "10.1234", "5.5", "0.1")] * 7)
        after = treated(server, {"v": {**LINES, "digits": 2}, "w": LINES, "f": {**LINES, "digits": 3}})
        made(server, "id int, v numeric(12,2), w numeric(9,2), f float8", [(1, "70.86", "38.50", "0.7")], "u")
        ((_, *totals),) = treated(server, {"v": TOTAL, "w": TOTAL, "f": {**TOTAL, "digits": 3}}, "public.u")
        assert [sum(row[n] for row in after) for n in (1, 2)] == totals[:2]
        assert sum(row[3] for row in after) == pytest.approx(totals[2])

    @pytest.mark.parametrize("base", ["int2", "int4", "int8", "numeric", "float4", "float8", "money"])
    def test_extreme_amounts(self, server: Connection[Any], base: str) -> None:
        values = [None, *VALUES[base], *VALUES[base]]
        made(server, f"entry int, v {TYPES.get(base, base)}", [(n % 2, v) for n, v in enumerate(values)])
        after, old = (
            [str(row[1]) for row in rows] for rows in (treated(server, {"v": LINES}), before(server))
        )
        odd = {"None", "NaN", "nan", "inf", "-inf"}
        assert [(a, b) for a, b in zip(after, old, strict=True) if (a in odd or b in odd) and a != b] == []

    def test_exempt_amounts_are_not_counted(self, server: Connection[Any]) -> None:
        made(
            server, "entry int, test bool, v numeric(9,2)", [(n % 3, n % 4 == 0, n * 3.33) for n in range(40)]
        )
        made(server, "entry int, v numeric(9,2)", [(n % 3, n * 3.33) for n in range(40) if n % 4], "u")
        after = treated(server, {"v": LINES}, exempt="t.test")
        assert [row for row in after if row[1]] == [row for row in before(server) if row[1]]
        assert [(n, v) for n, test, v in after if not test] == treated(server, {"v": LINES}, "public.u")

    def test_on_the_claims_of_a_real_hospital(self, postgres_database: str) -> None:
        if SHARED is None:
            pytest.skip("the shared data folder is not beside the checkout")
        load_synthea(postgres_database, "csv-27-massachusetts")
        with session(postgres_database) as server:
            server.execute(
                "CREATE TABLE ehr.totals AS"
                " SELECT claimid AS id, sum(amount) AS charged, sum(payments) AS paid"
                " FROM ehr.claims_transactions GROUP BY claimid"
            )
            line, total = ({"kind": "scale", "series": "claim", "group": g} for g in ("claimid", "id"))
            heap = table(server, "ehr.claims_transactions")
            at = [heap.columns.index(heap.by_name[name]) for name in ("claimid", "amount", "payments")]
            lines = treated(server, {"amount": line, "payments": line}, "ehr.claims_transactions")
            totals = treated(server, {"charged": total, "paid": total}, "ehr.totals")
            for place, column in ((1, 1), (2, 2)):
                found = sums(lines, at[0], of=at[place])
                assert {(row[0],): row[column] or 0 for row in totals} == found
            true = server.execute("SELECT sum(charged) FROM ehr.totals").fetchone()
            assert true
            assert sum(row[1] or 0 for row in totals) < Decimal("0.96") * true[0]


PARTS: Specs = {
    "net": {"kind": "scale"},
    "tax": {"kind": "noise", "up_to": 0.5},
    "total": {"kind": "sum_of", "columns": ["net", "tax", "fee"]},
}


class TestSumOf:
    COLUMNS = "id int, net numeric(12,2), tax float8, fee int, total numeric(14,2)"

    def test_the_total_is_that_of_the_treated_parts(self, server: Connection[Any]) -> None:
        rows = [(n, n * 1.25, n / 4, n, n * 2.5) for n in range(200)]
        made(server, self.COLUMNS, [*rows, (200, None, 2.5, 3, 5.5), (201, 1, 1, 1, None)])
        *after, _, nothing = treated(server, PARTS)
        for _, net, tax, fee, total in after:
            assert total == round(net + Decimal(str(tax)) + fee, 2)
        assert nothing[-1] is None
        assert sum(row[-1] for row in after) != sum(row[-1] for row in before(server)[:-2])

    def test_nothing_counts_for_nothing_and_exempt_rows_stay(self, server: Connection[Any]) -> None:
        made(server, self.COLUMNS, [(1, None, "NaN", 7, 9), (2, None, "Infinity", None, 5), (3, 1, 1, 1, 99)])
        after = treated(server, PARTS, exempt="t.id = 3")
        assert [row[-1] for row in after] == [7, Decimal("999999999999.99"), 99]
        assert after[2] == before(server)[2]

    @pytest.mark.parametrize(("type_", "most"), [
        ("int2", 32767), ("numeric(3,1)", Decimal("99.9")), ("float4", 3.4e38), ("int8", 2**63 - 1),
    ])  # fmt: skip
    def test_a_sum_that_outgrows_the_column(self, server: Connection[Any], type_: str, most: object) -> None:
        made(server, f"a float8, b numeric, t {type_}", [("1e308", "1e40", 1), ("-1e308", "-1e40", 1)])
        spec = {"kind": "sum_of", "columns": ["a", "b"]}
        (*_, high), (*_, low) = treated(server, {"t": spec})
        assert (high, -low) == pytest.approx((most, most))

    def test_a_permuted_part_counts_where_it_goes(self, server: Connection[Any]) -> None:
        made(server, "a int, b int, t int", [(n, 1000, n + 1000) for n in range(50)])
        spec = {"kind": "sum_of", "columns": ["a", "b"]}
        after = treated(server, {"a": {"kind": "permutation"}, "t": spec})
        assert all(total == a + b for a, b, total in after)
        assert sorted(row[0] for row in after) == list(range(50))


DEALT = {"kind": "permutation"}


class TestPermutation:
    def test_everybody_gets_somebody_elses(self, server: Connection[Any]) -> None:
        made(server, "id int, v text", [(n, f"value {n}") for n in range(500)])
        after, old = treated(server, {"v": DEALT}), before(server)
        assert sorted(row[1] for row in after) == sorted(row[1] for row in old)
        assert all(new[1] != was[1] for new, was in zip(after, old, strict=True))

    def test_rows_come_out_where_they_lay(self, server: Connection[Any]) -> None:
        made(server, "id int, v text", [(n, n) for n in range(500)])
        after = [(n, int(v)) for n, v in treated(server, {"v": DEALT})]
        assert [n for n, _ in after] == list(range(500))
        # Had they come in the order of the window, each would stand beside the row its value is from.
        assert sum(abs(v - n) == 1 for n, v in after) < 20
        ring = dict(after)
        at, length = ring[0], 1
        while at:
            at, length = ring[at], length + 1
        assert length == 500

    @FEW
    @given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["", None, *"xyz"])), max_size=40))
    def test_frequencies_stay_in_every_group(
        self, server: Connection[Any], rows: list[tuple[str, str | None]]
    ) -> None:
        made(server, "place text, v text", rows)
        after = treated(server, {"v": {**DEALT, "within": "place"}})
        assert Counter(after) == Counter(rows)
        assert [v for _, v in after if not v] == [v for _, v in rows if not v]
        assert [not v for _, v in after] == [not v for _, v in rows]

    def test_alone_in_its_group_a_row_keeps_its_own(self, server: Connection[Any]) -> None:
        made(server, "a int, b text, v int", [(n // 3, "x" if n % 3 else "y", n) for n in range(60)])
        after = treated(server, {"v": {**DEALT, "within": ["a", "b"]}})
        assert all(
            (new[2] == old[2]) == (new[1] == "y") for new, old in zip(after, before(server), strict=True)
        )

    def test_exempt_rows_neither_give_nor_take(self, server: Connection[Any]) -> None:
        made(server, "id int, v int", [(n, n) for n in range(200)])
        after = treated(server, {"v": DEALT}, exempt="t.id % 4 = 0")
        assert [v for n, v in after if n % 4 == 0] == list(range(0, 200, 4))
        others = [(n, v) for n, v in after if n % 4]
        assert sorted(v for _, v in others) == [n for n, _ in others]
        assert all(n != v for n, v in others)

    def test_columns_go_different_ways_and_so_do_nights(self, server: Connection[Any]) -> None:
        made(server, "a int, b int, c int", [(n, n, n) for n in range(300)])
        specs = {"a": DEALT, "b": DEALT}
        one, again, other = (treated(server, specs, key=key) for key in (KEY, KEY, OTHER_KEY))
        assert one == again
        assert sum(a == b for a, b, _ in one) < 10
        assert sum(x[0] == y[0] for x, y in zip(one, other, strict=True)) < 10

    @pytest.mark.parametrize(
        "base", ["bool", "bpchar", "bytea", "json", "numeric", "point", "tsvector", "uuid"]
    )
    def test_values_of_any_type(self, server: Connection[Any], base: str) -> None:
        values = [v for v in VALUES[base] if v not in ("",)][:8]
        if base in ("bpchar", "name", "varchar"):
            values = [str(v)[:20] for v in values]
        after = treat(server, TYPES.get(base, base), values, DEALT)
        old = [row[0] for row in server.execute("SELECT v::text FROM t ORDER BY id")]
        assert sorted(after) == sorted(old)
        assert after != old or len(set(old)) < 2

    def test_arrays_move_whole(self, server: Connection[Any]) -> None:
        values = ["{a,b}", "{}", "{NULL}", "{c}"]
        assert sorted(treat(server, "text[]", values, DEALT)) == sorted(values)


class TestThePlan:
    SCHEMA = """
        CREATE TABLE person (
            id int PRIMARY KEY, mrn text, job text, pay numeric(9,2), dues numeric(9,2), sum numeric(9,2),
            code text, house int, doubled int GENERATED ALWAYS AS (house * 2) STORED,
            UNIQUE (house, code), UNIQUE (house, job)
        );
        CREATE TABLE line (entry int, day date, v numeric(9,2)) PARTITION BY RANGE (day);
        CREATE TABLE line_all PARTITION OF line DEFAULT
    """
    KEPT = "id: non_identifying, house: non_identifying, doubled: non_identifying"

    def refused(self, dsn: str, folder: Path, columns: str, line: str = "non_identifying") -> list[str]:
        tables = f"  public.person: {{columns: {{{self.KEPT}, {columns}}}}}\n"
        tables += f"  public.line: {{columns: {{entry: non_identifying, day: non_identifying, v: {line}}}}}\n"
        with session(dsn) as server:
            server.execute(self.SCHEMA.encode())
            with pytest.raises(PlanRefused) as caught:
                compile_plan(policy(folder, tables), read_catalog(server))
        return [problem.what for problem in caught.value.problems]

    def test_real_values_are_not_for_identifiers_and_need_their_neighbours(
        self, postgres_database: str, tmp_path: Path
    ) -> None:
        columns = """mrn: {category: mrn, treat: {kind: permutation}},
            job: {category: sensitive_attribute, treat: {kind: permutation, within: house}},
            code: {category: sensitive_attribute, treat: {kind: permutation, within: hose}},
            pay: non_identifying, dues: non_identifying, sum: non_identifying"""
        assert self.refused(postgres_database, tmp_path, columns) == [
            "public.person.mrn: permutation deals out real values, which must not survive here",
            "public.person.code: permutation: column hose does not exist",
            "public.person.code: permutation may repeat values, but index person_house_code_key is unique",
        ]

    def test_groups_lie_in_one_partition_and_sums_have_parts(
        self, postgres_database: str, tmp_path: Path
    ) -> None:
        columns = """mrn: mrn, job: non_identifying, code: non_identifying,
            pay: {category: financial_sensitive, treat: {kind: sum_of, columns: [sum, job]}},
            dues: {category: financial_sensitive, treat: {kind: scale, side: job}},
            sum: {category: financial_sensitive, treat: {kind: sum_of, columns: [dues, doubled, gone]}}"""
        line = "{category: financial_sensitive, treat: {kind: scale, group: entry}}"
        assert sorted(self.refused(postgres_database, tmp_path, columns, line)) == [
            "public.line.v: rows of one entry may lie in several partitions",
            "public.person.dues: scale with side: needs a group: whose sides they are",
            "public.person.pay: sum_of: column job is text, which does not fit",
            "public.person.pay: sum_of: column sum is combined itself: name its parts",
            "public.person.sum: sum_of: column doubled is generated: name what it is computed from",
            "public.person.sum: sum_of: column gone does not exist",
        ]

    def test_a_group_that_holds_the_partition_key_is_whole(
        self, postgres_database: str, tmp_path: Path
    ) -> None:
        line = "{category: financial_sensitive, treat: {kind: scale, group: [day, entry]}}"
        with session(postgres_database) as server:
            server.execute(self.SCHEMA.encode())
            server.execute("DROP TABLE person")
            server.execute(
                "INSERT INTO line SELECT 1, date '2024-01-01' + n % 3, 10 FROM generate_series(1, 30) n"
            )
            tables = (
                f"  public.line: {{columns: {{entry: non_identifying, day: non_identifying, v: {line}}}}}\n"
            )
            scrubbed(server, policy(tmp_path, tables))
            found = server.execute("SELECT sum(v) < 95 AND sum(v) > 47 FROM line GROUP BY day").fetchall()
        assert found == [(True,)] * 3
