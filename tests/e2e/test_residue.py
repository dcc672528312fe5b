"""A night in which an original waits in every place where one can stay behind."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg
import pytest

from sanitizers.forensics import examination
from sanitizers.forensics.needles import Needle, Needles
from sanitizers.forensics.sample import Sample
from sanitizers.postgres import account
from sanitizers.postgres.cluster import Cluster
from sanitizers.postgres.introspect import read_catalog
from sanitizers.results import Residue, SnapshotResult
from sanitizers.stages import purge, scrub
from sanitizers.stages.base import Run
from tests.canaries import CANARIES, POLICY, SCHEMA, SETTLE, Canary
from tests.e2e.conftest import Clinic, target

NEEDLES = Needles(Needle(canary.kind, canary.value.encode()) for canary in CANARIES)
"""The kind in the place of a column."""


@pytest.fixture
def hospital(production18: Cluster, home: Path, tmp_path: Path) -> Iterator[Clinic]:
    yield from planted(target(production18, home, tmp_path, POLICY, migrations=False))


@pytest.fixture
def hospital16(production16: Cluster, home: Path, tmp_path: Path) -> Iterator[Clinic]:
    yield from planted(target(production16, home, tmp_path, POLICY, migrations=False))


def planted(made: Iterator[Clinic]) -> Iterator[Clinic]:
    clinic = next(made)
    with psycopg.connect(clinic.production.dsn(clinic.database), autocommit=True) as connection:
        connection.execute(SCHEMA.encode())
        for canary in CANARIES:
            for statement in filter(None, canary.statements(canary.sql)):
                connection.execute(statement.replace("{database}", clinic.database).encode())
        connection.execute(SETTLE.encode())
        connection.execute("ANALYZE")
    yield clinic
    next(made, None)


def plant_inside(run: Run) -> None:
    """What a clone's server leaves behind, and what a base backup may bring along."""
    directory = Path(run.result(SnapshotResult).clone.location).parent
    with run.clone() as connection:
        oid = connection.execute("SELECT oid FROM pg_database WHERE datname = current_database()").fetchone()
        assert oid
        for canary in CANARIES:
            for statement in filter(None, canary.statements(canary.inside)):
                connection.execute(statement.encode())
            if canary.file:
                place = directory / canary.file.format(database=oid[0])
                account.own(place.parent)
                with place.open("ab") as file:
                    file.write(canary.value.encode())


def look(run: Run) -> tuple[Residue, ...]:
    """Everything that the search finds in a clone at work."""
    with run.clone() as connection:
        catalog = read_catalog(connection)
    subject = examination.Subject(
        open=run.clone,
        catalog=catalog,
        schema=str,
        directory=Path(run.result(SnapshotResult).clone.location).parent,
        workers=1,
        progress=lambda *_: None,
    )
    return examination.examine(subject, Sample(NEEDLES, ())).residue


def looked_before(
    monkeypatch: pytest.MonkeyPatch, stage: ModuleType, prepare: Callable[[Run], None]
) -> list[Residue]:
    """What is found just before a stage of the night: the night without that stage."""
    found: list[Residue] = []
    original = stage.run

    def run(run: Run) -> Any:
        prepare(run)
        found.extend(look(run))
        return original(run)

    monkeypatch.setattr(stage, "run", run)
    return found


def is_found(canary: Canary, found: list[Residue]) -> bool:
    places = (residue.place for residue in found if residue.column == canary.kind)
    return any(re.fullmatch(canary.place, place) for place in places)


@pytest.mark.parametrize("name", ["hospital", pytest.param("hospital16", marks=pytest.mark.exhaustive)])
def test_no_original_stays_anywhere(
    name: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    clinic: Clinic = request.getfixturevalue(name)
    unscrubbed = looked_before(monkeypatch, scrub, lambda run: None)
    unpurged = looked_before(monkeypatch, purge, plant_inside)

    clinic.refresh()

    found = {"scrub": unscrubbed, "purge": unpurged}
    assert [canary.kind for canary in CANARIES if not is_found(canary, found[canary.until])] == []
    values = clinic.folder / "values"
    values.write_text("".join(f"{canary.value}\n" for canary in CANARIES))
    searched = clinic.run("forensics", clinic.database, "--values", str(values))
    assert searched.exit_code == 0, searched.output
