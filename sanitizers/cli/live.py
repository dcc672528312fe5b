"""The progress of a run: a steady picture on a terminal, one line per event elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from sanitizers.cli.words import describe, number, seconds
from sanitizers.errors import UnderstudyError

_TABLE_BY_TABLE = "scrub"
"""The stage whose items get lines of their own; the others show their latest item beside them."""

_SPIN = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_MARKS = {"waiting": ("·", "dim"), "done": ("✓", "green"), "failed": ("✗", "bold red")}
_ASCII = {"·": ".", "✓": "+", "✗": "x"}


class Display(Protocol):
    """A watcher of a run that shows what it is told."""

    def stage_started(self, stage: str) -> None: ...

    def stage_finished(self, stage: str, seconds: float, result: Any) -> None: ...

    def stage_failed(self, stage: str, seconds: float, error: UnderstudyError) -> None: ...

    def item(self, stage: str, item: str, detail: str = "", *, done: bool = False) -> None: ...

    def pause(self) -> AbstractContextManager[None]:
        """Stands aside while a person is asked something."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def display(stages: Sequence[str], console: Console, *, live: bool = True) -> Display:
    """The display that suits the console: live on a terminal (where wanted), lines in a pipe or a log."""
    if live and console.is_terminal and not console.is_dumb_terminal:
        return LiveDisplay(stages, console)
    return LineDisplay(stages, console)


class LineDisplay:
    """One line when a stage has ended, and one for each table scrubbed. For logs and CI."""

    def __init__(self, stages: Sequence[str], console: Console) -> None:
        self._width = max((len(stage) for stage in stages), default=0)
        self._console = console

    def stage_started(self, stage: str) -> None:
        pass

    def stage_finished(self, stage: str, seconds: float, result: Any) -> None:
        self._line(stage, seconds, describe(result))

    def stage_failed(self, stage: str, seconds: float, error: UnderstudyError) -> None:
        self._line(stage, seconds, f"FAILED: {error.what}")

    def item(self, stage: str, item: str, detail: str = "", *, done: bool = False) -> None:
        if done:
            self._print(f"{stage:{self._width}}           {item}{': ' if detail else ''}{detail}")

    def pause(self) -> AbstractContextManager[None]:
        return nullcontext()

    def _line(self, stage: str, took: float, detail: str) -> None:
        self._print(f"{stage:{self._width}} {seconds(took):>9} {detail}")

    def _print(self, text: str) -> None:
        # A log wants whole lines, however long.
        self._console.print(text.rstrip(), markup=False, soft_wrap=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@dataclass
class _Stage:
    """What is known of one stage while it is watched."""

    state: str = "waiting"
    began: float = 0.0
    took: float = 0.0
    detail: str = ""
    open: dict[str, str] = field(default_factory=dict)
    """Items begun and not ended, with their details."""
    ended: int = 0

    def clock(self) -> str:
        if self.state == "waiting":
            return ""
        return seconds(time.monotonic() - self.began if self.state == "running" else self.took)


class LiveDisplay:
    """A line per stage from the start, so that nothing jumps; below the scrub, a line per table at work."""

    def __init__(self, stages: Sequence[str], console: Console) -> None:
        self._stages = {stage: _Stage() for stage in stages}
        self._console = console
        self._lock = threading.Lock()
        self._live = self._fresh()

    def _fresh(self) -> Live:
        return Live(get_renderable=self._picture, console=self._console, refresh_per_second=10)

    def stage_started(self, stage: str) -> None:
        with self._lock:
            self._stages[stage] = _Stage("running", time.monotonic())

    def stage_finished(self, stage: str, seconds: float, result: Any) -> None:
        with self._lock:
            self._stages[stage] = _Stage("done", took=seconds, detail=describe(result))

    def stage_failed(self, stage: str, seconds: float, error: UnderstudyError) -> None:
        with self._lock:
            self._stages[stage] = _Stage("failed", took=seconds, detail=error.what)

    def item(self, stage: str, item: str, detail: str = "", *, done: bool = False) -> None:
        with self._lock:
            state = self._stages.setdefault(stage, _Stage("running", time.monotonic()))
            if stage != _TABLE_BY_TABLE:
                state.detail = f"{item}{', ' if detail else ''}{detail}"
            elif done:
                state.open.pop(item, None)
                state.ended += 1
                state.detail = f"{number(state.ended, 'table')} done"
            else:
                state.open[item] = detail

    @contextmanager
    def pause(self) -> Iterator[None]:
        self._live.transient = True
        self._live.stop()
        try:
            yield
        finally:
            self._live = self._fresh()
            self._live.start()

    def _picture(self) -> Group:
        with self._lock:
            lines = [line for name, stage in self._stages.items() for line in self._lines(name, stage)]
        return Group(*lines)

    def _lines(self, name: str, stage: _Stage) -> Iterator[Text]:
        width = max(map(len, self._stages))
        title = (f" {name:{width}} {stage.clock():>9}  ", "dim" if stage.state == "waiting" else "")
        detail = (stage.detail, "red" if stage.state == "failed" else "dim")
        yield _line(self._mark(stage), title, detail)
        for item, about in stage.open.items():
            yield _line(f"{'':{width + 13}}", (f"{item}  {about}".rstrip(), "cyan"))

    def _mark(self, stage: _Stage) -> Text:
        if stage.state == "running":
            return Text("*" if self._ascii else _SPIN[int(time.monotonic() * 10) % len(_SPIN)], "cyan")
        mark, style = _MARKS[stage.state]
        return Text(_ASCII[mark] if self._ascii else mark, style)

    @property
    def _ascii(self) -> bool:
        return self._console.options.ascii_only

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()


def _line(*parts: str | Text | tuple[str, str]) -> Text:
    """One line of the picture, cut where the terminal ends."""
    return Text.assemble(*parts, no_wrap=True, overflow="ellipsis")
