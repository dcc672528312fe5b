"""What has parts keeps its shape: arrays of any dimensions, composite types, ranges of time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from psycopg import Connection

from sanitizers.policy.compile import heap_select, treatment
from sanitizers.postgres.cluster import Cluster
from tests.scrubbing import run, shared_session, table, treat

PSEUDONYM = {"kind": "pseudonym"}


@pytest.fixture(scope="module")
def server(production18: Cluster) -> Iterator[Connection[Any]]:
    with shared_session(production18, "shapes") as connection:
        connection.execute("CREATE SCHEMA hr; CREATE TYPE hr.\"Mood\" AS ENUM ('low', 'so \"so\"', 'high')")
        connection.execute("CREATE DOMAIN hr.code AS varchar(5)")
        connection.execute('CREATE TYPE hr.place AS (street text, "Zip" hr.code, tags text[])')
        connection.execute('CREATE TYPE hr.person AS (name text, mood hr."Mood", home hr.place)')
        connection.execute('CREATE DOMAIN hr.somebody AS hr.person; CREATE DOMAIN hr.feeling AS hr."Mood"')
        yield connection


def shape(text: str) -> str:
    """An array's text with x for every word."""
    return re.sub(r'"(\\.|[^"\\])*"|[^{},="\[\]:0-9]+', "x", text)


class TestArrays:
    @pytest.mark.parametrize("value", [
        "{}", "{Ada}", "{Ada,NULL}", "{{Ada,Bob},{Cy,NULL}}", "{{{a},{b}},{{c},{d}}}", "{{{{{{a}}}}}}",
        '[0:1][-2:-1]={{"A \\"d\\" \\\\ a",Bob},{"",NULL}}', "[5:6]={Ada,Bob}",
    ])  # fmt: skip
    def test_dimensions_and_bounds_stay(self, server: Connection[Any], value: str) -> None:
        (after,) = treat(server, "text[]", [value], PSEUDONYM)
        assert shape(after) == shape(value)
        assert "Ada" not in after
        rows = "SELECT array_agg(e) FROM (SELECT unnest(v) FROM t) AS u(e)"
        ((before,),) = server.execute(rows.encode()).fetchall()
        ((now,),) = server.execute(rows.replace("FROM t)", "FROM result)").encode()).fetchall()
        assert now == (treat(server, "text", before, PSEUDONYM) if before else None)

    @pytest.mark.parametrize(
        ("type_", "spec"),
        [("date[]", {"kind": "date_shift"}), ("numeric(6,2)[]", {"kind": "scale"}),
         ("varchar(3)[]", PSEUDONYM), ("hr.code[]", PSEUDONYM),
         ('hr."Mood"[]', {"kind": "choice", "values": ["low", 'so "so"']})],
    )  # fmt: skip
    def test_of_any_type(self, server: Connection[Any], type_: str, spec: dict[str, Any]) -> None:
        words = {"date[]": "2024-01-01", "numeric(6,2)[]": "12.34", 'hr."Mood"[]': "low"}
        word = words.get(type_, "Ada")
        (flat,) = treat(server, type_, [f"{{{word},NULL,{word},{word}}}"], spec)
        (deep,) = treat(server, type_, [f"{{{{{word},NULL}},{{{word},{word}}}}}"], spec)
        assert deep.count("{") == 3
        assert deep.replace("{", "").replace("}", "") == flat.strip("{}")


class TestComposites:
    def test_listed_fields_stay_or_are_treated(self, server: Connection[Any]) -> None:
        place = {"kind": "composite", "fields": {"Zip": {"kind": "keep"}, "tags": PSEUDONYM}}
        spec = {"kind": "composite", "fields": {"mood": {"kind": "placeholder"}, "home": place}}
        value = '(Ada,high,"(Mill Lane,12345,""{{a,b},{c,d}}"")")'
        for type_ in ("hr.person", "hr.somebody"):
            (after,) = treat(server, type_, [value], spec)
            assert re.fullmatch(r'\(,low,"\(,12345,""\{\{[a-z],[a-z]\},\{[a-z],[a-z]\}\}""\)"\)', after)

    def test_nulls(self, server: Connection[Any]) -> None:
        spec = {"kind": "composite", "fields": {"street": PSEUDONYM, "Zip": PSEUDONYM}}
        assert treat(server, "hr.place", [None, "(,,)", '("","",{})'], spec) == [None, "(,,)", '("","",)']
        assert treat(server, "hr.place", ["(Mill Lane,1,{a})"], {"kind": "composite"}) == ["(,,)"]

    def test_arrays_of_them(self, server: Connection[Any]) -> None:
        spec = {"kind": "composite", "fields": {"Zip": {"kind": "keep"}}}
        values = ["{}", '{"(Mill Lane,1,{a})",NULL,"(,2,)"}', '{{"(Mill Lane,1,{a})"},{"(x,2,)"}}']
        assert treat(server, "hr.place[]", values, spec) == [
            "{}", '{"(,1,)",NULL,"(,2,)"}', '{{"(,1,)"},{"(,2,)"}}',
        ]  # fmt: skip


def test_enums_in_their_schema(server: Connection[Any]) -> None:
    for type_ in ('hr."Mood"', "hr.feeling"):
        assert treat(server, type_, ["high", None], {"kind": "placeholder"}) == ["low", None]
        assert treat(server, type_, ["high", None], {"kind": "constant", "value": 'so "so"'}) == [
            'so "so"',
            None,
        ]
        chosen = treat(server, type_, ["high"], {"kind": "choice", "values": ["low", 'so "so"']})
        assert chosen[0] in ("low", 'so "so"')


def test_choices_spread_and_follow_whom_they_are_about(server: Connection[Any]) -> None:
    values = [f"value {number}" for number in range(600)]
    spec = {"kind": "choice", "values": ["a", "b", "c"]}
    counts = [treat(server, "text", values, spec).count(letter) for letter in "abc"]
    assert sum(counts) == 600
    assert all(150 < count < 250 for count in counts)
    assert len(set(treat(server, "text", ["same"] * 50, {**spec, "by": "id"}))) == 3


def test_a_search_vector_follows_the_treated_text(server: Connection[Any]) -> None:
    server.execute("DROP TABLE IF EXISTS note")
    server.execute("CREATE TABLE note (title text, body varchar, v tsvector)")
    server.execute("INSERT INTO note VALUES ('Ada', 'dogs bark', 'x'), ('Bob', NULL, 'y'), ('Cy', '', NULL)")
    long = "SELECT 'long', string_agg(md5(n::text), ' '), 'x' FROM generate_series(1, 9999) n"
    server.execute(f"INSERT INTO note {long}".encode())
    note = table(server, "public.note")
    vector = {"kind": "tsvector", "columns": ["title", "body"], "config": "pg_catalog.english"}
    treatments = {"title": treatment(PSEUDONYM, "name"), "v": treatment(vector, "free_text")}
    rows = run(server, heap_select(note, note.columns, treatments, None))
    for title, body, made in rows[:2]:
        text = f"{title} {body or ''}"
        assert server.execute("SELECT to_tsvector('english', %s)::text", [text]).fetchone() == (made,)
    assert rows[2][2] is None
    assert len(rows[3][2]) > 50_000


class TestRanges:
    @pytest.mark.parametrize("type_", ["daterange", "tsrange"])
    def test_both_ends_move_alike(self, server: Connection[Any], type_: str) -> None:
        stays = [f"[2024-01-{day:02},2024-02-{day + 3:02})" for day in range(1, 20)]
        treat(server, type_, stays, {"kind": "date_shift", "days": 30})
        moved = {
            (new.lower - old.lower, new.upper - old.upper, new.lower_inc, new.upper_inc)
            for old, new in server.execute("SELECT t.v, result.v FROM t JOIN result USING (id)")
        }
        assert all(low == high and 1 <= abs(low.days) <= 30 for low, high, *_ in moved)
        assert len({low for low, *_ in moved}) > 5
        assert {tuple(inclusive) for _, _, *inclusive in moved} == {(True, False)}

    def test_open_ends_bounds_and_marks_stay(self, server: Connection[Any]) -> None:
        values = [
            "empty",
            "(,)",
            None,
            "[-infinity,infinity]",
            "(infinity,)",
            "(2024-01-01,)",
            "[,2024-01-01]",
        ]
        after = treat(server, "tsrange", values, {"kind": "date_shift"})
        assert after[:5] == ["empty", "(,)", None, "[-infinity,infinity]", "(infinity,)"]
        assert re.fullmatch(r'\("20\d\d-\d\d-\d\d 00:00:00",\)', after[5])
        assert re.fullmatch(r'\(,"20\d\d-\d\d-\d\d 00:00:00"\]', after[6])
        assert "2024-01-01" not in after[5] + after[6]

    def test_nothing_overtakes_a_mark(self, server: Connection[Any]) -> None:
        values = ["[9989-12-31,9990-01-05)", "[0010-12-25,0011-01-02)"] * 40
        for type_ in ("daterange", "tsrange", "tstzrange"):
            assert len(treat(server, type_, values, {"kind": "date_shift", "days": 3650})) == 80

    def test_ranges_of_one_value_move_alike(self, server: Connection[Any]) -> None:
        value = "{[2024-01-01,2024-02-01),[2024-03-01,2024-04-01),[2025-01-01,)}"
        treat(server, "datemultirange", [value, "{}", "{(,)}"], {"kind": "date_shift"})
        (one,), *rest = server.execute("SELECT v FROM result ORDER BY id").fetchall()
        starts = [part.lower for part in one]
        assert (starts[1] - starts[0]).days == 60
        assert (starts[2] - starts[0]).days == 366
        assert starts[0] != date(2024, 1, 1)
        assert [len(multirange) for (multirange,) in rest] == [0, 1]
