"""The table of contents: the stages of a nightly refresh, in order, and the run that goes through them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import takewhile
from types import ModuleType
from typing import Any, Protocol

from pydantic import TypeAdapter

from sanitizers.control import Status
from sanitizers.errors import UnderstudyError
from sanitizers.results import ReportResult
from sanitizers.stages import (
    approve,
    isolate,
    migrate,
    offset,
    plan,
    purge,
    reap,
    report,
    scrub,
    snapshot,
    switch,
    validate,
)
from sanitizers.stages.base import Run

FORWARD: tuple[ModuleType, ...] = (
    snapshot,
    isolate,
    plan,
    scrub,
    purge,
    offset,
    migrate,
    validate,
    approve,
    switch,
)
"""What makes and releases a generation. The first refusal ends it; `report` and `reap` follow in any case."""
STAGES = (*(stage.NAME for stage in FORWARD), report.NAME, reap.NAME)


class Watcher(Protocol):
    """Told about everything that happens in a run."""

    def stage_started(self, stage: str) -> None: ...

    def stage_finished(self, stage: str, seconds: float, result: Any) -> None: ...

    def stage_failed(self, stage: str, seconds: float, error: UnderstudyError) -> None: ...

    def item(self, stage: str, item: str, detail: str = "", *, done: bool = False) -> None: ...


@dataclass(frozen=True)
class Outcome:
    """A run that came through."""

    run_id: str
    generation: str
    status: Status
    results: dict[type, Any]
    timings: dict[str, float]
    """Seconds by stage."""


@dataclass
class Execution:
    """Takes one run through its stages, keeping what each leaves behind in the control database."""

    run: Run
    watcher: Watcher
    started: datetime
    timings: dict[str, float] = field(default_factory=dict)

    def execute(self, until: str | None = None) -> Outcome:
        """All stages up to `until` (left out). On refusal: report, reap, and the error goes on its way."""
        run = self.run
        try:
            for stage in takewhile(lambda stage: until != stage.NAME, FORWARD):
                self._stage(stage.NAME, partial(stage.run, run))
        except BaseException as raised:
            self._refuse(_described(raised))
            raise
        finally:
            if run.expectations:
                run.expectations.stop()
        status: Status = "rehearsed" if until else "released"
        self._conclude(status, None)
        return Outcome(run.id, run.generation, status, run.results, self.timings)

    def _stage(self, name: str, call: Callable[[], Any]) -> None:
        run, began = self.run, time.monotonic()
        self.watcher.stage_started(name)
        run.control.stage_started(run.id, name, run.clock())
        try:
            result = call()
        except BaseException as raised:
            error, self.timings[name] = _described(raised), time.monotonic() - began
            run.control.stage_failed(run.id, name, run.clock(), error.to_json(), self._keep(error.result))
            self.watcher.stage_failed(name, self.timings[name], error)
            raise
        self.timings[name] = time.monotonic() - began
        run.control.stage_finished(run.id, name, run.clock(), self._keep(result))
        self.watcher.stage_finished(name, self.timings[name], result)

    def _keep(self, result: Any) -> Any:
        """Remembers a stage's result for the stages after it; as JSON for the control database."""
        if result is None:
            return None
        self.run.results[type(result)] = result
        return TypeAdapter(type(result)).dump_python(result, mode="json")

    def _refuse(self, error: UnderstudyError) -> None:
        generation = self.run.control.generation(self.run.generation)
        if generation.state not in {"live", "retired", "destroyed"}:
            self.run.control.move(self.run.generation, "refused", self.run.clock())
        ours = type(error) is UnderstudyError
        self._conclude("failed" if error.retryable or ours else "refused", error)

    def _conclude(self, status: Status, error: UnderstudyError | None) -> None:
        """Report and reap: also for refused runs, and even when one of the two fails."""
        run, said = self.run, error.to_json() if error else None
        write = partial(report.run, run, status=status, error=said, started=self.started)
        try:
            self._stage(report.NAME, partial(write, timings=dict(self.timings)))
        finally:
            try:
                self._stage(reap.NAME, partial(reap.run, run))
            finally:
                run.control.finish_run(run.id, status, said, run.clock())
        if error is not None:
            error.report = run.results.get(ReportResult)


def _described(raised: BaseException) -> UnderstudyError:
    """What was raised, as an error of ours; of others only the type is told, their text may hold data."""
    if isinstance(raised, UnderstudyError):
        return raised
    return UnderstudyError(f"stopped by {type(raised).__name__}")


def utc_now() -> datetime:
    return datetime.now(UTC)
