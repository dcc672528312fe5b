"""A data engineer's own expression: what may be written, what is refused, and how it is told."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from sanitizers.catalog import Column, Name, Table
from sanitizers.policy.compile import heap_select, treatment
from sanitizers.transformers import TRANSFORMERS
from sanitizers.transformers.expression import SqlParams

SQL = TRANSFORMERS["sql"]
COLUMNS = {"name": ("character varying(20)", "varchar"), "Born": ("date", "date"), "tags": ("text[]", "text")}


def refusal(expression: str) -> str:
    with pytest.raises(ValidationError) as caught:
        SqlParams.model_validate({"expression": expression})
    (error,) = caught.value.errors(include_input=False, include_url=False)
    assert error["loc"] == ("expression",)
    return error["msg"].removeprefix("Value error, ")


def compiled(expression: str, column: str = "name") -> str:
    columns = tuple(
        Column(name, number, type_, base, array="[]" in type_, max_length=20 if base == "varchar" else None)
        for number, (name, (type_, base)) in enumerate(COLUMNS.items(), 1)
    )
    table = Table(Name("public", "t"), 1, "r", columns)
    found = treatment({"kind": "sql", "expression": expression}, "name")
    return heap_select(table, columns, {column: found}, None).sql


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("expression", "reason"),
        [
            ("(SELECT max(name) FROM t)", "(SELECT max(name) FROM t) is not allowed: a subquery"),
            ("value IN (SELECT name FROM t)", "a subquery looks at other rows"),
            ("EXISTS(SELECT 1)", "a subquery looks at other rows"),
            ("SELECT 1", "a subquery looks at other rows"),
            ("max(value)", "max() is not allowed: an aggregate"),
            ("string_agg(value, ',' ORDER BY value)", "string_agg() is not allowed: an aggregate"),
            ("count(*)", "count() is not allowed: an aggregate"),
            ("upper(value) FILTER (WHERE true)", "looks at other rows"),
            ("lower(value) OVER ()", "a window function looks at other rows"),
            ("row_number() OVER ()", "a window function looks at other rows"),
            ("random()::text", "random() is not allowed: its result is not decided by the row alone"),
            ("now()::text", "now() is not allowed"),
            ("clock_timestamp()::text", "clock_timestamp() is not allowed"),
            ("nextval('s')::text", "nextval() is not allowed"),
            ("gen_random_uuid()::text", "gen_random_uuid() is not allowed"),
            ("current_setting('x')", "current_setting() is not allowed"),
            ("pg_read_file('x')", "pg_read_file() is not allowed"),
            ("age(\"Born\")::text", "age() is not allowed"),
            ("current_date", "CURRENT_DATE is not allowed: it reads the clock"),
            ("current_timestamp(3)", "current_timestamp() is not allowed"),
            ("localtime", "it reads the clock"),
            ("session_user", "it reads the session"),
            ("'today'::date", "'today' is not allowed: where a date is meant it reads the clock"),
            ("md5(value)", "without a key, trying all values undoes it; use keyed_int(n)"),
            ("uper(value)", "uper() is not among the functions an expression may call; did you mean upper"),
            ("zzzzzz(value)", "what it lacks, {kind: python} can say"),
            ("public.upper(value)", "functions of pg_catalog only, written without a schema"),
            ('"upper"(value)', '"upper"() is not among'),
            ("upper(DISTINCT value)", "DISTINCT value is not allowed"),
            ("value || $1", "$1 is not allowed: parameters have no value here"),
            ("value || :x", "parameters have no value here"),
            ("value || %s", "parameters have no value here"),
            ("value || ?", "parameters have no value here"),
            ("value -- why", "comments are not allowed"),
            ("/* why */ value", "comments are not allowed"),
            ("-- why", "comments are not allowed"),
            ("value; DROP TABLE t", "one expression is wanted"),
            ("", "one expression is wanted"),
            ("value, value", "not an expression PostgreSQL could read"),
            ("value +", "not an expression PostgreSQL could read"),
            ("value name", "is not allowed: only what can be told from one row's own values"),
            ("DROP TABLE t", "is not allowed"),
            ("VACUUM t", "is not allowed"),
            ("t.name", "t.name is not allowed: name a column of the same row without its table"),
            ("*", "* is not allowed"),
            ("'t'::regclass::text", "reads the catalog"),
            ("value::public.mood", "a cast to public.mood is not allowed"),
            ("E'\\\\n'", "write strings in single quotes, without prefix"),
            ("$$x$$", "write strings in single quotes, without prefix"),
            ("length(value) ^ 2", "write power(a, b) for a ^ b"),
            ("value::json ->> 'a'", "write value #>> '{key,key}'"),
            ("keyed_int(value)", "keyed_int(n) takes one whole number"),
            ("keyed_int()", "keyed_int(n) takes one whole number"),
            ("keyed_int(1)", "keyed_int(n) takes one whole number"),
            ("keyed_int(1, 2)", "keyed_int(n) takes one whole number"),
            ("+".join(["keyed_int(9)"] * 6), "keyed_int can be called 5 times"),
            ("VARIADIC tags", "is not allowed"),
            ("ROW(1, 2)", "row() is not among"),
        ],
    )  # fmt: skip
    def test_with_one_sentence_that_names_it(self, expression: str, reason: str) -> None:
        assert reason in refusal(expression)

    def test_originals_that_are_not_read(self) -> None:
        params = SqlParams(expression="value", originals=("first_name",))
        column = Column("name", 1, "text", "text")
        assert list(SQL.problems(column, params)) == ["originals: the expression does not read first_name"]


class TestWhatIsRead:
    @pytest.mark.parametrize(
        ("expression", "columns"),
        [
            ("value || VALUE", set()),
            ('"value"', {"value"}),
            ("Name || \"Born\"", {"name", "Born"}),
            ("CASE WHEN name = 'x' THEN value ELSE upper(nick) END", {"name", "nick"}),
        ],
    )  # fmt: skip
    def test_columns_by_name(self, expression: str, columns: set[str]) -> None:
        assert SqlParams(expression=expression).columns == columns

    def test_originals_are_told_apart(self) -> None:
        params = SqlParams(expression="first || last", originals=("first",))
        assert TRANSFORMERS["sql"].reads(params) == {"first", "last"}  # type: ignore[attr-defined]
        assert TRANSFORMERS["sql"].carries(params) == {"last"}  # type: ignore[attr-defined]


class TestTheStatement:
    def test_functions_are_those_of_the_server(self) -> None:
        assert "pg_catalog.upper(pg_catalog.left(t.\"name\", 1)) || '.'" in compiled(
            "upper(left(value, 1)) || '.'"
        )

    def test_the_type_is_the_columns_but_its_length_is_left_to_the_table(self) -> None:
        assert "CAST((1) AS text)" in compiled("1")
        assert 'CAST((t."Born") AS "date")' in compiled("value", "Born")

    def test_elements_of_arrays_are_values(self) -> None:
        assert 'CAST((pg_catalog.upper(u."e")) AS text)' in compiled("upper(value)", "tags")

    def test_negations_keep_their_reach(self) -> None:
        assert "TRUE = (NOT t.\"name\" ~ 'x')" in compiled("true = value !~ 'x'")

    def test_secret_numbers_lean_on_the_digest(self) -> None:
        select = compiled("keyed_int(100) + keyed_int(100)")
        assert select.count("sha256(") + select.count("SHA256(") == 2
        assert ", 0)" in select
        assert ", 11)" in select

    def test_a_promise_of_uniqueness(self) -> None:
        assert SQL.uniqueness(SqlParams(expression="value")) == "not_guaranteed"
        assert SQL.uniqueness(SqlParams(expression="value", unique=True)) == "preserved"

    def test_it_tells_the_expression(self) -> None:
        assert SQL.summary(SqlParams(expression="upper(\n  value)")) == "SQL expression upper( value)"
