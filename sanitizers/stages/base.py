"""What every stage gets: the run. Clock, key, progress and connections come from here and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

from psycopg import Connection

from sanitizers.control import Control
from sanitizers.endpoints.base import EndpointProvider
from sanitizers.errors import WrongState
from sanitizers.keys import EpochKeys, RunKey
from sanitizers.policy.document import LoadedPolicy
from sanitizers.postgres.connection import open_clone
from sanitizers.postgres.schema_dump import schema_digest
from sanitizers.results import SnapshotResult
from sanitizers.settings import Target
from sanitizers.snapshots.base import SnapshotProvider
from sanitizers.validators.expectations import ExpectationRunner

T = TypeVar("T")


class Progress(Protocol):
    """Where a stage tells how far it is. Names and counts only."""

    def item(self, stage: str, item: str, detail: str = "", *, done: bool = False) -> None: ...


@dataclass(frozen=True)
class Decision:
    """A person's go or no-go."""

    granted: bool
    by: str
    reason: str
    at: datetime | None = None
    """When, if that was before the stage asked for it."""


class Approver(Protocol):
    """Asks a person for go or no-go."""

    def __call__(self, database: str, generation: str) -> Decision: ...


@dataclass(frozen=True)
class Options:
    """What the caller may ask of one run."""

    full_snapshot: bool = False
    dry_run: bool = False
    """A rehearsal: everything up to the approval, and nothing is switched."""
    trigger: str = "manual"


@dataclass
class Run:
    """One refresh of one database."""

    id: str
    generation: str
    """The generation's label, for instance `hospital-20261121-001`."""
    database: str
    target: Target
    policy: LoadedPolicy
    root: Path
    """Understudy's home."""
    control: Control
    provider: SnapshotProvider
    endpoint: EndpointProvider
    key: RunKey
    started: datetime
    clock: Callable[[], datetime]
    progress: Progress
    approver: Approver | None = None
    options: Options = Options()
    binaries: tuple[Path, ...] = ()
    """Further `bin` directories of PostgreSQL servers to look in."""
    expectations: ExpectationRunner | None = None
    """Started early: importing Great Expectations takes seconds, which pass while the scrub runs."""
    results: dict[type, Any] = field(default_factory=dict)
    driven: bool = False
    """Whether somebody takes the run from stage to stage in processes of their own, and can take up again
    what has failed."""

    @property
    def home(self) -> Path:
        """This database's own folder."""
        return self.root / self.database

    @property
    def epoch_keys(self) -> EpochKeys:
        """The keys of this database that outlive the run."""
        return EpochKeys(self.home / "keys")

    def schema_digest(self) -> str:
        """SHA-256 of the clone's schema as pg_dump tells it."""
        ref = self.result(SnapshotResult).clone
        return schema_digest(ref.dsn(), ref.version // 10000, self.binaries, home=self.root)

    def result(self, kind: type[T]) -> T:
        """The result an earlier stage left; WrongState when that stage has not run."""
        try:
            found: T = self.results[kind]
        except KeyError:
            raise WrongState(
                f"{kind.__name__} is missing: an earlier stage has not run", where=self.generation
            ) from None
        return found

    @contextmanager
    def clone(self) -> Iterator[Connection[Any]]:
        """A guarded session on this run's clone."""
        ref = self.result(SnapshotResult).clone
        marked = self.provider.database_marker
        with open_clone(ref.dsn(), ref.label, database_marker=marked) as connection:
            yield connection
