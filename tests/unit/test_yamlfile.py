"""The fast reading says what the one with lines says, and leaves to it what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import ruamel.yaml.main

from sanitizers.errors import PolicyInvalid
from sanitizers.policy.document import Policy, Profile
from sanitizers.postgres.statements import data_root
from sanitizers.yamlfile import Document

SHIPPED = sorted(data_root("policies").rglob("*.yaml"))

ORDINARY = [
    "policy: shop  # a remark\n\n# another\ntables:\n  a.b: {columns: {mail: email, 'it''s': \"x\\ty\"}}\n",
    "a:\n- b\n- c: [1, -2, 1_000, 0x1F, 0o17, 010, 1.5, .5, 1e3, -.inf, ~, null, true, No, yes, 'true']\n",
    "a: 2026-11-21\nb: 2026-11-21 10:00:00\nc: 2026-11-21T10:00:00.5+01:00\n2: d\ntrue: e\n~: f\n",
    "2026-01-01: a\n1.5: b\n0o7: c\n'1.5': d\n",
    "a: x != 'y' AND NOT a*b > 3\nb: '^[a-z]*(?!x)$'\nc: count(*) && e::text <> '%'\nd: http://x:80/y\n",
    "a: |\n  b\n   c\n\n  d\ne: >-\n  f\n  g\n\n  h\n",
    "---\na: 'one\n\n  two'\nb: three\n  four\n? five\n: six\n",
    "\u00e9: \u00fc \U0001f600\nb: [x\u00a0y, {c: d,}, [e: f], {g}]\n",
    "{}",
    "[]",
    "a:",
]
"""Texts for which lines are not looked up."""

BROKEN = {
    "a: 1\na: 2\n": "duplicate key",
    "a: {b: 1,\n b: hunter2}\n": "duplicate key",
    "b: c\na: *gone\n": "undefined alias",
    "b: c\na: [b\n": "expected",
    "b: c\na: b: c\n": "mapping values are not allowed",
    "b: c\n\ta: b\n": "cannot start any token",
}
"""What is wrong with texts, all in their second or third line."""


@pytest.fixture(params=["compiled", "pure"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With ruamel.yaml.clib, where it is installed, and without."""
    if request.param == "pure":
        monkeypatch.setattr(ruamel.yaml.main, "CParser", None)
    return str(request.param)


def document(text: str) -> Document:
    return Document(Path("p.yaml"), text, "policy", PolicyInvalid)


def typed(value: Any, depth: int = 0) -> Any:
    """The value with its types, those of the round trip reduced to those of Python, and the order of keys."""
    if isinstance(value, Mapping) and depth < 100:
        return [(typed(key, depth + 1), typed(item, depth + 1)) for key, item in value.items()]
    if isinstance(value, list | tuple) and depth < 100:
        return "sequence", [typed(item, depth + 1) for item in value]
    if isinstance(value, datetime):
        return "datetime", value.isoformat()
    plain = next((kind for kind in (bool, int, float, str) if isinstance(value, kind)), type(value))
    return plain.__name__.replace("ScalarBoolean", "bool"), str(value)


def outcome(found: Document, reading: str) -> Any:
    try:
        return typed(getattr(found, reading))
    except PolicyInvalid as error:
        return error.to_json()


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize("text", ORDINARY)
def test_both_readings_say_the_same(text: str) -> None:
    assert outcome(document(text), "plain") == outcome(document(text), "tree")


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_files_are_read_the_fast_way_and_the_same(path: Path) -> None:
    found = document(path.read_text(encoding="utf-8"))
    model: type[Policy | Profile] = Profile if path.parent.name == "profiles" else Policy
    fast = found.fit(model)
    assert "tree" not in vars(found)
    assert typed(found.plain) == typed(found.tree)
    assert fast == model.model_validate(found.tree)


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_writing_needs_no_lines(text: str) -> None:
    found = document(text)
    typed(found.plain)
    assert "tree" not in vars(found)


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize(("text", "wrong"), BROKEN.items())
def test_broken_texts_say_what_is_wrong_and_where(text: str, wrong: str) -> None:
    with pytest.raises(PolicyInvalid, match=wrong) as caught:
        document(text).fit(Policy)
    assert caught.value.where in {"p.yaml:2", "p.yaml:3"}
    assert "hunter2" not in str(caught.value)


MISTAKEN = [
    "policy: a\nversion: 0\npurpo: b\ntables:\n  a:\n   columns:\n    b: {treat: {kind: keep}}\n    c: [d]\n",
    "policy: 1\nversion: x\ntables: []\n",
    "policy: [a]\nversion: 1.5\nprofile: 2026-01-01\ntables:\n  1: {columns: {}}\n  ~: {}\n",
    "policy: a\nversion: true\nlocale: 1e3\ntables: {a: {columns: {b: 1, c: ~, 2: d}}}\n",
    "policy: a\nversion: 1\ntables:\n  a: {columns: {}, exempt: {where: a, owner: o, expires: 2026-1-1}}\n",
    "- a\n",
    "~",
    "",
]


@pytest.mark.parametrize("text", MISTAKEN)
def test_mistakes_are_the_same_whichever_way_the_text_was_read(text: str) -> None:
    fast, slow = document(text), document(text)
    vars(slow)["plain"] = slow.tree
    with pytest.raises(PolicyInvalid) as said:
        fast.fit(Policy)
    with pytest.raises(PolicyInvalid) as wanted:
        slow.fit(Policy)
    assert said.value.to_json() == wanted.value.to_json()
    assert len(said.value.problems) > 0


def test_values_are_of_pythons_own_types() -> None:
    plain = document("a: {b: 0x1F, c: 'd', e: 1.5}\n").plain
    assert plain == {"a": {"b": 31, "c": "d", "e": 1.5}}
    assert [type(value) for value in (plain, *plain["a"].values())] == [dict, int, str, float]


@pytest.mark.parametrize(
    "text", ["a: 1\nexpires: 2026-02-30\n", "a: 1\nb: !!int hunter2\n", "a: 1\nb: [._]\n"]
)
def test_a_date_or_number_that_does_not_exist_has_its_line(text: str) -> None:
    with pytest.raises(PolicyInvalid, match="date or number that does not exist") as caught:
        document(text).fit(Policy)
    assert caught.value.where == "p.yaml:2"
    assert "hunter2" not in str(caught.value)
    assert caught.value.__context__ is None


def test_what_no_reading_understands_is_invalid_too() -> None:
    with pytest.raises(PolicyInvalid, match="too odd to be read"):
        document('a: "\\U00110000"').fit(Policy)


def test_lines_do_without_what_the_round_trip_stumbles_over() -> None:
    found = document("a: # why\n  b\n\nc: d\n")
    assert found.plain == {"a": "b", "c": "d"}
    assert found.where("c") == "p.yaml:1"


def test_where_follows_keys_and_numbers() -> None:
    found = document("a:\n  b:\n    - c: 1\n    - c: 2\n      d: 3\n2: e\n")
    assert found.where("a", "b", 1, "d") == "p.yaml:5"
    assert found.where("a", "b", 7) == "p.yaml:2"
    assert found.where(2) == "p.yaml:6"
    assert found.where("gone") == "p.yaml:1"
