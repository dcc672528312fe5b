"""What generalizations say of themselves, what they refuse, and the list of sparse ZIP prefixes."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from sanitizers.catalog import Column
from sanitizers.keys import RunKey
from sanitizers.policy.bindings import Bindings
from sanitizers.policy.compile import Row, treated, treatment
from sanitizers.postgres.statements import data_root
from sanitizers.transformers.geography import sparse_prefixes
from tests.catalogs import column

Spec = dict[str, Any]


def problems(spec: Spec, one: Column) -> list[str]:
    found = treatment(spec, "quasi_identifier")
    return list(found.transformer.problems(one, found.params))


@pytest.mark.parametrize(
    ("spec", "summary"),
    [
        ({"kind": "truncate", "to": "year"}, "cut to the year, order kept"),
        (
            {"kind": "truncate", "to": "day", "time_zone": "Europe/Paris"},
            "cut to the day in Europe/Paris, order kept",
        ),
        ({"kind": "top_code"}, "ages above 89 as one, order kept"),
        ({"kind": "top_code", "to": "month"}, "ages above 89 as one, others cut to the month, order kept"),
        ({"kind": "round", "to": 100}, "rounded to 100, order kept"),
        ({"kind": "round", "to": 0.05, "down": True}, "rounded down to 0.05, order kept"),
        (
            {"kind": "bucket", "edges": [0, 18, 1e6]},
            "put into ranges that begin at 0, 18, 1000000, order kept",
        ),
        (
            {"kind": "zip3", "also": ["999"]},
            "ZIP code cut to 3 digits, sparse areas 000 (list 1, Census 2000 and 2010 and 1 more)",
        ),
        ({"kind": "centroid"}, "moved to the middle of a cell of 0.5 degrees"),
    ],
)
def test_summaries_and_uniqueness(spec: Spec, summary: str) -> None:
    found = treatment(spec, "quasi_identifier")
    assert found.transformer.summary(found.params) == summary
    assert found.transformer.uniqueness(found.params) == "lossy"
    assert found.transformer.family == "generalization"


@pytest.mark.parametrize(
    "spec",
    [
        {"kind": "truncate"},
        {"kind": "truncate", "to": "decade"},
        {"kind": "truncate", "to": "year", "time_zone": "Mars/Olympus"},
        {"kind": "truncate", "to": "year", "time_zone": "../etc/passwd"},
        {"kind": "top_code", "above": -1},
        {"kind": "round", "to": 0},
        {"kind": "round", "to": float("nan")},
        {"kind": "bucket", "edges": []},
        {"kind": "bucket", "edges": [5, 5]},
        {"kind": "bucket", "edges": [float("inf")]},
        {"kind": "zip3", "digits": 4},
        {"kind": "zip3", "also": ["12"]},
        {"kind": "centroid", "degrees": 0.7},
    ],
)
def test_parameters_that_make_no_sense(spec: Spec) -> None:
    with pytest.raises(ValidationError):
        treatment(spec, "quasi_identifier")


@pytest.mark.parametrize(
    ("spec", "type_", "problem"),
    [
        ({"kind": "truncate", "to": "day"}, "date", "leaves dates as they are"),
        ({"kind": "top_code", "to": "month"}, "int", "of a year of birth"),
        ({"kind": "top_code"}, "varchar(1)", "does not fit varchar(1)"),
        ({"kind": "round", "to": 0.5}, "bigint", "a whole to: of 2 or more"),
        ({"kind": "round", "to": 1}, "int", "a whole to: of 2 or more"),
        ({"kind": "bucket", "edges": [0.5]}, "int", "whole edges"),
        ({"kind": "bucket", "edges": [0.5]}, "text", "whole edges"),
        ({"kind": "bucket", "edges": [40000]}, "smallint", "does not fit smallint"),
        ({"kind": "bucket", "edges": [18, 65]}, "varchar(4)", "longer than varchar(4)"),
        ({"kind": "zip3", "digits": 5}, "varchar(3)", "needs 5 characters"),
    ],
)
def test_columns_that_do_not_suit(spec: Spec, type_: str, problem: str) -> None:
    assert problem in " ".join(problems(spec, column("c", type_)))


@pytest.mark.parametrize(
    ("spec", "refused"), [({"kind": "centroid"}, True), ({"kind": "bucket", "edges": [0, 10]}, True),
                          ({"kind": "round", "to": 100}, False), ({"kind": "top_code"}, False)],
)  # fmt: skip
def test_narrow_numerics(spec: Spec, refused: bool) -> None:
    narrow = column("c", "numeric", precision=3, scale=2)
    assert bool(problems(spec, narrow)) == refused
    assert not problems(spec, column("c", "numeric", precision=4, scale=2))


def test_ages_are_reckoned_on_the_runs_first_day_or_the_policys_never_on_the_servers() -> None:
    born = column("born", "date")
    assert "as_of" in treated(treatment({"kind": "top_code"}, "x"), born, Row()).text
    fixed = treated(treatment({"kind": "top_code", "as_of": "2024-05-06"}, "x"), born, Row()).text
    assert "2024-05-06" in fixed
    assert "as_of" not in fixed
    assert Bindings(RunKey.draw(), "en_US", "", as_of=date(2024, 5, 6)).values(["as_of"]) == [
        date(2024, 5, 6)
    ]


class TestSparsePrefixes:
    def test_both_lists_are_in_it(self) -> None:
        lines = (data_root("policies") / "lists" / "zip3_sparse.txt").read_text(encoding="utf-8").split("\n")
        by_census = {
            year: {line[:3] for line in lines if line[:1].isdigit() and year in line.split()[1:]}
            for year in ("2000", "2010")
        }
        assert {year: len(found) for year, found in by_census.items()} == {"2000": 17, "2010": 14}
        found = sparse_prefixes().prefixes
        assert set(found) == by_census["2000"] | by_census["2010"]
        assert list(found) == sorted(set(found))

    def test_another_list_is_another_version(self) -> None:
        listed = hashlib.sha256(" ".join(sparse_prefixes().prefixes).encode()).hexdigest()[:12]
        assert (sparse_prefixes().version, listed) == ("1, Census 2000 and 2010", "928aaa2d5d32")
