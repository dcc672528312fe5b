"""Chosen rows on a real server: what arrives is closed under foreign keys, and is what the rules say."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection, sql
from psycopg.rows import dict_row

from sanitizers.catalog import Catalog, Name
from sanitizers.policy.compile import column_of, sql_text
from sanitizers.policy.document import LoadedPolicy
from sanitizers.policy.plan import ColumnPlan, Plan, TableRulePlan
from sanitizers.policy.rows import Subset, TableRows
from sanitizers.policy.subset import choice, row_problems, subset
from sanitizers.postgres.cluster import Cluster
from sanitizers.postgres.heap import NewRows, rewrite_heap
from sanitizers.postgres.introspect import read_catalog
from sanitizers.postgres.subset import Listing, make_subset, subset_rows
from sanitizers.results import Gate
from sanitizers.validators import gates, originals
from sanitizers.validators.base import Migrations
from tests import datasets
from tests.scrubbing import bindings, policy, session, shared_session


@pytest.fixture(scope="module")
def work(production18: Cluster) -> Iterator[Connection[Any]]:
    with shared_session(production18, "subset") as connection:
        yield connection


@pytest.fixture
def rows(work: Connection[Any]) -> Iterator[Connection[Any]]:
    """A database whose changes are undone."""
    with work.transaction(force_rollback=True):
        yield work


def rules(catalog: Catalog, lines: dict[str, str]) -> str:
    """A policy that keeps every column, with these `rows:`."""
    return "".join(
        f'  "{table.name}":\n    columns: {{}}\n' + (f"    rows: {said}\n" if said else "")
        for table in catalog.roots()
        for said in [lines.get(str(table.name), "")]
    )


def chosen(connection: Connection[Any], loaded: LoadedPolicy) -> dict[str, tuple[int, int]]:
    """Chooses rows and rewrites the tables; rows before and kept, as recorded, by table."""
    catalog = read_catalog(connection)
    assert list(row_problems(loaded, catalog)) == []
    found = subset(loaded.policy, catalog)
    assert found is not None
    make(connection, found)
    for one in found.tables:
        for heap in catalog.heaps(one.table):
            columns, made = (
                [column.name for column in heap.columns if not column.generated],
                choice(one, heap.name),
            )
            outputs = ", ".join(_output(name, dict(made.gaps)) for name in columns)
            where = f" WHERE {made.where}" if made.where else ""
            text = f"SELECT {outputs} FROM ONLY {identifier(heap.name).as_string()} AS t{where}"
            rewrite_heap(connection, heap, "understudy", NewRows(columns, text, []))
    return {f"{schema}.{name}": (before, kept) for schema, name, before, kept in subset_rows(connection)}


def _output(column: str, gaps: dict[str, str]) -> str:
    text = sql_text(column_of("t", column))
    return f"CASE WHEN {gaps[column]} THEN NULL ELSE {text} END" if column in gaps else text


def make(connection: Connection[Any], found: Subset) -> None:
    steps = [
        (
            [
                Listing(identifier(fill.into), fill.sql, bindings().values(fill.bindings))
                for fill in step.fills
            ],
            step.repeats,
        )
        for step in found.steps
    ]
    make_subset(connection, [identifier(name) for name in found.lists], steps, found.counts)


def identifier(name: Name) -> sql.Identifier:
    return sql.Identifier(name.schema, name.name)


def keep(connection: Connection[Any], folder: Path, **lines: str) -> dict[str, tuple[int, int]]:
    """Carries out these `rows:` of tables in `public`."""
    found = rules(read_catalog(connection), {f"public.{table}": said for table, said in lines.items()})
    counts = chosen(connection, policy(folder, found))
    return {name.removeprefix("public."): count for name, count in counts.items()}


def ids(connection: Connection[Any], table: str, column: str = "id") -> list[Any]:
    query = f"SELECT {column} FROM {table} ORDER BY 1"
    return [value for (value,) in connection.execute(query.encode()).fetchall()]


SHOP = """
CREATE TABLE person (id int PRIMARY KEY, mentor int REFERENCES person, born date);
CREATE TABLE orders (id int, at date, person int REFERENCES person, PRIMARY KEY (id, at))
    PARTITION BY RANGE (at);
CREATE SCHEMA parts;
CREATE TABLE parts.old PARTITION OF orders FOR VALUES FROM (MINVALUE) TO ('2020-01-01');
CREATE TABLE parts.new PARTITION OF orders FOR VALUES FROM ('2020-01-01') TO (MAXVALUE);
CREATE TABLE "Order Item" (n int, "order" int, at date, FOREIGN KEY ("order", at) REFERENCES orders (id, at));
CREATE TABLE log (person int, line text);
INSERT INTO person SELECT i, nullif(i - 1, 0), date '1980-01-01' + i FROM generate_series(1, 10) AS i;
INSERT INTO orders SELECT i, date '2019-12-25' + i, 1 + i % 10 FROM generate_series(1, 20) AS i;
INSERT INTO orders VALUES (21, '2021-01-01', NULL);
INSERT INTO "Order Item" SELECT i, id, at FROM orders, generate_series(1, 2) AS i;
INSERT INTO "Order Item" VALUES (1, 99, NULL);
INSERT INTO log SELECT i, 'line' FROM generate_series(1, 10) AS i;
"""


class TestShop:
    @pytest.fixture
    def shop(self, rows: Connection[Any]) -> Connection[Any]:
        rows.execute(SHOP)
        return rows

    def test_chosen_rows_bring_what_they_lead_to_and_others_fall(
        self, shop: Connection[Any], tmp_path: Path
    ) -> None:
        counts = keep(shop, tmp_path, person='{keep: "id = 3"}')
        assert counts == {"person": (10, 3), "orders": (21, 7), "Order Item": (43, 15)}
        assert ids(shop, "person") == [1, 2, 3]
        # Rows that lead nowhere stay, in every partition.
        assert ids(shop, "orders") == [1, 2, 10, 11, 12, 20, 21]
        assert ids(shop, '"Order Item"', '"order"') == sorted([*ids(shop, "orders") * 2, 99])

    def test_a_key_that_becomes_null_brings_nothing(self, shop: Connection[Any], tmp_path: Path) -> None:
        counts = keep(shop, tmp_path, person='{keep: "id IN (3, 4)", set_null: [mentor]}')
        assert counts["person"] == (10, 2)
        found = shop.execute("SELECT id, mentor, born::text FROM person ORDER BY id").fetchall()
        assert found == [(3, None, "1980-01-04"), (4, 3, "1980-01-05")]

    def test_a_table_without_rows(self, shop: Connection[Any], tmp_path: Path) -> None:
        assert keep(shop, tmp_path, log="drop") == {"log": (10, 0)}
        assert ids(shop, "log", "person") == []

    def test_what_leads_to_a_dropped_table_falls_or_forgets(
        self, shop: Connection[Any], tmp_path: Path
    ) -> None:
        counts = keep(shop, tmp_path, person="drop", orders="{set_null: [orders_person_fkey]}")
        assert counts == {"person": (10, 0), "orders": (21, 21)}
        assert set(ids(shop, "orders", "person")) == {None}
        assert len(ids(shop, '"Order Item"', "n")) == 43

    def test_a_sample_is_of_the_key_and_repeats(self, shop: Connection[Any], tmp_path: Path) -> None:
        shop.execute("INSERT INTO person SELECT i, NULL, '2000-01-01' FROM generate_series(11, 2000) AS i")
        shop.execute("UPDATE person SET mentor = NULL")
        with shop.transaction(force_rollback=True):
            before, drawn = keep(shop, tmp_path, person="{sample: 0.2}")["person"]
            assert (before, 300 < drawn < 500) == (2000, True)
            found = ids(shop, "person")
        shop.execute("UPDATE person SET born = '1999-09-09'")
        keep(shop, tmp_path, person="{sample: 0.2}")
        assert ids(shop, "person") == found

    def test_exempt_rows_are_in_every_sample(self, shop: Connection[Any], tmp_path: Path) -> None:
        lines = rules(read_catalog(shop), {"public.person": "{sample: 0.000001, set_null: [mentor]}"})
        exempt = "    exempt: {where: id > 8, reason: r, owner: o}\n    rows:"
        chosen(shop, policy(tmp_path, lines.replace("    rows:", exempt, 1)))
        assert ids(shop, "person") == [9, 10]

    def test_only_what_is_referenced_is_left(self, shop: Connection[Any], tmp_path: Path) -> None:
        counts = keep(
            shop, tmp_path, orders='{keep: "id < 3"}', person="{referenced: true, set_null: [mentor]}"
        )
        assert (counts["orders"], counts["person"]) == ((21, 2), (10, 2))
        assert ids(shop, "person") == [2, 3]

    def test_a_key_that_only_the_policy_knows(self, shop: Connection[Any], tmp_path: Path) -> None:
        lines = rules(read_catalog(shop), {"public.person": '{keep: "id = 3", set_null: [mentor]}'})
        log = '"public.log":\n    columns: '
        virtual = log + "{person: {category: non_identifying, references: public.person.id}}"
        chosen(shop, policy(tmp_path, lines.replace(log + "{}", virtual)))
        assert ids(shop, "log", "person") == [3]

    def test_the_second_time_nothing_is_made(self, shop: Connection[Any], tmp_path: Path) -> None:
        catalog = read_catalog(shop)
        lines = rules(catalog, {"public.person": '{keep: "id = 3"}'})
        found = subset(policy(tmp_path, lines).policy, catalog)
        assert found is not None
        make(shop, found)
        counts = subset_rows(shop)
        shop.execute('TRUNCATE "Order Item"')
        make(shop, found)
        assert subset_rows(shop) == counts


def test_on_version_16(postgres_database_16: str, tmp_path: Path) -> None:
    with session(postgres_database_16) as connection, connection.transaction():
        connection.execute(SHOP)
        counts = keep(connection, tmp_path, person='{keep: "id = 3"}', orders="{sample: 0.9}")
        assert counts["person"][1] >= 3
        assert 0 < counts["orders"][1] < 21


def test_a_key_over_periods_leads_to_all_that_overlap(rows: Connection[Any], tmp_path: Path) -> None:
    rows.execute("""
        CREATE TABLE rate (id int4range, valid daterange, PRIMARY KEY (id, valid WITHOUT OVERLAPS));
        CREATE TABLE booking (n int, id int4range, valid daterange,
                              FOREIGN KEY (id, PERIOD valid) REFERENCES rate (id, PERIOD valid));
        INSERT INTO rate VALUES ('[1,1]', '[2020-01-01,2020-06-01)'), ('[1,1]', '[2020-06-01,2021-01-01)'),
                                ('[2,2]', '[2020-01-01,2021-01-01)');
        INSERT INTO booking VALUES (1, '[1,1]', '[2020-02-01,2020-03-01)'),
            (2, '[1,1]', '[2020-05-01,2020-07-01)'), (3, '[2,2]', '[2020-05-01,2020-07-01)');""")
    with rows.transaction(force_rollback=True):
        keep(rows, tmp_path, rate="{keep: \"id = '[2,2]' OR valid = '[2020-01-01,2020-06-01)'\"}")
        assert ids(rows, "booking", "n") == [1, 3]
    counts = keep(rows, tmp_path, rate="referenced", booking='{keep: "n = 2"}')
    assert counts == {"booking": (3, 1), "rate": (3, 2)}


def test_old_inheritance_and_a_long_chain(rows: Connection[Any], tmp_path: Path) -> None:
    rows.execute("""
        CREATE TABLE entry (id int PRIMARY KEY, previous int REFERENCES entry);
        CREATE TABLE old_entry (PRIMARY KEY (id)) INHERITS (entry);
        INSERT INTO entry SELECT i, nullif(i - 1, 0) FROM generate_series(1, 20000) AS i;
        INSERT INTO old_entry VALUES (1, 7), (2, 8);""")
    assert keep(rows, tmp_path, entry='{keep: "id = 15000"}') == {"entry": (20000, 15000)}
    assert ids(rows, "old_entry") == [1, 2]


VISITS = """
CREATE TABLE person (id int PRIMARY KEY, name text NOT NULL, mentor int REFERENCES person);
CREATE TABLE visit (id int PRIMARY KEY, person int NOT NULL REFERENCES person);
CREATE TABLE log (person int, day int, line text);
INSERT INTO person SELECT i, 'person ' || i, nullif(i - 1, 0) FROM generate_series(1, 10) AS i;
INSERT INTO visit SELECT i, 1 + i % 10 FROM generate_series(1, 40) AS i;
INSERT INTO log SELECT 1 + i % 10, i % 3, 'line ' || i FROM generate_series(1, 60) AS i;
"""
TREAT = """
UPDATE person SET name = 'somebody ' || id;
CREATE TEMP TABLE lines AS SELECT person, day, 'other ' || line FROM log;
TRUNCATE log; INSERT INTO log SELECT * FROM lines; DROP TABLE lines;
"""
VISIT_RULES = """
  public.person: {columns: {}, rows: {keep: "id > 4", set_null: [mentor]}}
  public.visit: {columns: {}}
  public.log: {columns: {}, rows: {keep: "line <> 'line 26'"}}
"""


def _plan(table: str, *columns: str, key: tuple[str, ...] = ()) -> TableRulePlan:
    """A rule that replaces name and line, and keeps the other columns."""
    plans = [
        ColumnPlan(name, "text", "c", "direct_identifier", "surrogate", "s", must_differ=True)
        if name in {"name", "line"}
        else ColumnPlan(name, "integer", "c", "non_identifying", "keep", "kept")
        for name in columns
    ]
    return TableRulePlan(Name("public", table), tuple(plans), key)


PLANS = (_plan("person", "id", "name", "mentor", key=("id",)), _plan("log", "person", "day", "line"))


@dataclass(frozen=True)
class Sides:
    clone: Connection[Any]
    original: Connection[Any]
    rows: dict[Name, TableRows]

    def judge(self) -> Iterator[Gate]:
        none, before, after = Migrations(), read_catalog(self.original), read_catalog(self.clone)
        counts = [
            gates.row_counts(side, gates.countable(known))
            for side, known in ((self.original, before), (self.clone, after))
        ]
        plan = Plan("clinic", 1, "", "hipaa-lds", "", PLANS, (), ())
        yield from gates.row_count_gates(*counts, {}, none, self.rows)
        for key in gates.touched_keys(plan, after, self.rows):
            yield gates.foreign_key_gate(self.clone, key, after, self.original)
        for rule in PLANS:
            rows = self.rows[rule.table]
            compared = originals.compare(self.clone, self.original, rule, after, before, rows)
            assert compared is not None
            yield from originals.comparison_gates(compared, none)


@pytest.fixture(scope="module")
def sides(production18: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sides]:
    with (
        shared_session(production18, "subset_original") as original,
        shared_session(production18, "subset_clone") as clone,
    ):
        original.execute(VISITS)
        clone.execute(VISITS)
        with clone.transaction():
            counts = chosen(clone, policy(tmp_path_factory.mktemp("gates"), VISIT_RULES))
            clone.execute(TREAT)
        # What a scrub leaves is all that is known by then.
        clone.execute("DROP SCHEMA understudy CASCADE")
        rows = {
            (name := Name.parse(text)): TableRows(name, *count, ("mentor",) * text.endswith("person"))
            for text, count in counts.items()
        }
        yield Sides(clone, original, rows)


class TestGates:
    def test_dropped_rows_are_counted(self, sides: Sides) -> None:
        judged = {(gate.name, gate.subject): gate for gate in sides.judge()}
        assert [gate for gate in judged.values() if not gate.passed] == []
        counted = judged["row count", "public.visit"]
        assert (counted.observed, counted.expected) == ("24 of 40", "24 of 40")
        paired = judged["rows paired with originals", "public.person"]
        assert paired.observed == "6 of 6, by key (id)"
        # One of the lines of its person and day is dropped, so the other could be either.
        paired = judged["rows paired with originals", "public.log"]
        assert paired.observed == "58 of 59, by kept columns and physical order; 1 like dropped ones"
        assert ("foreign key", "public.visit.visit_person_fkey") in judged

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ("DELETE FROM visit WHERE id = 4", ["row count public.visit"]),
            (
                "DELETE FROM person WHERE id = 5",
                [
                    "row count public.person",
                    "foreign key public.visit.visit_person_fkey",
                    "foreign key public.person.person_mentor_fkey",
                    "rows paired with originals public.person",
                ],
            ),
            (
                "INSERT INTO person VALUES (2, 'somebody 2')",
                ["row count public.person", "rows paired with originals public.person"],
            ),
            (
                "UPDATE person SET name = 'person 7' WHERE id = 7",
                ["differs from original public.person.name"],
            ),
            (
                "UPDATE log SET line = 'line 4'; UPDATE log SET line = 'line 5'",
                ["differs from original public.log.line"],
            ),
        ],
    )
    def test_a_violation_fails_its_gates(self, sides: Sides, change: str, expected: list[str]) -> None:
        with sides.clone.transaction(force_rollback=True):
            sides.clone.execute("SET LOCAL session_replication_role = replica")
            sides.clone.execute(change.encode())
            failed = [f"{gate.name} {gate.subject}" for gate in sides.judge() if not gate.passed]
        assert sorted(failed) == sorted(expected)

    def test_orphans_that_production_has_are_none_of_ours(self, sides: Sides) -> None:
        orphan = "SET LOCAL session_replication_role = replica; INSERT INTO visit VALUES (99, 77)"
        with sides.clone.transaction(force_rollback=True), sides.original.transaction(force_rollback=True):
            sides.clone.execute(orphan)
            sides.original.execute(orphan)
            gate = next(gate for gate in sides.judge() if gate.subject == "public.visit.visit_person_fkey")
        assert (gate.passed, gate.expected) == (True, "1 orphans, as in production")


needs_data = pytest.mark.skipif(
    datasets.SHARED is None, reason="the public data sets are not beside the checkout"
)


PAGILA = {
    "customer": "{sample: 0.05}",
    "film_actor": "{follow: [film_id]}",
    "film_category": "{follow: [film_id]}",
} | dict.fromkeys(("address", "city", "country", "inventory", "film", "actor"), "referenced")


@needs_data
def test_five_percent_of_pagilas_customers(postgres_database: str, tmp_path: Path) -> None:
    datasets.load_pagila(postgres_database)
    with session(postgres_database) as connection, connection.transaction():
        lines = rules(read_catalog(connection), {f"public.{name}": said for name, said in PAGILA.items()})
        payment = '"public.payment":\n    columns: '
        # One of the partitions lacks the keys of the others.
        customer = "{customer_id: {category: non_identifying, references: public.customer.customer_id}}"
        counts = chosen(connection, policy(tmp_path, lines.replace(f"{payment}{{}}", f"{payment}{customer}")))
        customers, rentals = counts["public.customer"][1], counts["public.rental"][1]
        assert 10 < customers < 60
        assert 15 * customers < rentals < 40 * customers
        assert 15 * customers < counts["public.payment"][1] < 40 * customers
        for table in ("address", "film", "film_actor", "film_category", "inventory"):
            before, left = counts[f"public.{table}"]
            assert 0 < left < before
        for key in (key for table in read_catalog(connection).tables.values() for key in table.foreign_keys):
            # Added anew, a key is checked by the server itself.
            table = sql.Identifier(key.table.schema, key.table.name)
            find = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s AND conrelid = "
            found = connection.execute(f"{find}%s::regclass", [key.name, table.as_string()]).fetchone()
            assert found is not None
            add = sql.SQL("ALTER TABLE {} ADD CONSTRAINT again {}")
            with connection.transaction(force_rollback=True):
                connection.execute(add.format(table, sql.SQL(found[0])))


@dataclass(frozen=True)
class Link:
    """A foreign key of a made-up schema. A composite one has two columns, of which the first may be NULL."""

    number: int
    child: int
    parent: int
    composite: bool
    nullable: bool
    valid: bool

    @property
    def name(self) -> str:
        return f"Key {self.number}"


Row = tuple[int, int]
"""Table and id."""


@dataclass
class World:
    """A small random database, and what its rules mean, told row by row."""

    links: list[Link]
    leads: dict[Row, dict[Link, int | None]]
    """For each row and link of its table, the id it leads to, if any; 99 leads nowhere."""
    tags: dict[Row, int]
    rules: dict[int, dict[str, Any]]

    @classmethod
    def make(cls, seed: int) -> World:
        draw = random.Random(seed)
        tables, links = range(draw.randint(2, 6)), list[Link]()
        for number in range(draw.randint(1, 9)):
            child, parent = draw.choice(tables), draw.choice(tables)
            flags = [draw.random() < share for share in (0.3, 0.5, 0.8)]
            links.append(Link(number, child, parent, *flags))
        sizes = {table: draw.randint(1, 200 // len(tables)) for table in tables}
        every = [(table, id_) for table in tables for id_ in range(1, sizes[table] + 1)]

        def lead(link: Link) -> int | None:
            if link.nullable and draw.random() < 0.3:
                return None
            return 99 if not link.valid and draw.random() < 0.2 else draw.randint(1, sizes[link.parent])

        leads = {row: {link: lead(link) for link in links if link.child == row[0]} for row in every}
        rules = {table: rule for table in tables if (rule := cls._rule(draw, links, table))}
        return cls(links, leads, {row: draw.randint(0, 9) for row in every}, rules)

    @staticmethod
    def _rule(draw: random.Random, links: list[Link], table: int) -> dict[str, Any]:
        mine = [link for link in links if link.child == table]
        empty = [link.name for link in mine if link.nullable and draw.random() < 0.3]
        rule: dict[str, Any] = {"set_null": empty} if empty else {}
        kind = draw.choice(["", "", "drop", "keep", "keep", "referenced", "both", "follow"])
        if kind == "drop":
            return {"drop": True}
        if kind in ("keep", "both"):
            rule["keep"] = f"tag < {draw.randint(1, 8)}"
        if kind in ("referenced", "both"):
            rule["referenced"] = True
        others = [link.name for link in mine if link.name not in empty and link.parent != table]
        follow = [name for name in others if draw.random() < 0.7]
        if kind == "follow" and follow:
            rule["follow"] = follow
        return rule

    def named(self, link: Link, key: str) -> bool:
        return link.name in self.rules.get(link.child, {}).get(key, ())

    def above(self, row: Row, *, every: bool = False) -> list[tuple[Link, Row]]:
        """The rows that a row leads to, by keys that bind."""
        return [
            (link, (link.parent, id_))
            for link, id_ in self.leads[row].items()
            if id_ is not None and (link.parent, id_) in self.leads
            if every or not self.named(link, "set_null")
        ]

    def grown(self, rows: set[Row], grows: Callable[[Row, set[Row]], bool]) -> set[Row]:
        """These rows and all that follow from them."""
        while more := {row for row in self.leads if row not in rows and grows(row, rows)}:
            rows = rows | more
        return rows

    def upwards(self, rows: set[Row]) -> set[Row]:
        while more := {parent for row in rows for _, parent in self.above(row)} - rows:
            rows = rows | more
        return rows

    def expected(self) -> set[Row]:
        """The rows that arrive."""

        def falls(row: Row, gone: set[Row]) -> bool:
            return any(parent in gone for _, parent in self.above(row))

        dropped = {row for row in self.leads if self.rules.get(row[0], {}).get("drop")}
        doomed = self.grown(dropped, falls)
        choosing = {table: int(rule["keep"][6:]) for table, rule in self.rules.items() if "keep" in rule}
        chosen = {row for row in self.leads if self.tags[row] < choosing.get(row[0], 0)} - doomed
        chosen = self.upwards(chosen)
        judged = {table for table in choosing if "referenced" not in self.rules[table]}
        gone = self.grown(dropped | {row for row in self.leads if row[0] in judged} - chosen, falls)
        needed = {table for table, rule in self.rules.items() if "referenced" in rule}
        while (
            more := {x.child for x in self.links if self.named(x, "follow") and x.parent in needed} - needed
        ):
            needed |= more
        kept = {row for row in self.leads if row[0] not in needed} - gone | chosen
        while True:
            before, kept = kept, self.upwards(kept)
            kept = kept | {
                row for row in self.leads if row not in gone and self.comes_along(row, kept, needed)
            }
            if kept == before:
                return kept

    def comes_along(self, row: Row, kept: set[Row], needed: set[int]) -> bool:
        mine = [x for x in self.links if x.child == row[0] and x.parent in needed and self.named(x, "follow")]
        return bool(mine) and all(parent in kept for link, parent in self.above(row) if link in mine)

    def values(self, row: Row, kept: set[Row]) -> dict[Link, int | None]:
        """Where the keys of a kept row lead in the end."""
        lost = {link for link, parent in self.above(row, every=True) if parent not in kept}
        return {link: None if link in lost else id_ for link, id_ in self.leads[row].items()}

    def create(self, connection: Connection[Any]) -> None:
        for table in sorted({table for table, _ in self.leads}):
            mine = [link for link in self.links if link.child == table]
            columns = [part for link in mine for part in self._columns(link)]
            text = ", ".join(["id int PRIMARY KEY", "tag int", "half int", "UNIQUE (half, id)", *columns])
            connection.execute(f'CREATE TABLE "Table {table}" ({text})'.encode())
            copy = f'COPY "Table {table}" FROM STDIN'.encode()
            with connection.cursor().copy(copy) as rows:
                for row in self.leads:
                    if row[0] == table:
                        rows.write_row([row[1], self.tags[row], row[1] % 2, *self._written(row)])
        for link in self.links:
            here = f'"h{link.number}", "k{link.number}"' if link.composite else f'"k{link.number}"'
            there = "half, id" if link.composite else "id"
            connection.execute(
                f'ALTER TABLE "Table {link.child}" ADD CONSTRAINT "{link.name}" FOREIGN KEY ({here})'
                f' REFERENCES "Table {link.parent}" ({there}) {"" if link.valid else "NOT VALID"}'.encode()
            )

    @staticmethod
    def _columns(link: Link) -> list[str]:
        null = "" if link.nullable else "NOT NULL"
        half = [f"h{link.number} int {null}"] if link.composite else []
        return [*half, f"k{link.number} int {'' if link.composite else null}"]

    def _written(self, row: Row) -> Iterator[int | None]:
        for link, id_ in self.leads[row].items():
            if link.composite:
                yield None if id_ is None else id_ % 2
            # Half a key leads nowhere.
            yield 1 if id_ is None and link.composite else id_


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_random_databases(work: Connection[Any], tmp_path: Path, seed: int) -> None:
    world = World.make(seed)
    if not world.rules:
        return
    with work.transaction(force_rollback=True):
        world.create(work)
        lines = {f"public.Table {table}": json.dumps(rule) for table, rule in world.rules.items()}
        loaded = policy(tmp_path, rules(read_catalog(work), lines))
        if subset(loaded.policy, read_catalog(work)) is None:
            return
        counts = chosen(work, loaded)
        kept = world.expected()
        for table in sorted({table for table, _ in world.leads}):
            found = {row["id"]: row for row in table_rows(work, table)}
            assert set(found) == {id_ for where, id_ in kept if where == table}
            before = sum(where == table for where, _ in world.leads)
            assert counts.get(f"public.Table {table}", (before, before)) == (before, len(found))
            for id_, row in found.items():
                for link, value in world.values((table, id_), kept).items():
                    leads = None if row.get(f"h{link.number}", 0) is None else row[f"k{link.number}"]
                    assert leads == value
        for link in world.links:
            if link.valid:
                assert orphans(work, link) == 0


def table_rows(connection: Connection[Any], table: int) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(f'SELECT * FROM "Table {table}"'.encode()).fetchall()


def orphans(connection: Connection[Any], link: Link) -> int:
    pairs = {f"k{link.number}": "id"} | ({f"h{link.number}": "half"} if link.composite else {})
    equal = " AND ".join(f"p.{theirs} = c.{mine}" for mine, theirs in pairs.items())
    set_ = " AND ".join(f"c.{mine} IS NOT NULL" for mine in pairs)
    found = connection.execute(
        f'SELECT count(*) FROM "Table {link.child}" c LEFT JOIN "Table {link.parent}" p ON {equal}'
        f" WHERE {set_} AND p.id IS NULL".encode()
    ).fetchone()
    assert found is not None
    return int(found[0])
