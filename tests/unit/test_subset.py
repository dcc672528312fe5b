"""Rules for rows: what they mean for each table, in which order lists are made, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import TypeAdapter
from sqlglot import exp, parse_one

from sanitizers.catalog import Catalog, Name
from sanitizers.errors import PolicyInvalid
from sanitizers.policy.rows import Choice, Subset, TableSubset
from sanitizers.policy.subset import choice, row_problems, subset
from tests.catalogs import catalog, column, primary, reference, table
from tests.scrubbing import policy

ID = column("id", "bigint", not_null=True)


def shop() -> Catalog:
    """person <- orders <- item -> product, person -> person, orders -> staff -> store -> staff."""

    def key(child: str, mine: str, parent: str) -> object:
        return reference(f"public.{child}", mine, f"public.{parent}", "id", f"{child}_{mine}_fkey")

    def make(name: str, *leads: tuple[str, str]) -> object:
        columns = [column(mine, "bigint", not_null=mine == "clerk") for mine, _ in leads]
        keys = tuple(key(name, mine, parent) for mine, parent in leads)
        return table(
            f"public.{name}", ID, column("tag", "int"), *columns, uniques=(primary("id"),), foreign_keys=keys
        )

    return catalog(
        make("person", ("mentor", "person")),
        make("product"),
        make("store", ("manager", "staff")),
        make("staff", ("store", "store")),
        make("orders", ("person", "person"), ("clerk", "staff")),
        make("item", ("order", "orders"), ("product", "product")),
    )  # type: ignore[arg-type]


def lines(rules: dict[str, str]) -> str:
    return "".join(f"  public.{name}: {{columns: {{}}, rows: {said}}}\n" for name, said in rules.items())


def made(folder: Path, **rules: str) -> Subset:
    found = subset(policy(folder, lines(rules)).policy, shop())
    assert found is not None
    return found


def said(folder: Path, **rules: str) -> dict[str, str]:
    return {found.table.name: found.said for found in made(folder, **rules).tables}


def problems(folder: Path, **rules: str) -> list[str]:
    found = row_problems(policy(folder, lines(rules)), shop())
    return [str(problem).removeprefix(f"{folder / 'policy.yaml'}:") for problem in found]


class TestMeaning:
    def test_nothing_said_nothing_done(self, tmp_path: Path) -> None:
        assert subset(policy(tmp_path, lines({"item": "{}"})).policy, shop()) is None

    def test_children_fall_and_parents_stay(self, tmp_path: Path) -> None:
        assert said(tmp_path, orders="{sample: 0.05}") == {
            "orders": "a keyed share of 5 % of the rows",
            "item": "no row that refers to a dropped one of public.orders",
        }

    def test_parents_that_choose_get_what_chosen_rows_need(self, tmp_path: Path) -> None:
        found = said(tmp_path, orders='{keep: "tag < 3", sample: 0.125}', person='{keep: "tag = 1"}')
        assert found["person"] == "rows where tag = 1, and rows that chosen rows refer to"
        assert found["orders"] == "a keyed share of 12.5 % of the rows where tag < 3"

    def test_all_there_is_to_say(self, tmp_path: Path) -> None:
        rules = {
            "person": "{sample: 0.5, set_null: [mentor]}",
            "staff": "drop",
            "orders": "{set_null: [orders_person_fkey]}",
            "product": "referenced",
            "item": "{follow: [product]}",
        }
        assert said(tmp_path, **rules) == {
            "person": "a keyed share of 50 % of the rows; mentor NULL where the row referred to is dropped",
            "product": "rows that kept rows of no other table refer to",
            "store": "no row that refers to a dropped one of public.staff",
            "staff": "no row arrives",
            "orders": "no row that refers to a dropped one of public.staff;"
            " person NULL where the row referred to is dropped",
            "item": "rows that go with those kept of public.product;"
            " no row that refers to a dropped one of public.orders",
        }


class TestStatements:
    def test_no_circle_one_pass_parents_first(self, tmp_path: Path) -> None:
        found = made(tmp_path, person='{keep: "tag < 3", set_null: [mentor]}')
        assert [step.repeats for step in found.steps] == [False] * 4
        into = [fill.into.name.rpartition("_")[0] for step in found.steps for fill in step.fills]
        assert into == [
            "rows_public_person",
            "gone_public_orders",
            "gone_public_item",
            "gaps_public_person_person_mentor_fkey",
        ]

    def test_a_circle_is_repeated_and_a_chain_is_not(self, tmp_path: Path) -> None:
        assert [step.repeats for step in made(tmp_path, store='{keep: "tag < 3"}').steps] == [
            False, True, False, False, False,
        ]  # fmt: skip
        chain = made(tmp_path, person='{keep: "tag < 3"}').steps[1]
        assert ("RECURSIVE" in chain.fills[0].sql, chain.repeats) == (True, False)

    def test_every_statement_is_plain_sql_and_every_list_is_made(self, tmp_path: Path) -> None:
        found = made(tmp_path, store='{keep: "tag < 3"}', item="{set_null: [product]}", product="drop")
        for fill in (fill for step in found.steps for fill in step.fills):
            tree = parse_one(fill.sql, dialect="postgres")
            assert isinstance(tree, exp.Insert)
            lists = {one.name for one in tree.find_all(exp.Table) if one.db == "understudy"}
            assert lists <= {name.name for name in found.lists}

    def test_keys_reach_the_server_as_parameters(self, tmp_path: Path) -> None:
        fill = made(tmp_path, product="{sample: 0.25}").steps[0].fills[0]
        assert fill.bindings == ("opad:rows public.product", "ipad:rows public.product")
        assert r"< CAST('\x4000000000000000' AS BYTEA)" in fill.sql

    def test_the_plan_can_carry_it(self, tmp_path: Path) -> None:
        found = made(tmp_path, person="{sample: 0.5, set_null: [mentor]}")
        adapter = TypeAdapter(Subset)
        assert adapter.validate_json(adapter.dump_json(found)) == found
        moved = Catalog("test", 180004, {
            name: replace(one, oid=one.oid + 7) for name, one in shop().tables.items()
        })  # fmt: skip
        rules = lines({"person": "{sample: 0.5, set_null: [mentor]}"})
        assert subset(policy(tmp_path, rules).policy, moved) == found

    def test_conditions_of_a_heap(self, tmp_path: Path) -> None:
        found = made(tmp_path, person='{keep: "tag < 3", set_null: [mentor]}', staff="drop")
        heap = Name("Parts", "Old")
        choices = {one.table.name: choice(one, heap) for one in found.tables}
        assert choices["staff"] == Choice("FALSE")
        assert choices["orders"].where.startswith(
            'NOT EXISTS(SELECT 1 FROM "understudy"."gone_public_orders_'
        )
        person = choices["person"]
        assert 'k.heap = CAST(\'"Parts"."Old"\' AS REGCLASS) AND k.place = t.ctid' in person.where
        assert [column for column, _ in person.gaps] == ["mentor"]
        assert choice(TableSubset(heap, "all", None, (), ""), heap) == Choice()


class TestProblems:
    def test_a_condition_that_is_more(self, tmp_path: Path) -> None:
        assert problems(tmp_path, person='{keep: "id IN (SELECT 1)"}', item='{keep: "gone = 1"}') == [
            "5: public.person: rows keep: only a condition on the row's own columns, without functions"
            " or subqueries",
            "6: public.item: rows keep: column gone does not exist in public.item",
        ]

    def test_a_key_that_is_not_there(self, tmp_path: Path) -> None:
        assert problems(tmp_path, orders="{follow: [orders_person_key]}", item="{set_null: [tag]}") == [
            "5: public.orders: rows follow: no foreign key orders_person_key"
            " (did you mean orders_person_fkey?)",
            "6: public.item: rows set_null: no foreign key tag (name a foreign key, or its only column)",
        ]

    def test_a_key_that_cannot_become_null(self, tmp_path: Path) -> None:
        assert problems(tmp_path, orders="{set_null: [clerk]}") == [
            "5: public.orders: rows set_null: no column of key orders_clerk_fkey can become NULL"
            " (leave it out, so that rows fall with the row they lead to)"
        ]

    def test_a_table_that_follows_itself(self, tmp_path: Path) -> None:
        assert problems(tmp_path, person="{follow: [mentor]}") == [
            "5: public.person: rows follow: person_mentor_fkey leads to the table itself"
            " (leave it out: a kept row's own key is followed to the end)"
        ]

    @pytest.mark.parametrize(
        ("rule", "what"),
        [
            ("{drop: true, sample: 0.5}", "rows say `drop` alone"),
            ("{follow: [person], keep: tag = 1}", "rows say `drop` alone"),
            ("{follow: [person], set_null: [person]}", "not in both"),
            ("{sample: 1}", "less than 1"),
            ("{sample: 0}", "greater than 0"),
            ("dropp", "unknown key tables.public.orders.rows.dropp"),
        ],
    )
    def test_rules_that_make_no_sense(self, tmp_path: Path, rule: str, what: str) -> None:
        with pytest.raises(PolicyInvalid) as refused:
            policy(tmp_path, lines({"orders": rule}))
        (problem,) = refused.value.problems
        assert what in problem.what
