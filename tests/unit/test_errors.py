"""The error tree: stable exit codes, messages that say where and what to do, a README with all."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from sanitizers import errors
from sanitizers.errors import Problem, UnderstudyError

TREE = [
    kind for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, UnderstudyError) and kind is not UnderstudyError
]  # fmt: skip


def test_no_two_errors_share_an_exit_code() -> None:
    assert len({kind.exit_code for kind in TREE}) == len(TREE)


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_an_error_survives_pickling(kind: type[UnderstudyError]) -> None:
    error = kind("what", where="here", hint="do this", problems=(Problem("a:1", "bad", "fix"),))
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), copy.to_json()) == (kind, error.to_json())


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_the_readme_lists_it(kind: type[UnderstudyError]) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    again = "yes" if kind.retryable else "no"
    assert any(
        line.startswith(f"| {kind.exit_code} | `{kind.__name__}` |") and line.endswith(f"| {again} |")
        for line in readme.splitlines()
    )


def test_the_message_has_all_problems_and_the_way_out() -> None:
    error = errors.PlanRefused(
        "it does not fit", where="p.yaml", hint="mend it", problems=(Problem("p.yaml:3", "no"),)
    )
    assert str(error) == "p.yaml: it does not fit\n  - p.yaml:3: no\n  What to do: mend it"
