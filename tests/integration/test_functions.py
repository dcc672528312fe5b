"""Treatments that lean on what is made before the rewrite: Python functions, and rows that a key leads to."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from sanitizers.errors import PlanRefused, ScrubFailed
from sanitizers.policy.bind import compile_plan
from sanitizers.postgres.introspect import read_catalog
from sanitizers.preview import preview
from tests.conftest import unavailable
from tests.scrubbing import policy, scrub, scrubbed, session

SCHEMA = """
CREATE TABLE patients (id int PRIMARY KEY, first text, last text, born date, badge int);
CREATE TABLE notes (id int, patient int REFERENCES patients, code varchar(10), n int, body text)
    PARTITION BY RANGE (id);
CREATE TABLE notes_1 PARTITION OF notes FOR VALUES FROM (0) TO (3);
CREATE TABLE notes_2 PARTITION OF notes DEFAULT;
INSERT INTO patients VALUES (1, 'Ada', 'Example', '1970-05-17', 7), (2, 'Bob', 'Stone', '1980-01-01', 7);
INSERT INTO notes VALUES
    (1, 1, 'x1', 5, 'Example, Ada born 5/17/1970'), (2, 2, 'x2', 6, 'Ada met Stone'),
    (3, NULL, '', NULL, 'Ada a@b.example'), (4, 2, NULL, 8, NULL);
"""
PATIENTS = """
  public.patients:
    columns:
      id: non_identifying
      first: name.first
      last: name.last
      born: {category: quasi_identifier.birth_date, treat: {kind: keep}, reason: as in the test}
      badge: non_identifying
  public.notes:
    columns:
      id: non_identifying
"""
PYTHON = """
      patient: non_identifying
      body: free_text
      code: {category: device_id, treat: {kind: python, function: "own_functions:shout", reads: [id]}}
      n: {category: device_id, treat: {kind: python, function: "own_functions:double"}}
"""
REDACT = """
      patient: non_identifying
      code: device_id
      n: non_identifying
      body:
        category: free_text
        treat: {kind: redact, through: {patient: [first, last, born]}, patterns: [email]}
"""
MODULE = """
import pyarrow as pa
import pyarrow.compute as pc

def shout(values, id):
    return pc.binary_join_element_wise(pc.utf8_upper(values), id.cast(pa.string()), "-")

def double(values):
    return pc.multiply(values, 2)
"""


@pytest.fixture
def clone(postgres_database: str) -> Iterator[Connection[Any]]:
    with session(postgres_database) as connection:
        connection.execute(SCHEMA.encode())
        yield connection


@pytest.fixture
def functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The source of the functions that the policies name."""
    if find_spec("pyarrow") is None:
        unavailable("the extra `functions` (pyarrow, numpy) is not installed")
    monkeypatch.syspath_prepend(tmp_path)
    source = tmp_path / "own_functions.py"
    source.write_text(MODULE, encoding="utf-8")
    yield source
    sys.modules.pop("own_functions", None)


def column(clone: Connection[Any], name: str) -> list[Any]:
    return [value for (value,) in clone.execute(f"SELECT {name} FROM notes ORDER BY id".encode()).fetchall()]


class TestFunctions:
    def test_treat_every_partition(self, clone: Connection[Any], functions: Path, tmp_path: Path) -> None:
        plan = scrubbed(clone, policy(tmp_path, PATIENTS + PYTHON))
        assert column(clone, "code") == ["X1-1", "X2-2", "", None]
        assert column(clone, "n") == [10, 12, None, 16]
        assert {str(found.heap) for found in plan.functions} == {"public.notes_1", "public.notes_2"}

    @pytest.mark.parametrize(
        ("written", "instead", "problem"),
        [
            ("[id]", "[idd]", "python: column idd does not exist"),
            ("[id]", "[id, n]", "would carry the originals of column n, which is treated"),
            (":shout", ":cry", "own_functions has no function cry"),
            ("own_functions:shout", "nowhere.at_all:f", "nowhere.at_all cannot be imported: ModuleNotFound"),
        ],
    )
    def test_are_refused(
        self,
        clone: Connection[Any],
        functions: Path,
        tmp_path: Path,
        written: str,
        instead: str,
        problem: str,
    ) -> None:
        loaded = policy(tmp_path, PATIENTS + PYTHON.replace(written, instead))
        with pytest.raises(PlanRefused) as caught:
            compile_plan(loaded, read_catalog(clone))
        assert problem in str(caught.value)

    def test_are_the_code_of_the_plan(self, clone: Connection[Any], functions: Path, tmp_path: Path) -> None:
        catalog = read_catalog(clone)
        plan = compile_plan(policy(tmp_path, PATIENTS + PYTHON), catalog)
        functions.write_text(MODULE.replace("2)", "3)"), encoding="utf-8")
        with pytest.raises(ScrubFailed, match="not the one the plan was made with"):
            scrub(clone, plan, catalog)

    def test_are_not_previewed(self, clone: Connection[Any], functions: Path, tmp_path: Path) -> None:
        rows = preview(policy(tmp_path, PATIENTS + PYTHON), read_catalog(clone), clone)
        assert {row.column for row in rows if row.after == "(only the scrub can tell)"} == {"code", "n"}


class TestThrough:
    def test_a_key_names_are_removed(self, clone: Connection[Any], tmp_path: Path) -> None:
        scrubbed(clone, policy(tmp_path, PATIENTS + REDACT))
        assert column(clone, "body") == ["[NAME] born [DATE]", "Ada met [NAME]", "Ada [EMAIL]", None]

    def test_what_is_not_unique_gives_one_row(self, clone: Connection[Any], tmp_path: Path) -> None:
        tables = REDACT.replace(
            "n: non_identifying", "n: {category: non_identifying, references: public.patients.badge}"
        )
        scrubbed(clone, policy(tmp_path, PATIENTS + tables.replace("{patient:", "{n:")))
        assert len(column(clone, "id")) == 4

    @pytest.mark.parametrize(
        ("written", "instead"), [("{patient:", "{n:"), ("[first,", "[frist,")], ids=["no key", "no column"]
    )
    def test_nothing_is_refused(
        self, clone: Connection[Any], tmp_path: Path, written: str, instead: str
    ) -> None:
        loaded = policy(tmp_path, PATIENTS + REDACT.replace(written, instead))
        with pytest.raises(PlanRefused, match="no foreign key of that column alone leads to those columns"):
            compile_plan(loaded, read_catalog(clone))
