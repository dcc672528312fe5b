"""Expectations run by Great Expectations on a real server, and nothing of the data in what comes back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest

from sanitizers.catalog import Catalog, Name
from sanitizers.errors import GateFailed, SettingsInvalid
from sanitizers.policy.document import Expectation
from sanitizers.policy.plan import ColumnPlan, Plan, TableRulePlan
from sanitizers.postgres.cluster import Cluster
from sanitizers.postgres.introspect import read_catalog
from sanitizers.validators import expectations
from sanitizers.validators.base import Expected, Suite
from sanitizers.validators.expectations import ExpectationRunner
from sanitizers.validators.suites import VOCABULARY, build_suites

CANARY = "Canary Wharf 4711"
SCHEMA = f"""
CREATE SCHEMA "Sales";
CREATE TABLE "Sales"."Order: {{Items}} 5%" (
    "Id" int PRIMARY KEY,
    "select" text NOT NULL UNIQUE,
    "Mixed Case" varchar(40),
    "a:b" char(8) NOT NULL,
    "100%" text,
    address inet NOT NULL,
    hosts text[],
    document jsonb,
    amount numeric(8,2) NOT NULL
);
INSERT INTO "Sales"."Order: {{Items}} 5%"
SELECT i, 'u' || i || '@example.com', CASE WHEN i % 3 > 0 THEN '' END, 'x', 'y', '192.0.2.7', '{{a}}', '{{}}',
       i
FROM generate_series(1, 50) AS i;
CREATE TABLE visits (id int, at date NOT NULL, remark text NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE visits_all PARTITION OF visits FOR VALUES FROM ('2000-01-01') TO ('2100-01-01');
INSERT INTO visits SELECT i, date '2020-01-01' + i, 'surrogate' FROM generate_series(1, 30) AS i;
CREATE TABLE leaky (id int PRIMARY KEY, name text, amount numeric);
INSERT INTO leaky VALUES (1, '{CANARY}', 47114711), (2, '{CANARY}', 47114711), (3, NULL, 47114711);
CREATE SEQUENCE counter;
CREATE FUNCTION tell(name text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION E'no\\n%Error\\n(psycopg.errors.%)', replace(name, ' ', ''), replace(name, ' ', '')
        USING ERRCODE = 'ZZ999';
END $$;
"""
NOT_NULL = Expected("expect_column_values_to_not_be_null", {"column": "n"})
ORDERS, VISITS = Name("Sales", "Order: {Items} 5%"), Name("public", "visits")


def _rule(catalog: Catalog, table: Name, **reserved: str) -> TableRulePlan:
    """Every column treated but the key, as the catalog has them."""
    columns = tuple(
        ColumnPlan(
            item.name,
            item.type,
            "category",
            "direct_identifier",
            "keep" if item.name.lower() == "id" else "surrogate",
            "summary",
            reserved=reserved.get(item.name, ""),
        )
        for item in catalog.tables[table].columns
    )
    return TableRulePlan(table, columns, ())


LEAKS = [
    ("expect_column_values_to_be_null", {"column": "name"}),
    ("expect_column_values_to_be_unique", {"column": "name"}),
    ("expect_column_values_to_match_regex", {"column": "name", "regex": "^x"}),
    ("expect_column_values_to_not_match_regex_list", {"column": "name", "regex_list": ["Wharf"]}),
    ("expect_column_values_to_be_in_set", {"column": "name", "value_set": ["x"]}),
    ("expect_column_distinct_values_to_be_in_set", {"column": "name", "value_set": ["x"]}),
    ("expect_column_distinct_values_to_equal_set", {"column": "name", "value_set": ["x"]}),
    ("expect_column_most_common_value_to_be_in_set", {"column": "name", "value_set": ["x"]}),
    ("expect_column_value_lengths_to_equal", {"column": "name", "value": 3}),
    ("expect_column_max_to_be_between", {"column": "name", "max_value": 3}),
    ("expect_column_max_to_be_between", {"column": "amount", "max_value": 3}),
    ("expect_column_sum_to_be_between", {"column": "amount", "max_value": 3}),
    ("expect_column_quantile_values_to_be_between",
     {"column": "amount", "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[1, 2]]}}),
    ("expect_column_kl_divergence_to_be_less_than",
     {"column": "name", "partition_object": {"values": ["x"], "weights": [1]}, "threshold": 0.1}),
    ("expect_column_pair_values_to_be_equal", {"column_A": "name", "column_B": "id"}),
    ("expect_compound_columns_to_be_unique", {"column_list": ["name", "amount"]}),
    ("unexpected_rows_expectation", {"unexpected_rows_query": "SELECT * FROM {batch} WHERE id > 0"}),
    ("unexpected_rows_expectation", {"unexpected_rows_query": "SELECT tell(name) FROM {batch}"}),
    ("unexpected_rows_expectation", {"unexpected_rows_query": "SELECT name::int FROM {batch}"}),
]  # fmt: skip


@dataclass
class Checked:
    catalog: Catalog
    by_name: dict[str, dict[str, Any]]

    def failed(self, suite: str) -> list[tuple[str, str]]:
        return [
            (item["expectation_config"]["type"], item["expectation_config"]["kwargs"].get("column", ""))
            for item in self.by_name[suite]["results"]
            if not item["success"]
        ]


@pytest.fixture(scope="module")
def database(production18: Cluster) -> Iterator[str]:
    with psycopg.connect(production18.dsn(), autocommit=True) as server:
        server.execute("CREATE DATABASE expectations TEMPLATE template0")
        with psycopg.connect(production18.dsn("expectations"), autocommit=True) as connection:
            connection.execute(SCHEMA)
        yield production18.dsn("expectations")
        server.execute("DROP DATABASE expectations WITH (FORCE)")


@pytest.fixture(scope="module")
def checked(database: str) -> Checked:
    """Everything checked in one run of the worker."""
    with psycopg.connect(database) as connection:
        catalog = read_catalog(connection)
    rules = (
        _rule(
            catalog,
            ORDERS,
            select=r"@example\.com$",
            address=r"^192\.0\.2\.",
            hosts="never looked at here",
            **{"Mixed Case": "^555"},
        ),
        _rule(catalog, VISITS),
    )
    expect = {
        "public.visits": [
            Expectation(
                type="expect_column_values_to_be_in_set",
                kwargs={"column": "remark", "value_set": ["x"]},
                severity="warning",
            ),
        ],
        "public.leaky": [Expectation(type=type_, kwargs=kwargs) for type_, kwargs in LEAKS],
    }
    plan = Plan("d", 1, "", "", "", rules, (), ())
    wrong = replace(rules[1], columns=(*rules[1].columns[:2], replace(rules[1].columns[2], type="integer")))
    suites = [
        *build_suites(plan, catalog, expect),
        replace(build_suites(replace(plan, rules=(wrong,)), catalog, {})[0], name="wrong type"),
        Suite("gone", 'SELECT * FROM "gone"', (Expected("expect_table_row_count_to_equal", {"value": 1}),)),
        Suite("writes", "SELECT nextval('counter') AS n", (NOT_NULL,)),
        Suite("misbuilt", "SELECT 1 AS n", (
            Expected("expect_column_values_to_not_be_null", {"column": "n", "colour": "red"}),
            Expected("expect_column_values_to_not_be_null", {"column": "n"}),
        )),
    ]  # fmt: skip
    runner = ExpectationRunner()
    results = runner.run(database, suites)
    return Checked(catalog, {result["suite_name"]: result for result in results})


def test_the_promises_of_the_plan_hold_on_odd_names(checked: Checked) -> None:
    assert checked.failed(str(ORDERS)) == []
    result = checked.by_name[str(ORDERS)]
    assert result["success"]
    assert result["statistics"] == {
        "evaluated_expectations": 13,
        "successful_expectations": 13,
        "unsuccessful_expectations": 0,
        "success_percent": 100.0,
    }
    assert {item["expectation_config"]["type"] for item in result["results"]} == {
        "expect_table_columns_to_match_ordered_list",
        "unexpected_rows_expectation",
        "expect_column_values_to_not_be_null",
        "expect_column_values_to_match_regex",
        "expect_column_values_to_be_unique",
        "expect_column_value_lengths_to_be_between",
    }


def test_a_failed_warning_is_reported_and_fails_nothing(checked: Checked) -> None:
    result = checked.by_name["public.visits"]
    assert checked.failed("public.visits") == [("expect_column_values_to_be_in_set", "remark")]
    assert result["success"]
    assert result["statistics"]["unsuccessful_expectations"] == 1
    assert result["results"][-1]["expectation_config"]["meta"] == {"source": "policy"}


def test_a_changed_type_is_found(checked: Checked) -> None:
    assert checked.failed("wrong type") == [("unexpected_rows_expectation", "")]
    assert not checked.by_name["wrong type"]["success"]


def test_no_value_comes_back(checked: Checked) -> None:
    result = checked.by_name["public.leaky"]
    assert not result["success"]
    assert len(result["results"]) == len(LEAKS)
    text = json.dumps(checked.by_name)
    assert CANARY not in text
    assert "4711" not in text
    assert [item["result"]["unexpected_count"] for item in result["results"][:5]] == [2, 2, 2, 2, 2]


def test_what_cannot_be_evaluated_fails_by_the_name_of_its_error(checked: Checked) -> None:
    def raised(suite: str) -> list[str | None]:
        return [item["exception_info"]["exception_message"] for item in checked.by_name[suite]["results"]]

    assert raised("gone") == ["UndefinedTable"]
    assert raised("writes") == ["ReadOnlySqlTransaction"]
    assert raised("misbuilt") == ["ValidationError", None]
    assert raised("public.leaky")[-2:] == ["DatabaseError", "InvalidTextRepresentation"]
    assert not checked.by_name["misbuilt"]["success"]


def test_results_have_great_expectations_own_shape(checked: Checked) -> None:
    program = """
import json, sys
from great_expectations.core import expectation_validation_result as module
for result in json.load(sys.stdin):
    found = module.expectationSuiteValidationResultSchema.load(result)
    assert found["suite_name"] == result["suite_name"]
"""
    request = json.dumps(list(checked.by_name.values()))
    command = [sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(command, input=request, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def test_the_vocabulary_is_great_expectations_own() -> None:
    program = """
import json
from great_expectations.expectations import core
from great_expectations.expectations import registry
names = registry.list_registered_expectation_implementations()
fields = {name: registry.get_expectation_impl(name).__fields__ for name in names}
print(json.dumps({name: {key: one.required for key, one in each.items()} for name, each in fields.items()}))
"""
    output = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], check=True, capture_output=True, text=True
    )
    known = json.loads(output.stdout.splitlines()[-1])
    for name, arguments in VOCABULARY.items():
        assert {argument.rstrip("*") for argument in arguments.split()} <= known[name].keys()
        wanted = {key for key, required in known[name].items() if required}
        assert wanted <= {argument.rstrip("*") for argument in arguments.split() if argument.endswith("*")}, (
            name
        )


def test_a_dead_worker_names_the_suite_it_was_at(database: str) -> None:
    runner = ExpectationRunner()
    runner.start()
    worker = runner._process
    assert worker is not None
    slow = Suite(
        "slow",
        "SELECT pg_sleep(300) AS n",
        (Expected("expect_column_values_to_not_be_null", {"column": "n"}),),
    )
    killer = threading.Thread(target=_kill_when_busy, args=(database, worker.pid))
    killer.start()
    with pytest.raises(GateFailed) as caught:
        runner.run(database, [slow])
    killer.join()
    assert caught.value.where == "suite slow"
    assert "without an answer" in caught.value.what


def _kill_when_busy(database: str, pid: int) -> None:
    query = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%%pg_sleep%%' AND application_name = %s"
    with psycopg.connect(database, autocommit=True) as connection:
        for _ in range(300):
            row = connection.execute(query, ["understudy expectations"]).fetchone()
            if row and row[0]:
                break
            time.sleep(0.2)
    os.kill(pid, signal.SIGKILL)


def test_a_worker_that_takes_too_long_is_ended(database: str) -> None:
    runner = ExpectationRunner(timeout=0.2)
    runner.start()
    worker = runner._process
    assert worker is not None
    with pytest.raises(GateFailed, match=r"more than 0\.2 seconds") as caught:
        runner.run(database, [Suite("any", "SELECT 1 AS n", ())])
    assert caught.value.where == "before the first suite"
    assert worker.returncode == -signal.SIGKILL


def test_an_unused_worker_is_stopped() -> None:
    runner = ExpectationRunner()
    runner.stop()
    runner.start()
    worker = runner._process
    assert worker is not None
    runner.stop()
    assert worker.returncode is not None
    assert runner.run("", []) == []


def test_a_missing_package_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expectations, "find_spec", lambda name: None)
    with pytest.raises(SettingsInvalid, match="not installed") as caught:
        ExpectationRunner().start()
    assert "understudy[gx]" in caught.value.hint


def test_the_engine_itself_never_imports_great_expectations() -> None:
    heavy = "{'great_expectations', 'pandas', 'sqlalchemy'}"
    program = f"import sys, sanitizers.stages.validate; print(sorted({heavy} & sys.modules.keys()))"
    output = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert output.stdout.strip() == "[]"
