"""Columns through a Python function and back: every type, every batch size, and no value in an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import Connection, sql

from sanitizers.catalog import Name
from sanitizers.errors import ScrubFailed
from sanitizers.postgres.cluster import Cluster
from tests.conftest import unavailable
from tests.scrubbing import shared_session, table

try:
    import pyarrow as pa
    import pyarrow.compute as pc

    from sanitizers.postgres import arrow
except ModuleNotFoundError:
    pa = None

INTO = Name("understudy", "results")
TYPES: dict[str, list[str | None]] = {
    "text": ["Ada", "Zoë 山田 😀", " ", "x" * 5000, "a\tb\\n"],
    "varchar(9)": ["Ada"],
    "char(5)": ["Ada"],
    "int2": ["0", "-1", "32767", "-32768"],
    "int4": ["0", "-1", "2147483647", "-2147483648"],
    "int8": ["0", "-1", "9223372036854775807", "-9223372036854775808"],
    "float4": ["0", "-1.5", "NaN", "Infinity", "3e38"],
    "float8": ["0", "-1.5", "NaN", "-Infinity", "1e308", "5e-324"],
    "bool": ["true", "false"],
    "date": [
        "1970-01-01",
        "1969-12-31",
        "2024-02-29",
        "0044-03-15 BC",
        "5874897-12-31",
        "infinity",
        "-infinity",
    ],
    "timestamp": [
        "1970-01-01 00:00:00",
        "1999-12-31 23:59:59.999999",
        "infinity",
        "-infinity",
        "0044-03-15 BC",
    ],
    "timestamptz": ["1970-01-01 00:00:00+02", "2024-02-29 10:00-05", "infinity", "294200-12-31 00:00+00"],
    "bytea": ["", "\\x00ff", "\\x" + "ab" * 4000],
    "numeric": ["0", "-1.50", "NaN", "123456789012345678901234567890.123456789"],
    "uuid": ["c0ffee00-0000-4000-8000-000000000000"],
    "inet": ["192.0.2.1/24", "::1"],
    "jsonb": ['{"a": [1, null]}'],
    "text[]": ["{}", "{a,NULL}"],
    "interval": ["1 mon 2 days"],
}


@pytest.fixture(scope="module")
def writer(production18: Cluster) -> Iterator[Connection[Any]]:
    if pa is None:
        unavailable("the extra `functions` (pyarrow, numpy) is not installed")
    with shared_session(production18, "arrow") as connection:
        yield connection


@pytest.fixture(scope="module")
def reader(writer: Connection[Any]) -> Iterator[Connection[Any]]:
    with psycopg.connect(writer.info.dsn, autocommit=True) as connection:
        yield connection


def filled(writer: Connection[Any], type_: str, values: list[str | None]) -> None:
    writer.execute("DROP TABLE IF EXISTS t, understudy.results")
    writer.execute(f"CREATE TABLE t (id serial, v {type_}, kept int DEFAULT 7)".encode())
    with writer.cursor() as cursor:
        cursor.executemany("INSERT INTO t (v) VALUES (%s)", [(value,) for value in values])


def applied(
    reader: Connection[Any], writer: Connection[Any], function: Callable[..., Any], *others: str
) -> int:
    heap = table(writer)
    columns = [heap.by_name[name] for name in ("v", *others)]
    with writer.transaction():
        return arrow.apply(reader, writer, heap.name, columns, function, INTO, "mine:function")


def same(values: Any, **_: Any) -> Any:
    return values


class TestValues:
    @pytest.mark.parametrize("type_", TYPES)
    def test_come_back_as_they_went(
        self, reader: Connection[Any], writer: Connection[Any], type_: str
    ) -> None:
        filled(writer, type_, [None, *TYPES[type_], None, *TYPES[type_]])
        assert applied(reader, writer, same) == 2 * len(TYPES[type_])
        query = (
            "SELECT v::text, value::text FROM t LEFT JOIN understudy.results ON place = t.ctid ORDER BY id"
        )
        rows = writer.execute(query).fetchall()
        assert [old for old, _ in rows] == [new for _, new in rows]

    @pytest.mark.parametrize("type_", TYPES)
    def test_may_become_null(self, reader: Connection[Any], writer: Connection[Any], type_: str) -> None:
        filled(writer, type_, TYPES[type_])
        applied(reader, writer, lambda values: pa.nulls(len(values), values.type))
        found = writer.execute("SELECT DISTINCT value FROM understudy.results").fetchall()
        assert found == [(None,)]

    def test_keep_their_base_type(self, reader: Connection[Any], writer: Connection[Any]) -> None:
        query = (
            "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = %s::regclass "
            " AND attname = 'value'"
        )
        kinds = {}
        for type_ in ("varchar(9)", "int2", "timestamptz", "bytea", "numeric", "text[]"):
            filled(writer, type_, [])
            applied(reader, writer, same)
            kinds[type_] = writer.execute(query, ["understudy.results"]).fetchall()[0][0]
        assert kinds == {
            "varchar(9)": "text", "int2": "smallint", "timestamptz": "timestamp with time zone",
            "bytea": "bytea", "numeric": "text", "text[]": "text",
        }  # fmt: skip

    def test_null_and_empty_are_left_out(self, reader: Connection[Any], writer: Connection[Any]) -> None:
        filled(writer, "text", [None, "", "a"])
        assert applied(reader, writer, same) == 1

    def test_dates_are_dates_to_the_function(self, reader: Connection[Any], writer: Connection[Any]) -> None:
        filled(writer, "date", ["2024-02-29", "1999-01-01"])
        applied(
            reader,
            writer,
            lambda values: pc.add(values, pa.scalar(86_400_000, pa.duration("ms"))).cast(pa.date32()),
        )
        found = writer.execute("SELECT value::text FROM understudy.results ORDER BY place").fetchall()
        assert found == [("2024-03-01",), ("1999-01-02",)]

    def test_numbers_are_cast_where_nothing_is_lost(
        self, reader: Connection[Any], writer: Connection[Any]
    ) -> None:
        filled(writer, "int4", ["1", "2"])
        applied(reader, writer, lambda values: values.cast(pa.float64()))
        assert writer.execute("SELECT sum(value) FROM understudy.results").fetchone() == (3,)


class TestFunctions:
    def test_get_other_columns_by_name(self, reader: Connection[Any], writer: Connection[Any]) -> None:
        filled(writer, "text", ["a", "b"])

        def joined(values: Any, *, kept: Any, id: Any) -> Any:
            return pc.binary_join_element_wise(values, kept.cast(pa.string()), id.cast(pa.string()), "-")

        applied(reader, writer, joined, "kept", "id")
        found = writer.execute("SELECT value FROM understudy.results ORDER BY place").fetchall()
        assert found == [("a-7-1",), ("b-7-2",)]

    def test_may_give_chunks(self, reader: Connection[Any], writer: Connection[Any]) -> None:
        filled(writer, "text", ["a", "b"])
        assert applied(reader, writer, lambda values: pa.chunked_array([values[:1], values[1:]])) == 2

    @pytest.mark.parametrize(
        ("function", "said"),
        [
            (lambda values: values[:1], "gave 1 of 2 values"),
            (lambda values: values.to_pylist(), "gave no Arrow array"),
            (lambda values: 1 / 0, "failed: ZeroDivisionError in line"),
            (lambda: None, "failed: TypeError"),
            (lambda values: (_ for _ in ()).throw(ValueError(values[0].as_py())), "failed: ValueError"),
            (lambda values: pa.array([[1], [2]]), "gave list<item: int64>, which does not fit string"),
        ],
    )
    def test_that_fail_tell_no_value(
        self, reader: Connection[Any], writer: Connection[Any], function: Callable[..., Any], said: str
    ) -> None:
        filled(writer, "text", ["secret-1", "secret-2"])
        with pytest.raises(ScrubFailed) as caught:
            applied(reader, writer, function)
        assert said in str(caught.value)
        assert "mine:function" in str(caught.value)
        assert "secret" not in str(caught.value)
        assert caught.value.__cause__ is None
        assert writer.execute("SELECT to_regclass('understudy.results')").fetchone() == (None,)

    def test_that_overflow_tell_no_value(self, reader: Connection[Any], writer: Connection[Any]) -> None:
        filled(writer, "int2", ["12345"])
        with pytest.raises(ScrubFailed, match="gave int64, which does not fit int16") as caught:
            applied(reader, writer, lambda values: pa.array([123456]))
        assert "123456" not in str(caught.value)


class TestHeaps:
    def test_without_rows(self, reader: Connection[Any], writer: Connection[Any]) -> None:
        filled(writer, "text", [])
        assert applied(reader, writer, same) == 0

    def test_batches_fit_what_values_weigh(
        self, reader: Connection[Any], writer: Connection[Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        filled(writer, "text", [])
        writer.execute(
            "INSERT INTO t (v) SELECT repeat(md5(i::text), 1 + i % 2000) FROM generate_series(1, 3000) AS i"
        )
        monkeypatch.setattr(arrow, "_BATCH", 2**20)
        sizes: list[int] = []

        def weighed(values: Any) -> Any:
            sizes.append(values.nbytes)
            return pc.utf8_upper(values)

        assert applied(reader, writer, weighed) == 3000
        assert len(sizes) > 20
        assert max(sizes) < 20 * 2**20
        query = "SELECT count(*) FROM t JOIN understudy.results ON place = t.ctid WHERE value = upper(v)"
        assert writer.execute(query).fetchone() == (3000,)

    def test_with_strange_names(self, reader: Connection[Any], writer: Connection[Any]) -> None:
        writer.execute('DROP TABLE IF EXISTS t, understudy.results, "Odd ""table"')
        writer.execute('CREATE TABLE "Odd ""table" ("The %s {value}" text)')
        writer.execute(sql.SQL("INSERT INTO {} VALUES ('a')").format(sql.Identifier('Odd "table')))
        heap = table(writer, 'public.Odd "table')
        with writer.transaction():
            rows = arrow.apply(reader, writer, heap.name, heap.columns, same, INTO, "mine:function")
        assert rows == 1
