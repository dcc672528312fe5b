"""Exempt rows: decided by the row's own kept columns, or by the row a foreign key leads to."""

from __future__ import annotations

from pathlib import Path

import pytest

from sanitizers.catalog import Catalog
from sanitizers.errors import PlanRefused
from sanitizers.policy.bind import compile_plan
from tests.catalogs import catalog, column, reference, table
from tests.scrubbing import policy

HEAD = 'exempt: {{where: "{}", reason: r, owner: o}}'


def people(*more: object) -> Catalog:
    columns = (
        column("id", "bigint"), column("is_test", "boolean"), column("mrn"), column("name"),
        column("born", "date"),
        column("Odd Name", "int"), column("lower_name", generated="s", default="lower(name)"),
    )  # fmt: skip
    return catalog(table("public.person", *columns), *more)  # type: ignore[arg-type]


RULES = "columns: {id: non_identifying, is_test: non_identifying, mrn: non_identifying, name: name.full," \
        " born: non_identifying, 'Odd Name': non_identifying}"  # fmt: skip


def condition(folder: Path, where: str) -> str:
    lines = f"  public.person:\n    {HEAD.format(where)}\n    {RULES}\n"
    return compile_plan(policy(folder, lines), people()).rules[0].exempt


def refusal(folder: Path, where: str) -> str:
    with pytest.raises(PlanRefused) as refused:
        condition(folder, where)
    (problem,) = refused.value.problems
    assert problem.where.endswith("policy.yaml:6")
    return problem.what.removeprefix("exempt where: ")


class TestWhere:
    @pytest.mark.parametrize(
        ("where", "said"),
        [
            ("is_test", '(t."is_test")'),
            ("NOT is_test", '(NOT t."is_test")'),
            ("is_test IS TRUE", '(t."is_test" IS TRUE)'),
            ("person.is_test", '(t."is_test")'),
            ("is_test AND (id < 100 OR id = -5)", '(t."is_test" AND (t."id" < 100 OR t."id" = -5))'),
            ("mrn LIKE 'TEST-%'", "(t.\"mrn\" LIKE 'TEST-%')"),
            ("mrn LIKE 'TEST!_%' ESCAPE '!'", "(t.\"mrn\" LIKE 'TEST!_%' ESCAPE '!')"),
            ("mrn ~ '^TEST'", "(t.\"mrn\" ~ '^TEST')"),
            ("mrn ILIKE 'test%'", "(t.\"mrn\" ILIKE 'test%')"),
            ("mrn IN ('a', 'it''s')", "(t.\"mrn\" IN ('a', 'it''s'))"),
            ("(id, mrn) IN ((1, 'a'))", '((t."id", t."mrn") IN ((1, \'a\')))'),
            ("id BETWEEN 1 AND 9", '(t."id" BETWEEN 1 AND 9)'),
            ("born < DATE '1900-01-01'", "(t.\"born\" < CAST('1900-01-01' AS DATE))"),
            ("mrn IS DISTINCT FROM NULL", '(t."mrn" IS DISTINCT FROM NULL)'),
            ('\\"Odd Name\\" = 1', '(t."Odd Name" = 1)'),
            ("id::text = '1'", "(CAST(t.\"id\" AS TEXT) = '1')"),
        ],
    )
    def test_conditions_on_own_columns(self, tmp_path: Path, where: str, said: str) -> None:
        assert condition(tmp_path, where) == said

    @pytest.mark.parametrize(
        "where",
        ["now() > born", "lower(mrn) = 'x'", "coalesce(is_test, true)", "current_user = 'x'",
        "pg_sleep(1) IS NULL",
         "EXISTS (SELECT 1)", "id IN (SELECT 1)", "(SELECT true)", "id = (SELECT 1)",
         "CASE WHEN is_test THEN true END",
         "is_test; DROP TABLE person", "DROP TABLE person", "VACUUM", "1", "'x'", "*", "id = $1", "id = :x",
         "random() < 1"],
    )  # fmt: skip
    def test_nothing_that_is_called_or_reaches_out(self, tmp_path: Path, where: str) -> None:
        only = "only a condition on the row's own columns, without functions or subqueries"
        assert refusal(tmp_path, where) == only

    @pytest.mark.parametrize("where", ["is_test AND", "a, b", "((", "id = 1 2"])
    def test_no_condition_at_all(self, tmp_path: Path, where: str) -> None:
        assert refusal(tmp_path, where) == f"not a condition PostgreSQL could read: {where}"

    @pytest.mark.parametrize(
        ("where", "problem"),
        [
            ("tested", "column tested does not exist in public.person"),
            ("other.is_test", "column other.is_test does not exist in public.person"),
            ("ctid = '(0,1)'", "column ctid does not exist in public.person"),
            ("name = 'x'", "column name is treated, the condition would change its mind"),
            ("lower_name = 'x'", "column lower_name is generated"),
        ],
    )
    def test_columns_it_must_not_name(self, tmp_path: Path, where: str, problem: str) -> None:
        assert refusal(tmp_path, where) == problem


class TestThrough:
    def linked(self) -> Catalog:
        keys = (reference("public.visit", "person_id", "public.person", "id"),)
        visit = table("public.visit", column("id"), column("person_id", "bigint"), foreign_keys=keys)
        keys = (reference("public.note", "visit_id", "public.visit", "id"),)
        return people(visit, table("public.note", column("visit_id"), column("body"), foreign_keys=keys))

    LINES = f"""
  public.person:
    exempt: {{where: is_test, reason: r, owner: o}}
    {RULES}
  public.visit:
    exempt: {{through: person_id, reason: r, owner: o}}
    columns: {{id: non_identifying, person_id: non_identifying}}
  public.note:
    exempt: {{through: visit_id, reason: r, owner: o}}
    columns: {{visit_id: non_identifying, body: free_text}}
"""

    def test_from_key_to_key(self, tmp_path: Path) -> None:
        plan = compile_plan(policy(tmp_path, self.LINES), self.linked())
        assert plan.rules[0].exempt == (
            'EXISTS(SELECT 1 FROM "public"."visit" AS t_ WHERE t_."id" = t."visit_id" AND '
            'EXISTS(SELECT 1 FROM "public"."person" AS t__'
            ' WHERE t__."id" = t_."person_id" AND (t__."is_test")))'
        )

    @pytest.mark.parametrize(
        ("old", "new", "problem"),
        [
            ("through: visit_id", "through: body",
            "exempt through body: no foreign key of that column alone"),
            ("through: visit_id", "through: nowhere",
            "exempt through nowhere: no foreign key of that column alone"),
            ("    exempt: {through: person_id, reason: r, owner: o}\n", "",
             "public.visit has no exemption to follow"),
        ],
    )  # fmt: skip
    def test_chains_that_lead_nowhere(self, tmp_path: Path, old: str, new: str, problem: str) -> None:
        with pytest.raises(PlanRefused) as refused:
            compile_plan(policy(tmp_path, self.LINES.replace(old, new)), self.linked())
        assert [found.what for found in refused.value.problems] == [problem]

    def test_a_ring(self, tmp_path: Path) -> None:
        keys = (reference("public.person", "boss", "public.person", "id"),)
        found = catalog(
            table("public.person", column("id"), column("boss"), column("name"), foreign_keys=keys)
        )
        lines = """
  public.person:
    exempt: {through: boss, reason: r, owner: o}
    columns: {id: non_identifying, boss: non_identifying, name: name.full}
"""
        with pytest.raises(PlanRefused) as refused:
            compile_plan(policy(tmp_path, lines), found)
        assert [problem.what for problem in refused.value.problems] == [
            "exempt through goes in a ring: public.person -> public.person"
        ]

    def test_a_table_that_no_rule_covers(self, tmp_path: Path) -> None:
        lines = self.LINES[self.LINES.index("  public.visit") :]
        with pytest.raises(PlanRefused) as refused:
            compile_plan(policy(tmp_path, lines), self.linked())
        assert "public.person has no exemption to follow" in [p.what for p in refused.value.problems]
