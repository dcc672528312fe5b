"""What the plan's SQL makes of rows that belong together, on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection, RawCursor

from sanitizers.catalog import Name
from sanitizers.errors import ScrubFailed
from sanitizers.policy.bind import compile_plan
from sanitizers.postgres.introspect import read_catalog
from tests.scrubbing import policy, scrubbed, session


@pytest.fixture(params=["postgres_database", "postgres_database_16"])
def connection(request: pytest.FixtureRequest) -> Iterator[Connection[Any]]:
    with session(request.getfixturevalue(request.param)) as connection:
        yield connection


def rows(connection: Connection[Any], query: str) -> list[Any]:
    return connection.execute(query.encode()).fetchall()


PEOPLE = """
CREATE TABLE person (id int PRIMARY KEY, first text NOT NULL, middle text, last text, email text UNIQUE,
                     ssn text, born date, seen date);
CREATE TABLE visit (id bigint PRIMARY KEY, person_id bigint, name text, born date);
CREATE TABLE stray (person_id bigint, first text);
INSERT INTO person SELECT n, 'Same', 'Same', 'Name', 'p' || n || '@real.org',
    CASE WHEN n % 2 = 0 THEN '123-45-' || 1000 + n ELSE '12345' || 1000 + n END,
    date '1960-01-01' + n, date '2020-01-01' + n
FROM generate_series(1, 2000) n;
INSERT INTO visit SELECT n, 1 + n % 2000, 'Same Name', date '1960-01-01' + 1 + n % 2000
FROM generate_series(1, 5000) n;
INSERT INTO stray VALUES (1, 'Same'), (NULL, 'Same'), (NULL, 'Same');
"""
POLICY = """
  public.person:
    subject: id
    columns:
      id: non_identifying
      first: name.first
      middle: name.first
      last: name.last
      email: email
      ssn: {category: ssn, treat: {kind: unique, format: ssn, by: id}}
      born: {category: quasi_identifier.birth_date, treat: {kind: date_shift, days: 30}}
      seen: {category: quasi_identifier.service_date, treat: {kind: date_shift, days: 30}}
  public.visit:
    subject: person_id
    columns:
      id: non_identifying
      person_id: {category: non_identifying, references: public.person.id}
      name: name.full
      born: {category: quasi_identifier.birth_date, treat: {kind: date_shift, days: 30}}
  public.stray:
    subject: person_id
    columns:
      person_id: {category: non_identifying, references: public.person.id}
      first: name.first
"""


class TestSubjects:
    @pytest.fixture(autouse=True)
    def people(self, connection: Connection[Any], tmp_path: Path) -> None:
        connection.execute(PEOPLE)
        self.plan = scrubbed(connection, policy(tmp_path, POLICY))

    def test_tables_agree_about_a_person(self, connection: Connection[Any]) -> None:
        assert rows(
            connection,
            """SELECT count(*), count(*) FILTER (WHERE v.name = p.first || ' ' || p.last),
                      count(*) FILTER (WHERE v.born = p.born)
               FROM visit v JOIN person p ON p.id = v.person_id""",
        ) == [(5000, 5000, 5000)]
        found = rows(connection, "SELECT p.first = s.first FROM stray s JOIN person p ON p.id = s.person_id")
        assert found == [(True,)]

    def test_persons_with_equal_values_become_different_persons(self, connection: Connection[Any]) -> None:
        [(first, email, different)] = rows(
            connection,
            """SELECT count(DISTINCT first), count(DISTINCT email), count(*) FILTER (WHERE first <> middle)
               FROM person""",
        )
        assert first > 100
        assert email == 2000
        assert different > 1900

    def test_dates_of_a_person_move_alike(self, connection: Connection[Any]) -> None:
        assert rows(connection, "SELECT DISTINCT seen - born FROM person") == [
            (rows(connection, "SELECT date '2020-01-01' - date '1960-01-01'")[0][0],)
        ]
        [(moved,)] = rows(connection, "SELECT count(DISTINCT born - (date '1960-01-01' + id)) FROM person")
        assert moved == 60

    def test_numbers_made_from_a_key_are_distinct_and_never_issued(self, connection: Connection[Any]) -> None:
        assert rows(
            connection,
            r"""SELECT count(DISTINCT replace(ssn, '-', '')),
                       count(*) FILTER (WHERE ssn ~ '^9\d\d-[0-4]\d-\d{4}$'),
                       count(*) FILTER (WHERE ssn ~ '^9\d\d[0-4]\d{5}$') FROM person""",
        ) == [(2000, 1000, 1000)]

    def test_rows_about_nobody_differ(self, connection: Connection[Any]) -> None:
        assert len(rows(connection, "SELECT DISTINCT first FROM stray WHERE person_id IS NULL")) == 2


def test_a_span_that_is_too_wide_is_told(connection: Connection[Any], tmp_path: Path) -> None:
    connection.execute(PEOPLE)
    [demand] = compile_plan(policy(tmp_path, POLICY), read_catalog(connection)).demands

    def holds() -> bool | None:
        found = RawCursor(connection).execute(demand.holds.sql.encode()).fetchone()
        assert found is not None
        return found[0]  # type: ignore[no-any-return]

    assert holds() is True
    connection.execute("INSERT INTO person (id, first) VALUES (60000000, 'x')")
    assert holds() is False
    connection.execute("TRUNCATE person")
    assert holds() is None


PARTED = """
CREATE TABLE log (id int, at date, who text) PARTITION BY RANGE (at);
CREATE TABLE log_19 PARTITION OF log FOR VALUES FROM ('2019-01-01') TO ('2020-01-01') PARTITION BY LIST (who);
CREATE INDEX ON log (id, at);
CREATE TABLE log_19_a (junk int, who text, at date, id int);
ALTER TABLE log_19_a DROP COLUMN junk;
ALTER TABLE log_19 ATTACH PARTITION log_19_a FOR VALUES IN ('a');
CREATE TABLE log_19_rest PARTITION OF log_19 DEFAULT;
CREATE TABLE log_20 PARTITION OF log FOR VALUES FROM ('2020-01-01') TO ('2021-01-01') PARTITION BY HASH (who);
CREATE TABLE log_20_0 PARTITION OF log_20 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE log_20_1 PARTITION OF log_20 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO log SELECT n, date '2019-06-01' + n % 365, CASE WHEN n % 2 = 0 THEN 'a' ELSE 'somebody ' || n END
FROM generate_series(1, 1000) n;
"""
MOVING = """
  public.log:
    subject: id
    columns:
      id: non_identifying
      at: {category: quasi_identifier.service_date, treat: {kind: date_shift, days: 30}}
      who: name.full
"""


class TestRowsThatChangePartitions:
    def test_every_row_is_where_it_belongs(self, connection: Connection[Any], tmp_path: Path) -> None:
        connection.execute(PARTED)
        connection.execute("CREATE TABLE log_rest PARTITION OF log DEFAULT")
        scrubbed(connection, policy(tmp_path, MOVING))
        assert rows(connection, "SELECT count(*), count(DISTINCT id) FROM log") == [(1000, 1000)]
        assert rows(connection, "SELECT count(*) FROM log WHERE who = 'a' OR who LIKE 'somebody%'") == [(0,)]
        tables = read_catalog(connection)
        for heap in tables.heaps(Name("public", "log")):
            assert rows(connection, f"SELECT count(*) FROM ONLY {heap.name} WHERE NOT ({heap.holds})") == [
                (0,)
            ]
        # Rows of 2019 that moved into 2020 are found by their new key.
        connection.execute("SET enable_seqscan = off")
        assert rows(connection, "SELECT count(*) FROM log AS a JOIN log AS b USING (id, at)") == [(1000,)]

    def test_rows_that_fit_nowhere_stop_the_scrub(self, connection: Connection[Any], tmp_path: Path) -> None:
        connection.execute(PARTED)
        connection.execute("UPDATE log SET at = '2020-12-31' WHERE id = 7")
        # Shifted by up to ten years, some leave the two years that there are partitions for.
        loaded = policy(tmp_path, MOVING.replace("days: 30", "days: 3650"))
        for _ in ("the first time", "and when it is tried again"):
            with pytest.raises(ScrubFailed, match=r"rows of public\.log fit none of its partitions"):
                scrubbed(connection, loaded)
        assert rows(connection, "SELECT count(*) FROM log WHERE who = 'a'") == [(500,)]
