"""The plan as a value: what it tells, and a digest over what matters."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sanitizers.catalog import Catalog, Name
from sanitizers.policy.bind import compile_plan
from sanitizers.policy.plan import PLAN, Plan
from tests.catalogs import catalog, column, primary, table, unique
from tests.scrubbing import policy

LINES = """
  public.person:
    exempt: {where: is_test, reason: static test data, owner: o}
    columns:
      id: non_identifying
      email: {category: email, reason: shown}
      ssn: ssn
      photo: face_image
      fingerprint: biometric
      notes: free_text
      city: quasi_identifier.city
      amount: financial_sensitive
      is_test: non_identifying
  public.plain:
    columns: {id: non_identifying}
  public.log:
    columns: {at: non_identifying, who: name.full}
"""


def found() -> Catalog:
    person = table(
        "public.person", column("id", "bigint", not_null=True), column("email", not_null=True), column("ssn"),
        column("photo", "bytea"), column("fingerprint", "bytea"), column("notes"), column("city"),
        column("amount", "numeric"), column("is_test", "boolean"),
        column("shout", generated="s", default="upper(city)"),
        uniques=(unique("u", "email"), primary("id")), bytes=100,
    )  # fmt: skip
    root = table("public.log", column("at", "date"), column("who"), kind="p", partition_key=("at",), bytes=0)
    leaves = [
        table(f"public.log_{year}", column("who"), column("at", "date"), parent=root.name, bytes=size)
        for year, size in ((2023, 500), (2024, 50))
    ]
    return catalog(person, table("public.plain", column("id"), attributes=2), root, *leaves)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return compile_plan(policy(tmp_path, LINES), found())


def test_rewrites_are_the_largest_first(plan: Plan) -> None:
    assert [(str(rewrite.heap), rewrite.bytes) for rewrite in plan.rewrites] == [
        ("public.plain", 8192), ("public.log_2023", 500), ("public.person", 100), ("public.log_2024", 50),
    ]  # fmt: skip


def test_partitions_are_rewritten_one_by_one_under_their_roots_rule(plan: Plan) -> None:
    parts = [rewrite for rewrite in plan.rewrites if rewrite.table == Name("public", "log")]
    assert {rewrite.insert for rewrite in parts} == {("at", "who")}
    assert all(f'FROM ONLY "public"."{rewrite.heap.name}" AS t' in rewrite.select.sql for rewrite in parts)
    assert parts[0].select.bindings == parts[1].select.bindings


def test_dropped_columns_are_reason_enough_for_a_rewrite(plan: Plan) -> None:
    rewrite = next(rewrite for rewrite in plan.rewrites if rewrite.heap.name == "plain")
    assert rewrite.why == "dropped columns"
    assert rewrite.select.sql == 'SELECT t."id" FROM ONLY "public"."plain" AS t'


def test_generated_columns_are_left_to_the_server(plan: Plan) -> None:
    rewrite = next(rewrite for rewrite in plan.rewrites if rewrite.heap.name == "person")
    assert "shout" not in rewrite.insert
    column_plan = plan.rule(Name("public", "person")).columns[-1]
    assert (column_plan.kind, column_plan.summary) == ("generated", "computed again by the server")


def test_each_column_tells_what_it_is_and_what_becomes_of_it(plan: Plan) -> None:
    columns = {item.name: item for item in plan.rule(Name("public", "person")).columns}
    email, ssn, city = columns["email"], columns["ssn"], columns["city"]
    assert (email.classification, email.kind, email.domain) == ("direct_identifier", "surrogate", "email")
    assert email.reason == "shown"
    assert email.must_differ
    assert ssn.reserved == r"^(666|000|9\d\d[- ]?[0-4])"
    assert (city.kind, city.treated, city.must_differ) == ("keep", False, False)
    assert "may stay in a limited data set" in city.reason


def test_what_must_differ_from_its_original(plan: Plan) -> None:
    differ = {item.name for item in plan.rule(Name("public", "person")).columns if item.must_differ}
    # A placeholder may happen to be what was there before.
    assert differ == {"email", "ssn", "fingerprint", "notes"}
    assert [c.name for c in plan.rule(Name("public", "person")).columns if c.erases_nulls] == ["fingerprint"]


def test_a_row_is_known_by_kept_columns(plan: Plan) -> None:
    assert plan.rule(Name("public", "person")).key == ("id",)
    assert plan.rule(Name("public", "log")).key == ()


def test_exempt_rows_are_named_with_their_reason(plan: Plan) -> None:
    rule = plan.rule(Name("public", "person"))
    assert (rule.exempt, rule.exempt_reason) == ('(t."is_test")', "static test data")


def test_no_secret_is_in_a_plan(plan: Plan) -> None:
    bindings = {name for rewrite in plan.rewrites for name in rewrite.select.bindings}
    assert {"ipad:email", "opad:email", "factor:financial_sensitive", "pool:sentence:63"} <= bindings
    assert [made.create.bindings for made in plan.mappings] == [("start:ssn", "opad:ssn", "ipad:ssn")]


def test_a_plan_survives_json(plan: Plan) -> None:
    assert PLAN.validate_json(PLAN.dump_json(plan)) == plan


class TestDigest:
    def test_sizes_do_not_matter(self, plan: Plan) -> None:
        grown = replace(plan, rewrites=tuple(replace(r, bytes=r.bytes * 2) for r in plan.rewrites))
        assert grown.digest == plan.digest

    def test_everything_else_does(self, plan: Plan, tmp_path: Path) -> None:
        other = compile_plan(policy(tmp_path, LINES.replace("name.full", "name.last")), found())
        assert other.digest != plan.digest
        assert replace(plan, policy_version=2).digest != plan.digest
        assert replace(plan, catalog_digest="x").digest != plan.digest

    def test_it_does_not_depend_on_growth_alone(self, plan: Plan, tmp_path: Path) -> None:
        tables = found().tables
        grown = {
            name: replace(item, bytes=item.bytes + 7, rows=9, oid=item.oid + 1)
            for name, item in tables.items()
        }
        again = compile_plan(policy(tmp_path, LINES), replace(found(), tables=grown))
        assert again.digest == plan.digest
