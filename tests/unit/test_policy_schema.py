"""The JSON Schema of policies is current, accepts the project's, refuses what the loader refuses."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from sanitizers.policy.bind import check_treatments
from sanitizers.policy.document import load_policy
from sanitizers.policy.schema import policy_schema, schema_text
from sanitizers.postgres.statements import data_root
from sanitizers.transformers import TRANSFORMERS

POLICIES = sorted(data_root("policies").glob("*.yaml"))
SCHEMA = policy_schema()
VALIDATOR = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)
SMALL: dict[str, Any] = {
    "policy": "shop",
    "version": 1,
    "tables": {
        "shop.people": {
            "columns": {"mail": "email", "note": {"category": "free_text", "treat": {"kind": "text"}}}
        }
    },
}


def valid(document: Any) -> bool:
    return VALIDATOR.is_valid(document)


def with_column(rule: Any) -> dict[str, Any]:
    document = copy.deepcopy(SMALL)
    document["tables"]["shop.people"]["columns"]["mail"] = rule
    return document


def with_exemption(**exemption: Any) -> dict[str, Any]:
    document = copy.deepcopy(SMALL)
    document["tables"]["shop.people"]["exempt"] = exemption
    return document


def test_file_is_current() -> None:
    text = (data_root("policies") / "policy.schema.json").read_text(encoding="utf-8")
    assert text == schema_text(), "renew it: python -m sanitizers.policy.schema > policies/policy.schema.json"


def test_schema_is_valid_itself() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", ["hospital", "pagila", "synthea"])
def test_policy_is_there(name: str) -> None:
    assert name in {path.stem for path in POLICIES}


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_policies_of_the_project(path: Any) -> None:
    text = path.read_text(encoding="utf-8")
    document = json.loads(json.dumps(YAML(typ="safe").load(text), default=str))
    errors = [
        f"{'.'.join(map(str, error.absolute_path))}: {error.message}"
        for error in VALIDATOR.iter_errors(document)
    ]
    assert errors == []
    assert check_treatments(load_policy(path)) == []
    assert text.startswith("# yaml-language-server: $schema=policy.schema.json\n")


@pytest.mark.parametrize(
    "rule",
    [
        "email",
        "name.first",
        "quasi_identifier.birth_date",
        {"category": "email"},
        {"category": "ssn", "treat": {"kind": "unique", "format": "token", "domain": "people"}},
        {"category": "email", "treat": {"kind": "keep"}, "reason": "why", "pending": True},
        {
            "category": "json",
            "treat": {"kind": "json", "paths": {"a.b": "email", "c": "keep", "d": {"kind": "pseudonym"}}},
        },
    ],
)
def test_column_that_is_right(rule: Any) -> None:
    assert valid(with_column(rule))


@pytest.mark.parametrize(
    "rule",
    [
        "emial",
        "nome.first",
        "quasi_identifier.",
        42,
        {"treat": {"kind": "keep"}},
        {"category": "email", "treet": {"kind": "keep"}},
        {"category": "email", "treat": "keep"},
        {"category": "email", "treat": {"kind": "kepp"}},
        {"category": "email", "treat": {"kind": "surrogate"}},
        {"category": "email", "treat": {"kind": "surrogate", "of": "emial"}},
        {"category": "email", "treat": {"kind": "keep", "of": "email"}},
        {"category": "birth", "treat": {"kind": "date_shift", "days": 0}},
        {"category": "json", "treat": {"kind": "json", "paths": {"a.b": "emial"}}},
    ],
)
def test_column_that_is_wrong(rule: Any) -> None:
    assert not valid(with_column(rule))


def test_exemption_says_where_or_through() -> None:
    assert valid(with_exemption(where="is_test", reason="r", owner="o", expires="2030-01-01"))
    assert valid(with_exemption(through="patient_id", reason="r", owner="o"))
    assert not valid(with_exemption(reason="r", owner="o"))
    assert not valid(with_exemption(where="is_test", through="patient_id", reason="r", owner="o"))


@pytest.mark.parametrize(
    "change", [{"version": 0}, {"profile": "hippa-lds"}, {"tabels": {}}, {"policy": None}]
)
def test_head_that_is_wrong(change: dict[str, Any]) -> None:
    assert not valid(SMALL | change)


@pytest.mark.parametrize("kind", TRANSFORMERS)
def test_every_treatment_is_described(kind: str) -> None:
    described = SCHEMA["$defs"][f"treat_{kind}"]
    assert described["description"]
    assert {*described["properties"]} == {"kind", *TRANSFORMERS[kind].params.model_fields}
