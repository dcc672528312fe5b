"""Reap: destroys generations past their time, and orphans of runs that crashed."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime

from sanitizers.control import Control
from sanitizers.endpoints.base import EndpointProvider
from sanitizers.results import ReapResult
from sanitizers.settings import Target
from sanitizers.snapshots.base import SnapshotProvider
from sanitizers.stages.base import Run

NAME = "reap"


def run(run: Run, keep: Set[str] = frozenset()) -> ReapResult:
    """Keeps the live generation, the newest retired ones and `keep`; all else of this database goes."""
    for domain in run.epoch_keys.destroy_expired(run.clock().date()):
        run.progress.item(NAME, f"key of {domain}", "expired", done=True)
    reaper = Reaper(run.database, run.target, run.control, run.provider, run.endpoint)
    return reaper.reap(run.clock(), keep)


@dataclass(frozen=True)
class Reaper:
    database: str
    target: Target
    control: Control
    provider: SnapshotProvider
    endpoint: EndpointProvider

    def reap(self, now: datetime, keep: Set[str] = frozenset()) -> ReapResult:
        """Must run under the database's lock: a generation nobody holds open is then a crashed run's."""
        kept = self._kept() | keep
        destroyed = [
            generation.label
            for generation in self.control.generations(self.database)
            if generation.state != "destroyed" and generation.label not in kept
        ]
        for label in destroyed:
            self.destroy(label, now)
        orphans = [label for label in self.provider.find() if label not in kept]
        for label in orphans:
            self.provider.destroy(label)
        self._discard_snapshots()
        return ReapResult(tuple(destroyed), tuple(orphans), tuple(sorted(kept)))

    def destroy(self, label: str, now: datetime) -> None:
        """Ends one generation: refused first when it never went live, then its clone is removed."""
        if self.control.generation(label).state not in {"retired", "refused"}:
            self.control.move(label, "refused", now)
        self.provider.destroy(label)
        self.control.move(label, "destroyed", now)

    def _kept(self) -> set[str]:
        living = [g for g in self.control.generations(self.database) if g.state in {"live", "retired"}]
        living.sort(key=lambda generation: (generation.state == "live", generation.changed))
        kept = {generation.label for generation in living[-self.target.keep :]}
        # A run that died between moving the endpoint and saying so: clients are on its generation.
        served = self.endpoint.current()
        return kept | {served.generation} if served else kept

    def _discard_snapshots(self) -> None:
        """Only the newest snapshot is needed, as the base of the next increment.

        One that nobody knows of was finished by a run that died before it could say so.
        """
        newest, *older = [snapshot.label for snapshot in self.control.snapshots(self.database)] or [""]
        unknown = [label for label in self.provider.find_snapshots() if label not in {newest, *older}]
        for label in (*older, *unknown):
            self.provider.discard(label)
            self.control.forget_snapshot(label)
