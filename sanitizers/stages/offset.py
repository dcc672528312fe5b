"""Moves every sequence of the clone far past production, into ids no other generation has."""

from __future__ import annotations

import secrets
from functools import partial

from sanitizers.offsets import Assigner
from sanitizers.postgres.introspect import read_catalog
from sanitizers.results import OffsetResult
from sanitizers.stages.base import Run

NAME = "offset"


def run(run: Run) -> OffsetResult:
    """Safe to run again: the generation's windows stay the same. OffsetExhausted when a type is used up."""
    now = run.clock()
    assigner = Assigner(run.control, run.database, run.generation, now, partial(secrets.token_bytes, 32))
    with run.clone() as connection:
        catalog = read_catalog(connection)
        windows = assigner.assign(connection, catalog, catalog.sequences)
    run.progress.item(NAME, "sequences", f"{len(windows)} moved", done=True)
    return OffsetResult(now.date(), windows)
