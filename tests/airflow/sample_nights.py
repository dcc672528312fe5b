"""A week of nights in a control database, made through its public calls, for tests of what shows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sanitizers.audit import build_record
from sanitizers.audit.record import canonical
from sanitizers.control import Control
from sanitizers.control.model import NewRun, ReportEntry
from tests import sample_runs

NOW = datetime.now(UTC).replace(microsecond=0)
BEGAN = NOW - timedelta(hours=4)
"""When last night began."""
MARKUP = "<script>alert('x')</script>"
"""Stands where somebody else's text is shown."""


def fill(control: Control) -> dict[str, str]:
    """A week of the clinic, and a pharmacy whose last good night is too old. Run ids by what the runs are."""
    released, by_airflow = sample_runs.released, "airflow:staging_clinic/scheduled__"
    return {
        "oldest": _night(control, "clinic", by_airflow, released, days=6),
        "rehearsed": _night(control, "clinic", "", sample_runs.rehearsed, days=5),
        "older": _night(control, "clinic", by_airflow, released, days=4),
        "refused": _night(control, "clinic", by_airflow, sample_runs.refused, days=3),
        "failed": _night(control, "clinic", by_airflow, sample_runs.failed, days=2),
        "before": _night(control, "clinic", by_airflow, released, days=1),
        "unreadable": _unreadable(control),
        "last": _night(control, "clinic", by_airflow, released, days=0),
        "stale": _night(control, "pharmacy", "", released, days=9),
        "going on": _going_on(control),
    }


def _night(
    control: Control, database: str, driver: str, sample: Callable[[], sample_runs.Sample], *, days: int
) -> str:
    facts, _, _ = sample()
    began = BEGAN - timedelta(days=days)
    ended = began + timedelta(minutes=41, seconds=7 * days)
    run_id = control.start_run(_new(database, driver and f"{driver}{began.isoformat()}"), began)
    label = control.new_generation(database, run_id, began).label
    if facts.status == "released":
        _release(control, database, label, ended)
    else:
        control.move(label, "refused", ended)
    control.finish_run(run_id, facts.status, dict(facts.error) if facts.error else None, ended)
    save_report(control, run_id, label, sample)
    return run_id


def save_report(
    control: Control, run_id: str, label: str, sample: Callable[[], sample_runs.Sample] = sample_runs.released
) -> None:
    """The report of a run that has ended."""
    facts, policy, results = sample()
    run = control.run(run_id)
    assert run.finished is not None
    known = replace(facts, run_id=run_id, database=run.database, generation=label)
    record = build_record(replace(known, started=run.started, finished=run.finished), policy, results)
    entry = ReportEntry(run_id, f"{run_id}.json", f"{run_id}.html", "0" * 64)
    control.save_report(entry, canonical(record))


def by_dag_run(control: Control, dag_id: str, dag_run: str) -> None:
    """A run of the clinic that this run of the DAG drove."""
    run_id = control.start_run(_new("clinic", f"airflow:{dag_id}/{dag_run}"), NOW)
    control.finish_run(run_id, "released", None, NOW + timedelta(minutes=1))
    save_report(control, run_id, "clinic-by-dag-run")


def _new(database: str, driver: str) -> NewRun:
    trigger = "schedule" if driver else "manual"
    return NewRun(database, trigger, "0" * 64, sample_runs.POLICY, "staging-1", 4711, driver)


def _release(control: Control, database: str, label: str, at: datetime) -> None:
    before = control.live(database)
    control.move(label, "scrubbed", at)
    control.move(label, "validated", at)
    control.move(label, "live", at)
    endpoint = f"psql service={database}_staging"
    control.record_switch(database, endpoint, label, before.label if before else None, "refresh", at)


def _unreadable(control: Control) -> str:
    """Refused before there was a generation or a report."""
    began = NOW - timedelta(hours=9)
    run_id = control.start_run(_new("clinic", ""), began)
    error = {
        "error": "PolicyInvalid",
        "what": f"the policy cannot be read: {MARKUP}",
        "hint": "mend it",
        "problems": [{"where": "clinic.yaml:3", "what": f"unknown key {MARKUP}", "hint": ""}],
    }
    control.finish_run(run_id, "refused", error, began + timedelta(seconds=1))
    return run_id


def _going_on(control: Control) -> str:
    began = NOW - timedelta(minutes=12)
    run_id = control.start_run(_new("pharmacy", "airflow:staging_pharmacy/manual__now"), began)
    control.new_generation("pharmacy", run_id, began)
    control.stage_started(run_id, "scrub", began)
    return run_id
