"""Expressions of a data engineer's own mean the same in the plan as they do to the server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from psycopg import Connection, errors

from sanitizers.policy.compile import heap_select, treatment
from sanitizers.postgres.cluster import Cluster
from sanitizers.transformers.expression import IMMUTABLE, SESSION
from tests.scrubbing import KEY, OTHER_KEY, run, shared_session, table, treat

EXPRESSIONS = [
    "upper(left(value, 1)) || '.'",
    "left(value, -2)",
    "substring(value from 2 for 3)", "substring(value, 2)", "substring(value from '[a-z]+')",
    "trim(value)", "trim(both 'xA' from value)", "trim(leading from value)", "trim(value, 'A')",
    "btrim(value, 'A')", "rtrim(value)",
    "position('d' in value)", "strpos(value, 'd')",
    "overlay(value placing '--' from 2 for 1)",
    "extract(year from born)", "extract(epoch from seen)", "date_part('dow', born)",
    "born + interval '1 day 2 hours'", "born + interval '3' month", "date '2020-02-29' - born",
    "seen at time zone 'UTC'", "date_trunc('month', born)", "to_char(born, 'FMDay, DD Month YYYY')",
    "to_char(number, 'FM999990.00')", "to_date('17 05 1970', 'DD MM YYYY')", "make_date(2020, 1, 31)",
    "CASE WHEN number > 3 THEN 'a' WHEN number IS NULL THEN 'b' ELSE 'c' END",
    "CASE number WHEN 1 THEN 'x' END",
    "coalesce(nullif(value, 'Ada'), 'nobody')", "greatest(number, 2)", "least(value, 'B')",
    "value LIKE 'A%'", "value NOT LIKE 'A!_%' ESCAPE '!'", "value ILIKE 'a%'", "value SIMILAR TO '(A|B)%'",
    "value ~ '^[[:alpha:]]+$'", "value !~* 'ADA'", "true = (value !~ 'x')",
    "value IN ('Ada', 'Bob')", "value NOT IN ('Ada')", "value = ANY(ARRAY['Ada', 'x'])",
    "number BETWEEN 1 AND 3", "number NOT BETWEEN 1 AND 3",
    "value IS DISTINCT FROM 'Ada'", "born IS NOT NULL AND NOT number IS NULL OR value = ''",
    "(ARRAY['x', 'y', 'z'])[1 + number % 3]", "tags[1]", "cardinality(tags)", "array_to_string(tags, '-')",
    "number / 2", "number::float8 / 2", "number::numeric / 3", "-number + 7 * (2 - number) % 5", "7 % 4 - 1",
    "number & 6 | 1", "number # 5", "~number", "number << 2 >> 1", "1e2 + 0.5",
    "round(number::numeric(8, 2) / 3, 1)",
    "div(number, 2)", "power(number, 2)", "width_bucket(number, 0, 10, 5)",
    "regexp_replace(value, '(.)(.)', '\\2\\1', 'g')", "regexp_replace(value, '\\d', '')",
    "'it''s \\ \"x\" %'",
    "format('%s-%5s|%%', value, number)", "concat_ws(',', value, NULL, number)", "replace(value, 'A', '')",
    "doc #>> '{a,b}'", "doc #> '{a}'", "jsonb_extract_path_text(doc, 'it''s')", "jsonb_typeof(doc)",
    "value COLLATE \"C\" < 'b'", "lower(value) || ' ' || initcap(value)",
    "value::varchar(2)", "number::text::int", "CAST(value AS text)", "'{1,2}'::int[]", "net::inet",
    "split_part(value, 'd', 1)", "chr(65 + number)", "encode(convert_to(value, 'UTF8'), 'hex')", "host(net)",
    "\"Odd name\" || value", "ODD || value",
]  # fmt: skip


@pytest.fixture(scope="module")
def server(production18: Cluster) -> Iterator[Connection[Any]]:
    with shared_session(production18, "own_expressions") as connection:
        connection.execute(
            "CREATE TABLE r (id int, value text, number int, born date, seen timestamptz, tags text[],"
            ' doc jsonb, net inet, odd text, "Odd name" text)'
        )
        connection.execute(
            "INSERT INTO r VALUES (1, 'Ada', 1, '1970-05-17', '2024-02-29 10:00+02', '{a,b}',"
            " '{\"a\": {\"b\": 1}, \"it''s\": 2}', '192.0.2.1', 'odd', 'Odd'),"
            " (2, ' bob A_x 12', 5, '2000-02-29', '1969-12-31 23:59:59.5-08', '{}', '[]', '::1', '', ''),"
            " (3, 'Zoë 山', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)"
        )
        yield connection


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_it_means_what_it_says(server: Connection[Any], expression: str) -> None:
    rows = table(server, "public.r")
    found = treatment({"kind": "sql", "expression": expression.replace("ODD", "Odd")}, "name")
    made = heap_select(rows, rows.columns, {"value": found}, None)
    written = server.execute(f"SELECT ({expression})::text FROM r ORDER BY id".encode()).fetchall()
    after = [(row[1],) for row in sorted(run(server, made))]
    assert after == written


@pytest.mark.parametrize("production", ["production16", "production18"])
def test_allowed_functions_depend_on_their_arguments_alone(
    production: str, request: pytest.FixtureRequest
) -> None:
    cluster: Cluster = request.getfixturevalue(production)
    query = """
        SELECT proname FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proname = ANY(%s)
        GROUP BY proname HAVING bool_and(
            provolatile = ANY(%s) AND proparallel = 's' AND prokind = 'f' AND NOT proretset)
    """
    with shared_session(cluster, "allowed_functions") as connection:
        immutable = connection.execute(query, [sorted(IMMUTABLE), ["i"]]).fetchall()
        session = connection.execute(query, [sorted(SESSION), ["i", "s"]]).fetchall()
    assert {name for (name,) in immutable} == IMMUTABLE
    assert {name for (name,) in session} == SESSION


def test_functions_of_the_same_name_elsewhere_are_not_called(server: Connection[Any]) -> None:
    server.execute(
        "CREATE FUNCTION public.upper(varchar) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT 'mine'$$"
    )
    after = treat(server, "varchar(9)", ["Ada"], {"kind": "sql", "expression": "upper(value)"})
    server.execute("DROP FUNCTION public.upper(varchar)")
    assert after == ["ADA"]


class TestSecretNumbers:
    def test_are_below_n_spread_and_decided_by_value_and_key(self, server: Connection[Any]) -> None:
        spec = {"kind": "sql", "expression": "concat(keyed_int(100), ' ', keyed_int(100))"}
        values = [f"value {number}" for number in range(2000)]
        after, again, other = (treat(server, "text", values, spec, key=key) for key in (KEY, KEY, OTHER_KEY))
        pairs = [tuple(map(int, text.split())) for text in after]
        assert after == again
        assert after != other
        assert {n for n, _ in pairs} == {n for _, n in pairs} == set(range(100))
        assert sum(one == two for one, two in pairs) < 100

    def test_choose_from_a_list(self, server: Connection[Any]) -> None:
        spec = {"kind": "sql", "expression": "(ARRAY['red', 'green', 'blue'])[1 + keyed_int(3)]"}
        assert set(treat(server, "text[]", ["{1,2,3,4,5,6,7,8,9}"], spec)[0].strip("{}").split(",")) == {
            "red", "green", "blue",
        }  # fmt: skip

    def test_reach_to_the_end_of_integers(self, server: Connection[Any]) -> None:
        spec = {"kind": "sql", "expression": "keyed_int(2147483647)"}
        after = treat(server, "int4", range(1, 200), spec)
        assert max(map(int, after)) > 2**30


class TestResults:
    def test_numbers_are_rounded_as_the_column_rounds(self, server: Connection[Any]) -> None:
        spec = {"kind": "sql", "expression": "value / 3"}
        assert treat(server, "numeric(6, 2)", ["10", None], spec) == ["3.33", None]

    def test_what_is_too_long_is_refused_not_cut(self, server: Connection[Any]) -> None:
        spec = {"kind": "sql", "expression": "value || value"}
        with pytest.raises(errors.StringDataRightTruncation):
            treat(server, "varchar(5)", ["Ada", "Grace"], spec)

    def test_null_and_empty_stay(self, server: Connection[Any]) -> None:
        spec = {"kind": "sql", "expression": "coalesce(nullif(value, ''), 'x') || 'y'"}
        assert treat(server, "text", [None, "", "a"], spec) == [None, "", "ay"]
