"""A program of your own that moves clients, by whatever means there are where you work.

It is called in two ways, with the arguments of the settings first and nothing of this process's environment
but PATH, HOME, LANG and the variables that the settings name:

- `PROGRAM [ARGUMENTS] current SERVICE` prints where clients are sent, as one JSON object on standard output:
  `{"generation": ..., "host": ..., "port": ..., "database": ..., "role": ..., "password": ...}`, the password
  where it is kept; or `null` before the first switch.
- `PROGRAM [ARGUMENTS] point-to SERVICE` reads such an object from standard input and sends clients there, all
  at once. It may be told the same again. Exit status 0 means done; any other, that nothing has changed.

A switch is believed when `current` then prints the same destination. One that failed, or took too long and
was killed, is followed by `current`, and, if clients are not where they were, by `point-to` with what
`current` had printed before. What the program prints on standard error is dropped: it may hold a password.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
from contextlib import suppress
from typing import Any, Final

from psycopg.conninfo import make_conninfo
from pydantic import TypeAdapter, ValidationError

from sanitizers.endpoints.base import Destination
from sanitizers.errors import EndpointFailed
from sanitizers.settings import CommandSettings

_PASSED: Final = ("PATH", "HOME", "LANG")
_DESTINATION: Final = TypeAdapter(Destination)


class Command:
    """Believes the program only as far as it says the same twice."""

    def __init__(self, settings: CommandSettings) -> None:
        self._settings = settings

    def current(self) -> Destination | None:
        """What the program says; EndpointFailed when it fails, or says something else than it should."""
        said = self._current()
        return self._destination(said) if said else None

    def point_to(self, destination: Destination, password: str | None) -> Destination | None:
        """Has the program do it and asks whether it has; EndpointFailed has it undone."""
        before = self._current()
        previous = self._destination(before) if before else None
        try:
            self._run("point-to", json.dumps({**vars(destination), "password": password}))
            if self.current() != destination:
                raise self._failed("it says that it is done, and `current` says something else")
        except EndpointFailed:
            with suppress(EndpointFailed):
                self._undo(before)
            raise
        return previous

    def client_dsn(self) -> str:
        """What the program says, with the password if it says it."""
        said = self._current() or {}
        names = {"host": "host", "port": "port", "database": "dbname", "role": "user", "password": "password"}
        return make_conninfo(**{name: said[key] for key, name in names.items() if said.get(key)})

    def describe(self) -> str:
        """How a person sees where clients are sent."""
        return shlex.join(self._call("current"))

    def _undo(self, before: dict[str, Any] | None) -> None:
        if before and self._current() != before:
            self._run("point-to", json.dumps(before))

    def _current(self) -> dict[str, Any] | None:
        try:
            said = json.loads(self._run("current", ""))
        except ValueError:
            raise self._failed("`current` does not print JSON") from None
        if said is not None and not isinstance(said, dict):
            raise self._failed("`current` prints neither an object nor null")
        return said

    def _destination(self, said: dict[str, Any]) -> Destination:
        try:
            return _DESTINATION.validate_python(said)
        except ValidationError as error:
            wrong = sorted({str(item["loc"][0]) for item in error.errors(include_input=False)})
            raise self._failed(f"`current` prints no proper {', '.join(wrong)}") from None

    def _call(self, verb: str) -> list[str]:
        return [str(self._settings.program), *self._settings.arguments, verb, self._settings.service]

    def _run(self, verb: str, text: str) -> bytes:
        """What it prints. EndpointFailed when it cannot be run, fails, or takes too long."""
        names = (*_PASSED, *self._settings.environment)
        environment = {name: os.environ[name] for name in names if name in os.environ}
        try:
            # In a session of its own, so that whatever it has started can be ended with it.
            process = subprocess.Popen(
                self._call(verb), env=environment, start_new_session=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        except OSError as error:
            raise self._failed(f"it cannot be run: {error.strerror}") from None
        with process:
            printed = self._converse(process, verb, text)
        if process.returncode != 0:
            raise self._failed(f"`{verb}` ended with status {process.returncode}")
        return printed

    def _converse(self, process: subprocess.Popen[bytes], verb: str, text: str) -> bytes:
        seconds = self._settings.timeout_seconds
        try:
            return process.communicate(text.encode(), seconds)[0]
        except BaseException as error:  # an interruption too: nobody would wait for it any more
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise self._failed(f"`{verb}` took longer than {seconds:g} s") from None
            raise

    def _failed(self, what: str) -> EndpointFailed:
        hint = f"to see what it prints: {self.describe()}"
        return EndpointFailed(what, where=str(self._settings.program), hint=hint)
