"""Columns that go together: treated once, followed everywhere; persons and the rows about them."""

from __future__ import annotations

from pathlib import Path

import pytest

from sanitizers.catalog import Catalog, Name
from sanitizers.errors import PlanRefused
from sanitizers.policy.bind import bound_treatments, compile_plan
from sanitizers.policy.plan import ColumnPlan
from tests.catalogs import catalog, column, linked_catalog, primary, reference, table, unique
from tests.scrubbing import policy

ID = column("id", "bigint", not_null=True)
PERSON = column("person_id", "bigint", not_null=True)


def columns(folder: Path, tables: str, found: Catalog) -> dict[str, ColumnPlan]:
    plan = compile_plan(policy(folder, tables), found)
    return {f"{rule.table.name}.{item.name}": item for rule in plan.rules for item in rule.columns}


def problems(folder: Path, tables: str, found: Catalog) -> list[str]:
    with pytest.raises(PlanRefused) as refused:
        compile_plan(policy(folder, tables), found)
    return [problem.what for problem in refused.value.problems]


class TestKeys:
    LINES = """
  public.person:
    columns:
      {id: non_identifying, mrn: mrn, is_test: non_identifying, email: email, phone: phone, notes: free_text}
  public.card:
    columns: {id: non_identifying, mrn: non_identifying, who: name.full, birth: quasi_identifier.birth_date}
"""

    def test_a_key_is_treated_once_and_followed(self, tmp_path: Path) -> None:
        found = columns(tmp_path, self.LINES, linked_catalog())["card.mrn"]
        assert (found.kind, found.domain, found.must_differ) == ("unique", "mrn", True)
        assert found.reason == "as public.person.mrn, which it references"

    def test_through_any_number_of_tables(self, tmp_path: Path) -> None:
        tables = [table("public.a", column("v", not_null=True), uniques=(primary("v"),))]
        for name, before in (("b", "a"), ("c", "b"), ("d", "c")):
            key = reference(f"public.{name}", "v", f"public.{before}", "v")
            tables.append(table(f"public.{name}", column("v"), foreign_keys=(key,)))
        lines = "  public.a: {columns: {v: mrn}}\n" + "".join(
            f"  public.{name}: {{columns: {{v: non_identifying}}}}\n" for name in "bcd"
        )
        found = columns(tmp_path, lines, catalog(*reversed(tables)))
        assert {found[f"{name}.v"].kind for name in "abcd"} == {"unique"}
        assert found["d.v"].reason == "as public.a.v, which it references"

    def test_composite_keys_column_by_column(self, tmp_path: Path) -> None:
        parent = table(
            "public.p", column("a", not_null=True), column("b", not_null=True), uniques=(primary("a", "b"),)
        )
        child = table(
            "public.c",
            column("x"),
            column("y"),
            foreign_keys=(reference("public.c", "y x", "public.p", "b a"),),
        )
        lines = """
  public.p: {columns: {a: mrn, b: non_identifying}}
  public.c: {columns: {x: non_identifying, y: non_identifying}}
"""
        found = columns(tmp_path, lines, catalog(parent, child))
        assert (found["c.x"].kind, found["c.y"].kind) == ("unique", "keep")

    def test_a_ring_of_keys_ends(self, tmp_path: Path) -> None:
        keys = [reference("public.a", "v", "public.b", "v"), reference("public.b", "v", "public.a", "v")]
        tables = [
            table(str(key.table), column("v", not_null=True), uniques=(primary("v"),), foreign_keys=(key,))
            for key in keys
        ]
        lines = "  public.a: {columns: {v: mrn}}\n  public.b: {columns: {v: non_identifying}}\n"
        assert columns(tmp_path, lines, catalog(*tables))["b.v"].kind == "unique"

    def test_references_that_only_the_policy_knows(self, tmp_path: Path) -> None:
        tables = catalog(
            table("public.a", column("v", not_null=True), uniques=(primary("v"),)),
            table("public.b", column("w")),
        )
        lines = (
            "  public.a: {columns: {v: mrn}}\n"
            "  public.b: {columns: {w: {category: non_identifying, references: public.a.v}}}\n"
        )
        assert columns(tmp_path, lines, tables)["b.w"].kind == "unique"
        assert problems(tmp_path, lines.replace("a.v}", "a.x}"), tables) == [
            "public.b.w: references: public.a.x: no such column"
        ]


class TestSubjects:
    FOUND = catalog(
        table(
            "public.person", ID, column("first"), column("second"), column("email"), column("born", "date"),
            uniques=(primary("id"), unique("u", "email")),
        ),
        table(
            "public.visit", ID, PERSON, column("first"), column("note"), column("at", "date"),
            uniques=(primary("id"),),
            foreign_keys=(reference("public.visit", "person_id", "public.person", "id"),),
        ),
    )  # fmt: skip
    LINES = """
  public.person:
    subject: id
    columns:
      id: non_identifying
      first: name.first
      second: name.first
      email: email
      born: {category: quasi_identifier.birth_date, treat: {kind: date_shift}}
  public.visit:
    subject: person_id
    columns:
      id: non_identifying
      person_id: non_identifying
      first: name.first
      note: free_text
      at: {category: quasi_identifier.service_date, treat: {kind: date_shift}}
"""

    def test_rows_about_one_person_follow_the_person(self, tmp_path: Path) -> None:
        found = columns(tmp_path, self.LINES, self.FOUND)
        followed = {name for name, item in found.items() if item.domain == "public.person.id"}
        # A text is replaced by itself: the person has many of them.
        assert followed == {
            "person.first", "person.second", "person.email", "person.born", "visit.first", "visit.at",
        }  # fmt: skip

    def test_one_digest_serves_the_row(self, tmp_path: Path) -> None:
        person = compile_plan(policy(tmp_path, self.LINES), self.FOUND).rewrites[0]
        assert person.heap == Name("public", "person")
        # The second name needs one of its own, or everybody would be called John John.
        assert person.select.sql.count("SHA256") == 4

    def test_a_domain_of_its_own_follows_the_value(self, tmp_path: Path) -> None:
        lines = self.LINES.replace(
            "email: email", "email: {category: email, treat: {kind: surrogate, of: email, domain: login}}"
        )
        assert columns(tmp_path, lines, self.FOUND)["person.email"].domain == "login"

    def test_keys_follow_their_values(self, tmp_path: Path) -> None:
        lines = """
  public.person:
    subject: id
    columns:
      {id: non_identifying, mrn: mrn.token, is_test: non_identifying, email: email, phone: phone,
       notes: free_text}
  public.card:
    columns: {id: non_identifying, mrn: mrn.token, who: name.full, birth: quasi_identifier.birth_date}
"""
        treated = dict(bound_treatments(policy(tmp_path, lines), linked_catalog()))
        by_table = {
            one.name.name: {c: t.linked_by for c, t in found.items()} for one, found in treated.items()
        }
        assert by_table["person"] == {
            "mrn": "mrn", "email": "public.person.id", "phone": "phone", "notes": "public.person.id",
        }  # fmt: skip

    def test_a_person_with_many_rows_repeats_what_an_index_wants_once(self, tmp_path: Path) -> None:
        visit = self.FOUND.tables[Name("public", "visit")]
        strict = table("public.visit", *visit.columns, uniques=(primary("id"), unique("names", "first")))
        found = catalog(self.FOUND.tables[Name("public", "person")], strict)
        assert problems(tmp_path, self.LINES, found) == [
            "public.visit.first: surrogate may repeat values, but index names is unique"
        ]

    def test_of_a_column_that_is_not_there(self, tmp_path: Path) -> None:
        assert problems(tmp_path, self.LINES.replace("subject: id", "subject: no"), self.FOUND) == [
            "public.person: subject: column no does not exist"
        ]


class TestNumbersMadeFromAnotherColumn:
    RULE = "{category: ssn, treat: {kind: unique, format: ssn, by: %s}}"

    def said(self, folder: Path, by: str, **facts: object) -> list[str]:
        keys = facts.pop("uniques", (primary("id"),))
        found = catalog(
            table(
                "public.t", column("id", "bigint", **{"not_null": True, **facts}), column("ssn"), uniques=keys
            )
        )
        lines = f"  public.t: {{columns: {{id: non_identifying, ssn: {self.RULE % by}}}}}\n"
        return problems(folder, lines, found)

    def test_wants_a_unique_integer(self, tmp_path: Path) -> None:
        assert self.said(tmp_path, "id", not_null=False) == [
            "public.t.ssn: unique by: column id is not unique, or may be NULL"
        ]
        assert self.said(tmp_path, "id", uniques=()) == [
            "public.t.ssn: unique by: column id is not unique, or may be NULL"
        ]
        assert self.said(tmp_path, "ssn") == [
            "public.t.ssn: unique by: column ssn is no integer",
            "public.t.ssn: unique by: column ssn is treated itself",
            "public.t.ssn: unique by: column ssn is not unique, or may be NULL",
        ]

    def test_demands_room(self, tmp_path: Path) -> None:
        found = catalog(table("public.t", ID, column("ssn"), uniques=(primary("id"),)))
        lines = f"  public.t: {{columns: {{id: non_identifying, ssn: {self.RULE % 'id'}}}}}\n"
        plan = compile_plan(policy(tmp_path, lines), found)
        assert [demand.hint for demand in plan.demands] == [
            "leave by: out, so that a mapping of the values is made"
        ]
        assert plan.mappings == ()


def test_lines_are_looked_for_only_when_there_is_something_to_say(tmp_path: Path) -> None:
    # Finding them takes ten times as long as all the rest of a plan.
    loaded = policy(tmp_path, TestSubjects.LINES)
    compile_plan(loaded, TestSubjects.FOUND)
    assert "tree" not in vars(loaded.document)
