"""What each stage leaves behind: small frozen values with names, counts and digests, never a row value.

They are stored in the control database after each stage, so that a later process, a resumed run or the report
can read them back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sanitizers.catalog import Name
from sanitizers.endpoints.base import Destination
from sanitizers.policy.plan import Plan
from sanitizers.policy.rows import TableRows
from sanitizers.snapshots.base import CloneRef, Snapshot
from sanitizers.windows import ATTENTION, forecast


@dataclass(frozen=True)
class SnapshotResult:
    snapshot: Snapshot
    clone: CloneRef


@dataclass(frozen=True)
class Wire:
    """Something in the clone that could reach outside, and what was done to it."""

    kind: str
    name: str
    action: str


@dataclass(frozen=True)
class IsolateResult:
    wires: tuple[Wire, ...]


@dataclass(frozen=True)
class PlanResult:
    plan: Plan


@dataclass(frozen=True)
class TableScrub:
    heap: Name
    rows: int
    seconds: float
    bytes_before: int
    bytes_after: int


@dataclass(frozen=True)
class ScrubResult:
    tables: tuple[TableScrub, ...]
    untouched: int
    """Tables with nothing to treat: not rewritten, blocks still shared with the snapshot."""
    schema_before: str
    schema_after: str
    """SHA-256 of the schema dump before and after; they must be equal."""
    rows: tuple[TableRows, ...] = ()
    """What was chosen, of tables of which not all rows arrive as they are."""


@dataclass(frozen=True)
class PurgeResult:
    statistics_rewritten: bool
    materialized_views: tuple[Name, ...]
    files_removed: tuple[str, ...]
    """Kinds of files removed while the server was stopped, for instance `pg_wal`."""


@dataclass(frozen=True)
class Window:
    """The ids one generation may hand out from one sequence, both ends included."""

    sequence: Name
    columns: tuple[str, ...]
    """`schema.table.column` of every user of the sequence."""
    type: str
    increment: int
    production: int
    """Production's position at the snapshot."""
    first: int
    last: int
    limit: int
    """Where sequence or column type ends."""
    start: int = 0
    """Where its range begins."""
    guard: int | None = None
    """The first id past those that are left to production until the generation retires."""
    past: tuple[tuple[int, int], ...] = ()
    """Windows that earlier generations hold or held in the last days, oldest first."""
    headroom: float | None = None
    """The share of the range that production has not reached, 0 to 1."""
    nights: int | None = None
    """Nights until no window fits any more; None while production does not move."""

    @property
    def forecast(self) -> str:
        """The end in words; empty while none is in sight."""
        return forecast(self.type, ", ".join(self.columns) or str(self.sequence), self.nights)

    @property
    def ends_soon(self) -> bool:
        return self.nights is not None and self.nights < ATTENTION


@dataclass(frozen=True)
class OffsetResult:
    day: date
    windows: tuple[Window, ...]
    """Of sequences."""
    counters: tuple[Window, ...] = ()
    """Of rows that serve as sequences."""
    seed: str = ""
    """SHA-256 of the day's 32 random bytes, which the control database keeps to replay the day."""

    @property
    def ending(self) -> tuple[Window, ...]:
        """What has come near its end, nearest first."""
        soon = [window for window in (*self.windows, *self.counters) if window.ends_soon]
        return tuple(sorted(soon, key=lambda window: window.nights or 0))


@dataclass(frozen=True)
class MigrationRun:
    version: str
    name: str
    seconds: float


@dataclass(frozen=True)
class MigrateResult:
    provider: str
    applied: tuple[MigrationRun, ...]
    new_columns: tuple[str, ...]
    """`schema.table.column` of every column the migrations made."""
    windows: tuple[Window, ...]
    """Offsets of sequences the migrations made."""
    schema_before: str
    """SHA-256 of the schema dump before the first migration."""


@dataclass(frozen=True)
class Gate:
    """One yes-or-no check of the released state."""

    name: str
    subject: str
    passed: bool
    observed: str
    expected: str


@dataclass(frozen=True)
class ColumnCounts:
    """One column before and after, compared row by row with the sealed original."""

    column: str
    """`schema.table.column`."""
    rows: int
    nulls_before: int
    nulls_after: int
    changed: int
    unchanged: int
    """Rows outside exemptions with a non-empty value equal to its original."""
    exempt: int


@dataclass(frozen=True)
class Surface:
    """One way in which originals could be left in a clone, and how much of it was looked at."""

    name: str
    """`files`, `rows`, `catalogs` or `statistics`."""
    bytes: int
    """Searched, compressed values counted once unpacked."""
    seconds: float


@dataclass(frozen=True)
class Residue:
    """Originals of one column found in one place. Never which."""

    surface: str
    place: str
    """What an engineer would look at, for instance `index public.patients_email_key` or `WAL`."""
    column: str
    """`schema.table.column` that the originals were taken from; empty for a list that somebody gave."""
    spelling: str
    """How they were written there, for instance `plain` or `base64`."""
    count: int


@dataclass(frozen=True)
class Forensics:
    """What a search of the whole clone for originals has found."""

    searched: tuple[tuple[str, int], ...]
    """`schema.table.column` and how many of its originals were searched for."""
    left_out: tuple[tuple[str, str], ...]
    """Columns that no original was taken of, and why."""
    excused: int
    """Originals that live tables hold as whole values: kept by the policy, or given to another row by a
    treatment. Comparing rows answers for those."""
    surfaces: tuple[Surface, ...]
    residue: tuple[Residue, ...]
    excused_by: tuple[tuple[str, int], ...] = ()
    """`schema.table.column` that holds excused originals, and how many."""


@dataclass(frozen=True)
class ValidateResult:
    gates: tuple[Gate, ...]
    columns: tuple[ColumnCounts, ...]
    suites: tuple[dict[str, Any], ...]
    """Great Expectations' validation results, one a table, without values."""
    forensics: Forensics | None = None

    @property
    def failed(self) -> tuple[str, ...]:
        gates = [f"{gate.name}: {gate.subject}" for gate in self.gates if not gate.passed]
        return (*gates, *(f"expectations: {s['suite_name']}" for s in self.suites if not s["success"]))


@dataclass(frozen=True)
class ApproveResult:
    required: bool
    granted: bool = True
    by: str = ""
    reason: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class SwitchResult:
    endpoint: str
    """How clients connect, in one line."""
    destination: Destination
    previous: Destination | None
    at: datetime


@dataclass(frozen=True)
class ReportResult:
    record: str
    """Path of the JSON record."""
    page: str
    """Path of the HTML page."""
    digest: str
    """SHA-256 of the JSON record."""


@dataclass(frozen=True)
class ReapResult:
    destroyed: tuple[str, ...]
    orphans: tuple[str, ...]
    kept: tuple[str, ...]
