"""What every treatment promises: run by its real expression on a real server, for every type it accepts.

Not covered for want of a server that has them: citext, hstore and xml; see integration/test_structured_types.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from psycopg import Connection

from sanitizers.catalog import Column
from sanitizers.keys import RunKey
from sanitizers.policy.compile import heap_select, treatment
from sanitizers.postgres.cluster import Cluster
from sanitizers.transformers import TRANSFORMERS
from sanitizers.transformers.base import ANY, INTEGER, NUMBER, TEXT, TIME
from sanitizers.transformers.credential import Format
from tests.scrubbing import KEY, OTHER_KEY, run, shared_session, table, treat

SURROGATES = (
    "first_name", "last_name", "full_name", "user_name", "company", "job", "street", "phone", "email",
    "url", "ip",
    "sentence", "paragraph", "city", "state", "country", "fax", "ipv4", "ipv6", "mac",
)  # fmt: skip
IDENTIFIERS = (
    "ssn", "npi", "mbi", "iban", "card", "vin", "imei", "license_plate", "passport", "uuid",
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
    {"kind": "constant", "value": "low"},
    {"kind": "placeholder"},
    {"kind": "placeholder", "image": True},
    *({"kind": "surrogate", "of": of} for of in SURROGATES),
    {"kind": "surrogate", "of": "email", "named": True},
    {"kind": "surrogate", "of": "user_name", "named": True},
    *({"kind": "identifier", "of": of} for of in IDENTIFIERS),
    {"kind": "text"},
    {"kind": "pseudonym"},
    {"kind": "unique", "format": "digits"},
    {"kind": "unique", "format": "ssn"},
    {"kind": "unique", "format": "token"},
    {"kind": "known_password"},
    {"kind": "date_shift", "days": 30},
    {"kind": "noise", "up_to": 0.1},
    {"kind": "noise", "range": 90},
    {"kind": "scale", "noise": 0.05},
    {"kind": "scale", "noise": 0.5},
    {"kind": "sum_of", "columns": ["id", "id"]},
    {"kind": "permutation"},
    {"kind": "truncate", "to": "year"},
    {"kind": "truncate", "to": "quarter"},
    {"kind": "truncate", "to": "month", "time_zone": "Europe/Paris"},
    {"kind": "truncate", "to": "week"},
    {"kind": "truncate", "to": "day", "time_zone": "Pacific/Kiritimati"},
    {"kind": "top_code"},
    {"kind": "top_code", "above": 99, "to": "year", "as_of": "2024-02-29"},
    {"kind": "round", "to": 100},
    {"kind": "round", "to": 0.05, "down": True},
    {"kind": "round", "to": 30000, "down": True},
    {"kind": "bucket", "edges": [0, 18, 65]},
    {"kind": "bucket", "edges": [-0.5, 12.25]},
    {"kind": "zip3"},
    {"kind": "zip3", "digits": 5, "also": ["123"]},
    {"kind": "centroid"},
    {"kind": "centroid", "degrees": 0.001},
    {"kind": "sql", "expression": "value"},
    {"kind": "sql", "expression": "right(concat(upper(value), keyed_int(1000000)), 1)"},
    {"kind": "python", "function": "tests.scrubbing:same"},
    {"kind": "redact"},
    {"kind": "redact", "columns": ["id"]},
    {"kind": "choice", "values": ["low", "high", "low"]},
    {"kind": "choice", "values": [7, 8, 9]},
    {"kind": "choice", "values": [True, False]},
    {"kind": "json", "paths": {}},
    {"kind": "json", "paths": {"a.b": {"kind": "pseudonym"}, "c": {"kind": "keep"}}},
    {"kind": "json", "paths": {"[].b": {"kind": "pseudonym"}, "a[].b": {"kind": "pseudonym"}}},
    {"kind": "hstore"},
    {"kind": "xml"},
    {"kind": "composite"},
    {"kind": "composite", "fields": {"x": {"kind": "keep"}, "y": {"kind": "pseudonym"}}},
    {"kind": "tsvector", "columns": ["id"]},
]
"""Every registered treatment, with parameters that between them suit every type it accepts."""

CONSTANTS = {
    "2001-02-03": TEXT | TIME, 7: TEXT | NUMBER, True: TEXT | {"bool"}, "{}": TEXT | {"json", "jsonb"},
    "192.0.2.7": TEXT | {"inet"}, "low": TEXT | {"enum"},
    "c0ffee00-0000-4000-8000-000000000000": TEXT | {"uuid"},
}  # fmt: skip

WORDS = [
    "", "A", "Ada", " ", "---", "O'Brien \"x\" \\ ; --", "Zoë", "Zoe\u0308", "山田太郎", "😀👩‍👧", "007",
    "-5",
    "0",
    "201-555-0100", "12125550123", "ada@example.com", "ADA@Example.com", "192.0.2.1", "2001:db8::1",
    "DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432", "4111 1111 1111 1111", "3782-822463-10005", "NY",
    "1EG4-TE5-MK73", "08-00-2B-01-02-03", "0800.2b01.0203", "c0ffee00-0000-4000-8000-000000000000",
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
    "macaddr": ["08:00:2b:01:02:03", "00:00:5e:00:53:00", "ff:ff:ff:ff:ff:ff"],
    "macaddr8": ["08:00:2b:01:02:03:04:05", "00:00:5e:00:53:00", "ff:ff:ff:ff:ff:ff:ff:ff"],
    "bytea": ["", r"\x00ff", "x" * 3000],
    "json": ["{}", "[]", "null", '"x"', "1", '{"a": {"b": "Ada", "z": 1}, "c": [1], "d": {"c": 2}}',
    '{"a": [{"b": "x"}]}',
             '{"a": {"b": null}}', '{"a": {"b": {"x": 1}}}', '{"a": null, "c": null}',
             '{"a": {"b": 12}, "a": {"b": true}}'],
    "tsvector": ["", "'ada' 'fat':2"],
    "bool": ["true", "false"],
    "point": ["(1,2)"],
    "interval": ["1 day"],
    "enum": ["low", "high"],
    "composite": ["(1,Ada)", '(,"")', "(,)"],
    "line": ["{1,2,3}"], "lseg": ["((1,2),(3,4))"], "box": ["((3,4),(1,2))"], "path": ["[(1,2),(3,4)]"],
    "polygon": ["((1,2),(3,4))"], "circle": ["<(1,2),3>"],
    "bit": ["10110"], "varbit": ["", "101"], "time": ["24:00:00"], "timetz": ["10:00+14"],
    "tsquery": ["", "'ada' & !'fat'"], "jsonpath": ["$.a"], "char": ["x"], "refcursor": ["", "c"],
    "oid": ["4294967295"], "xid": ["7"], "xid8": ["7"], "cid": ["7"], "tid": ["(7,8)"],
    "pg_lsn": ["16/B374D848"],
    "int2vector": ["", "1 2"], "oidvector": ["1 2"],
    "txid_snapshot": ["10:20:10,14"], "pg_snapshot": ["10:20:10,14"],
    "regproc": ["now"], "regprocedure": ["now()"], "regoper": ["||/"], "regoperator": ["+(int4,int4)"],
    "regclass": ["pg_class"], "regtype": ["int4"], "regrole": ["postgres"], "regnamespace": ["public"],
    "regconfig": ["english"], "regdictionary": ["simple"], "regcollation": ['"C"'],
    "int4range": ["empty", "[1,9)"], "int8range": ["(,9)"], "numrange": ["[1.5,]"], "range": ["[1,2]"],
    "daterange": ["empty", "(,)", "[2020-01-01,2020-02-01)", "(,2020-01-01)", "[2020-01-01,)",
                  "[2020-01-01,infinity]", "[9989-12-31,9990-01-05)", "[0009-12-25,0010-01-02)",
                  "[4713-01-01 BC,5874897-12-31)"],
    "tsrange": ["empty", "(2020-01-01 10:00,2020-02-01 11:00]", "(,)", "(2020-01-01,)", "(,2020-01-01]",
                "(infinity,infinity]", "[-infinity,infinity]", "(0009-12-31 23:59,0010-01-01 00:00]"],
    "tstzrange": ["empty", "[2024-03-10 02:30-05,2024-03-11 02:30-05]", "[2020-01-01 00:00+00,infinity)"],
    "int4multirange": ["{}", "{[1,9)}"], "int8multirange": ["{(,9)}"], "nummultirange": ["{[1.5,2]}"],
    "multirange": ["{[1,2]}"],
    "datemultirange": ["{}", "{(,)}", "{[2020-01-01,2020-02-01),[9989-12-31,9990-01-05)}"],
    "tsmultirange": ["{}", "{(2020-01-01 10:00,2020-02-01 11:00],[2021-01-01,)}"],
    "tstzmultirange": ["{[2024-03-10 02:30-05,2024-03-11 02:30-05]}"],
}  # fmt: skip
VALUES["jsonb"] = [
    *VALUES["json"],
    '[{"b": "Ada"}, {"b": ["x"]}, 7]',
    '{"a": [[], {}, {"b": -1.50}]}',
    "[[1]]",
]
VALUES["json"] = [
    *VALUES["jsonb"],
    r'{"a": {"b": "\u0000\\u0000 \ud83d\ude00"}}',
    '{"c": 1e200000, "a": 0.1}',
    f'{{"c": {"9" * 140000}}}',
    '{"c": -1e-20000}',
]
TYPES = {
    "varchar": "varchar(60)", "bpchar": "char(60)", "numeric": "numeric(16,2)", "point": "point",
    "bit": "bit(5)", "char": '"char"', "enum": "mood", "composite": "pair", "range": "span",
    "multirange": "spans",
}  # fmt: skip
PAIR = (Column("x", 1, "integer", "int4"), Column("y", 2, "text", "text"))
MADE = """
CREATE TYPE mood AS ENUM ('low', 'high');
CREATE TYPE pair AS (x int, y text);
CREATE TYPE span AS RANGE (subtype = float8, multirange_type_name = spans);
"""
UNAVAILABLE = {"citext", "hstore", "xml"}


def spell(spec: dict[str, Any]) -> str:
    return " ".join(str(spec[key]) for key in spec if key != "paths" or spec[key])


def accepted(spec: dict[str, Any]) -> Iterator[str]:
    """Base types that the treatment, with these parameters, takes."""
    found = treatment(spec, "email")
    for base in sorted((found.transformer.accepts or set(VALUES)) - UNAVAILABLE):
        problems = list(found.transformer.problems(column(base), found.params))
        fits = found.kind != "constant" or base in CONSTANTS[spec["value"]]
        fits = fits and (base in TEXT or "keyed_int" not in spec.get("expression", ""))
        if fits and not problems:
            yield base


def column(base: str, max_length: int | None = None) -> Column:
    lengths = {"varchar": 60, "bpchar": 60}
    # Scaled amounts have decimals; what is unique is a whole number.
    return Column(
        "v", 2, TYPES.get(base, base), base, max_length=max_length or lengths.get(base),
        labels=("low", "high") if base == "enum" else (),
        fields=PAIR if base == "composite" else (),
    )  # fmt: skip


def parts(case: Any) -> tuple[dict[str, Any], str]:
    """A case's treatment and base type."""
    spec, base = case.values
    return spec, base


CASES = [pytest.param(spec, base, id=f"{spell(spec)}-{base}") for spec in VARIANTS for base in accepted(spec)]
KEYED = [
    case
    for case in CASES
    if "domain" in type(treatment(parts(case)[0], "email").params).model_fields
    and parts(case)[0].get("expression") != "value"
]
DIFFERENT = [
    case
    for case in KEYED
    if parts(case)[0]["kind"] in {"surrogate", "identifier", "text", "pseudonym", "unique"}
]
"""Cases in which nobody may be replaced by himself."""
RESERVED = [
    case for case in KEYED if (t := treatment(parts(case)[0], "email")).transformer.reserved(t.params)
]
ELEMENTWISE = [
    case
    for case in CASES
    if TRANSFORMERS[parts(case)[0]["kind"]].elementwise and parts(case)[1] not in ("name", "composite")
]


@pytest.fixture(scope="module")
def server(production18: Cluster) -> Iterator[Connection[Any]]:
    """One session for the whole suite."""
    with shared_session(production18, "contract_of_transformers") as connection:
        connection.execute("SET DateStyle = 'ISO, YMD'")
        connection.execute("SET TimeZone = 'America/New_York'")
        connection.execute(MADE)
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
    if not TRANSFORMERS[spec["kind"]].deterministic:
        return
    before, after = outcome(server, spec, base)
    results: dict[str | None, set[str | None]] = {}
    for old, new in zip(before, after, strict=True):
        results.setdefault(old, set()).add(new)
    assert all(len(found) == 1 for found in results.values())
    assert after == fresh_outcome(server, spec, base, KEY)[1]


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


def test_every_type_has_a_treatment(server: Connection[Any]) -> None:
    """Types that may be columns and whose values can be written: all of the catalog's own but arrays."""
    silent = {"gtsvector", "pg_node_tree", "pg_ndistinct", "pg_dependencies", "pg_mcv_list", "aclitem"}
    silent |= {"pg_brin_bloom_summary", "pg_brin_minmax_multi_summary"}
    types = server.execute(
        "SELECT typname FROM pg_type WHERE typnamespace = 'pg_catalog'::regnamespace"
        " AND typtype IN ('b', 'r', 'm') AND typcategory <> 'A'"
    ).fetchall()
    accepts = TRANSFORMERS["placeholder"].accepts
    assert {name for (name,) in types} - silent <= accepts
    assert accepts - {"citext", "hstore"} <= {name for (name,) in types} | {
        "enum", "range", "multirange", "oidvector", "int2vector",
    }  # fmt: skip


def test_any_type_means_any(server: Connection[Any]) -> None:
    kinds = [kind for kind, found in TRANSFORMERS.items() if found.accepts is ANY]
    assert kinds == ["keep", "null", "permutation", "sql", "python"]


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


class TestKnownPassword:
    @pytest.mark.parametrize("format_", get_args(Format))
    def test_the_shortest_column_it_accepts(self, server: Connection[Any], format_: str) -> None:
        found = treatment({"kind": "known_password", "format": format_}, "credential")
        room = next(
            n
            for n in range(1, 300)
            if not list(found.transformer.problems(column("varchar", n), found.params))
        )
        values = [None, "", "x" * room, "y"]
        after = treat(server, f"varchar({room})", values, {"kind": "known_password", "format": format_})
        assert after[:2] == [None, ""]
        assert after[2] == after[3]
        assert len(after[2]) == room


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
         ({"kind": "constant", "value": 7}, 7), ({"kind": "constant", "value": True}, True),
         ({"kind": "constant", "value": 0.5}, 0.5)],
    )  # fmt: skip
    def test_suppression_inside(
        self, server: Connection[Any], treat: dict[str, Any], expected: object
    ) -> None:
        assert self.erased(server, '{"a": "Ada"}', {"a": treat}) == {"a": expected}

    @pytest.mark.parametrize(
        ("treat", "expected"),
        [({"kind": "placeholder"}, {"s": "", "n": 0, "b": False, "l": [], "o": {}, "z": None, "e": ""}),
         ({"kind": "constant", "value": 7},
          {"s": 7, "n": 7, "b": 7, "l": None, "o": None, "z": None, "e": ""}),
         ({"kind": "constant", "value": "x"},
          {"s": "x", "n": "x", "b": None, "l": None, "o": None, "z": None, "e": ""})],
    )  # fmt: skip
    def test_types_of_values(
        self, server: Connection[Any], treat: dict[str, Any], expected: dict[str, Any]
    ) -> None:
        document = {"s": "Ada", "n": 12.5, "b": True, "l": ["Ada"], "o": {"x": 1}, "z": None, "e": ""}
        assert self.erased(server, json.dumps(document), dict.fromkeys(document, treat)) == expected

    def test_treatments_of_numbers(self, server: Connection[Any]) -> None:
        paths = {key: {"kind": "scale"} for key in "abc"}
        found = self.erased(server, '{"a": 1000, "b": "Ada", "c": null}', paths)
        assert 0 < found.pop("a") < 1000
        assert found == {"b": None, "c": None}

    def test_numbers_stay_numbers_where_digits_come_out(self, server: Connection[Any]) -> None:
        paths = {key: {"kind": "pseudonym"} for key in "abc"}
        found = self.erased(server, '{"a": 123, "b": "123", "c": -4.50}', paths)
        assert (type(found["a"]), type(found["b"]), type(found["c"])) == (int, str, float)
        assert found["a"] not in (123, "123")

    @pytest.mark.parametrize("type_", ["json", "jsonb"])
    def test_every_element_of_an_array(self, server: Connection[Any], type_: str) -> None:
        keep = {"kind": "keep"}
        document = (
            '{"a": [{"b": 1, "x": 2}, {"x": 3}, 4, [5], null],'
            ' "c": ["Ada", {"x": 1}, "", null], "d": [[1, "y"]]}'
        )
        paths = {"a[].b": keep, "c[]": {"kind": "constant", "value": "z"}, "d[][]": keep}
        assert self.erased(server, document, paths, type_) == {
            "a": [{"b": 1}, {}, None, None, None], "c": ["z", None, "", None], "d": [[1, "y"]],
        }  # fmt: skip
        assert self.erased(server, '{"a": {"b": 1}, "c": "Ada"}', paths, type_) == {"a": None, "c": None}

    def test_a_place_may_hold_an_object_or_an_array(self, server: Connection[Any]) -> None:
        paths = {"a.b": {"kind": "keep"}, "a[].b": {"kind": "keep"}}
        for document in ('{"a": {"b": 1}}', '{"a": [{"b": 1}]}'):
            assert self.erased(server, document, paths) == json.loads(document)

    @pytest.mark.parametrize(
        ("document", "expected"),
        [('[{"b": 1, "x": 2}, 3]', [{"b": 1}, None]), ("[]", []), ('{"b": 1}', []), ('"Ada"', [])],
    )
    def test_an_array_at_the_top(self, server: Connection[Any], document: str, expected: object) -> None:
        assert self.erased(server, document, {"[].b": {"kind": "keep"}}) == expected

    def test_keys_with_dots(self, server: Connection[Any]) -> None:
        document = {"a.b": 1, "c": {"d.e": [2], 'f"g': 3, "h[]": 4}, "a": {"b": 5}}
        paths = ('"a.b"', 'c."d.e"[]', 'c."f""g"', 'c."h[]"')
        kept = self.erased(server, json.dumps(document), {path: {"kind": "keep"} for path in paths})
        assert kept == {"a.b": 1, "c": {"d.e": [2], 'f"g': 3, "h[]": 4}}

    def test_what_no_numeric_can_hold_is_erased_and_nul_is_replaced(self, server: Connection[Any]) -> None:
        paths = {"a": {"kind": "keep"}}
        assert self.erased(server, '{"a": 1e200000}', paths, "json") == {}
        nul = self.erased(server, r'{"a": "\u0000\u0000 \\u0000 \\\u0000"}', paths, "json")
        assert nul == {"a": "\ufffd\ufffd \\u0000 \\\ufffd"}

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
