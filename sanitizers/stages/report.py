"""Writes the evidence of a run, whatever became of it: the JSON record, the page, the record's digest."""

from __future__ import annotations

import hashlib
import os
import platform
import pwd
from typing import Any

from sanitizers.atomic import replace_file
from sanitizers.audit import RunFacts, build_record, canonical, render_page
from sanitizers.control import ReportEntry, Status
from sanitizers.errors import UnderstudyError
from sanitizers.results import ReportResult
from sanitizers.stages.base import Run

NAME = "report"


def run(run: Run, *, status: Status, error: dict[str, Any] | None, timings: dict[str, float]) -> ReportResult:
    """Writes `reports/<generation>.json` and `.html` below the run's home, readable by its owner alone.

    `error` is `UnderstudyError.to_json()` of what ended the run. May run again: files are replaced whole.
    """
    facts = RunFacts(
        run.id, run.database, run.generation, status, run.options.trigger, run.started, run.clock(),
        host=platform.node(), user=_user(), serving=_serving(run), stage=_ended_at(run) if error else "",
        error=error, timings=timings,
    )  # fmt: skip
    record = build_record(facts, run.policy, run.results)
    content = canonical(record)
    folder = run.home / "reports"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    record_path, page_path = folder / f"{run.generation}.json", folder / f"{run.generation}.html"
    replace_file(record_path, content)
    replace_file(page_path, render_page(record).encode())
    digest = hashlib.sha256(content).hexdigest()
    run.control.save_report(ReportEntry(run.id, str(record_path), str(page_path), digest), content)
    return ReportResult(str(record_path), str(page_path), digest)


def _serving(run: Run) -> str:
    """The generation clients are sent to now. An endpoint that does not answer must not cost the evidence."""
    try:
        destination = run.endpoint.current()
    except UnderstudyError:
        return ""
    return destination.generation if destination else ""


def _ended_at(run: Run) -> str:
    try:
        stages = run.control.stages(run.id)
    except UnderstudyError:
        return ""
    return next((entry.stage for entry in reversed(stages) if entry.status == "failed"), "")


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"uid {os.geteuid()}"
