"""What every treatment promises: run by its real expression on a real server, for every type it accepts.

Not covered for want of a server that has them: citext and xml.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from psycopg import Connection

from sanitizers.catalog import Column
from sanitizers.keys import RunKey
from sanitizers.policy.compile import heap_select, treatment
from sanitizers.postgres.cluster import Cluster
from sanitizers.transformers import TRANSFORMERS
from sanitizers.transformers.base import ANY, INTEGER, NUMBER, TEXT, TIME
from tests.scrubbing import KEY, OTHER_KEY, run, shared_session, table, treat

SURROGATES = (
    "first_name", "last_name", "full_name", "user_name", "company", "job", "street", "phone", "email",
    "url", "ip",
    "sentence",
)  # fmt: skip
VARIANTS: list[dict[str, Any]] = [
    {"kind": "keep"},
    {"kind": "null"},
    {"kind": "constant", "value": "2001-02-03"},
    {"kind": "constant", "value": 7},
    {"kind": "constant", "value": True},
    {"kind": "constant", "value": "{}"},
    {"kind": "constant", "value": "192.0.2.7"},
    {"kind": "constant", "value": "c0ffee00-0000-4000-8000-000000000000"},
    {"kind": "placeholder"},
    {"kind": "placeholder", "image": True},
    *({"kind": "surrogate", "of": of} for of in SURROGATES),
    {"kind": "text"},
    {"kind": "pseudonym"},
    {"kind": "unique", "format": "digits"},
    {"kind": "unique", "format": "ssn"},
    {"kind": "unique", "format": "token"},
    {"kind": "known_password"},
    {"kind": "date_shift", "days": 30},
    {"kind": "scale", "noise": 0.05},
    {"kind": "scale", "noise": 0.5},
    {"kind": "json", "paths": {}},
    {"kind": "json", "paths": {"a.b": {"kind": "pseudonym"}, "c": {"kind": "keep"}}},
]
"""Every registered treatment, with parameters that between them suit every type it accepts."""

CONSTANTS = {
    "2001-02-03": TEXT | TIME, 7: TEXT | NUMBER, True: TEXT | {"bool"}, "{}": TEXT | {"json", "jsonb"},
    "192.0.2.7": TEXT | {"inet"}, "c0ffee00-0000-4000-8000-000000000000": TEXT | {"uuid"},
}  # fmt: skip

WORDS = [
    "", "A", "Ada", " ", "---", "O'Brien \"x\" \\ ; --", "Zoë", "Zoe\u0308", "山田太郎", "😀👩‍👧", "007",
    "-5",
    "0",
    "201-555-0100", "12125550123", "ada@example.com", "ADA@Example.com", "192.0.2.1", "2001:db8::1",
    "a\tb\nc",
    "%s %(x)s $1 :name {0}", "x" * 60,
]  # fmt: skip
VALUES: dict[str, list[object]] = {
    "text": [*WORDS, "long " * 2000, "1" * 500],
    "varchar": [*WORDS],
    "bpchar": [*WORDS],
    "name": [*WORDS],
    "int2": [0, 1, -1, 9, 10, 99, 32767, -32768, 32766],
    "int4": [0, 1, -1, 9, 10, 2**31 - 1, -(2**31), 2125550123],
    "int8": [0, 1, -1, 9, 10, 2**63 - 1, -(2**63), 2125550123],
    "numeric": ["0", "1", "-1", "0.01", "-0.01", "99999999999999.99", "-99999999999999.99", "12345.60",
    "NaN"],
    "float4": ["0", "-0", "1", "-1", "0.001", "3e38", "-3e38", "NaN", "Infinity"],
    "float8": ["0", "1", "-1", "0.01", "1e308", "-1e308", "5e-324", "NaN", "-Infinity"],
    "money": ["0", "1", "-1", "0.01", "1000000.55"],
    "date": ["0001-01-01", "4713-01-01 BC", "1970-05-17", "2024-02-29", "9999-12-31", "5874897-12-31",
             "infinity", "-infinity"],
    "timestamp": ["1970-05-17 10:00", "2024-02-29 23:59:59.999999", "9999-12-31", "294276-12-31",
    "-infinity"],
    "timestamptz": ["1970-05-17 10:00+14", "2024-03-10 02:30-05", "infinity", "4714-11-24 00:00+00 BC"],
    "uuid": ["00000000-0000-0000-0000-000000000000", "c0ffee00-0000-4000-8000-000000000000"],
    "inet": ["192.0.2.1", "203.0.113.77/24", "::1", "2001:db8::1/64", "0.0.0.0", "255.255.255.255"],
    "cidr": ["192.0.2.0/24", "10.0.0.0/8", "2001:db8::/32", "0.0.0.0/0"],
    "bytea": ["", r"\x00ff", "x" * 3000],
    "json": ["{}", "[]", "null", '"x"', "1", '{"a": {"b": "Ada", "z": 1}, "c": [1], "d": {"c": 2}}',
    '{"a": [{"b": "x"}]}',
             '{"a": {"b": null}}', '{"a": {"b": {"x": 1}}}', '{"a": null, "c": null}',
             '{"a": {"b": 12}, "a": {"b": true}}'],
    "tsvector": ["", "'ada' 'fat':2"],
    "bool": ["true", "false"],
    "point": ["(1,2)"],
    "interval": ["1 day"],
}  # fmt: skip
VALUES["jsonb"] = VALUES["json"]
TYPES = {
    "varchar": "varchar(60)", "bpchar": "char(60)", "numeric": "numeric(16,2)", "point": "point",
}  # fmt: skip
UNAVAILABLE = {"citext", "xml"}


def spell(spec: dict[str, Any]) -> str:
    return " ".join(str(spec[key]) for key in spec if key != "paths" or spec[key])


def accepted(spec: dict[str, Any]) -> Iterator[str]:
    """Base types that the treatment, with these parameters, takes."""
    found = treatment(spec, "email")
    for base in sorted((found.transformer.accepts or set(VALUES)) - UNAVAILABLE):
        problems = list(found.transformer.problems(column(base), found.params))
        fits = found.kind != "constant" or base in CONSTANTS[spec["value"]]
        if fits and not problems:
            yield base


def column(base: str, max_length: int | None = None) -> Column:
    lengths = {"varchar": 60, "bpchar": 60}
    # Scaled amounts have decimals; what is unique is a whole number.
    return Column("v", 2, TYPES.get(base, base), base, max_length=max_length or lengths.get(base))


def parts(case: Any) -> tuple[dict[str, Any], str]:
    """A case's treatment and base type."""
    spec, base = case.values
    return spec, base


CASES = [pytest.param(spec, base, id=f"{spell(spec)}-{base}") for spec in VARIANTS for base in accepted(spec)]
KEYED = [case for case in CASES if "domain" in type(treatment(parts(case)[0], "email").params).model_fields]
DIFFERENT = [case for case in KEYED if parts(case)[0]["kind"] in {"surrogate", "text", "pseudonym", "unique"}]
"""Cases in which nobody may be replaced by himself."""
RESERVED = [
    case for case in KEYED if (t := treatment(parts(case)[0], "email")).transformer.reserved(t.params)
]
ELEMENTWISE = [
    case for case in CASES if TRANSFORMERS[parts(case)[0]["kind"]].elementwise and parts(case)[1] != "name"
]


@pytest.fixture(scope="module")
def server(production18: Cluster) -> Iterator[Connection[Any]]:
    """One session for the whole suite."""
    with shared_session(production18, "contract_of_transformers") as connection:
        connection.execute("SET DateStyle = 'ISO, YMD'")
        connection.execute("SET TimeZone = 'America/New_York'")
        yield connection


_outcomes: dict[tuple[str, str, RunKey], tuple[list[str | None], list[str | None]]] = {}


def outcome(
    server: Connection[Any], spec: dict[str, Any], base: str, key: RunKey = KEY
) -> tuple[list[str | None], list[str | None]]:
    """The column's values as the server prints them, before and after; worked out once."""
    told = (spell(spec), base, key)
    if told not in _outcomes:
        _outcomes[told] = fresh_outcome(server, spec, base, key)
    return _outcomes[told]


def fresh_outcome(
    server: Connection[Any], spec: dict[str, Any], base: str, key: RunKey
) -> tuple[list[str | None], list[str | None]]:
    type_, values = TYPES.get(base, base), [None, *VALUES[base], *VALUES[base]]
    if spec["kind"] == "unique":
        # What is unique fits an index.
        values = [v for v in values if len(str(v)) < 2500]
        type_ = "numeric(16)" if base == "numeric" else type_
    if base in ("bpchar", "name"):
        values = [v and str(v)[:60].encode()[:63].decode(errors="ignore") for v in values]
    after = treat(server, type_, values, spec, key=key)
    before = [row[0] for row in server.execute("SELECT v::text FROM t ORDER BY id")]
    return before, after


def telling(value: str | None) -> bool:
    """Whether a value says anything: more than ASCII punctuation."""
    return bool(value) and bool(re.search(r"[^\x00-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]", value or ""))


def test_every_registered_treatment_is_under_contract() -> None:
    assert {spec["kind"] for spec in VARIANTS} == set(TRANSFORMERS)


@pytest.mark.parametrize("kind", TRANSFORMERS)
def test_every_accepted_type_is_under_contract(kind: str) -> None:
    tried = {parts(case)[1] for case in CASES if parts(case)[0]["kind"] == kind}
    accepts = TRANSFORMERS[kind].accepts
    assert tried == (accepts or set(VALUES)) - UNAVAILABLE


@pytest.mark.parametrize(("spec", "base"), CASES)
def test_null_stays_null_and_empty_stays_empty(
    server: Connection[Any], spec: dict[str, Any], base: str
) -> None:
    transformer = TRANSFORMERS[spec["kind"]]
    for old, new in zip(*outcome(server, spec, base), strict=True):
        if transformer.keeps_empty:
            assert (old is None) == (new is None)
        if transformer.keeps_empty and base in TEXT:
            assert (old == "") == (new == "") or spec["kind"] == "placeholder"
        if not transformer.may_null:
            assert old is None or new is not None


@pytest.mark.parametrize(("spec", "base"), CASES)
def test_equal_in_gives_equal_out(server: Connection[Any], spec: dict[str, Any], base: str) -> None:
    before, after = outcome(server, spec, base)
    results: dict[str | None, set[str | None]] = {}
    for old, new in zip(before, after, strict=True):
        results.setdefault(old, set()).add(new)
    assert all(len(found) == 1 for found in results.values())
    # The known password is salted anew in every run; all rows of one run share it.
    assert spec["kind"] == "known_password" or after == fresh_outcome(server, spec, base, KEY)[1]


@pytest.mark.parametrize(("spec", "base"), KEYED)
def test_another_key_gives_another_result(server: Connection[Any], spec: dict[str, Any], base: str) -> None:
    assert outcome(server, spec, base)[1] != outcome(server, spec, base, OTHER_KEY)[1]


@pytest.mark.parametrize(("spec", "base"), DIFFERENT)
def test_nobody_is_replaced_by_himself(server: Connection[Any], spec: dict[str, Any], base: str) -> None:
    pairs = zip(*outcome(server, spec, base), strict=True)
    assert not [old for old, new in pairs if telling(old) and old == new and old not in ("NaN",)]


@pytest.mark.parametrize(("spec", "base"), RESERVED)
def test_results_come_from_the_reserved_range(
    server: Connection[Any], spec: dict[str, Any], base: str
) -> None:
    found = treatment(spec, "email")
    after = [value for value in outcome(server, spec, base)[1] if value]
    query = "SELECT v FROM unnest(%s::text[]) AS u(v) WHERE v !~ %s"
    assert len(after) > 5
    assert not server.execute(query, [after, found.transformer.reserved(found.params)]).fetchall()


@pytest.mark.parametrize(
    ("spec", "base"), [case for case in CASES if parts(case)[1] in ("varchar", "bpchar")]
)
def test_the_shortest_column_it_accepts_holds_every_result(
    server: Connection[Any], spec: dict[str, Any], base: str
) -> None:
    found = treatment(spec, "email")
    room = next(
        n for n in range(1, 61) if not list(found.transformer.problems(column(base, n), found.params))
    )
    values = [None, *(value[:room] for value in WORDS), *(f"{n:0{room}}"[-room:] for n in range(300))]
    after = treat(server, f"{base}({room})", values, spec)
    assert all(value is None or len(value) <= room for value in after)


@pytest.mark.parametrize(("spec", "base"), ELEMENTWISE)
def test_arrays_are_treated_element_by_element(
    server: Connection[Any], spec: dict[str, Any], base: str
) -> None:
    type_, values = TYPES.get(base, base), [v for v in VALUES[base] if "\\" not in str(v) and v != "[]"]
    flat = treat(server, type_, [None, *values], spec)
    insert = f"SELECT ARRAY(SELECT v FROM t ORDER BY id)::{type_}[]::text"
    whole = server.execute(insert.encode()).fetchone()
    after = treat(server, f"{type_}[]", [None, "{}", "{NULL}", whole and whole[0]], spec)
    assert after[:3] == [None, "{}", "{NULL}"] or TRANSFORMERS[spec["kind"]].may_null
    elements = server.execute(
        "SELECT e::text FROM result, unnest(v) WITH ORDINALITY AS u(e, n) WHERE id = 3 ORDER BY n"
    )
    assert [row[0] for row in elements] == flat


@pytest.mark.parametrize("base", sorted(INTEGER))
def test_a_bijection_of_integers_fits_the_type_at_its_edge(server: Connection[Any], base: str) -> None:
    bits = {"int2": 15, "int4": 31, "int8": 63}[base]
    edge = [*range(2**bits - 400, 2**bits), *range(-(2**bits), -(2**bits) + 400), *range(-50, 50)]
    after = treat(server, base, edge, {"kind": "unique"})
    assert len(set(after)) == len(edge)


def test_any_type_means_any(server: Connection[Any]) -> None:
    assert [kind for kind, found in TRANSFORMERS.items() if found.accepts is ANY] == ["keep", "null"]


class TestSurrogates:
    def test_equal_whatever_the_column(self, server: Connection[Any]) -> None:
        spec = {"kind": "surrogate", "of": "email"}
        results = [
            treat(server, type_, ["ada@example.com", "ADA@EXAMPLE.COM"], spec)
            for type_ in ("text", "varchar(60)", "name")
        ]
        assert len({tuple(result) for result in results}) == 1
        assert len(set(results[0])) == 1

    def test_a_phone_of_digits_only_stays_one(self, server: Connection[Any]) -> None:
        after = treat(
            server,
            "text",
            ["2125550123", "(212) 555-0123", "+1 212 555 0123"],
            {"kind": "surrogate", "of": "phone"},
        )
        assert [bool(re.fullmatch(r"\d{3}55501\d\d", value)) for value in after] == [True, False, False]
        assert all(re.fullmatch(r"\d{3}-555-01\d\d", value) for value in after[1:])

    def test_addresses_keep_their_family(self, server: Connection[Any]) -> None:
        after = treat(server, "inet", ["10.1.2.3", "fe80::1"], {"kind": "surrogate", "of": "ip"})
        assert [":" in value for value in after] == [False, True]

    def test_longer_texts_become_longer_texts(self, server: Connection[Any]) -> None:
        short, long = treat(server, "text", ["short", "long " * 100], {"kind": "text"})
        assert len(long) > len(short)

    @pytest.mark.parametrize("of", ["email", "user_name", "url"])
    def test_what_claims_to_be_unique_is(self, server: Connection[Any], of: str) -> None:
        values = [f"value {number}" for number in range(5000)]
        assert len(set(treat(server, "text", values, {"kind": "surrogate", "of": of}))) == 5000


class TestPseudonyms:
    def test_the_shape_stays(self, server: Connection[Any]) -> None:
        values = ["D123-4567/x", "ÄÖ ü-1", "山田 9", "a" * 100]
        after = treat(server, "text", values, {"kind": "pseudonym"})
        assert re.fullmatch(r"[A-Z]\d{3}-\d{4}/[a-z]", after[0])
        assert re.fullmatch(r"[a-z]{2} [a-z]-\d", after[1])
        assert re.fullmatch(r"[a-z]{2} \d", after[2])
        assert re.fullmatch(r"[a-z]{100}", after[3])

    def test_single_characters_never_stay(self, server: Connection[Any]) -> None:
        values = list("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
        after = treat(server, "text", values, {"kind": "pseudonym"})
        assert all(old != new for old, new in zip(values, after, strict=True))

    def test_long_values_take_no_longer_per_letter(self, server: Connection[Any]) -> None:
        began = time.monotonic()
        (after,) = treat(server, "text", ["Ärger " * 30_000], {"kind": "pseudonym"})
        assert len(after) == 180_000
        assert time.monotonic() - began < 10

    def test_one_letter_more_changes_everything(self, server: Connection[Any]) -> None:
        one, two = treat(server, "text", ["a" * 30, "a" * 31], {"kind": "pseudonym"})
        assert sum(a == b for a, b in zip(one, two, strict=False)) < 10


class TestDateShift:
    def test_intervals_of_one_person_stay(self, server: Connection[Any]) -> None:
        server.execute(
            "DROP TABLE IF EXISTS visit; CREATE TABLE visit (who text, a date, b timestamp, c timestamptz)"
        )
        server.execute(
            "INSERT INTO visit"
            " SELECT n % 7, d, d + interval '5 hours', (d + interval '2 months')::timestamptz"
            " FROM generate_series(1, 70) n, (SELECT date '2024-03-09') AS s(d)"
        )
        heap = table(server, "public.visit")
        found = treatment({"kind": "date_shift", "days": 30, "by": "who"}, "quasi_identifier")
        after = run(server, heap_select(heap, heap.columns, dict.fromkeys("abc", found), None))
        before = server.execute("SELECT * FROM visit").fetchall()
        moved = {row[0]: set() for row in after}  # type: ignore[var-annotated]
        for (who, a, b, c), (_, old_a, old_b, old_c) in zip(after, before, strict=True):
            assert a - old_a == b - old_b == c - old_c
            moved[who].add((a - old_a).days)
        assert all(len(days) == 1 for days in moved.values())
        shifts = {next(iter(days)) for days in moved.values()}
        assert len(shifts) > 3
        assert all(1 <= abs(days) <= 30 for days in shifts)

    def test_without_a_person_the_value_itself_decides(self, server: Connection[Any]) -> None:
        server.execute("DROP TABLE IF EXISTS visit; CREATE TABLE visit (who text, a date NOT NULL)")
        server.execute(
            "INSERT INTO visit VALUES (NULL, '2024-01-01'), (NULL, '2024-01-01'), ('x', '2024-01-01')"
        )
        heap = table(server, "public.visit")
        found = treatment({"kind": "date_shift", "by": "who"}, "quasi_identifier")
        (_, one), (_, two), _ = run(server, heap_select(heap, heap.columns, {"a": found}, None))
        assert one == two
        assert str(one) != "2024-01-01"

    def test_marks_stay_and_days_never_do(self, server: Connection[Any]) -> None:
        marks = ["infinity", "-infinity", "9999-12-31", "0001-01-01", "4713-01-01 BC"]
        days = [f"2024-01-{day:02}" for day in range(1, 32)]
        after = treat(server, "date", [*marks, *days], {"kind": "date_shift", "days": 1})
        assert after[: len(marks)] == marks
        assert all(old != new for old, new in zip(days, after[len(marks) :], strict=True))


class TestScale:
    def sums(
        self, server: Connection[Any], type_: str, values: list[str], **params: object
    ) -> tuple[float, float, list[Any]]:
        after = treat(server, type_, values, {"kind": "scale", **params}, category="financial_sensitive")
        sums = "SELECT (SELECT sum(v)::numeric FROM t), (SELECT sum(v)::numeric FROM result)"
        ((before, now),) = server.execute(sums).fetchall()
        return float(before), float(now), after

    @pytest.mark.parametrize("type_", ["numeric(12,2)", "numeric", "int4", "float8", "money"])
    def test_sums_and_averages_are_off(self, server: Connection[Any], type_: str) -> None:
        before, after, _ = self.sums(server, type_, [str(number * 17 % 5000 + 1) for number in range(2000)])
        assert 0.4 * before < after < 0.96 * before

    def test_signs_and_zero_stay(self, server: Connection[Any]) -> None:
        values = ["0", "0.01", "-0.01", "0.02", "1", "-1"]
        _, _, after = self.sums(server, "numeric(10,2)", values, noise=0.5)
        assert [float(value) > 0 for value in after] == [float(value) > 0 for value in values]
        assert [float(value) < 0 for value in after] == [float(value) < 0 for value in values]

    @pytest.mark.parametrize("noise", [0, 0.05, 0.5])
    def test_no_amount_outgrows_its_column(self, server: Connection[Any], noise: float) -> None:
        _, _, after = self.sums(
            server, "numeric(4,2)", [f"{99.99 - number / 100:.2f}" for number in range(500)], noise=noise
        )
        assert all(0 < float(value) < 96 for value in after)

    def test_equal_amounts_stay_equal_whatever_the_type(self, server: Connection[Any]) -> None:
        results = [
            float(treat(server, type_, ["1200"], {"kind": "scale"})[0].strip("$").replace(",", ""))
            for type_ in ("numeric(12,2)", "numeric(14,2)", "money")
        ]
        assert len(set(results)) == 1
        assert len(set(treat(server, "numeric", ["5.0", "5.00", "5"], {"kind": "scale"})[0:1])) == 1

    def test_open_scales_are_the_amounts_own(self, server: Connection[Any]) -> None:
        after = treat(server, "numeric", ["12.3456", "12", "12.3"], {"kind": "scale"})
        assert [len(value.partition(".")[2]) for value in after] == [4, 0, 1]


class TestJson:
    def erased(
        self, server: Connection[Any], document: str, paths: dict[str, Any], type_: str = "jsonb"
    ) -> Any:
        return json.loads(treat(server, type_, [document], {"kind": "json", "paths": paths})[0])

    @pytest.mark.parametrize("type_", ["json", "jsonb"])
    def test_only_listed_paths_are_kept(self, server: Connection[Any], type_: str) -> None:
        document = '{"a": {"b": 1, "secret": 2}, "c": [1, {"d": 2}], "secret": {"b": 3}}'
        paths = {"a.b": {"kind": "keep"}, "c": {"kind": "keep"}, "nowhere.at.all": {"kind": "keep"}}
        assert self.erased(server, document, paths, type_) == {"a": {"b": 1}, "c": [1, {"d": 2}]}

    @pytest.mark.parametrize("document", ['"Ada"', "1", "[]", '["Ada"]', "null", "{}"])
    def test_what_is_no_object_is_erased(self, server: Connection[Any], document: str) -> None:
        assert self.erased(server, document, {"a": {"kind": "keep"}}) == {}

    def test_null_and_empty_stay(self, server: Connection[Any]) -> None:
        paths = {"a": {"kind": "pseudonym"}, "b": {"kind": "pseudonym"}, "c.d": {"kind": "keep"}}
        assert self.erased(server, '{"a": null, "b": "", "c": null}', paths) == {
            "a": None,
            "b": "",
            "c": None,
        }

    def test_anything_but_a_word_or_number_is_erased_at_a_treated_path(self, server: Connection[Any]) -> None:
        paths = {key: {"kind": "pseudonym"} for key in "abc"}
        assert self.erased(server, '{"a": ["Ada"], "b": {"x": "Ada"}, "c": true}', paths) == {
            "a": None,
            "b": None,
            "c": None,
        }

    def test_anything_but_an_object_is_erased_on_the_way(self, server: Connection[Any]) -> None:
        paths = {"a.b": {"kind": "keep"}, "c.0": {"kind": "keep"}}
        assert self.erased(server, '{"a": "Ada", "c": ["Ada"]}', paths) == {"a": None, "c": None}

    @pytest.mark.parametrize(
        ("treat", "expected"),
        [({"kind": "null"}, None), ({"kind": "constant", "value": "it's"}, "it's"),
        ({"kind": "placeholder"}, ""),
         ({"kind": "constant", "value": 7}, "7")],
    )  # fmt: skip
    def test_suppression_inside(
        self, server: Connection[Any], treat: dict[str, Any], expected: object
    ) -> None:
        assert self.erased(server, '{"a": "Ada"}', {"a": treat}) == {"a": expected}

    def test_the_same_value_inside_and_outside(self, server: Connection[Any]) -> None:
        spec = {"kind": "surrogate", "of": "email", "domain": "email"}
        outside = treat(server, "text", ["ada@example.net"], spec)
        assert self.erased(server, '{"a": {"b": "ada@example.net"}}', {"a.b": spec}) == {
            "a": {"b": outside[0]}
        }

    def test_keys_may_be_any_text_without_a_dot(self, server: Connection[Any]) -> None:
        keys = ["it's", 'say "x"', "back\\slash", "kind", "山", " ", "{a}", "$1", ":x", "%s"]
        document = json.dumps(dict.fromkeys(keys, "Ada"))
        kept = self.erased(server, document, {key: {"kind": "keep"} for key in keys})
        assert kept == dict.fromkeys(keys, "Ada")
        nested = json.dumps({"kind": {"kind": "Ada", "of": "Ada"}})
        assert self.erased(server, nested, {"kind.kind": {"kind": "keep"}}) == {"kind": {"kind": "Ada"}}


def test_arrays_of_arrays_come_out_flat(server: Connection[Any]) -> None:
    after = treat(server, "text[]", ["{{Ada,Bob},{Cy,NULL}}"], {"kind": "pseudonym"})
    assert re.fullmatch(r"\{[A-Z][a-z]{2},[A-Z][a-z]{2},[A-Z][a-z],NULL\}", after[0])
