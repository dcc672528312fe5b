"""The record of a run: complete for every outcome, plain JSON, and without a data value."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from sanitizers.audit import SCHEMA_VERSION, build_record, canonical
from sanitizers.policy.document import load_profile
from sanitizers.results import ScrubResult, ValidateResult
from tests import sample_runs
from tests.sample_runs import CANARY, Sample

OUTCOMES = (sample_runs.released, sample_runs.refused, sample_runs.failed)
Outcome = Callable[[], Sample]
outcomes = pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: outcome.__name__)


def record_of(outcome: Outcome) -> dict[str, Any]:
    return build_record(*outcome())


def category(record: dict[str, Any], name: str) -> dict[str, Any]:
    return next(entry for entry in record["categories"] if entry["id"] == name)


def column(record: dict[str, Any], name: str) -> dict[str, Any]:
    return next(entry for entry in record["columns"] if f"{entry['table']}.{entry['column']}" == name)


@outcomes
def test_is_plain_json_with_the_same_keys_in_the_same_order(outcome: Outcome) -> None:
    record = record_of(outcome)
    again = record_of(outcome)
    assert canonical(record) == canonical(again)
    assert json.loads(canonical(record)) == record
    assert list(record) == list(record_of(sample_runs.released))
    assert record["schema_version"] == SCHEMA_VERSION


@outcomes
def test_holds_no_data_value(outcome: Outcome) -> None:
    assert CANARY not in canonical(record_of(outcome)).decode()


@outcomes
def test_every_required_category_is_accounted_for(outcome: Outcome) -> None:
    listed = [entry["id"] for entry in record_of(outcome)["categories"] if entry["required"]]
    profile = load_profile("hipaa-lds")
    assert listed == [name for name, rule in profile.categories.items() if rule.required]
    assert len([name for name in listed if profile.categories[name].cite.startswith("45 CFR")]) == 16


def test_released_says_what_became_of_each_category() -> None:
    record = record_of(sample_runs.released)
    verdicts = {entry["id"]: entry["verdict"] for entry in record["categories"] if entry["required"]}
    assert verdicts["name"] == "treated"
    assert verdicts["phone"] == "partly_kept"
    assert verdicts["url"] == "treated", "found inside a JSON document"
    assert verdicts["vehicle_id"] == "none_found"
    assert category(record, "name")["rows_changed"] == 2 * 985
    assert category(record, "url")["paths"] == ["public.patients.profile at site"]


def test_a_category_that_only_a_migration_brought_is_not_called_treated() -> None:
    text = sample_runs.POLICY.replace("category: name, pending", "category: fax, pending")
    facts, _, results = sample_runs.released()
    record = build_record(facts, sample_runs.policy(text), results)
    assert category(record, "fax")["verdict"] == "migrated"
    assert column(record, "public.visits.room")["origin"] == "migration"


def test_released_carries_counts_and_treatments_by_column() -> None:
    entry = column(record_of(sample_runs.released), "public.patients.email")
    assert entry["classification"] == "direct_identifier"
    assert (entry["treatment"], entry["family"], entry["domain"]) == ("surrogate", "surrogate", "email")
    assert (entry["rows"], entry["changed"], entry["unchanged"], entry["exempt"]) == (1000, 985, 0, 3)


def test_the_inventory_is_complete() -> None:
    record = record_of(sample_runs.released)
    assert record["schema"]["columns"] == len(record["columns"]) == 16
    assert record["schema"]["unclassified_count"] == 0


def test_names_exempt_rows_and_kept_identifiers_as_exceptions() -> None:
    exempt, kept = record_of(sample_runs.released)["exceptions"]
    assert exempt == {
        "kind": "exempt_rows",
        "subject": "public.patients",
        "scope": "id = …",
        "reason": "labelled test patients",
        "owner": "QA",
        "expires_at": "2027-06-30",
        "rows": 3,
    }
    assert kept["subject"] == "public.claims.desk_phone"
    assert kept["reason"] == "the front desk's published number"


@pytest.mark.parametrize(
    ("where", "shown"),
    [
        ("phone", "phone"),
        ("NOT phone IS NULL", "NOT phone IS NULL"),
        ("email LIKE '%@qa.example.com' OR id < 100", "email LIKE … OR id < …"),
        ("last_name = 'O''Hara'", "last_name = …"),
        ("last_name = $$Zebulon$$", "last_name = …"),
        ("last_name IN ('Zebulon', N'Zebulon', X'5A')", "last_name IN (…, …, …)"),
        ("birth_date < date '1970-01-01' -- Zebulon", "birth_date < CAST(… AS DATE)"),
        ('last_name = \\"Zebulon\\"', "last_name = …"),
        ("not ( a condition", "a condition"),
    ],
)
def test_conditions_are_shown_without_their_constants(where: str, shown: str) -> None:
    text = sample_runs.POLICY.replace(f"id = '{CANARY}'", where)
    facts, _, results = sample_runs.refused()
    exempt = build_record(facts, sample_runs.policy(text), results)["exceptions"][0]
    assert exempt["scope"] == shown


def test_refused_before_the_plan_lists_what_the_policy_asks_and_establishes_nothing() -> None:
    record = record_of(sample_runs.refused)
    assert {entry["verdict"] for entry in record["categories"]} == {"not_established"}
    assert {entry["origin"] for entry in record["columns"]} == {"policy"}
    assert column(record, "public.patients.email")["summary"] == "surrogate email"
    assert record["schema"]["unclassified_count"] is None
    assert record["tables"] == []


def test_refused_carries_every_problem_and_nothing_else_of_the_error() -> None:
    error = record_of(sample_runs.refused)["error"]
    assert error["stage"] == "plan"
    assert error["exit_code"] == 12
    assert [problem["where"] for problem in error["problems"]] == ["clinic.yaml:8"] * 3
    assert set(error) == {"stage", "error", "exit_code", "retryable", "what", "where", "hint", "problems"}


def test_failed_calls_nothing_treated() -> None:
    record = record_of(sample_runs.failed)
    assert {entry["verdict"] for entry in record["categories"] if entry["required"]} == {
        "planned",
        "none_found",
    }
    for stage in ("scrub", "purge", "offsets", "migrations", "validation", "approval", "switch"):
        assert record[stage] is None
    assert record["statement"] == ""
    assert record["released_at"] is None


def test_a_run_of_which_nothing_is_known_still_gets_its_record() -> None:
    facts, policy, _ = sample_runs.failed()
    record = build_record(replace(facts, error=None, timings={}), policy, {})
    assert (record["source"], record["snapshot"], record["clone"], record["error"]) == (
        None,
        None,
        None,
        None,
    )
    assert record["tool"]["postgresql"] is None


def test_statement_is_made_for_released_runs_only() -> None:
    statement = record_of(sample_runs.released)["statement"]
    assert "remains protected health information (PHI)" in statement


def test_great_expectations_are_reduced_to_names_and_counts() -> None:
    (suite,) = record_of(sample_runs.released)["validation"]["suites"]
    (result,) = suite["results"]
    assert result["expectation_config"]["kwargs"] == {"column": "last_name"}
    assert result["result"] == {"element_count": 1000, "unexpected_count": 7, "unexpected_percent": 0.7}
    assert result["raised"] is True
    assert set(suite) == {"suite_name", "success", "statistics", "results"}


def test_versions_of_tools_that_took_part() -> None:
    facts, policy, results = sample_runs.released()
    tool = build_record(facts, policy, results)["tool"]
    assert tool["postgresql"] == "18.4"
    assert tool["psycopg"]
    results[ValidateResult] = ValidateResult((), (), ())
    assert build_record(facts, policy, results)["tool"]["great_expectations"] is None


def test_tables_add_up_their_partitions() -> None:
    facts, policy, results = sample_runs.released()
    scrubbed: ScrubResult = results[ScrubResult]
    table = next(t for t in build_record(facts, policy, results)["tables"] if t["table"] == "public.patients")
    assert (table["rows"], table["treated"], table["exempt_rows"], table["heaps"]) == (1000, 8, 3, 1)
    untouched = next(
        t for t in build_record(facts, policy, results)["tables"] if t["table"] == "public.visits"
    )
    assert (untouched["rewritten"], untouched["rows"]) == (False, None)
    assert len(scrubbed.tables) == 2


def test_the_search_for_originals_is_told_in_places_and_counts() -> None:
    found = build_record(*sample_runs.released())["forensics"]
    assert found["searched"][0] == {"column": "public.patients.email", "originals": 300}
    assert found["excused_by"] == [{"column": "public.claims.desk_phone", "originals": 2}]
    assert [surface["name"] for surface in found["surfaces"]] == ["rows", "catalogs", "statistics", "files"]
    assert build_record(*sample_runs.failed())["forensics"] is None
