"""The sample of originals, and what SQL shows of them: found in every place, excused where they may be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from sanitizers.forensics.matcher import Matcher
from sanitizers.forensics.needles import Needle, Needles
from sanitizers.forensics.sample import Sample, draw
from sanitizers.forensics.surfaces import Seen, search_catalogs, search_rows, search_statistics
from sanitizers.policy.bind import compile_plan
from sanitizers.policy.plan import Plan
from sanitizers.postgres.introspect import read_catalog
from tests.scrubbing import policy

SCHEMA = """
CREATE TABLE people (
    id int PRIMARY KEY, name text, email text, ssn text, device uuid, token text, photo bytea, note text,
    aliases text[], phone bigint, size int, born date, pin text,
    alias char(40));
CREATE TABLE log (id int PRIMARY KEY, said text, doc jsonb);
INSERT INTO people
SELECT n, 'Zebulon Quackenbush ' || n, 'z' || n || '@northlake-mail.net', '123-45-' || 1000 + n,
       md5('device' || n)::uuid, md5('token' || n), sha256(convert_to('photo' || n, 'UTF8')),
       repeat('It rained. ', 9) || md5('note' || n) || repeat(' It snowed.', 9),
       ARRAY['zebby.quack.' || 5000 + n, 'quacky.zeb.' || 7000 + n],
       2015550000 + n, 180, '1980-01-01', '12' || n
FROM generate_series(1, 400) AS n;
"""
POLICY = """
  public.people:
    columns:
      {id: non_identifying, name: name.full, email: email, ssn: ssn, device: device_id,
       token: credential.token, photo: binary, note: free_text, aliases: name.full, phone: phone,
       size: non_identifying, born: quasi_identifier.birth_date, pin: credential.pin, alias: name.full}
    exempt: {where: "id <= 100", reason: test people, owner: QA}
  public.log:
    columns: {id: non_identifying, said: non_identifying, doc: non_identifying}
"""
ADA = "Ada Lovelace of Ockham"


@pytest.fixture
def session(postgres_database: str) -> Iterator[Connection[Any]]:
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        yield connection


def drawn(session: Connection[Any], folder: Path) -> Sample:
    catalog = read_catalog(session)
    return draw(session, compile_plan(policy(folder, POLICY), catalog), catalog, "en_US")


def values(sample: Sample, column: str) -> list[bytes]:
    return [one.value for one in sample.needles.items if one.column == f"public.people.{column}"]


def test_every_column_that_must_not_survive_gives_its_originals(
    session: Connection[Any], tmp_path: Path
) -> None:
    session.execute(SCHEMA.encode())
    sample = drawn(session, tmp_path)
    expected = {
        "name": "name", "email": "email", "ssn": "ssn", "token": "token", "phone": "phone::text",
        "device": "device::text", "photo": "photo",
    }  # fmt: skip
    for column, expression in expected.items():
        rows = session.execute(f"SELECT {expression} FROM people WHERE id > 100".encode()).fetchall()
        originals = {value if isinstance(value, bytes) else value.encode() for (value,) in rows}
        found = values(sample, column)
        assert len(found) == len(set(found)) == 300, column
        assert set(found) <= originals, column
    assert all(b"zeb" in value for value in values(sample, "aliases"))
    assert {len(value) for value in values(sample, "note")} == {24}
    assert not any(values(sample, column) for column in ("id", "size", "born", "pin"))
    assert dict(sample.left_out)["public.people.pin"] == "300 of 300 too short to be told from chance"


def test_first_and_last_name_are_searched_for_together(session: Connection[Any], tmp_path: Path) -> None:
    session.execute("CREATE TABLE staff (id int PRIMARY KEY, forename text, surname text)")
    session.execute(
        "INSERT INTO staff VALUES (1, 'Zebulon', 'Quackenbush'), (2, 'Wilhelmina', NULL), (3, 'Al', 'Li')"
    )
    catalog = read_catalog(session)
    rules = (
        "\n  public.staff:\n    columns: {id: non_identifying, forename: name.first, surname: name.last}\n"
    )
    sample = draw(session, compile_plan(policy(tmp_path, rules), catalog), catalog, "en_US")
    assert [(one.column, one.value) for one in sample.needles.items] == [
        ("public.staff.forename with surname", b"Zebulon Quackenbush")
    ]


def test_two_samples_are_not_the_same(session: Connection[Any], tmp_path: Path) -> None:
    session.execute(SCHEMA.encode())
    session.execute(
        SCHEMA.partition("INSERT")[2].join(["INSERT", ""]).replace("1, 400", "401, 9000").encode()
    )
    first, second = drawn(session, tmp_path), drawn(session, tmp_path)
    assert set(values(first, "email")) != set(values(second, "email"))


def test_what_many_share_is_nobodys(session: Connection[Any], tmp_path: Path) -> None:
    session.execute(SCHEMA.encode())
    session.execute("UPDATE people SET name = 'Not known to the registry' WHERE id % 2 = 0")
    sample = drawn(session, tmp_path)
    assert len(values(sample, "name")) == 150
    assert "the same as others" in dict(sample.left_out)["public.people.name"]


# -- surfaces


@contextmanager
def opened(session: Connection[Any]) -> Iterator[Connection[Any]]:
    with psycopg.connect(session.info.dsn, autocommit=True) as connection:
        yield connection


def rows(session: Connection[Any], *needles: Needle, plan: Plan | None = None, schema: str = "") -> Seen:
    return search_rows(
        lambda: opened(session), Matcher(Needles(needles)), plan=plan, catalog=read_catalog(session),
        schema=schema.encode(), workers=2,
    )  # fmt: skip


def needle(value: str | bytes = ADA) -> Needle:
    return Needle("public.people.name", value if isinstance(value, bytes) else value.encode(), value is bytes)


@pytest.fixture
def plan(session: Connection[Any], tmp_path: Path) -> Plan:
    session.execute(SCHEMA.encode())
    return compile_plan(policy(tmp_path, POLICY), read_catalog(session))


def test_a_part_of_a_value_is_found(session: Connection[Any], plan: Plan) -> None:
    session.execute(f"INSERT INTO log VALUES (1, 'saw {ADA} today', '{{\"who\": \"{ADA}\"}}')".encode())
    seen = rows(session, needle(), plan=plan)
    assert seen.places == {("table public.log", "plain"): {0}}
    assert seen.excused == {}


@pytest.mark.parametrize("column", ["name", "aliases", "pin", "alias"])
def test_a_whole_value_of_a_table_is_excused(session: Connection[Any], plan: Plan, column: str) -> None:
    value = f"{{other,{ADA}}}" if column == "aliases" else ADA
    session.execute(f"INSERT INTO people (id, {column}) VALUES (0, %s)".encode(), [value])
    seen = rows(session, needle(), plan=plan)
    assert (seen.places, seen.excused) == ({}, {f"public.people.{column}": {0}})


def test_with_a_list_of_ones_own_nothing_is_excused(session: Connection[Any], plan: Plan) -> None:
    session.execute("INSERT INTO people (id, name) VALUES (0, %s)", [ADA])
    assert rows(session, needle()).places == {("table public.people", "plain"): {0}}


def test_a_whole_binary_value_is_excused_and_a_part_of_one_is_found(
    session: Connection[Any], plan: Plan
) -> None:
    secret = bytes(range(100, 124))
    session.execute("INSERT INTO people (id, photo) VALUES (0, %s)", [secret])
    assert rows(session, Needle("", secret, True), plan=plan).excused == {"public.people.photo": {0}}
    session.execute("UPDATE people SET photo = %s WHERE id = 0", [b"before" + secret])
    seen = rows(session, Needle("", secret, True), plan=plan)
    assert (seen.places, seen.excused) == ({("table public.people", "hexadecimal"): {0}}, {})


def test_a_materialized_view_excuses_nothing(session: Connection[Any], plan: Plan) -> None:
    session.execute(f"CREATE MATERIALIZED VIEW old AS SELECT 1 AS id, '{ADA}'::text AS name".encode())
    assert rows(session, needle(), plan=plan).places == {("materialized view public.old", "plain"): {0}}


def test_large_objects_are_searched_across_their_pages(session: Connection[Any]) -> None:
    session.execute("SELECT lo_from_bytea(0, %s)", [b"." * 2040 + ADA.encode() + b"." * 5000])
    assert rows(session, needle()).places == {("large object", "plain"): {0}}


def test_the_schemas_text_is_searched(session: Connection[Any]) -> None:
    assert rows(session, needle(), schema=f"-- {ADA}").places == {("schema text", "plain"): {0}}


@pytest.mark.parametrize(
    ("plant", "place"),
    [
        ("COMMENT ON TABLE people IS '{}'", "catalog pg_description"),
        ("COMMENT ON ROLE postgres IS '{}'", "catalog pg_shdescription"),
        ("ALTER TABLE people ALTER name SET DEFAULT '{}'", "catalog pg_attrdef"),
        ("CREATE FUNCTION f() RETURNS text RETURN '{}'", "catalog pg_proc"),
        ("CREATE TYPE mood AS ENUM ('{}')", "catalog pg_enum"),
    ],
)
def test_catalogs_are_searched(session: Connection[Any], plan: Plan, plant: str, place: str) -> None:
    session.execute(plant.format(ADA).encode())
    try:
        seen = search_catalogs(lambda: opened(session), Matcher(Needles([needle()])))
    finally:
        session.execute("COMMENT ON ROLE postgres IS NULL")
    assert place in {found for found, _ in seen.places}


def test_statistics_are_searched(session: Connection[Any], plan: Plan) -> None:
    session.execute("UPDATE people SET name = %s WHERE id < 200", [ADA])
    session.execute("CREATE STATISTICS pair (mcv) ON name, size FROM people")
    session.execute("ANALYZE people")
    seen = search_statistics(lambda: opened(session), Matcher(Needles([needle()])))
    assert {place for place, _ in seen.places} >= {
        "statistics pg_statistic", "statistics pg_statistic_ext_data", "statistics pg_stats",
    }  # fmt: skip
