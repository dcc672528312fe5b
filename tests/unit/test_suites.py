"""Suites as the plan and the policy make them, and mistakes in `expect:` found without a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from sanitizers.catalog import Catalog, Column, Name, Table, Unique
from sanitizers.errors import PolicyInvalid
from sanitizers.policy.document import Expectation, LoadedPolicy, Policy, Profile
from sanitizers.policy.plan import ColumnPlan, Plan, TableRulePlan
from sanitizers.validators.base import Expected, Migrations
from sanitizers.validators.suites import build_suites, expectation_problems
from sanitizers.yamlfile import Document

PATIENTS = Name("clinical", "patients")
TABLE = Table(
    PATIENTS, 1, "r",
    (
        Column("id", 1, "bigint", "int8", "N", not_null=True),
        Column("email", 2, "character varying(80)", "varchar", "S", max_length=80, not_null=True),
        Column("address", 3, "inet", "inet", "I"),
        Column("phones", 4, "text[]", "text", "S", array=True, not_null=True),
        Column("order", 5, "integer", "int4", "N"),
    ),
    uniques=(
        Unique("patients_pkey", ("id",), "", primary=True),
        Unique("patients_email", ("email",), ""),
        Unique("one_order", ("order",), "", partial=True),
        Unique("both", ("id", "order"), ""),
    ),
)  # fmt: skip
CATALOG = Catalog(
    "hospital",
    180004,
    {PATIENTS: TABLE, Name("public", "kept"): Table(Name("public", "kept"), 2, "p", TABLE.columns)},
)


def _plan(name: str, type_: str, kind: str = "surrogate", reserved: str = "") -> ColumnPlan:
    return ColumnPlan(name, type_, "category", "direct_identifier", kind, "summary", reserved=reserved)


RULE = TableRulePlan(
    PATIENTS,
    (
        _plan("id", "bigint", "keep"),
        _plan("email", "character varying(80)", reserved=r"@example\.com$"),
        _plan("address", "inet", reserved=r"^192\.0\.2\."),
        _plan("phones", "text[]", reserved="^555"),
        _plan("order", "integer", "generated"),
    ),
    ("id",),
)
KEPT = TableRulePlan(
    Name("public", "kept"), (_plan("id", "bigint", "keep"), _plan("order", "integer", "generated")), ("id",)
)
PLAN = Plan("hospital", 1, "", "hipaa-lds", "", (RULE, KEPT), (), ())


def test_one_suite_for_every_table_with_treated_columns() -> None:
    (suite,) = build_suites(PLAN, CATALOG, {})
    assert suite.name == "clinical.patients"
    # Great Expectations compares text with a regular expression, so an address is shown as text.
    assert suite.query == (
        'SELECT t."id", t."email", (t."address")::text AS "address", t."phones", t."order"'
        ' FROM ONLY "clinical"."patients" AS t'
    )
    ordered, types, *others = suite.expectations
    assert ordered.kwargs == {"column_list": ["id", "email", "address", "phones", "order"]}
    assert "('email', 'character varying(80)')" in types.kwargs["unexpected_rows_query"]
    assert [(item.type.removeprefix("expect_column_"), item.kwargs) for item in others] == [
        ("values_to_not_be_null", {"column": "email"}),
        ("values_to_match_regex", {"column": "email", "regex": r"^$|(?:@example\.com$)"}),
        ("value_lengths_to_be_between", {"column": "email", "max_value": 80}),
        ("values_to_match_regex", {"column": "address", "regex": r"^$|(?:^192\.0\.2\.)"}),
        ("values_to_not_be_null", {"column": "phones"}),
        ("values_to_be_unique", {"column": "email"}),
        ("values_to_be_unique", {"column": "id"}),
    ]
    assert {(item.severity, item.source) for item in suite.expectations} == {("critical", "plan")}


def test_written_expectations_come_verbatim_also_for_tables_that_are_kept() -> None:
    written = Expectation(
        type="expect_table_row_count_to_be_between", kwargs={"min_value": 1}, severity="warning"
    )
    kept, patients = sorted(
        build_suites(PLAN, CATALOG, {"kept": [written]}), key=lambda suite: suite.name, reverse=True
    )
    assert (kept.name, patients.name) == ("public.kept", "clinical.patients")
    expected = Expected("expect_table_row_count_to_be_between", {"min_value": 1}, "warning", "policy")
    assert kept.expectations == (expected,)
    assert ' FROM "public"."kept" AS t' in kept.query


def test_a_migration_that_names_the_table_changes_what_is_promised() -> None:
    grown = Catalog(
        "hospital",
        180004,
        {PATIENTS: Table(PATIENTS, 1, "r", (*TABLE.columns, Column("new", 6, "text", "text", "S")))},
    )
    (suite,) = build_suites(PLAN, grown, {})
    assert suite.expectations[0].kwargs["column_list"][-1] == "order"
    (suite,) = build_suites(PLAN, grown, {}, Migrations(("ALTER TABLE clinical.Patients ADD new text",)))
    assert suite.expectations[0].kwargs["column_list"][-1] == "new"


def test_a_table_that_is_gone_fails_by_its_query() -> None:
    (suite,) = build_suites(PLAN, Catalog("hospital", 180004, {}), {})
    assert suite.query == 'SELECT * FROM "clinical"."patients"'


@pytest.mark.parametrize(
    ("text", "word", "said"),
    [("UPDATE patients SET a = 1", "patients", True), ('UPDATE "Patients"', "patients", True),
     ("UPDATE inpatients", "patients", False), ("UPDATE patients_old", "patients", False)],
)  # fmt: skip
def test_a_migration_mentions_a_table_as_a_word(text: str, word: str, said: bool) -> None:
    assert Migrations((text,)).mention(Name("public", word)) is said


POLICY = """\
policy: hospital
version: 1
tables:
  clinical.patients:
    columns:
      later: {category: name, pending: true}
expect:
  clinical.patients:
    - type: expect_column_values_to_not_be_nul
      kwargs: {column: email}
    - type: expect_column_values_to_match_regex
      kwargs: {column: emial, regexp: ^x}
    - type: expect_column_values_to_be_of_type
      kwargs: {column: email, type_: TEXT}
    - type: expect_column_values_to_be_in_set
      kwargs: {column: later}
    - type: expect_compound_columns_to_be_unique
      kwargs: {column_list: [id, ordre]}
  clinical.patient: []
"""


def _loaded(text: str) -> LoadedPolicy:
    document = Document(Path("p.yaml"), text, "policy", PolicyInvalid)
    profile = Profile(profile="p", title="", basis="", version=1, statement="", categories={})
    return LoadedPolicy(document, document.fit(Policy), profile)


def test_every_mistake_in_expect_is_a_problem_with_its_line() -> None:
    problems = [str(problem) for problem in expectation_problems(_loaded(POLICY), CATALOG)]
    patients = "clinical.patients: expect_"
    assert problems == [
        f"p.yaml:9: {patients[:-7]}unknown expectation expect_column_values_to_not_be_nul"
        " (did you mean expect_column_values_to_not_be_null?)",
        f"p.yaml:11: {patients}column_values_to_match_regex has no argument regexp (did you mean regex?)",
        f"p.yaml:11: {patients}column_values_to_match_regex wants the argument regex",
        f"p.yaml:11: {patients}column_values_to_match_regex: column emial does not exist"
        " (did you mean email?)",
        f"p.yaml:13: {patients[:-7]}expect_column_values_to_be_of_type does not work on PostgreSQL queries"
        " (types, too, are compared with production's schema)",
        f"p.yaml:15: {patients}column_values_to_be_in_set wants the argument value_set",
        f"p.yaml:17: {patients}compound_columns_to_be_unique: column ordre does not exist"
        " (did you mean order?)",
        "p.yaml:19: expect: table clinical.patient does not exist (did you mean clinical.patients?)",
    ]


def test_without_a_catalog_only_the_vocabulary_is_checked() -> None:
    assert len(expectation_problems(_loaded(POLICY))) == 5
