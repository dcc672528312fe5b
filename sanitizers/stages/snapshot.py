"""Snapshot: a consistent copy-on-write copy of the source, and a sealed clone running on it."""

from __future__ import annotations

from sanitizers.results import SnapshotResult
from sanitizers.stages.base import Run

NAME = "snapshot"


def run(run: Run) -> SnapshotResult:
    """Takes the snapshot (incremental where that works), keeps it as the next base, starts the clone."""
    previous = run.control.last_snapshot(run.database)
    run.progress.item(NAME, "copying production")
    snapshot = run.provider.create(run.generation, previous, full=run.options.full_snapshot)
    run.control.save_snapshot(run.database, snapshot, run.clock())
    run.progress.item(NAME, "starting the sealed clone", snapshot.kind)
    clone = run.provider.clone(snapshot, run.generation)
    run.control.move(run.generation, "sealed", run.clock(), clone)
    return SnapshotResult(snapshot, clone)
