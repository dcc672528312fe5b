"""What the control database knows, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from pydantic import TypeAdapter

from sanitizers.catalog import Name
from sanitizers.snapshots.base import CloneRef, Snapshot

Status = Literal["released", "rehearsed", "refused", "failed"]
"""How a run ended; `rehearsed` when it was told to stop before the switch and came that far."""
State = Literal["sealed", "scrubbed", "validated", "live", "retired", "destroyed", "refused"]

ALLOWED: dict[State, tuple[State, ...]] = {
    "sealed": ("sealed", "scrubbed", "validated"),
    "scrubbed": ("sealed", "scrubbed", "validated"),
    "validated": ("scrubbed", "validated"),
    "live": ("validated", "retired", "live"),
    "retired": ("live", "retired"),
    "refused": ("sealed", "scrubbed", "validated", "refused"),
    "destroyed": ("retired", "refused", "destroyed"),
}
"""The states a generation may come from. Each holds the state itself, so that a step may run again; until it
is live it may also go back, when an earlier stage is done over."""

CLONE = TypeAdapter(CloneRef)
SNAPSHOT = TypeAdapter(Snapshot)


@dataclass(frozen=True)
class NewRun:
    """What is known of a run when it begins."""

    database: str
    trigger: str
    policy_digest: str
    policy_text: str
    host: str
    pid: int
    driver: str = ""
    """Who takes the run from stage to stage, for instance `airflow:DAG/RUN`; empty for a process that holds
    the database's lock from the first stage to the last."""
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RunEntry:
    """One run as recorded. `status` is `running` until the run is finished."""

    id: str
    database: str
    driver: str
    trigger: str
    options: dict[str, Any]
    policy_digest: str
    host: str
    pid: int
    started: datetime
    status: str
    finished: datetime | None
    error: dict[str, Any] | None


@dataclass(frozen=True)
class StageEntry:
    """One stage of a run; `status` is `running`, `finished`, `failed`, or `waiting` to run again."""

    stage: str
    status: str
    started: datetime
    finished: datetime | None
    result: Any
    error: dict[str, Any] | None


@dataclass(frozen=True)
class Generation:
    """One night's clone. `clone` is set once it has been told to `Control.move`."""

    label: str
    database: str
    run_id: str
    state: State
    clone: CloneRef | None
    created: datetime
    changed: datetime
    """When it came into its state."""


@dataclass(frozen=True)
class SwitchEntry:
    """The endpoint came to point at `generation`."""

    endpoint: str
    generation: str
    previous: str | None
    by: str
    at: datetime


@dataclass(frozen=True)
class HandedOut:
    """The ids of one sequence that belong to one generation; `last` is the smaller one when it descends."""

    sequence: Name
    production: int
    """The next value production would have given at the snapshot."""
    first: int
    last: int


@dataclass(frozen=True)
class ReportEntry:
    """Where a run's evidence lies."""

    run_id: str
    record: str
    page: str
    digest: str
