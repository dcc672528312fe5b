"""The bijection behind `unique`: different stays different, and nobody keeps his own."""

from __future__ import annotations

import random
import string
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from sanitizers.errors import PlanRefused
from sanitizers.policy.compile import map_name
from sanitizers.postgres.cluster import Cluster
from tests.scrubbing import KEY, OTHER_KEY, policy, scrubbed, session, shared_session, treat

DIGITS = {"kind": "unique", "format": "digits"}
SSN = {"kind": "unique", "format": "ssn"}


@pytest.fixture(scope="module")
def server(production18: Cluster) -> Iterator[Connection[Any]]:
    with shared_session(production18, "mapping") as connection:
        yield connection


def replaced(
    server: Connection[Any], values: Sequence[str], spec: dict[str, Any] = DIGITS, type_: str = "text"
) -> dict[str, str]:
    after = treat(server, type_, values, spec)
    found = dict(zip(values, after, strict=True))
    assert len(set(found.values())) == len(found), "not a bijection"
    return found


def strangers(found: dict[str, str]) -> bool:
    """Whether nobody's original is among the results."""
    return not set(found) & set(found.values())


def shape(value: str) -> str:
    return "".join("0" if c in string.digits else c for c in value)


class TestDigits:
    def test_punctuation_letters_and_length_stay(self, server: Connection[Any]) -> None:
        found = replaced(
            server, ["MRN-00012345", "MRN-00012346", "A1-B22/c.3", '"7"\\8', "9 é 山 0", "1" * 60]
        )
        assert [shape(old) for old in found] == [shape(new) for new in found.values()]
        assert strangers(found)

    def test_leading_zeros_stay_digits(self, server: Connection[Any]) -> None:
        found = replaced(server, ["0000", "0001", "0010", "1", "01", "001"])
        assert [len(old) for old in found] == [len(new) for new in found.values()]
        assert strangers(found)

    @pytest.mark.parametrize("count", [1, 2, 10, 49, 50])
    def test_where_there_is_room_nobody_gets_another_originals(
        self, server: Connection[Any], count: int
    ) -> None:
        chosen = random.Random(count).sample(range(100), count)
        assert strangers(replaced(server, [f"{number:02}" for number in chosen]))

    def test_scattered_gaps_are_room_too(self, server: Connection[Any]) -> None:
        assert strangers(replaced(server, [f"{number:03}" for number in range(0, 1000, 2)]))

    @pytest.mark.parametrize("count", [51, 99, 100])
    def test_in_a_crowded_domain_nobody_keeps_his_own(self, server: Connection[Any], count: int) -> None:
        found = replaced(server, [f"{number:02}" for number in range(count)])
        assert all(old != new for old, new in found.items())

    def test_every_digit_of_a_full_domain_moves(self, server: Connection[Any]) -> None:
        found = replaced(server, list("0123456789"))
        assert set(found) == set(found.values())
        assert all(old != new for old, new in found.items())

    def test_where_there_are_no_digits_letters_change(self, server: Connection[Any]) -> None:
        found = replaced(server, ["UNKNOWN", "Pending", "n/a", "ÄÖÜ", "山田", "Smith-Jones"])
        assert strangers(found)
        assert [len(old) for old in found] == [len(new) for new in found.values()]
        assert found["n/a"][1] == "/"

    def test_one_letter_words(self, server: Connection[Any]) -> None:
        found = replaced(server, list(string.ascii_uppercase))
        assert set(found) == set(found.values())
        assert strangers(replaced(server, list("ABCDEFGHIJKLM")))

    def test_punctuation_alone_says_nothing_and_stays(self, server: Connection[Any]) -> None:
        assert replaced(server, ["-", "--", "?"]) == {"-": "-", "--": "--", "?": "?"}

    def test_the_key_decides(self, server: Connection[Any]) -> None:
        values = [f"{number:06}" for number in range(0, 900000, 1000)]
        one, other = (treat(server, "text", values, DIGITS, key=key) for key in (KEY, OTHER_KEY))
        assert one != other
        assert sum(a == b for a, b in zip(one, other, strict=True)) < 5

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.sets(st.from_regex(r"[A-Ca0-9-]{1,4}", fullmatch=True), min_size=1, max_size=60))
    def test_any_mixture_of_shapes(self, server: Connection[Any], values: set[str]) -> None:
        found = replaced(server, sorted(values))
        assert all(len(old) == len(new) for old, new in found.items())
        kept = {old for old, new in found.items() if old == new}
        assert all(set(old) == {"-"} for old in kept)

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.sets(st.integers(0, 9999), min_size=1, max_size=300), st.sampled_from([4, 5, 9]))
    def test_sparse_numbers_become_strangers(
        self, server: Connection[Any], values: set[int], width: int
    ) -> None:
        assert strangers(replaced(server, [f"{value:0{width}}" for value in values]))


class TestIntegers:
    @pytest.mark.parametrize(("type_", "largest"), [("int2", 2**15), ("int4", 2**31), ("int8", 2**63)])
    def test_results_fit_the_type_and_keep_their_length(
        self, server: Connection[Any], type_: str, largest: int
    ) -> None:
        values = [str(number) for number in [*range(largest - 300, largest), *range(-200, 200), -largest]]
        found = replaced(server, values, type_=type_)
        assert [len(old) for old in found] == [len(new) for new in found.values()]

    def test_minus_nothing_is_not_made(self, server: Connection[Any]) -> None:
        found = replaced(server, [str(number) for number in range(-9, 10)], type_="int4")
        assert found["0"] != "0"

    def test_bigger_keys_than_a_float_holds(self, server: Connection[Any]) -> None:
        values = [str(10**25 + number) for number in range(100)]
        assert strangers(replaced(server, values, type_="numeric(30)"))

    def test_not_a_number_stays_one(self, server: Connection[Any]) -> None:
        assert replaced(server, ["NaN", "12"], type_="numeric")["NaN"] == "NaN"


class TestSsn:
    def test_area_666_in_the_value_own_way_of_writing(self, server: Connection[Any]) -> None:
        found = replaced(server, ["123-45-6789", "123456789", "987 65 4321", "000-12-3456"], SSN)
        assert [shape(old) for old in found] == [shape(new) for new in found.values()]
        assert all(new.startswith("666") for new in found.values())

    def test_what_is_no_ssn_becomes_one(self, server: Connection[Any]) -> None:
        found = replaced(server, ["N/A", "1234", "123-45-678", "none", "A23456789", "666000000", "--"], SSN)
        assert all(new.startswith("666") and len(new) == 9 and new.isdigit() for new in found.values())
        assert strangers(found)

    def test_originals_in_area_666_are_not_given_to_others(self, server: Connection[Any]) -> None:
        values = [f"666-{number // 10000:02}-{number % 10000:04}" for number in range(0, 1000000, 2500)]
        assert strangers(replaced(server, [*values, "123-45-6789"], SSN))

    def test_integers(self, server: Connection[Any]) -> None:
        found = replaced(server, ["1234567", "123456789", "666123456"], SSN, type_="int4")
        assert all(new.startswith("666") for new in found.values())


class TestDomains:
    POLICY = """
  public.person:
    exempt: {where: is_test, reason: static test data, owner: tests}
    columns: {id: non_identifying, mrn: mrn, is_test: non_identifying}
  public.card:
    columns: {id: non_identifying, mrn: mrn}
  public.scan:
    columns: {id: non_identifying, code: {category: mrn}}
"""

    def test_all_columns_of_a_domain_agree_and_exempt_values_stay_everywhere(
        self, postgres_database: str, tmp_path: Path
    ) -> None:
        with session(postgres_database) as server:
            server.execute("CREATE TABLE person (id int PRIMARY KEY, mrn text UNIQUE, is_test bool NOT NULL)")
            server.execute("CREATE TABLE card (id int PRIMARY KEY, mrn varchar(9) REFERENCES person (mrn))")
            server.execute("CREATE TABLE scan (id int, code char(12)) PARTITION BY RANGE (id)")
            server.execute("CREATE TABLE scan_all PARTITION OF scan FOR VALUES FROM (0) TO (1000)")
            server.execute(
                "INSERT INTO person SELECT n, 'M' || n + 100, n % 9 = 0 FROM generate_series(1, 200) n"
            )
            server.execute("INSERT INTO card SELECT n, 'M' || n % 200 + 101 FROM generate_series(1, 400) n")
            server.execute("INSERT INTO scan SELECT n, 'M' || n + 100 FROM generate_series(1, 300) n")
            server.execute("CREATE TABLE before AS SELECT * FROM person")
            joined = "SELECT count(*) FROM person p JOIN card c USING (mrn) JOIN scan s ON s.code = p.mrn"
            was = server.execute(joined).fetchone()
            tables = (
                self.POLICY
                + "  public.before:\n"
                + "    columns: {id: non_identifying, mrn: non_identifying, is_test: non_identifying}\n"
            )
            scrubbed(server, policy(tmp_path, tables))
            assert server.execute(joined).fetchone() == was
            exempt, others = server.execute(
                "SELECT bool_and(p.mrn = b.mrn) FILTER (WHERE p.is_test),"
                " bool_or(p.mrn = b.mrn) FILTER (WHERE NOT p.is_test) FROM person p JOIN before b USING (id)"
            ).fetchone() or (None, None)
            assert (exempt, others) == (True, False)

    def test_domains_that_differ_have_mappings_that_differ(self) -> None:
        names = {map_name(domain, "digits") for domain in ("a-b", "a_b", "A_b", "é", "è", "x" * 80, "x" * 81)}
        assert len(names) == 7
        assert map_name("mrn", "ssn") != map_name("mrn", "digits")
        assert all(len(name.name) < 64 for name in names)


def test_the_plan_says_which_columns_are_too_narrow(postgres_database: str, tmp_path: Path) -> None:
    with session(postgres_database) as server:
        server.execute("CREATE TABLE t (a varchar(4), b int2, c numeric(9, 2), d int4)")
        lines = "  public.t: {columns: {a: ssn, b: ssn, c: mrn, d: mrn.token}}\n"
        with pytest.raises(PlanRefused) as refused:
            scrubbed(server, policy(tmp_path, lines))
    assert [problem.what for problem in refused.value.problems] == [
        "public.t.a: ssn needs 9 characters, character varying(4) is too short",
        "public.t.b: an ssn has 9 digits, smallint is too narrow",
        "public.t.c: a bijection is for whole numbers, the column is numeric(9,2)",
        "public.t.d: a token is not a number, the column is integer: use format: digits",
    ]
