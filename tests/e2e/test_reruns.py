"""A scrub that is killed in the middle: the next one redoes what was not finished, and nothing else."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from sanitizers.control.model import Generation
from tests.e2e.conftest import Clinic
from tests.e2e.test_driven_runs import Silent, open_run, opened, step, through

TABLES = 40
IN_THE_WAY = ("crowd_20", "crowd_21", "crowd_22")
"""Tables somebody holds, more than there are workers: the scrub comes to a halt in the middle."""


class Listening(Silent):
    """Remembers which heaps were said to be done before."""

    def __init__(self) -> None:
        self.before: list[str] = []
        self.now: list[str] = []

    def item(self, stage: str, item: str, detail: str = "", *, done: bool = False) -> None:
        if done and item.startswith("public.crowd"):
            (self.before if detail == "done before" else self.now).append(item)


@pytest.fixture
def crowd(clinic: Clinic) -> Clinic:
    """The clinic with forty tables more."""
    rule = "  public.crowd_{n:02}:\n    columns: {{id: non_identifying, name: name.full, email: email}}\n"
    for n in range(TABLES):
        clinic.produce(
            f"CREATE TABLE crowd_{n:02} (id int PRIMARY KEY, name text NOT NULL, email text UNIQUE)"
        )
        clinic.produce(f"INSERT INTO crowd_{n:02} SELECT id, name, email FROM patients")
        clinic.policy.write_text(clinic.policy.read_text() + rule.format(n=n))
    return clinic


def scrub(crowd: Clinic, run: str, watcher: Silent) -> None:
    with opened(crowd) as workspace, workspace.resume(run, watcher) as execution:
        execution.step("scrub")


def test_a_rerun_after_kill_9_redoes_only_the_unfinished(crowd: Clinic) -> None:
    run = open_run(crowd)
    step(crowd, run, *through("plan"))
    with inside(crowd, run) as clone:
        with clone.transaction():
            clone.execute(f"LOCK TABLE {', '.join(IN_THE_WAY)} IN ACCESS SHARE MODE".encode())
            killed_at_a_halt(crowd, run, clone)
        finished, files = done(clone), files_of(clone)
        assert 15 < len(finished) < TABLES - 3
        watcher = Listening()
        scrub(crowd, run, watcher)
        assert sorted(watcher.before) == sorted(heap for heap in finished if "crowd" in heap)
        assert len(watcher.before) + len(watcher.now) == TABLES
        after = files_of(clone)
        assert {heap for heap in after if after[heap] == files[heap]} == finished
        parts = [f"SELECT count(*) FROM crowd_{n:02} WHERE name LIKE 'Original%'" for n in range(TABLES)]
        found = clone.execute(f"SELECT sum(count) FROM ({' UNION ALL '.join(parts)}) AS u".encode())
        assert found.fetchall() == [(0,)]
    step(crowd, run, "purge")


def killed_at_a_halt(crowd: Clinic, run: str, clone: psycopg.Connection[Any]) -> None:
    """Starts a scrub, lets it come to the tables that are held, and kills it there."""
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=scrub, args=(crowd, run, Silent()))
    process.start()
    try:
        until = time.monotonic() + 60
        while waiting(clone) < 2:
            assert process.is_alive()
            assert time.monotonic() < until
            time.sleep(0.05)
    finally:
        process.kill()
        process.join()


@contextmanager
def inside(crowd: Clinic, run: str) -> Iterator[psycopg.Connection[Any]]:
    """A session on the run's clone."""
    with opened(crowd) as workspace:
        generation = workspace.control.generation_of(run)
    assert isinstance(generation, Generation)
    assert generation.clone
    with psycopg.connect(generation.clone.dsn(), autocommit=True) as connection:
        yield connection


def waiting(clone: psycopg.Connection[Any]) -> int:
    found = clone.execute(
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation IS NOT NULL"
    ).fetchone()
    return found[0] if found else 0


def done(clone: psycopg.Connection[Any]) -> set[str]:
    return {row[0] for row in clone.execute("SELECT heap FROM understudy.done").fetchall()}


def files_of(clone: psycopg.Connection[Any]) -> dict[str, int]:
    """Where the rows of every table that a scrub rewrites are."""
    return dict(
        clone.execute(
            "SELECT 'public.' || relname, relfilenode FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = 'public'::regnamespace AND relname ~ '^(crowd|patients|visits)'"
        ).fetchall()
    )
