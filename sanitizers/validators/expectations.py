"""Running expectation suites in a process of their own: Great Expectations takes seconds to import, and its
results hold values until they are stripped, so neither ever enters this process."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen, TimeoutExpired
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from sanitizers.errors import GateFailed, SettingsInvalid
from sanitizers.validators.base import Suite

_WORKER = "sanitizers.validators.gx_worker"
_ROOT = Path(__file__).resolve().parents[2]


class ExpectationRunner:
    """One worker process. Start it early: by the time the suites are ready, it is too.

    `timeout` bounds one `run` in seconds, all suites together.
    """

    def __init__(self, timeout: float = 3600) -> None:
        self._timeout = timeout
        self._process: Popen[bytes] | None = None

    def start(self) -> None:
        """Starts the worker and returns at once. SettingsInvalid when Great Expectations is not installed."""
        if self._process is not None:
            return
        if find_spec("great_expectations") is None:
            raise SettingsInvalid("Great Expectations is not installed", hint="pip install 'understudy[gx]'")
        # -P: nothing in the working directory may stand in for a package.
        command = [sys.executable, "-P", "-W", "ignore", "-m", _WORKER]
        path = os.pathsep.join([str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = {**os.environ, "PYTHONPATH": path, "GX_ANALYTICS_ENABLED": "false"}
        self._process = Popen(command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=environment)

    def run(self, dsn: str, suites: Sequence[Suite]) -> list[dict[str, Any]]:
        """Great Expectations' validation result of every suite, without values. Starts a worker if need be.

        A suite's `success` says whether every critical expectation holds; the others are only reported.
        GateFailed when the worker dies or takes too long, naming the suite it was at.
        """
        if not suites:
            return []
        self.start()
        process, self._process = self._process, None
        assert process is not None
        request = {"dsn": conninfo_to_dict(dsn), "suites": [asdict(suite) for suite in suites]}
        try:
            answer, _ = process.communicate(json.dumps(request).encode(), self._timeout)
        except TimeoutExpired:
            process.kill()
            answer, _ = process.communicate()
            raise _failed(answer, f"the expectations took more than {self._timeout:g} seconds") from None
        except BaseException:
            process.kill()
            process.communicate()
            raise
        return _results(answer)

    def stop(self) -> None:
        """Ends a worker that was not used; none is fine."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()


def _lines(answer: bytes) -> list[dict[str, Any]]:
    # The last line of a killed worker may be cut short.
    return [json.loads(line) for line in answer.split(b"\n")[:-1]]


def _results(answer: bytes) -> list[dict[str, Any]]:
    lines = _lines(answer)
    if not lines or "done" not in lines[-1]:
        raise _failed(answer, "the expectation worker ended without an answer")
    if error := lines[-1].get("error"):
        raise _failed(answer, f"the expectation worker failed: {error}")
    return [line["result"] for line in lines if "result" in line]


def _failed(answer: bytes, what: str) -> GateFailed:
    started = [line["suite"] for line in _lines(answer) if "suite" in line]
    hint = "run `understudy doctor`; the staging endpoint still serves what it served"
    return GateFailed(what, where=f"suite {started[-1]}" if started else "before the first suite", hint=hint)
