"""What a run says while it runs: plain lines in the task's log, and metrics the way Airflow sends its own."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from airflow.sdk.configuration import conf
from airflow.sdk.observability import stats

from sanitizers.control import Status
from sanitizers.errors import UnderstudyError
from sanitizers.results import ScrubResult, ValidateResult

log = logging.getLogger("airflow.task")

_COUNTS: Final[dict[type, Callable[[Any], dict[str, int]]]] = {
    ScrubResult: lambda result: {
        "rows": sum(table.rows for table in result.tables),
        "bytes": sum(table.bytes_after for table in result.tables),
    },
    ValidateResult: lambda result: {"gates_failed": len(result.failed)},
}


@dataclass(frozen=True)
class MeteredWatcher:
    """Logs and measures the stages of one database's runs. Names and counts only."""

    database: str

    def stage_started(self, stage: str) -> None:
        log.info("%s: started", stage)

    def stage_finished(self, stage: str, seconds: float, result: Any) -> None:
        """Sends the stage's duration, and what it counted: rows, bytes, failed gates."""
        counts = self._measure(stage, seconds, result)
        told = "".join(f", {name.replace('_', ' ')}: {count:,}" for name, count in counts.items())
        log.info("%s: finished in %.1f s%s", stage, seconds, told)

    def stage_failed(self, stage: str, seconds: float, error: UnderstudyError) -> None:
        self._measure(stage, seconds, error.result)
        log.error("%s: stopped after %.1f s, %s: %s", stage, seconds, type(error).__name__, error.what)

    def item(self, stage: str, item: str, detail: str = "", *, done: bool = False) -> None:
        log.info("%s: %s%s%s", stage, item, ": " if detail else "", detail)

    def _measure(self, stage: str, seconds: float, result: Any) -> dict[str, int]:
        tags = {"database": self.database, "stage": stage}
        _emit(stats.timing, "stage.duration", timedelta(seconds=seconds), tags)
        count = _COUNTS.get(type(result))
        counts = count(result) if count else {}
        for name, value in counts.items():
            _emit(stats.gauge, f"{stage}.{name}", value, {"database": self.database})
        return counts


def run_finished(database: str, status: Status) -> None:
    """Counts the run: `understudy.run.released`, `.rehearsed`, `.refused` or `.failed`."""
    _emit(stats.incr, f"run.{status}", 1, {"database": database})


def staging_age(database: str, seconds: float) -> None:
    """`understudy.staging.age_seconds`: how long ago the night began that made what staging serves."""
    _emit(stats.gauge, "staging.age_seconds", seconds, {"database": database})


def _emit(send: Callable[..., None], name: str, value: Any, tags: dict[str, str]) -> None:
    """One metric with its tags, and like Airflow's own a second time with their values in its name.

    A plain StatsD server knows no tags; `[metrics] legacy_names_on` rules here, too.
    """
    send(f"understudy.{name}", value, tags=tags)
    if conf.getboolean("metrics", "legacy_names_on", fallback=True):
        values = [stats.normalize_name_for_stats(tag, log_warning=False) for tag in tags.values()]
        send(".".join(["understudy", name, *(value.replace(".", "__") for value in values)]), value)
