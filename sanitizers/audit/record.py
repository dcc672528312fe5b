"""The record of one run: names, counts, digests and times as plain JSON values, never a data value.

Every run gets one, whatever became of it: what a refused or failed run did not reach is null or empty.
What comes from elsewhere (errors, Great Expectations) passes through lists of allowed fields.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from importlib import metadata
from typing import Any, TypeVar

import sanitizers
from sanitizers.audit import inventory
from sanitizers.control import Status
from sanitizers.policy.document import LoadedPolicy
from sanitizers.policy.plan import Plan
from sanitizers.results import (
    ApproveResult,
    Forensics,
    IsolateResult,
    MigrateResult,
    OffsetResult,
    PlanResult,
    PurgeResult,
    ScrubResult,
    SnapshotResult,
    SwitchResult,
    ValidateResult,
    Window,
)

T = TypeVar("T")
SCHEMA_VERSION = 1
"""Raised when a field changes its meaning or goes; new fields do not raise it."""


@dataclass(frozen=True)
class RunFacts:
    """What is known about a run besides the results of its stages."""

    run_id: str
    database: str
    generation: str
    status: Status
    trigger: str
    started: datetime
    finished: datetime
    host: str
    user: str
    """Who ran it, as the operating system knows them."""
    serving: str = ""
    """The generation the endpoint points at when the run has ended; empty when there is none."""
    stage: str = ""
    """The stage that refused or failed."""
    error: Mapping[str, Any] | None = None
    """`UnderstudyError.to_json()` of what ended the run."""
    timings: Mapping[str, float] = field(default_factory=dict)
    """Seconds by stage, in the order of running."""


def build_record(facts: RunFacts, policy: LoadedPolicy, results: Mapping[type, Any]) -> dict[str, Any]:
    """The run as plain JSON values in a fixed order of keys. Any stage's result may be missing."""
    planned = _result(results, PlanResult)
    plan = planned.plan if planned else None
    scrubbed, validated = _result(results, ScrubResult), _result(results, ValidateResult)
    switched, migrated = _result(results, SwitchResult), _result(results, MigrateResult)
    columns = inventory.columns(policy, plan, migrated, validated)
    released = facts.status == "released"
    return {
        "schema_version": SCHEMA_VERSION,
        "run_id": facts.run_id,
        "status": facts.status,
        "database": facts.database,
        "generation": facts.generation,
        "started_at": _moment(facts.started),
        "finished_at": _moment(facts.finished),
        "released_at": _moment(switched.at) if switched and released else None,
        "serving": facts.serving,
        "statement": policy.profile.statement if released else "",
        "error": _error(facts),
        "runner": {"user": facts.user, "host": facts.host, "trigger": facts.trigger},
        **_copies(_result(results, SnapshotResult)),
        "policy": _policy(policy),
        "profile": _profile(policy),
        "schema": _schema(plan, scrubbed, migrated, columns),
        "categories": inventory.categories(
            policy, columns, planned=plan is not None, scrubbed=scrubbed is not None
        ),
        "exceptions": inventory.exceptions(policy, columns),
        "columns": columns,
        "tables": inventory.tables(plan, scrubbed, columns),
        "linkage_domains": inventory.linkage_domains(plan),
        "isolation": _isolation(_result(results, IsolateResult)),
        "scrub": _scrub(plan, scrubbed),
        "purge": _purge(_result(results, PurgeResult)),
        "validation": _validation(validated),
        "forensics": _forensics(validated.forensics if validated else None),
        "offsets": _offsets(_result(results, OffsetResult), plan),
        "migrations": _migrations(migrated),
        "approval": _approval(_result(results, ApproveResult)),
        "switch": _switch(switched),
        "timings": [{"stage": stage, "seconds": round(spent, 3)} for stage, spent in facts.timings.items()],
        "tool": _tool(results),
    }


def canonical(record: Mapping[str, Any]) -> bytes:
    """The bytes of the record's file; its SHA-256 is the record's digest."""
    return (json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _result(results: Mapping[type, Any], kind: type[T]) -> T | None:
    found: T | None = results.get(kind)
    return found


def _error(facts: RunFacts) -> dict[str, Any] | None:
    if facts.error is None:
        return None
    kept = {key: facts.error.get(key) for key in ("error", "exit_code", "retryable", "what", "where", "hint")}
    problems = [
        {key: str(problem.get(key, "")) for key in ("where", "what", "hint")}
        for problem in facts.error.get("problems") or ()
    ]
    return {"stage": facts.stage, **kept, "problems": problems}


def _copies(result: SnapshotResult | None) -> dict[str, Any]:
    if result is None:
        return {"source": None, "snapshot": None, "clone": None}
    snapshot, clone = result.snapshot, result.clone
    return {
        "source": {
            "system_identifier": snapshot.system_identifier, "database": snapshot.database,
            "version": server_version(snapshot.version),
        },
        "snapshot": {
            "provider": snapshot.provider, "label": snapshot.label, "kind": snapshot.kind,
            "parent": snapshot.parent, "lsn": snapshot.lsn, "taken_at": _moment(snapshot.taken_at),
            "bytes": snapshot.bytes, "copy_on_write": snapshot.copy_on_write,
        },
        "clone": {
            "label": clone.label, "provider": clone.provider, "database": clone.database,
            "version": server_version(clone.version),
        },
    }  # fmt: skip


def server_version(number: int) -> str:
    """`server_version_num` as people say it: 180004 is 18.4."""
    return f"{number // 10000}.{number % 10000}"


def _policy(policy: LoadedPolicy) -> dict[str, Any]:
    written = policy.policy
    return {
        "id": written.policy, "file": policy.path.name, "version": written.version, "sha256": policy.digest,
        "author": written.author, "purpose": written.purpose, "dua_id": written.data_use_agreement,
        "locale": written.locale,
    }  # fmt: skip


def _profile(policy: LoadedPolicy) -> dict[str, Any]:
    profile = policy.profile
    return {
        "id": profile.profile, "title": profile.title, "version": profile.version, "basis": profile.basis,
        "sha256": hashlib.sha256(profile.model_dump_json().encode()).hexdigest(),
    }  # fmt: skip


def _schema(
    plan: Plan | None,
    scrubbed: ScrubResult | None,
    migrated: MigrateResult | None,
    columns: list[inventory.Entry],
) -> dict[str, Any]:
    """Digests of the definitions and the size of the inventory; an unclassified column refuses the plan."""
    return {
        "catalog_sha256": plan.catalog_digest if plan else None,
        "plan_sha256": plan.digest if plan else None,
        "before_scrub_sha256": scrubbed.schema_before if scrubbed else None,
        "after_scrub_sha256": scrubbed.schema_after if scrubbed else None,
        "before_migrations_sha256": migrated.schema_before if migrated else None,
        "tables": len({column["table"] for column in columns}),
        "columns": len(columns),
        "treated": sum(column["treatment"] not in {"", "keep", "generated"} for column in columns),
        "unclassified_count": 0 if plan else None,
    }


def _isolation(result: IsolateResult | None) -> dict[str, Any] | None:
    return {"wires": [asdict(wire) for wire in result.wires]} if result else None


def _scrub(plan: Plan | None, result: ScrubResult | None) -> dict[str, Any] | None:
    if result is None:
        return None
    return {
        "heaps": len(result.tables), "untouched": result.untouched,
        "rows": sum(table.rows for table in result.tables),
        "bytes_before": sum(table.bytes_before for table in result.tables),
        "bytes_after": sum(table.bytes_after for table in result.tables),
        "bijections": sorted({mapping.domain for mapping in plan.mappings}) if plan else [],
        "schema_unchanged": result.schema_before == result.schema_after,
    }  # fmt: skip


def _purge(result: PurgeResult | None) -> dict[str, Any] | None:
    if result is None:
        return None
    return {
        "statistics_rewritten": result.statistics_rewritten,
        "materialized_views": [str(view) for view in result.materialized_views],
        "files_removed": list(result.files_removed),
    }


def _validation(result: ValidateResult | None) -> dict[str, Any] | None:
    if result is None:
        return None
    passed = sum(gate.passed for gate in result.gates)
    return {
        "success": not result.failed,
        "gates_passed": passed,
        "gates_failed": len(result.gates) - passed,
        "gates": [asdict(gate) for gate in result.gates],
        "suites": [_suite(suite) for suite in result.suites],
    }


def _forensics(result: Forensics | None) -> dict[str, Any] | None:
    if result is None:
        return None
    return {
        "searched": [{"column": column, "originals": count} for column, count in result.searched],
        "left_out": [{"column": column, "reason": reason} for column, reason in result.left_out],
        "excused": result.excused,
        "excused_by": [{"column": column, "originals": count} for column, count in result.excused_by],
        "surfaces": [
            {**asdict(surface), "seconds": round(surface.seconds, 3)} for surface in result.surfaces
        ],
        "residue": [asdict(residue) for residue in result.residue],
    }


def _suite(suite: Mapping[str, Any]) -> dict[str, Any]:
    """A validation result in Great Expectations' shape, reduced to names and counts."""
    statistics = suite.get("statistics") or {}
    counted = ("evaluated_expectations", "successful_expectations", "unsuccessful_expectations")
    return {
        "suite_name": str(suite.get("suite_name", "")),
        "success": bool(suite.get("success")),
        "statistics": {key: _number(statistics.get(key)) for key in counted},
        "results": [_expectation(result) for result in suite.get("results") or ()],
    }


def _expectation(result: Mapping[str, Any]) -> dict[str, Any]:
    config = result.get("expectation_config") or {}
    counts = result.get("result") or {}
    counted = ("element_count", "missing_count", "unexpected_count", "unexpected_percent")
    return {
        "success": bool(result.get("success")),
        "expectation_config": {
            "type": str(config.get("type", "")),
            "kwargs": {key: value for key, value in (config.get("kwargs") or {}).items() if key in _NAMING},
            "severity": str(config.get("severity") or "critical"),
        },
        "result": {key: _number(counts.get(key)) for key in counted if key in counts},
        "raised": _raised(result.get("exception_info")),
    }


_NAMING = ("column", "column_A", "column_B", "column_list", "column_set", "type_", "regex", "mostly")
"""Arguments that name columns or patterns. Bounds and value sets may repeat data and stay in the policy."""


def _raised(information: Any) -> bool:
    """Whether the expectation could not be evaluated; what the exception said may hold values."""
    if not isinstance(information, Mapping):
        return False
    return bool(information.get("raised_exception")) or any(_raised(part) for part in information.values())


def _number(value: Any) -> int | float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _window(window: Window) -> dict[str, Any]:
    columns, past = list(window.columns), [list(one) for one in window.past]
    told = {"sequence": str(window.sequence), "columns": columns, "past": past}
    return {**asdict(window), **told, "forecast": window.forecast, "ends_soon": window.ends_soon}


def _offsets(result: OffsetResult | None, plan: Plan | None) -> dict[str, Any] | None:
    if result is None:
        return None
    return {
        "day": result.day.isoformat(),
        "seed_sha256": result.seed,
        "windows": [_window(window) for window in result.windows],
        "counters": [_window(window) for window in result.counters],
        "keys": [
            {"column": f"{key.table}.{key.column}", "made_by": key.made_by, "reason": key.reason}
            for key in (plan.ids if plan else ())
        ],
    }


def _migrations(result: MigrateResult | None) -> dict[str, Any] | None:
    if result is None:
        return None
    return {
        "provider": result.provider,
        "applied": [{**asdict(run), "seconds": round(run.seconds, 3)} for run in result.applied],
        "new_columns": list(result.new_columns),
        "windows": [_window(window) for window in result.windows],
    }


def _approval(result: ApproveResult | None) -> dict[str, Any] | None:
    return {**asdict(result), "at": _moment(result.at)} if result else None


def _switch(result: SwitchResult | None) -> dict[str, Any] | None:
    if result is None:
        return None
    return {
        "endpoint": result.endpoint,
        "destination": asdict(result.destination),
        "previous": result.previous.generation if result.previous else None,
        "at": _moment(result.at),
    }


def _tool(results: Mapping[type, Any]) -> dict[str, Any]:
    """Versions of what did the work."""
    validated, snapshot = _result(results, ValidateResult), _result(results, SnapshotResult)
    return {
        "understudy": sanitizers.__version__,
        "python": platform.python_version(),
        "postgresql": server_version(snapshot.clone.version) if snapshot else None,
        "psycopg": _version("psycopg"),
        "sqlglot": _version("sqlglot"),
        "great_expectations": _version("great_expectations") if validated and validated.suites else None,
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _moment(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None
