"""Everything around a column is as before: the torture schema scrubbed, on every server there is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection, errors, sql

from sanitizers.catalog import Catalog, Name
from sanitizers.errors import PlanRefused, ServerMissing, StatementFailed
from sanitizers.policy.bind import compile_plan
from sanitizers.policy.plan import Plan
from sanitizers.postgres.binaries import find_binaries
from sanitizers.postgres.cluster import Cluster, create_cluster
from sanitizers.postgres.introspect import read_catalog
from sanitizers.postgres.schema_dump import schema_text
from sanitizers.stages import purge
from tests.conftest import passable_folder
from tests.scrubbing import policy, scrub, scrubbed, session
from tests.torture.database import State, state, torture_database, torture_policy

ELSEWHERE = (15, 17, 14)


@dataclass(frozen=True)
class Scrubbed:
    """The torture database after the scrub, and what it was like before."""

    connection: Connection[Any]
    plan: Plan
    catalog: Catalog
    before: State
    after: State

    def rows(self, query: str) -> list[Any]:
        return self.connection.execute(query.encode()).fetchall()

    def one(self, query: str) -> Any:
        return self.rows(query)[0][0]


@pytest.fixture(scope="module", params=["18", "16", "host"])
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    if request.param != "host":
        yield request.getfixturevalue(f"production{request.param}")
        return
    for major in ELSEWHERE:
        try:
            binaries = find_binaries(major)
        except ServerMissing:
            continue
        with passable_folder() as folder:
            yield create_cluster(folder / "production", binaries, durable=False)
        return
    pytest.skip(f"this machine has no PostgreSQL of its own: none of {ELSEWHERE}")


@pytest.fixture(scope="module")
def torture(cluster: Cluster) -> Iterator[Scrubbed]:
    with torture_database(cluster) as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        catalog = read_catalog(connection)
        plan = compile_plan(torture_policy(), catalog)
        before = state(connection, dsn, catalog, plan)
        _scrub(dsn, plan, catalog)
        after = state(connection, dsn, read_catalog(connection), plan)
        yield Scrubbed(connection, plan, catalog, before, after)


def _scrub(dsn: str, plan: Plan, catalog: Catalog) -> None:
    with session(dsn) as connection:
        scrub(connection, plan, catalog)
        connection.execute("DROP SCHEMA understudy CASCADE")
        for view in purge._in_order(catalog):
            if view.materialized and view.populated:
                name = sql.Identifier(view.name.schema, view.name.name)
                connection.execute(sql.SQL("REFRESH MATERIALIZED VIEW {}").format(name))


def test_the_schema_dump_is_equal_to_the_byte(torture: Scrubbed) -> None:
    assert torture.after.dump == torture.before.dump


def test_the_servers_own_catalogs_are_equal_to_the_row(torture: Scrubbed) -> None:
    for name, rows in torture.before.catalogs.items():
        assert torture.after.catalogs[name] ^ rows == set(), name


def test_nothing_of_anybody_is_left_in_any_row(torture: Scrubbed) -> None:
    assert len(torture.before.marked) > 30
    assert torture.after.marked == {}


def test_nobody_keeps_his_own_value(torture: Scrubbed) -> None:
    assert len(torture.before.hidden) > 50
    same = {key: len(values & torture.after.hidden[key]) for key, values in torture.before.hidden.items()}
    assert {key: count for key, count in same.items() if count} == {}
    number = Name("registry", "person"), "number"
    assert len(torture.after.hidden[number]) == len(torture.before.hidden[number]) == 300


def test_kept_values_and_their_partitions_stay(torture: Scrubbed) -> None:
    assert torture.after.kept == torture.before.kept


def test_no_trigger_fired_and_no_row_was_lost_or_hidden(torture: Scrubbed) -> None:
    assert torture.after.counts == torture.before.counts
    assert torture.after.sequences == torture.before.sequences
    assert torture.after.counts[Name("registry", "audit")] == 300
    assert torture.one("SELECT count(*) FROM registry.audit WHERE old = '{}' AND row IS NULL") == 300


def test_every_constraint_holds_when_it_is_made_again(torture: Scrubbed) -> None:
    constraints = torture.rows(
        "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype IN ('c', 'f') AND conrelid <> 0 AND connamespace <> 'pg_catalog'::regnamespace"
        " AND connamespace <> 'information_schema'::regnamespace AND convalidated AND conparentid = 0"
    )
    assert len(constraints) > 40
    for table, definition in constraints:
        with torture.connection.transaction(force_rollback=True):
            torture.connection.execute(f"ALTER TABLE {table} ADD CONSTRAINT again {definition}".encode())


@pytest.mark.parametrize(
    ("table", "constraint", "failure"),
    [
        ("registry.import", "known", errors.ForeignKeyViolation),
        ("registry.person", "rich", errors.CheckViolation),
    ],
)
def test_what_would_fail_is_still_not_valid(
    torture: Scrubbed, table: str, constraint: str, failure: type[Exception]
) -> None:
    with pytest.raises(failure):
        torture.connection.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {constraint}".encode())
    # Those lines of the import that led to somebody still do.
    assert torture.one(
        "SELECT count(*) FROM registry.import JOIN registry.person USING (country, number)"
    ) == 20  # fmt: skip


def test_partitions_hold_their_own_rows(torture: Scrubbed) -> None:
    bounds = torture.rows(
        "SELECT oid::regclass::text, pg_get_partition_constraintdef(oid) FROM pg_class"
        " WHERE relispartition AND relkind = 'r'"
    )
    parts = [f"SELECT count(*) FROM {leaf} WHERE NOT ({bound})" for leaf, bound in bounds]
    assert torture.one(f"SELECT sum(count) FROM ({' UNION ALL '.join(parts)}) AS outside") == 0


def test_generated_columns_follow(torture: Scrubbed) -> None:
    assert torture.one(
        "SELECT bool_and(full_name = given || ' ' || family) AND count(DISTINCT email) = 300"
        " AND bool_and(email = lower(document #>> '{contact,email}')) FROM registry.person"
    )
    assert torture.one("SELECT bool_and(size = length(note)) FROM ledger.visit")
    assert torture.one("SELECT bool_and(words = to_tsvector('simple', pickle)) FROM docs.document")


def test_the_same_person_has_the_same_name_everywhere(torture: Scrubbed) -> None:
    assert torture.rows(
        "SELECT count(*), bool_and(t.full_name = v.patient AND v.patient = b.payer)"
        " FROM ledger.visit AS v JOIN registry.name_tag AS t USING (country, number)"
        " JOIN ledger.bill AS b ON (b.day, b.region, b.visit) = (v.day, v.region, v.id)"
    ) == [(1200, True)]
    assert torture.one("SELECT count(*) FROM registry.department JOIN registry.employee ON login = head") == 9


def test_materialized_views_are_made_of_what_the_tables_hold(torture: Scrubbed) -> None:
    assert torture.one("SELECT bool_and(d.full_name = p.full_name) FROM registry.z_directory AS d"
                       " JOIN registry.person AS p USING (number)")  # fmt: skip
    assert torture.one(
        "SELECT everybody = (SELECT string_agg(full_name, ', ' ORDER BY number) FROM registry.person)"
        " FROM registry.a_directory"
    )


def test_indexes_lead_to_their_rows(torture: Scrubbed) -> None:
    looked_up = (
        "SELECT count(*) FROM registry.person AS p WHERE EXISTS"
        " (SELECT FROM registry.person AS q WHERE lower(q.email) = lower(p.email) AND q.email IS NOT NULL)"
    )
    with torture.connection.transaction(force_rollback=True):
        torture.connection.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off")
        assert torture.one(looked_up) == 300
    if torture.one("SELECT count(*) FROM pg_available_extensions WHERE name = 'amcheck'"):
        with torture.connection.transaction(force_rollback=True):
            torture.connection.execute("CREATE EXTENSION amcheck")
            checked = torture.one(
                "SELECT count(bt_index_check(c.oid, true)) FROM pg_class c JOIN pg_am a ON a.oid = relam"
                " WHERE amname = 'btree' AND c.oid >= 16384 AND c.relkind = 'i'"
            )
            assert checked > 90


def test_tables_without_treated_columns_are_not_touched(torture: Scrubbed) -> None:
    treated = {rewrite.heap for rewrite in torture.plan.rewrites}
    assert Name("Select", "no_columns") not in treated
    assert Name("Select", "only_dropped") in treated
    assert all(torture.catalog.tables[heap].kind == "r" for heap in treated)


def test_everything_is_alive_afterwards(torture: Scrubbed) -> None:
    with torture.connection.transaction(force_rollback=True):
        torture.connection.execute(
            "ALTER TABLE registry.person DROP CONSTRAINT rich;"
            "UPDATE registry.person SET number = '20010203-0000', given = 'New'"
            " WHERE number = (SELECT min(number) FROM registry.person); SET CONSTRAINTS ALL IMMEDIATE"
        )
        for table in ("name_tag", "fine", "visit"):
            schema = "ledger" if table == "visit" else "registry"
            assert torture.one(f"SELECT count(*) FROM {schema}.{table} WHERE number = '20010203-0000'") > 0
        # One by each trigger on rows, the deferred one included.
        assert torture.one("SELECT count(DISTINCT what) FROM registry.audit WHERE what LIKE 'UPDATE %'") >= 3
        torture.connection.execute("INSERT INTO legacy.call (day, phone) VALUES ('2023-08-09', '1')")
        assert torture.one("SELECT count(*) FROM legacy.call_2023 WHERE phone = '1'") == 1
    with pytest.raises(errors.CheckViolation), torture.connection.transaction(force_rollback=True):
        torture.connection.execute("UPDATE ledger.visit SET note = 'forbidden'")
    for command in ("CLUSTER registry.person", "CLUSTER ledger.visit_2024", "VACUUM FULL registry.fine"):
        torture.connection.execute(command.encode())


# Each of these stands for one thing that real schemas have, in a database of its own.


@pytest.fixture
def empty(postgres_database: str) -> Iterator[Connection[Any]]:
    with session(postgres_database) as connection:
        yield connection


def rules(columns: str, table: str = "t") -> str:
    return f"  public.{table}:\n    columns: {{{columns}}}\n"


def test_columns_under_collations_of_their_own(empty: Connection[Any], tmp_path: Path) -> None:
    empty.execute(
        """CREATE COLLATION swedish FROM "C";
           CREATE TABLE t (id int PRIMARY KEY, first text COLLATE swedish, note text COLLATE swedish,
                           login varchar(60) COLLATE "POSIX" UNIQUE, mails text[] COLLATE swedish);
           INSERT INTO t SELECT n, 'Qilda', 'Qvist', 'Qvist' || n, '{q@qmail.test}'
           FROM generate_series(1, 9) AS n"""
    )
    scrubbed(empty, policy(tmp_path, rules("id: non_identifying, first: name.first, login: name.user,"
                                           " mails: email, note: free_text")))  # fmt: skip
    assert empty.execute("SELECT count(*) FROM t AS r WHERE r::text ~ 'Q(ilda|vist)|qmail'").fetchall() == [
        (0,)
    ]


def test_an_index_that_is_not_valid_stays_so(
    empty: Connection[Any], postgres_database: str, tmp_path: Path
) -> None:
    # What CREATE UNIQUE INDEX CONCURRENTLY leaves behind when it finds duplicates.
    empty.execute(
        """CREATE TABLE t (id int PRIMARY KEY, name text);
           INSERT INTO t SELECT n, 'Qilda' || n % 3 FROM generate_series(1, 9) n;
           CREATE INDEX half_made ON t (name);
           UPDATE pg_index SET indisvalid = false, indisunique = true
           WHERE indexrelid = 'half_made'::regclass"""
    )
    before = schema_text(postgres_database, 18)
    scrubbed(empty, policy(tmp_path, rules("id: non_identifying, name: name.full")))
    assert schema_text(postgres_database, 18) == before
    state = (
        "SELECT indisvalid, indisunique, indisready FROM pg_index WHERE indexrelid = 'half_made'::regclass"
    )
    assert empty.execute(state.encode()).fetchall() == [(False, True, True)]


@pytest.mark.parametrize(("condition", "holds"), [("LIKE 'Qilda%'", False), ("<> ''", True)])
def test_checks_about_the_row_as_a_whole(
    empty: Connection[Any], tmp_path: Path, condition: str, holds: bool
) -> None:
    empty.execute(
        f"""CREATE TABLE t (a text, b text); INSERT INTO t VALUES ('Qilda', 'Qvist');
            CREATE FUNCTION holds(t) RETURNS boolean IMMUTABLE LANGUAGE sql RETURN ($1).a {condition};
            ALTER TABLE t ADD CONSTRAINT whole CHECK (holds(t) AND b <> '')""".encode()
    )
    broken = nullcontext() if holds else pytest.raises(StatementFailed, match="whole")
    with broken:
        scrubbed(empty, policy(tmp_path, rules("a: name.full, b: name.last")))
    assert empty.execute("SELECT a <> 'Qilda' FROM t").fetchall() == [(holds,)]


@pytest.mark.parametrize("key", ["UNIQUE (name, id)", "UNIQUE (id) INCLUDE (name)"])
def test_a_key_that_is_unique_without_the_treated_column(
    empty: Connection[Any], tmp_path: Path, key: str
) -> None:
    empty.execute(f"CREATE TABLE t (id int PRIMARY KEY, name text, CONSTRAINT wider {key})".encode())
    scrubbed(empty, policy(tmp_path, rules("id: non_identifying, name: name.full")))


def test_exclusion_constraints_keep_rows_apart_too(empty: Connection[Any], tmp_path: Path) -> None:
    empty.execute("CREATE TABLE t (id int, name text, CONSTRAINT apart EXCLUDE USING hash (name WITH =))")
    with pytest.raises(PlanRefused) as refused:
        scrubbed(empty, policy(tmp_path, rules("id: non_identifying, name: name.full")))
    assert "apart" in str(refused.value)


def test_generated_columns_of_any_expression(empty: Connection[Any], tmp_path: Path) -> None:
    empty.execute(
        """CREATE OPERATOR =~~ (LEFTARG = text, RIGHTARG = text, FUNCTION = textcat);
           CREATE TYPE pair AS (a text, b text);
           CREATE TABLE t (id int PRIMARY KEY, name text, two pair, doc jsonb,
               odd text GENERATED ALWAYS AS (name OPERATOR(public.=~~) 'x') STORED,
               second text GENERATED ALWAYS AS ((two).b) STORED,
               found bool GENERATED ALWAYS AS (doc @? '$.name') STORED,
               cut text GENERATED ALWAYS AS (overlay(name PLACING 'x' FROM 1)) STORED);
           INSERT INTO t (id, name, two) VALUES (1, 'Qilda', ROW('Qilda', 'Qvist')::pair)"""
    )
    columns = "id: non_identifying, name: name.full, two: {category: name, treat: {kind: 'null'}}, doc: json,"
    scrubbed(empty, policy(tmp_path, rules(f"{columns} odd: name, second: name, found: name, cut: name")))
    assert empty.execute("SELECT odd = name || 'x', second IS NULL FROM t").fetchall() == [(True, True)]


def test_arrays_of_a_composite_type(empty: Connection[Any], tmp_path: Path) -> None:
    empty.execute(
        """CREATE TYPE kin AS (name text, relation text);
           CREATE TABLE t (id int PRIMARY KEY, kins kin[]);
           INSERT INTO t VALUES (1, ARRAY[('Qilda', 'aunt'), NULL, ('Qvist', 'uncle')]::kin[]),
                                (2, '{}'), (3, NULL)"""
    )
    fields = "{name: {kind: surrogate, of: full_name}, relation: {kind: keep}}"
    kins = f"{{category: name, treat: {{kind: composite, fields: {fields}}}}}"
    scrubbed(empty, policy(tmp_path, rules(f"id: non_identifying, kins: {kins}")))
    assert empty.execute(
        "SELECT kins[1].relation, kins[2] IS NULL, kins[3].relation, kins::text ~ 'Q(ilda|vist)'"
        " FROM t ORDER BY id"
    ).fetchall() == [("aunt", True, "uncle", False), (None, True, None, False), (None, True, None, None)]


def test_a_default_tablespace_of_the_database(empty: Connection[Any], tmp_path: Path) -> None:
    empty.execute("CREATE TABLE t (id int PRIMARY KEY, name text); INSERT INTO t VALUES (1, 'Qilda')")
    empty.execute("SET allow_in_place_tablespaces = on")
    empty.execute("CREATE TABLESPACE elsewhere LOCATION ''")
    try:
        # As ALTER DATABASE or ALTER ROLE would.
        empty.execute("SET default_tablespace = elsewhere")
        scrubbed(empty, policy(tmp_path, rules("id: non_identifying, name: name.full")))
        assert empty.execute(
            "SELECT name <> 'Qilda', reltablespace FROM t, pg_class WHERE relname = 't'"
        ).fetchall() == [(True, 0)]
    finally:
        empty.execute("DROP SCHEMA understudy CASCADE")
        empty.execute("DROP TABLESPACE elsewhere")
