"""Mass gates on real servers: each passes on a well scrubbed clone and fails on the violation it is for."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest
from psycopg import Connection, sql

from sanitizers.catalog import Name
from sanitizers.policy.plan import ColumnPlan, Plan, TableRulePlan
from sanitizers.postgres.cluster import Cluster
from sanitizers.postgres.introspect import read_catalog
from sanitizers.results import Gate, TableScrub, Window
from sanitizers.validators import gates, originals
from sanitizers.validators.base import Migrations, changed_columns, settle

PRODUCTION = """
CREATE SCHEMA "Sales";
CREATE TYPE mood AS ENUM ('fine', 'bad');
CREATE TABLE "Sales"."Customer" (
    "Id" int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "select" text NOT NULL UNIQUE,
    phone varchar(20),
    phones text[],
    address inet,
    document jsonb,
    photo bytea,
    initials char(3),
    mood mood,
    born timestamptz,
    is_test boolean NOT NULL DEFAULT false,
    shouted text GENERATED ALWAYS AS (upper("select")) STORED
);
INSERT INTO "Sales"."Customer"
    ("select", phone, phones, address, document, photo, initials, mood, born, is_test)
SELECT 'person' || i || CASE WHEN i <= 5 THEN '@example.com' ELSE '@hospital.org' END,
       CASE WHEN i % 5 > 0 THEN '212-867-' || 5000 + i END,
       CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN '{}' WHEN 2 THEN '{"",NULL}'
                  ELSE ARRAY['212-867-' || 5000 + i, ''] END,
       ('10.1.' || i % 200 || '.7')::inet, jsonb_build_object('name', 'Name ' || i),
       decode(md5(i::text), 'hex'),
       CASE i % 3 WHEN 0 THEN '' WHEN 1 THEN '-' ELSE 'A' || i % 10 END, 'fine',
       timestamptz '1980-01-01 12:00+02' + i * interval '1 day', i <= 5
FROM generate_series(1, 200) AS i;
CREATE TABLE orders (
    id int NOT NULL, at date NOT NULL, buyer text REFERENCES "Sales"."Customer" ("select"),
    PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
CREATE TABLE orders_old PARTITION OF orders FOR VALUES FROM ('2000-01-01') TO ('2020-01-01');
CREATE TABLE orders_new PARTITION OF orders FOR VALUES FROM ('2020-01-01') TO ('2040-01-01');
INSERT INTO orders SELECT i, date '2010-01-01' + i * 100, "select"
FROM generate_series(1, 100) AS i JOIN "Sales"."Customer" AS c ON c."Id" = i;
CREATE TABLE log (at date, line text);
INSERT INTO log SELECT date '2020-01-01' + i % 7, 'line ' || i FROM generate_series(1, 300) AS i;
CREATE TABLE untouched (id int PRIMARY KEY);
INSERT INTO untouched SELECT generate_series(1, 7);
ALTER TABLE untouched ADD CONSTRAINT positive CHECK (id > 0), ADD CONSTRAINT odd CHECK (id > -1) NOT VALID;
"""
SCRUB = """
ALTER TABLE orders DROP CONSTRAINT orders_buyer_fkey;
UPDATE "Sales"."Customer" SET
    "select" = 'u' || "Id" || '@example.com', phone = '555-01' || lpad(("Id" % 100)::text, 2, '0'),
    phones = CASE WHEN cardinality(phones) > 0 AND phones[1] <> '' THEN '{555-0101,""}' ELSE phones END,
    address = '192.0.2.9', document = '{}', photo = '',
    initials = translate(initials, 'A0123456789', 'B1234567890')
WHERE NOT is_test;
UPDATE "Sales"."Customer" SET phone = NULL WHERE "Id" % 5 = 0 AND NOT is_test;
UPDATE "Sales"."Customer" SET phone = '555-0100', address = '192.0.2.1' WHERE is_test;
UPDATE orders SET buyer = (SELECT "select" FROM "Sales"."Customer" WHERE "Id" = id);
ALTER TABLE orders
    ADD CONSTRAINT orders_buyer_fkey FOREIGN KEY (buyer) REFERENCES "Sales"."Customer" ("select");
CREATE TABLE written AS SELECT at, 'other ' || line AS line FROM log;
TRUNCATE log; INSERT INTO log SELECT * FROM written; DROP TABLE written;
"""
TEST_PATIENTS = """
UPDATE "Sales"."Customer" SET phone = '555-0100', address = '192.0.2.1', phones = '{555-0100}' WHERE is_test;
"""
CUSTOMER = Name("Sales", "Customer")
NO_MIGRATIONS = Migrations()
_numbers = itertools.count(1)


def _column(name: str, type_: str = "text", **facts: Any) -> ColumnPlan:
    return ColumnPlan(
        name, type_, "category", "direct_identifier", facts.pop("kind", "surrogate"), "summary", **facts
    )


def _kept(name: str, type_: str = "integer") -> ColumnPlan:
    return _column(name, type_, kind="keep")


RULES = (
    TableRulePlan(
        CUSTOMER,
        (
            _kept("Id"),
            _column("select", must_differ=True, reserved=r"@example\.com$"),
            _column("phone", "character varying(20)", must_differ=True, reserved="^555-01"),
            _column("phones", "text[]", must_differ=True, reserved="^555-01"),
            _column("address", "inet", must_differ=True, reserved=r"^192\.0\.2\."),
            _column("document", "jsonb", must_differ=True),
            _column("photo", "bytea", must_differ=True),
            _column("initials", "character(3)", must_differ=True),
            _kept("mood", "mood"),
            _kept("born", "timestamp with time zone"),
            _kept("is_test", "boolean"),
            _column("shouted", kind="generated"),
        ),
        ("Id",),
        exempt='"t"."is_test"',
        exempt_reason="static",
    ),
    TableRulePlan(
        Name("public", "orders"),
        (_kept("id"), _kept("at", "date"), _column("buyer", must_differ=True)),
        ("id", "at"),
        exempt='EXISTS(SELECT 1 FROM "Sales"."Customer" AS t_ WHERE t_."select" = t.buyer AND t_.is_test)',
    ),
    TableRulePlan(Name("public", "log"), (_kept("at", "date"), _column("line", must_differ=True)), ()),
    TableRulePlan(Name("public", "untouched"), (_kept("id"),), ("id",)),
)
PLAN = Plan("hospital", 1, "", "hipaa-lds", "", RULES, (), ())


@dataclass
class Pair:
    """A clone and the original it was made from."""

    clone: Connection[Any]
    original: Connection[Any]

    def change(self, text: str) -> None:
        self.clone.execute(text)

    def judge(
        self, migrations: Migrations = NO_MIGRATIONS, rules: tuple[TableRulePlan, ...] = RULES
    ) -> list[Gate]:
        return list(self._judge(migrations, rules))

    def _judge(self, migrations: Migrations, rules: tuple[TableRulePlan, ...]) -> Iterator[Gate]:
        before, after = read_catalog(self.original), read_catalog(self.clone)
        counts = [
            gates.row_counts(side, gates.countable(known))
            for side, known in ((self.original, before), (self.clone, after))
        ]
        yield from gates.row_count_gates(counts[0], counts[1], {}, migrations)
        yield gates.index_gate(self.clone, self.original, "hospital")
        yield gates.constraint_gate(self.clone, self.original, "hospital")
        for key in gates.touched_keys(PLAN, after):
            yield gates.foreign_key_gate(self.clone, key, after)
        for rule in filter(changed_columns, rules):
            if found := originals.compare(self.clone, self.original, rule, after, before):
                yield from originals.comparison_gates(found, migrations)
            yield from gates.reserved_gates(self.clone, rule, after.tables[rule.table])


@contextmanager
def _pair(admin: str) -> Iterator[Pair]:
    names = [f"gates_{side}_{next(_numbers)}" for side in ("original", "clone")]
    with psycopg.connect(admin, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(names[0])))
        with psycopg.connect(admin, dbname=names[0], autocommit=True) as original:
            original.execute(PRODUCTION + TEST_PATIENTS)
        copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
            sql.Identifier(names[1]), sql.Identifier(names[0])
        )
        server.execute(copy)
        try:
            with (
                psycopg.connect(admin, dbname=names[1], autocommit=True) as clone,
                psycopg.connect(admin, dbname=names[0], autocommit=True) as original,
            ):
                # The two sides print differently until they are settled.
                clone.execute(
                    "SET DateStyle = 'German'; SET TimeZone = 'Asia/Tokyo'; SET bytea_output = 'escape'"
                )
                clone.execute(SCRUB)
                settle(clone)
                settle(original)
                yield Pair(clone, original)
        finally:
            for name in names:
                server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="module")
def scrubbed18(production18: Cluster) -> Iterator[Pair]:
    with _pair(production18.dsn()) as pair:
        yield pair


@pytest.fixture(scope="module")
def scrubbed16(production16: Cluster) -> Iterator[Pair]:
    with _pair(production16.dsn()) as pair:
        yield pair


@pytest.fixture
def pair18(scrubbed18: Pair) -> Iterator[Pair]:
    """A well scrubbed clone; what a test does to it is undone."""
    with scrubbed18.clone.transaction(force_rollback=True):
        yield scrubbed18


@pytest.fixture(params=["scrubbed18", "scrubbed16"])
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    scrubbed: Pair = request.getfixturevalue(request.param)
    with scrubbed.clone.transaction(force_rollback=True):
        yield scrubbed


def failed(judged: list[Gate]) -> list[tuple[str, str]]:
    return [(gate.name, gate.subject) for gate in judged if not gate.passed]


def found(judged: list[Gate], name: str, subject: str) -> Gate:
    return next(gate for gate in judged if (gate.name, gate.subject) == (name, subject))


def test_every_gate_passes_on_a_well_scrubbed_clone(pair: Pair) -> None:
    judged = pair.judge()
    assert failed(judged) == []
    assert {gate.name for gate in judged} == {
        "row count",
        "indexes valid",
        "constraints valid",
        "foreign key",
        "rows paired with originals",
        "null count",
        "differs from original",
        "exempt rows unchanged",
        "reserved range",
    }
    assert found(judged, "rows paired with originals", "public.log").observed == (
        "300 of 300, by kept columns and physical order"
    )
    assert (
        found(judged, "rows paired with originals", "public.orders").observed == "100 of 100, by key (id, at)"
    )
    assert ("foreign key", "public.orders.orders_buyer_fkey") in [
        (gate.name, gate.subject) for gate in judged
    ]


def test_counts_of_one_column(pair18: Pair) -> None:
    catalog = read_catalog(pair18.original)
    compared = originals.compare(pair18.clone, pair18.original, RULES[0], read_catalog(pair18.clone), catalog)
    assert compared is not None
    counts = {counts.column.rpartition(".")[2]: counts for counts in compared.columns}
    assert (counts["phone"].rows, counts["phone"].nulls_before, counts["phone"].nulls_after) == (200, 39, 39)
    assert (counts["phone"].changed, counts["phone"].unchanged, counts["phone"].exempt) == (156, 0, 5)
    # Of the others, a third is blank and a third is a dash, which a pseudonym in its shape leaves a dash.
    assert (counts["initials"].changed, counts["initials"].unchanged) == (65, 0)
    # Arrays without content count as empty.
    assert (counts["phones"].changed, counts["phones"].unchanged) == (49, 0)


VIOLATIONS = {
    "a row is lost": (
        "DELETE FROM orders WHERE id = 3",
        [("row count", "public.orders"), ("rows paired with originals", "public.orders")],
    ),
    "a row is lost of a table that was not scrubbed": (
        "DELETE FROM untouched WHERE id = 7",
        [("row count", "public.untouched")],
    ),
    "a row without a key is lost": (
        "DELETE FROM log WHERE line = 'other line 7'",
        [("row count", "public.log"), ("rows paired with originals", "public.log")],
    ),
    "a null appears": (
        """UPDATE "Sales"."Customer" SET phone = NULL WHERE "Id" = 7""",
        [("null count", "Sales.Customer.phone")],
    ),
    "a null vanishes": (
        """UPDATE "Sales"."Customer" SET phone = '555-0177' WHERE "Id" = 10""",
        [("null count", "Sales.Customer.phone")],
    ),
    "a partition kept its originals": (
        """ALTER TABLE orders DROP CONSTRAINT orders_buyer_fkey;
           UPDATE orders_new SET buyer = 'person' || id || '@hospital.org'""",
        [("differs from original", "public.orders.buyer")],
    ),
    "one text value is the original": (
        """ALTER TABLE orders DROP CONSTRAINT orders_buyer_fkey;
           UPDATE "Sales"."Customer" SET "select" = 'person9@hospital.org' WHERE "Id" = 9""",
        [("differs from original", "Sales.Customer.select"), ("reserved range", "Sales.Customer.select")],
    ),
    "one array is the original": (
        """UPDATE "Sales"."Customer" SET phones = '{212-867-5007,""}' WHERE "Id" = 7""",
        [("differs from original", "Sales.Customer.phones"), ("reserved range", "Sales.Customer.phones")],
    ),
    "one document is the original": (
        """UPDATE "Sales"."Customer" SET document = '{"name": "Name 8"}' WHERE "Id" = 8""",
        [("differs from original", "Sales.Customer.document")],
    ),
    "one binary is the original": (
        """UPDATE "Sales"."Customer" SET photo = decode(md5('8'), 'hex') WHERE "Id" = 8""",
        [("differs from original", "Sales.Customer.photo")],
    ),
    "one short value is the original": (
        """UPDATE "Sales"."Customer" SET initials = 'A8' WHERE "Id" = 8""",
        [("differs from original", "Sales.Customer.initials")],
    ),
    "one address is the original": (
        """UPDATE "Sales"."Customer" SET address = '10.1.8.7' WHERE "Id" = 8""",
        [("differs from original", "Sales.Customer.address"), ("reserved range", "Sales.Customer.address")],
    ),
    "a line of a table without key is the original": (
        """CREATE TEMP TABLE lines AS
               SELECT at, CASE line WHEN 'other line 7' THEN 'line 7' ELSE line END AS line FROM log;
           TRUNCATE log; INSERT INTO log SELECT * FROM lines; DROP TABLE lines""",
        [("differs from original", "public.log.line")],
    ),
    "an exempt row is changed": (
        """UPDATE "Sales"."Customer" SET photo = '' WHERE "Id" = 2""",
        [("exempt rows unchanged", "Sales.Customer")],
    ),
    "an exempt row reaches somebody": (
        """UPDATE "Sales"."Customer" SET phone = '212-867-5309' WHERE "Id" = 2""",
        [("exempt rows unchanged", "Sales.Customer"), ("reserved range", "Sales.Customer.phone")],
    ),
    "an array reaches somebody in its second element": (
        """UPDATE "Sales"."Customer" SET phones = '{555-0101,212-867-5309}' WHERE "Id" = 7""",
        [("reserved range", "Sales.Customer.phones")],
    ),
    "an orphan": (
        """SET session_replication_role = replica; UPDATE orders SET buyer = 'nobody' WHERE id = 7;
           RESET session_replication_role""",
        [("foreign key", "public.orders.orders_buyer_fkey")],
    ),
    "an index is invalid": (
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'untouched_pkey'::regclass",
        [("indexes valid", "hospital")],
    ),
    "a constraint is left unchecked": (
        "ALTER TABLE untouched DROP CONSTRAINT positive, ADD CONSTRAINT positive CHECK (id > 0) NOT VALID",
        [("constraints valid", "hospital")],
    ),
}


@pytest.mark.parametrize("violation", VIOLATIONS)
def test_a_violation_fails_its_gates_and_no_other(pair: Pair, violation: str) -> None:
    change, expected = VIOLATIONS[violation]
    pair.change(change)
    assert sorted(failed(pair.judge())) == sorted(expected)


def test_a_table_of_which_all_columns_are_treated_is_paired_by_physical_order(pair18: Pair) -> None:
    rule = TableRulePlan(
        Name("public", "log"), (_column("at", "date"), _column("line", must_differ=True)), ()
    )
    judged = pair18.judge(rules=(rule,))
    assert (
        found(judged, "rows paired with originals", "public.log").observed == "300 of 300, by physical order"
    )
    assert failed(judged) == []


def test_exempt_rows_of_a_table_without_a_key_are_found_in_any_order(pair18: Pair) -> None:
    rule = replace(RULES[2], exempt="t.at = '2020-01-03'")
    pair18.change("""
        CREATE TEMP TABLE lines AS
            SELECT at, CASE at WHEN '2020-01-03' THEN replace(line, 'other ', '') ELSE line END
            FROM log ORDER BY random();
        TRUNCATE log; INSERT INTO log SELECT * FROM lines; DROP TABLE lines""")
    judged = pair18.judge(rules=(rule,))
    assert found(judged, "exempt rows unchanged", "public.log").observed == "0 values altered in 43 rows"
    pair18.change("UPDATE log SET line = 'else' WHERE line = 'line 2'")
    judged = pair18.judge(rules=(rule,))
    assert not found(judged, "exempt rows unchanged", "public.log").passed


def test_nothing_of_the_original_enters_the_clone(pair18: Pair) -> None:
    pair18.judge()
    tables = "SELECT count(*) FROM pg_class WHERE relname LIKE 'understudy%'"
    assert pair18.clone.execute(tables).fetchone() == (0,)
    assert pair18.original.execute(tables).fetchone() == (0,)


def test_a_settled_session_on_the_clone_only_reads(pair18: Pair) -> None:
    with psycopg.connect(pair18.clone.info.dsn, autocommit=True) as connection:
        settle(connection, read_only=True)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute("CREATE TABLE written (id int)")


def test_what_a_migration_changed_is_not_held_against_the_scrub(pair18: Pair) -> None:
    text = """
    ALTER TABLE "Sales"."Customer" ADD COLUMN preferred text;
    UPDATE "Sales"."Customer" SET phone = '555-0199' WHERE phone IS NULL;
    ALTER TABLE "Sales"."Customer" DROP COLUMN photo;
    INSERT INTO untouched VALUES (8);
    """
    pair18.change(text)
    assert ("null count", "Sales.Customer.phone") in failed(pair18.judge())
    assert failed(pair18.judge(Migrations((text,)))) == []
    # A migration of another table excuses nothing here.
    elsewhere = failed(pair18.judge(Migrations(("UPDATE customers SET phone = ''",))))
    assert elsewhere == [
        ("null count", "Sales.Customer.phone"),
        ("differs from original", "Sales.Customer.photo"),
    ]


def test_a_migration_never_excuses_a_surviving_original(pair18: Pair) -> None:
    change, expected = VIOLATIONS["one short value is the original"]
    pair18.change(change)
    assert failed(pair18.judge(Migrations(('UPDATE "Customer"',)))) == expected


def test_the_scrubs_own_count_is_exact_whatever_migrations_do(pair18: Pair) -> None:
    catalog = read_catalog(pair18.original)
    heaps = [("orders_old", 35), ("orders_new", 65)]
    scrubs = [TableScrub(Name("public", name), rows, 0.0, 0, 0) for name, rows in heaps]
    scrubbed = gates.scrubbed_rows(scrubs, catalog)
    assert scrubbed == {Name("public", "orders"): 100}
    before = {Name("public", "orders"): 100}
    migrated = Migrations(("DELETE FROM orders",))
    assert [
        gate.passed
        for gate in gates.row_count_gates(before, {Name("public", "orders"): 90}, scrubbed, migrated)
    ] == [True]
    short = {Name("public", "orders"): 99}
    assert [gate.passed for gate in gates.row_count_gates(before, before, short, migrated)] == [False]


WINDOW = Window(
    Name("Sales", "Customer_Id_seq"), ("Sales.Customer.Id",), "int4", 1, 201, 5000, 6000, 2**31 - 1
)


@pytest.mark.parametrize(
    ("position", "window", "passed", "migrated"),
    [
        ("5000, false", WINDOW, True, True),
        ("5000, true", WINDOW, False, True),
        ("5003, false", WINDOW, False, True),
        ("6000, true", WINDOW, False, False),
        ("4999, false", WINDOW, False, False),
        ("201, false", WINDOW, False, False),
        ("5000, false", replace(WINDOW, production=5000), False, False),
        ("5000, false", None, False, False),
    ],
)
def test_sequences_stand_at_the_start_of_their_windows(
    pair18: Pair, position: str, window: Window | None, passed: bool, migrated: bool
) -> None:
    pair18.change(f"""SELECT setval('"Sales"."Customer_Id_seq"', {position})""")
    catalog = read_catalog(pair18.clone)
    windows = [window] if window else []
    assert [gate.passed for gate in gates.sequence_gates(catalog, windows, Migrations())] == [passed]
    assert [gate.passed for gate in gates.sequence_gates(catalog, windows, Migrations(("SELECT",)))] == [
        migrated
    ]


def test_a_descending_sequence_goes_down_from_its_window(pair18: Pair) -> None:
    pair18.change("""CREATE SEQUENCE down INCREMENT -2; SELECT setval('down', -5001, false);
                     SELECT setval('"Sales"."Customer_Id_seq"', 201, false)""")
    catalog = read_catalog(pair18.clone)
    window = Window(Name("public", "down"), (), "int8", -2, -1, -5001, -9001, -(2**63))
    wrong = replace(window, production=-6001)
    others = [replace(WINDOW, first=201, production=200)]
    assert [gate.passed for gate in gates.sequence_gates(catalog, [window, *others], Migrations())] == [
        True,
        True,
    ]
    assert [gate.passed for gate in gates.sequence_gates(catalog, [wrong, *others], Migrations())] == [
        True,
        False,
    ]


def test_the_schema_is_productions_before_and_after() -> None:
    assert [gate.passed for gate in gates.schema_gates("a", "a", "a", "hospital")] == [True, True]
    assert [gate.passed for gate in gates.schema_gates("a", "b", "a", "hospital")] == [False, True]
    assert [gate.passed for gate in gates.schema_gates("a", "a", "b", "hospital")] == [True, False]
