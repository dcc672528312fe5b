"""The table of contents: the stages of a nightly refresh, in order, and the run that goes through them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from types import ModuleType
from typing import Any, Protocol, get_type_hints

from pydantic import TypeAdapter

from sanitizers.control import Control, StageEntry, State, Status
from sanitizers.errors import UnderstudyError, WrongState
from sanitizers.postgres.files import disk_watched
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


@dataclass(frozen=True)
class Step:
    """One stage of the way forward, and the states a generation may be in when it begins.

    The first is the state to begin from. In one of the others the stage has run before, or a later one has:
    the generation goes back, so that nothing found out after this stage is believed any more.
    """

    stage: ModuleType
    begins: tuple[State, ...]

    @property
    def name(self) -> str:
        return str(self.stage.NAME)

    @property
    def divisible(self) -> bool:
        """Whether parts of it can be done side by side in processes that share the clone."""
        return hasattr(self.stage, "divide")


FORWARD: tuple[Step, ...] = (
    Step(snapshot, ("sealed", "scrubbed", "validated")),
    Step(isolate, ("sealed",)),
    Step(plan, ("sealed",)),
    Step(scrub, ("sealed",)),
    Step(purge, ("sealed", "scrubbed")),
    Step(offset, ("scrubbed", "validated")),
    Step(migrate, ("scrubbed", "validated")),
    Step(validate, ("scrubbed", "validated")),
    Step(approve, ("validated",)),
    Step(switch, ("validated", "live")),
)
"""What makes and releases a generation. The first refusal ends it; `report` and `reap` follow in any case."""
RELEASE = (approve.NAME, switch.NAME)
"""What a rehearsal leaves out."""
STAGES = (*(step.name for step in FORWARD), report.NAME, reap.NAME)
_RESULTS: dict[str, TypeAdapter[Any]] = {
    module.NAME: TypeAdapter(get_type_hints(module.run)["return"])
    for module in (*(step.stage for step in FORWARD), report, reap)
}


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
    """Takes one run through its stages, keeping what each leaves behind in the control database.

    `execute` does it in this process. The single steps do the same from processes of their own, one after the
    other: each looks in the control database whether it is its turn.
    """

    run: Run
    watcher: Watcher

    def execute(self) -> Outcome:
        """All stages. On refusal: report, reap, and the error goes on its way."""
        run = self.run
        try:
            for step in self.steps():
                self.step(step.name)
        except BaseException as raised:
            error = described(raised)
            # What the night failed of counts, and not that the same full disk, say, takes no report either.
            with suppress(UnderstudyError):
                self.conclude()
            error.report = run.results.get(ReportResult)
            raise
        finally:
            if run.expectations:
                run.expectations.stop()
        return self.conclude()

    def steps(self) -> tuple[Step, ...]:
        """The stages of this run, in order."""
        return tuple(step for step in FORWARD if not (self.run.options.dry_run and step.name in RELEASE))

    def step(self, name: str) -> None:
        """One stage forward, begin to end. WrongState when it is not its turn."""
        step = self._begin(name)
        with self._watched(name) as keep:
            keep(step.stage.run(self.run))

    def divide(self, name: str) -> list[list[str]]:
        """Begins a divisible stage; returns its parts."""
        step = self._begin(name)
        with self._watched(name):
            parts: list[list[str]] = step.stage.divide(self.run)
        return parts

    def part(self, name: str, items: Sequence[str]) -> None:
        """One part of a divisible stage that has begun."""
        step = self._going_on(name)
        with self._watched(name):
            step.stage.part(self.run, items)

    def unite(self, name: str) -> None:
        """Ends a divisible stage whose parts are done."""
        step = self._going_on(name)
        with self._watched(name) as keep:
            keep(step.stage.unite(self.run))

    def _entries(self) -> dict[str, StageEntry]:
        return {entry.stage: entry for entry in self.run.control.stages(self.run.id)}

    def _begin(self, name: str) -> Step:
        """Sees that it is this stage's turn, and forgets what was found after it before."""
        run, step, entries = self.run, _step(name), self._entries()
        names = [step.name for step in self.steps()]
        place = names.index(name)
        for earlier in names[:place]:
            if earlier not in entries or entries[earlier].status != "finished":
                raise self._out_of_turn(f"{earlier} comes before {name} and is not done")
        if self._state(step) != "live":
            run.control.move(run.generation, step.begins[0], run.clock())
        if name == snapshot.NAME:
            run.control.forget_notes(run.id)
        run.control.forget_stages(run.id, names[place + 1 :])
        self._started(name)
        return step

    def _going_on(self, name: str) -> Step:
        """Sees that a divisible stage has begun and not ended."""
        step, entry = _step(name), self._entries().get(name)
        self._state(step)
        if entry is None or entry.status not in {"running", "failed"}:
            raise self._out_of_turn(f"{name} has not begun, or has ended")
        return step

    def _state(self, step: Step) -> State:
        run = self.run
        if (status := run.control.run(run.id).status) != "running":
            raise self._out_of_turn(f"the run has ended: {status}")
        state = run.control.generation(run.generation).state
        if state not in step.begins:
            raise self._out_of_turn(
                f"the generation is {state}; {step.name} needs one that is {step.begins[0]}"
            )
        return state

    def _out_of_turn(self, what: str) -> WrongState:
        hint = "begin with a new snapshot: in Airflow, clear the whole run or trigger a new one"
        return WrongState(what, where=self.run.generation, hint=hint)

    def _started(self, name: str) -> None:
        self.run.control.stage_started(self.run.id, name, self.run.clock())
        self.watcher.stage_started(name)

    @contextmanager
    def _watched(self, name: str) -> Iterator[Callable[[Any], None]]:
        """Keeps what the stage found, or why it failed; the caller hands over the result when it is whole."""
        run, began = self.run, time.monotonic()

        def keep(result: Any) -> None:
            stored = _RESULTS[name].dump_python(result, mode="json")
            run.results[type(result)] = result
            run.control.stage_finished(run.id, name, run.clock(), stored)
            self.watcher.stage_finished(name, self.timings()[name], result)

        try:
            with disk_watched():
                yield keep
        except BaseException as raised:
            error = described(raised)
            found = error.result and _RESULTS[name].dump_python(error.result, mode="json")
            if error.result is not None:
                run.results[type(error.result)] = error.result
            run.control.stage_failed(run.id, name, run.clock(), error.to_json(), found)
            self.watcher.stage_failed(name, time.monotonic() - began, error)
            raise

    def conclude(self) -> Outcome:
        """Report, reap, and the run's end: also for refused runs, and even when one of the two fails."""
        try:
            self.report()
        finally:
            status = self.reap()
        run = self.run
        return Outcome(run.id, run.generation, status, run.results, self.timings())

    def report(self) -> None:
        """Writes the evidence of what has been done so far, whatever became of it."""
        status, error, _ = self._verdict()
        timings = {name: spent for name, spent in self.timings().items() if name not in _AFTERWARDS}
        self._started(report.NAME)
        with self._watched(report.NAME) as keep:
            keep(report.run(self.run, status=status, error=error, timings=timings))

    def reap(self) -> Status:
        """Ends the run and destroys what has expired. Returns how the run ended.

        A generation whose run was refused is refused, too. One whose run merely failed stays as it is while
        somebody may take it on from there (see `Workspace.open_run`).
        """
        run = self.run
        status, error, resumable = self._verdict()
        try:
            if run.control.generation(run.generation).state not in _ENDED and not resumable:
                run.control.move(run.generation, "refused", run.clock())
            self._started(reap.NAME)
            with self._watched(reap.NAME) as keep:
                keep(reap.run(run, keep={run.generation} if resumable else set()))
        finally:
            if run.control.run(run.id).status == "running":
                run.control.finish_run(run.id, status, error, run.clock())
        return status

    def _verdict(self) -> tuple[Status, dict[str, Any] | None, bool]:
        """How the run has ended, by what its stages left: status, error, and whether it can go on later."""
        entries = self._entries()
        for step in self.steps():
            entry = entries.get(step.name)
            if entry is not None and entry.status == "finished":
                continue
            error = (entry and entry.error) or UnderstudyError(f"{step.name} was not done").to_json()
            glitch = error["retryable"] or error["error"] == UnderstudyError.__name__
            return "failed" if glitch else "refused", error, bool(glitch and self.run.driven)
        return "rehearsed" if self.run.options.dry_run else "released", None, False

    def timings(self) -> dict[str, float]:
        """Seconds by stage, from the first attempt's begin to the last one's end."""
        return {
            name: (entry.finished - entry.started).total_seconds()
            for name, entry in self._entries().items()
            if entry.finished
        }


_AFTERWARDS = (report.NAME, reap.NAME)
_ENDED = ("live", "retired", "destroyed")


def _step(name: str) -> Step:
    return next(step for step in FORWARD if step.name == name)


def stored_results(control: Control, run_id: str) -> dict[type, Any]:
    """What the stages of a run have left so far."""
    found = control.stage_results(run_id)
    results = (_RESULTS[stage].validate_python(result) for stage, result in found.items())
    return {type(result): result for result in results}


def described(raised: BaseException) -> UnderstudyError:
    """What was raised, as an error of ours; of others only the type is told, their text may hold data."""
    if isinstance(raised, UnderstudyError):
        return raised
    return UnderstudyError(f"stopped by {type(raised).__name__}")


def utc_now() -> datetime:
    return datetime.now(UTC)
