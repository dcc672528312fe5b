"""Reading policies: every mistake of the file at once, each with file and line, never with the value."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sanitizers.errors import NotFound, PolicyInvalid, Problem
from sanitizers.policy import document
from sanitizers.policy.document import LoadedPolicy, load_policy, load_profile, parse_policy
from sanitizers.postgres.statements import data_root
from sanitizers.yamlfile import Document

HEAD = "policy: shop\nversion: 1\n"
"""Two lines: the first line after it is line 3."""


def write(folder: Path, text: str) -> Path:
    path = folder / "shop.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def load(folder: Path, text: str) -> LoadedPolicy:
    return load_policy(write(folder, text))


def refused(folder: Path, text: str) -> PolicyInvalid:
    with pytest.raises(PolicyInvalid) as caught:
        load(folder, text)
    assert caught.value.exit_code == 10
    return caught.value


def only(error: PolicyInvalid) -> Problem:
    (problem,) = error.problems
    return problem


def test_short_and_long_form_of_a_column(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        HEAD
        + "tables:\n  shop.people:\n    columns:\n      mail: email\n"
        + "      note: {category: free_text, treat: {kind: keep}, reason: why}\n",
    )
    columns = loaded.policy.tables["shop.people"].columns
    assert columns["mail"].category == "email"
    assert columns["mail"].treat is None
    assert columns["note"].treat == {"kind": "keep"}
    assert columns["note"].reason == "why"


def test_profile_is_the_limited_data_set_unless_said_otherwise(tmp_path: Path) -> None:
    assert load(tmp_path, HEAD + "tables: {}\n").profile.profile == "hipaa-lds"


def test_digest_is_of_the_bytes(tmp_path: Path) -> None:
    one = load(tmp_path, HEAD + "tables: {}\n").digest
    assert one == load(tmp_path, HEAD + "tables: {}\n").digest
    assert one != load(tmp_path, HEAD + "tables: {}  # a remark\n").digest


def test_where_leads_to_the_deepest_line_there_is(tmp_path: Path) -> None:
    loaded = load(tmp_path, HEAD + "tables:\n  shop.people:\n    columns:\n      mail: email\n")
    assert loaded.where("tables", "shop.people", "columns", "mail") == f"{loaded.path}:6"
    assert loaded.where("tables", "shop.people", "columns", "gone") == f"{loaded.path}:5"
    assert loaded.where("tables", "shop.gone") == f"{loaded.path}:3"


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        load_policy(tmp_path / "gone.yaml")
    assert "gone.yaml" in caught.value.what
    assert "understudy init" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (HEAD + "tables:\n  people: [\n", 5),
        (HEAD + "tables:\n  people:\n  columns:\n    mail: email\n   note: free_text\n", 7),
        (HEAD + 'tables: "never closed\n', 4),
    ],
)
def test_broken_yaml(tmp_path: Path, text: str, line: int) -> None:
    error = refused(tmp_path, text)
    assert error.what.startswith("broken YAML")
    assert error.where == f"{tmp_path / 'shop.yaml'}:{line}"


def test_a_key_given_twice_is_broken(tmp_path: Path) -> None:
    error = refused(
        tmp_path, HEAD + "tables:\n  people:\n    columns:\n      mail: email\n      mail: free_text\n"
    )
    assert error.what.startswith("broken YAML")
    assert error.where.endswith(":7")
    assert "free_text" not in str(error)


@pytest.mark.parametrize(
    ("text", "line", "unknown", "suggestion"),
    [
        (HEAD + "tabels: {}\ntables: {}\n", 3, "tabels", "tables"),
        (HEAD + "tables:\n  people:\n    colums: {}\n    columns: {}\n", 5, "colums", "columns"),
        (HEAD + "tables:\n  a:\n    columns:\n      mail: {category: a, treet: b}\n", 6, "treet", "treat"),
        (HEAD + "tables: {}\nexpect:\n  people:\n    - {type: x, severty: info}\n", 6, "severty", "severity"),
        (
            HEAD + "tables:\n  a:\n    columns: {}\n    exempt: {where: a, reason: r, owner: o, expire: b}\n",
            6, "expire", "expires",
        ),
    ],
)  # fmt: skip
def test_unknown_key_with_the_nearest(
    tmp_path: Path, text: str, line: int, unknown: str, suggestion: str
) -> None:
    problem = only(refused(tmp_path, text))
    assert problem.where == f"{tmp_path / 'shop.yaml'}:{line}"
    assert "unknown key" in problem.what
    assert unknown in problem.what
    assert problem.hint == f"did you mean {suggestion}?"


def test_unknown_key_like_nothing_known(tmp_path: Path) -> None:
    assert only(refused(tmp_path, HEAD + "tables: {}\nzzz: 1\n")).hint == ""


def test_unknown_profile_with_the_nearest(tmp_path: Path) -> None:
    error = refused(tmp_path, HEAD + "profile: hippa-lds\ntables: {}\n")
    assert error.where == f"{tmp_path / 'shop.yaml'}:3"
    assert "'hippa-lds'" in error.what
    assert error.hint == "did you mean hipaa-lds?"


def test_unknown_profile_like_none_known(tmp_path: Path) -> None:
    assert "known: hipaa-lds" in refused(tmp_path, HEAD + "profile: zzz\ntables: {}\n").hint


@pytest.mark.parametrize("said", ["where: is_test, through: patient_id, ", ""])
def test_exemption_says_where_or_through(tmp_path: Path, said: str) -> None:
    text = HEAD + f"tables:\n  people:\n    columns: {{}}\n    exempt: {{{said}reason: r, owner: o}}\n"
    problem = only(refused(tmp_path, text))
    assert problem.where == f"{tmp_path / 'shop.yaml'}:6"
    assert "either `where` or `through`" in problem.what


def test_several_mistakes_at_once_each_with_its_line(tmp_path: Path) -> None:
    text = (
        "policy: shop\n"
        "version: 0\n"
        "purpos: none\n"
        "tables:\n"
        "  people:\n"
        "    columns:\n"
        "      mail: {treat: {kind: keep}}\n"
        "      note: [free_text]\n"
        "    exempt: {where: is_test, reason: r}\n"
    )
    error = refused(tmp_path, text)
    lines = sorted(int(problem.where.rpartition(":")[2]) for problem in error.problems)
    assert lines == [2, 3, 7, 8, 9]
    assert error.what == "5 mistakes in the policy"
    assert all(problem.where.startswith(f"{tmp_path / 'shop.yaml'}:") for problem in error.problems)


@pytest.mark.parametrize("content", [b"policy: caf\xe9\n", b"policy: a\x00b\n"])
def test_a_file_that_is_no_text(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "shop.yaml"
    path.write_bytes(content)
    with pytest.raises(PolicyInvalid) as caught:
        load_policy(path)
    assert str(path) in caught.value.where


def test_a_folder_is_no_policy(tmp_path: Path) -> None:
    with pytest.raises(PolicyInvalid) as caught:
        load_policy(tmp_path)
    assert caught.value.where == str(tmp_path)


def test_one_mistake_is_said_in_the_singular(tmp_path: Path) -> None:
    assert refused(tmp_path, "policy: shop\nversion: 0\ntables: {}\n").what == "1 mistake in the policy"


def test_empty_file(tmp_path: Path) -> None:
    said = " ".join(problem.what for problem in refused(tmp_path, "").problems)
    assert all(key in said for key in ("policy", "version", "tables"))


@pytest.mark.parametrize("text", ["- policy\n", "just words\n", "42\n"])
def test_a_file_that_is_no_mapping(tmp_path: Path, text: str) -> None:
    assert refused(tmp_path, text).problems


def test_messages_never_quote_what_was_written(tmp_path: Path) -> None:
    canary = "jane.doe-556-77-8899"
    error = refused(
        tmp_path,
        f"policy: shop\nversion: {canary}\ntables:\n  people:\n"
        f"    columns:\n      mail: [{canary}]\n    pending: {canary}\n",
    )
    assert canary not in str(error)
    assert canary not in str(error.to_json())


def test_treatment_of_a_part_and_of_a_part_the_profile_does_not_list() -> None:
    profile = load_profile("hipaa-lds")
    assert profile.treatment("name.first") == {"kind": "surrogate", "of": "first_name"}
    assert profile.treatment("name.anything") == profile.treatment("name") == profile.categories["name"].treat
    assert profile.treatment("quasi_identifier.zip") == {"kind": "keep"}


def test_nearest_category() -> None:
    profile = load_profile("hipaa-lds")
    assert profile.nearest("name.frist") == "did you mean name.first?"
    assert profile.nearest("emial") == "did you mean email?"
    assert profile.nearest("zzz").startswith("known: name, ")


def test_a_policy_can_be_read_from_its_recorded_text(tmp_path: Path) -> None:
    then = load(tmp_path, HEAD + "tables:\n  people: {columns: {mail: email}}\n")
    write(tmp_path, HEAD + "tables: {}\n")
    again = parse_policy(then.text, then.path)
    assert (again, again.digest) == (then, then.digest)
    assert again.where("tables", "people") == f"{then.path}:4"


def test_mistakes_in_recorded_text_name_the_file_it_came_from() -> None:
    with pytest.raises(PolicyInvalid) as caught:
        parse_policy(HEAD + "tabels: {}\ntables: {}\n", Path("policies/shop.yaml"))
    assert only(caught.value).where == "policies/shop.yaml:3"


def test_a_day_that_does_not_exist_has_its_line(tmp_path: Path) -> None:
    text = "    columns: {}\n    exempt: {where: a, reason: b, owner: c, expires: 2026-02-30}\n"
    error = refused(tmp_path, HEAD + "tables:\n  people:\n" + text)
    assert error.where.endswith("shop.yaml:6")


def test_lines_are_not_looked_up_before_somebody_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def looked_up(_: Document) -> None:
        raise AssertionError("lines take twenty times as long as the rest")

    monkeypatch.setattr(Document, "tree", property(looked_up))
    loaded = load(tmp_path, HEAD + "tables: {}\n")
    with pytest.raises(AssertionError, match="twenty times"):
        loaded.where("tables")


def test_a_profile_is_read_once_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(data_root("policies") / "profiles", tmp_path / "profiles")
    monkeypatch.setattr(document, "data_root", lambda _: tmp_path)
    first = load_profile("hipaa-lds")
    assert load_profile("hipaa-lds") is first
    path = tmp_path / "profiles" / "hipaa-lds.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("title: ", "title: Our ", 1), encoding="utf-8")
    assert load_profile("hipaa-lds").title == f"Our {first.title}"
