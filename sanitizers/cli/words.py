"""Results, sizes and times in a few plain words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from sanitizers.results import (
    ApproveResult,
    IsolateResult,
    MigrateResult,
    OffsetResult,
    PlanResult,
    PurgeResult,
    ReapResult,
    ReportResult,
    ScrubResult,
    SnapshotResult,
    SwitchResult,
    ValidateResult,
)


def describe(result: Any) -> str:
    """What a stage left behind, in half a line; empty for a stage that has nothing to tell."""
    tell = _TELL.get(type(result))
    return tell(result) if tell else ""


def size(count: float) -> str:
    """Bytes, for people: `3.1 MB`."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit in {"bytes", "kB"} else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def number(count: int, one: str, many: str = "") -> str:
    """`1 table`, `1,204 tables`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def seconds(value: float) -> str:
    return f"{value:.1f} s" if value < 100 else f"{value / 60:.1f} min"


def moment(value: datetime | None) -> str:
    """A time in the machine's time zone."""
    return value.astimezone().strftime("%Y-%m-%d %H:%M") if value else ""


def listed(items: Iterable[object]) -> str:
    return ", ".join(str(item) for item in items)


def _snapshot(result: SnapshotResult) -> str:
    snapshot = result.snapshot
    shared = "copy-on-write" if snapshot.copy_on_write else "plain copy (this file system shares no blocks)"
    return f"{snapshot.kind}, {size(snapshot.bytes)}, {shared}"


def _isolate(result: IsolateResult) -> str:
    kinds = Counter(wire.kind for wire in result.wires)
    if not kinds:
        return "no wires"
    return f"dealt with: {listed(f'{kind} ({count})' for kind, count in sorted(kinds.items()))}"


def _plan(result: PlanResult) -> str:
    rules = result.plan.rules
    treated = number(sum(len(rule.treated) for rule in rules), "column")
    return f"{number(len(rules), 'table')}, {treated} to treat, plan {result.plan.digest[:12]}"


def _scrub(result: ScrubResult) -> str:
    rows = number(sum(table.rows for table in result.tables), "row")
    return f"{number(len(result.tables), 'table')} rewritten, {rows}; {result.untouched} left as they were"


def _purge(result: PurgeResult) -> str:
    gone = ["statistics rebuilt"] if result.statistics_rewritten else []
    views = len(result.materialized_views)
    gone += [number(views, "materialized view") + " refreshed"] if views else []
    gone += [f"removed {listed(result.files_removed)}"] if result.files_removed else []
    return ", ".join(gone)


def _offset(result: OffsetResult) -> str:
    moved = [number(len(result.windows), "sequence")]
    moved += [number(len(result.counters), "counter")] if result.counters else []
    soon = f"; {result.ending[0].forecast}" if result.ending else ""
    return f"{listed(moved)} moved past production{soon}"


def _migrate(result: MigrateResult) -> str:
    if not result.applied:
        return "nothing pending"
    versions = listed(run.version for run in result.applied)
    made = number(len(result.new_columns), "new column")
    return f"{number(len(result.applied), 'migration')} applied ({versions}), {made}"


def _validate(result: ValidateResult) -> str:
    checks = f"{number(len(result.gates), 'gate')}, {number(len(result.suites), 'expectation suite')}"
    if result.forensics:
        searched = sum(count for _, count in result.forensics.searched)
        checks += f", search for {number(searched, 'original')}"
    return f"{checks}: {len(result.failed)} failed" if result.failed else f"{checks}: all passed"


def _approve(result: ApproveResult) -> str:
    return f"by {result.by}: {result.reason}" if result.required else "not asked for"


def _switch(result: SwitchResult) -> str:
    place = result.destination
    return f"{place.generation} serves at {place.host}:{place.port}"


def _report(result: ReportResult) -> str:
    return f"record {result.digest[:12]}"


def _reap(result: ReapResult) -> str:
    said = [f"kept {listed(result.kept)}"] if result.kept else []
    said += [f"destroyed {listed(result.destroyed)}"] if result.destroyed else []
    said += [f"{number(len(result.orphans), 'orphan')} removed"] if result.orphans else []
    return "; ".join(said)


_TELL: dict[type, Callable[[Any], str]] = {
    SnapshotResult: _snapshot,
    IsolateResult: _isolate,
    PlanResult: _plan,
    ScrubResult: _scrub,
    PurgeResult: _purge,
    OffsetResult: _offset,
    MigrateResult: _migrate,
    ValidateResult: _validate,
    ApproveResult: _approve,
    SwitchResult: _switch,
    ReportResult: _report,
    ReapResult: _reap,
}
