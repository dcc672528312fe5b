"""Runs for tests of the evidence: a small clinic, and what the stages left behind on three nights.

`CANARY` stands wherever a data value could slip in; it must never come out.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from sanitizers.audit import RunFacts
from sanitizers.catalog import Catalog, Column, Name, Table, Unique
from sanitizers.endpoints.base import Destination
from sanitizers.errors import PlanRefused, Problem, ScrubFailed
from sanitizers.policy.bind import compile_plan
from sanitizers.policy.document import LoadedPolicy, load_policy
from sanitizers.policy.plan import Plan
from sanitizers.results import (
    ApproveResult,
    ColumnCounts,
    Forensics,
    Gate,
    IsolateResult,
    MigrateResult,
    MigrationRun,
    OffsetResult,
    PlanResult,
    PurgeResult,
    ScrubResult,
    SnapshotResult,
    Surface,
    SwitchResult,
    TableScrub,
    ValidateResult,
    Window,
    Wire,
)
from sanitizers.snapshots.base import CloneRef, Snapshot

CANARY = "Zebulon-Quackenbush-4471"
STARTED = datetime(2026, 11, 21, 2, 0, 3, tzinfo=UTC)
GENERATION, PREVIOUS = "clinic-20261121-001", "clinic-20261120-001"

POLICY = f"""\
policy: clinic
version: 7
profile: hipaa-lds
purpose: Tests of the billing release
data_use_agreement: DUA-2026-014
author: J. Engineer
tables:
  public.patients:
    columns:
      id: non_identifying
      first_name: name.first
      last_name: name.last
      email: email
      ssn: ssn
      birth_date: quasi_identifier.birth_date
      phone: {{category: phone, treat: {{kind: constant, value: "{CANARY}"}}}}
      password: credential.password
      notes: free_text
      profile: {{category: json, treat: {{kind: json, paths: {{site: url}}}}}}
    exempt: {{where: "id = '{CANARY}'", reason: labelled test patients, owner: QA, expires: 2027-06-30}}
  public.claims:
    columns:
      id: non_identifying
      patient_id: non_identifying
      amount: financial_sensitive
      desk_phone: {{category: phone, treat: {{kind: keep}}, reason: the front desk's published number}}
  public.visits:
    columns:
      id: non_identifying
      room: {{category: name, pending: true}}
"""

TYPES = {
    "patients": {
        "id": "bigint",
        "first_name": "text",
        "last_name": "text",
        "email": "text",
        "ssn": "text",
        "birth_date": "date",
        "phone": "text",
        "password": "text",
        "notes": "text",
        "profile": "jsonb",
    },
    "claims": {"id": "bigint", "patient_id": "bigint", "amount": "numeric(12,2)", "desk_phone": "text"},
    "visits": {"id": "bigint"},
}
_BASES = {"bigint": "int8", "numeric(12,2)": "numeric"}
Sample = tuple[RunFacts, LoadedPolicy, dict[type, Any]]


@cache
def policy(text: str = POLICY) -> LoadedPolicy:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clinic.yaml"
        path.write_text(text, encoding="utf-8")
        return load_policy(path)


@cache
def plan() -> Plan:
    return compile_plan(policy(), catalog())


def catalog() -> Catalog:
    tables = [_table(name, types, oid) for oid, (name, types) in enumerate(TYPES.items(), start=16384)]
    return Catalog("clinic", 180004, {table.name: table for table in tables})


def released() -> Sample:
    """A night on which everything went well."""
    results = {type(result): result for result in (*_to_plan(), *_to_validate(), *_to_switch())}
    return facts("released", serving=GENERATION, timings=_TIMINGS), policy(), results


def rehearsed() -> Sample:
    """A rehearsal: everything but the switch."""
    results = {type(result): result for result in (*_to_plan(), *_to_validate())}
    return facts("rehearsed", serving=PREVIOUS, timings=_first(9)), policy(), results


def refused() -> Sample:
    """A night on which the policy did not fit: three problems, no plan."""
    problems = tuple(
        Problem(
            f"clinic.yaml:{line}", f"no rule covers column public.patients.{column} (text)", "say what it is"
        )
        for line, column in ((8, "nickname"), (8, "employer"), (8, "twitter"))
    )
    error = PlanRefused(
        "the policy does not fit the database: 3 problems",
        where="clinic.yaml",
        problems=problems,
        hint="correct the policy and try again",
    )
    results = {type(result): result for result in (_snapshot(), _isolation())}
    known = {**error.to_json(), "input": CANARY}
    return (
        facts("refused", serving=PREVIOUS, stage="plan", error=known, timings=_first(3)),
        policy(),
        results,
    )


def failed() -> Sample:
    """A night on which the scrub broke off."""
    error = ScrubFailed("the rewrite of public.claims failed: numeric value out of range (22003)")
    results = {type(result): result for result in _to_plan()}
    known = {**error.to_json(), "message_detail": CANARY}
    return facts("failed", serving=PREVIOUS, stage="scrub", error=known, timings=_first(4)), policy(), results


def facts(status: Any, **known: Any) -> RunFacts:
    finished = STARTED + timedelta(seconds=sum(known["timings"].values()))
    return RunFacts(
        "0193-run",
        "clinic",
        GENERATION,
        status,
        "schedule",
        STARTED,
        finished,
        "staging-1",
        "understudy",
        **known,
    )


_TIMINGS = {
    "snapshot": 3.1,
    "isolate": 0.2,
    "plan": 0.05,
    "scrub": 17.6,
    "purge": 2.4,
    "offset": 0.3,
    "migrate": 0.4,
    "validate": 9.2,
    "approve": 0.0,
    "switch": 1.1,
}


def _first(count: int) -> dict[str, float]:
    return dict(list(_TIMINGS.items())[:count])


def _table(name: str, types: dict[str, str], oid: int) -> Table:
    columns = tuple(
        Column(column, position, type_, _BASES.get(type_, type_), not_null=column == "id")
        for position, (column, type_) in enumerate(types.items(), start=1)
    )
    key = Unique(f"{name}_pkey", ("id",), "", primary=True, touched=("id",))
    return Table(Name("public", name), oid, "r", columns, uniques=(key,), attributes=len(columns))


def _snapshot() -> SnapshotResult:
    snapshot = Snapshot(
        "basebackup",
        "clinic-20261121",
        "/srv/snapshots/clinic-20261121",
        "incremental",
        True,
        "clinic",
        "postgres",
        "7441239901122334455",
        180004,
        "1F/8A000028",
        STARTED,
        356_000_000,
        "clinic-20261120",
    )
    clone = CloneRef(
        "basebackup", GENERATION, f"/srv/clones/{GENERATION}", "clinic", "postgres", "/srv/s", 5432, 180004
    )
    return SnapshotResult(snapshot, clone)


def _isolation() -> IsolateResult:
    return IsolateResult(
        (Wire("subscription", "billing_feed", "dropped"), Wire("role password", "app", "voided"))
    )


def _to_plan() -> Iterator[Any]:
    yield from (_snapshot(), _isolation(), PlanResult(plan()))


def _to_validate() -> Iterator[Any]:
    scrubbed = tuple(TableScrub(rewrite.heap, 1000, 1.5, 8_000_000, 7_500_000) for rewrite in plan().rewrites)
    yield ScrubResult(scrubbed, 1, "a" * 64, "a" * 64)
    yield PurgeResult(True, (Name("reporting", "patient_summary"),), ("pg_wal", "log"))
    window = Window(
        Name("public", "patients_id_seq"), ("public.patients.id",), "int8", 1, 1000, 2**40, 2**41, 2**63 - 1,
        start=1, guard=11_000, past=((2**50, 2**50 + 2**40),), headroom=1.0, nights=40,
    )  # fmt: skip
    yield OffsetResult(date(2026, 11, 21), (window,), seed="b" * 64)
    applied = (MigrationRun("4", "V4__rooms.sql", 0.04),)
    yield MigrateResult("flyway", applied, ("public.visits.room",), (), "a" * 64)
    yield ValidateResult(tuple(_gates()), tuple(_counts()), (_suite(),), _forensics())


def _to_switch() -> Iterator[Any]:
    yield ApproveResult(False)
    at = STARTED + timedelta(seconds=34)
    here, before = (
        Destination(name, "127.0.0.1", 40123, "clinic", "staging") for name in (GENERATION, PREVIOUS)
    )
    yield SwitchResult("psql service=clinic_staging", here, before, at)


def _gates() -> Iterator[Gate]:
    yield from (Gate("row count", str(rule.table), True, "1000", "1000") for rule in plan().rules)
    for column in _treated():
        yield Gate("no value equal to its original", column, True, "0", "0")


def _counts() -> Iterator[ColumnCounts]:
    return (ColumnCounts(column, 1000, 12, 12, 985, 0, 3) for column in _treated())


def _treated() -> Iterator[str]:
    return (f"{rule.table}.{column.name}" for rule in plan().rules for column in rule.treated)


def _forensics() -> Forensics:
    names = ("rows", "catalogs", "statistics", "files")
    return Forensics(
        (("public.patients.email", 300), ("public.patients.last_name", 40)),
        (("public.patients.ssn", "300 of 300 too short to be told from chance"),),
        2,
        tuple(Surface(name, 10**6 * 7**place, 0.3 * 2**place) for place, name in enumerate(names)),
        (),
        (("public.claims.desk_phone", 2),),
    )


def _suite() -> dict[str, Any]:
    """One suite as Great Expectations gives it, with values wherever it can hold some."""
    return {
        "suite_name": "public.patients",
        "success": True,
        "statistics": {
            "evaluated_expectations": 1,
            "successful_expectations": 0,
            "unsuccessful_expectations": 1,
            "success_percent": 0.0,
            "sample": CANARY,
        },
        "meta": {"batch": CANARY},
        "results": [
            {
                "success": False,
                "expectation_config": {
                    "type": "expect_column_values_to_be_in_set",
                    "kwargs": {"column": "last_name", "value_set": [CANARY], "min_value": CANARY},
                    "severity": "warning",
                    "notes": CANARY,
                },
                "result": {
                    "element_count": 1000,
                    "unexpected_count": 7,
                    "observed_value": CANARY,
                    "partial_unexpected_list": [CANARY],
                    "unexpected_percent": 0.7,
                },
                "exception_info": {
                    "k": {
                        "raised_exception": True,
                        "exception_message": CANARY,
                        "exception_traceback": CANARY,
                    }
                },
                "meta": {"note": CANARY},
            }
        ],
    }
