"""Moves every sequence and counter of the clone far past production, into ids no other generation has."""

from __future__ import annotations

import secrets
from functools import partial

from sanitizers.offsets import Assigner, with_counters
from sanitizers.postgres.introspect import read_catalog
from sanitizers.results import OffsetResult, PlanResult
from sanitizers.stages.base import Run

NAME = "offset"


def run(run: Run) -> OffsetResult:
    """Safe to run again: the generation's windows stay the same. OffsetExhausted when a type is used up."""
    now = run.clock()
    assigner = Assigner(run.control, run.database, run.generation, now, partial(secrets.token_bytes, 32))
    with run.clone() as connection:
        made = with_counters(connection, read_catalog(connection), run.result(PlanResult).plan.ids)
        windows = assigner.assign(connection, made.catalog, made.catalog.sequences, made.counters)
    result = OffsetResult(
        day=now.date(),
        windows=tuple(window for window in windows if window.sequence not in made.counters),
        counters=tuple(window for window in windows if window.sequence in made.counters),
        seed=assigner.seed_digest,
    )
    run.progress.item(NAME, "sequences", f"{len(windows)} moved", done=True)
    for window in result.ending:
        run.progress.item(NAME, "attention", window.forecast, done=True)
    return result
