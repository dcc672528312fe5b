"""A refresh that is killed at a chosen point, in a process of its own; the product knows nothing of it.

A point is a line: who dies, and when. Who: `runner` (the whole process, kill -9), `server` (the clone's
server and all its processes), `original` (the sealed original's), `backend` (a session of the clone's). When:
`STAGE started`, `STAGE finished`, `STAGE item TEXT`, with or without the detail; `before FUNCTION` or
`after FUNCTION`, which may be the third call (`#3`), and only while another one is at work (`in FUNCTION`);
`during PROGRAM`, started by us.
"""

from __future__ import annotations

import functools
import importlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sanitizers.errors import UnderstudyError
from sanitizers.postgres import postmaster
from sanitizers.settings import load_settings
from sanitizers.stages.base import Options
from sanitizers.workspace import Workspace, open_workspace

STRUCK = "struck"
_SLOWLY = {"pg_basebackup": ["--max-rate=4M"]}
"""How to have a program still at work when it is looked for."""


@dataclass(frozen=True)
class Process:
    pid: int
    parent: int
    session: int
    command: str


def processes() -> list[Process]:
    """Everything that runs on this machine, zombies left out."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, parent, _, session, *_ = (folder / "stat").read_text().rpartition(")")[2].split()
            command = os.fsdecode((folder / "cmdline").read_bytes()).replace("\0", " ").strip()
        except OSError:
            continue
        if state != "Z":
            found.append(Process(int(folder.name), int(parent), int(session), command))
    return found


def kill_server(data: Path, *, only_a_session: bool = False) -> None:
    """The server of that directory and everything it has started, at once; or one of its sessions."""
    server = postmaster.server_pid(data)
    if server is None:
        return
    children = [process for process in processes() if process.parent == server]
    sessions = [process.pid for process in children if "[local]" in process.command]
    victims = sessions[:1] if only_a_session else [server, *(process.pid for process in children)]
    for pid in victims:
        os.kill(pid, signal.SIGKILL)


@dataclass
class Killer:
    """Strikes once, at its point; also the run's watcher."""

    workspace: Workspace
    database: str
    victim: str
    when: str
    struck: bool = False
    calls: int = 0
    inside: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def stage_started(self, stage: str) -> None:
        self._happened(f"{stage} started")

    def stage_finished(self, stage: str, seconds: float, result: Any) -> None:
        self._happened(f"{stage} finished")

    def stage_failed(self, stage: str, seconds: float, error: UnderstudyError) -> None: ...

    def item(self, stage: str, item: str, detail: str = "", *, done: bool = False) -> None:
        event = f"{stage} item {item}{' done' if done else ''}"
        self._happened(event)
        self._happened(f"{event} {detail}".rstrip())

    def _happened(self, event: str) -> None:
        if event == self.when:
            self.strike()

    def arm(self) -> None:
        """Lays itself in wait where the point is a function or a program."""
        kind, _, rest = self.when.partition(" ")
        if kind == "during":
            self._wrap("sanitizers.postgres.account:run", functools.partial(self._during, rest))
        elif kind in {"before", "after"}:
            place, _, around = rest.partition(" in ")
            name, _, number = place.partition("#")
            self._wrap(name, functools.partial(self._call, kind, int(number or 1), bool(around)))
            if around:
                self._wrap(around, self._around)

    def leave_out_expectations(self) -> None:
        """Most of a night's time goes into importing Great Expectations, wherever it dies."""
        runner = "sanitizers.validators.expectations:ExpectationRunner"
        self._wrap(f"{runner}.start", lambda *_: None)
        self._wrap(f"{runner}.run", lambda *_: [])

    def _wrap(self, place: str, instead: Callable[..., Any]) -> None:
        module, _, path = place.partition(":")
        owner: Any = importlib.import_module(module)
        *parents, name = path.split(".")
        for parent in parents:
            owner = getattr(owner, parent)
        original = getattr(owner, name)

        # A function and no partial, so that it can be a method.
        @functools.wraps(original)
        def wrapped(*args: Any, **named: Any) -> Any:
            return instead(original, *args, **named)

        setattr(owner, name, wrapped)

    def _call(
        self, kind: str, number: int, guarded: bool, original: Callable[..., Any], *args: Any, **named: Any
    ) -> Any:
        with self.lock:
            counts = not guarded or self.inside > 0
            self.calls += counts
            mine = counts and self.calls == number
        if mine and kind == "before":
            self.strike()
        result = original(*args, **named)
        if mine and kind == "after":
            self.strike()
        return result

    def _around(self, original: Callable[..., Any], *args: Any, **named: Any) -> Any:
        self.inside += 1
        try:
            return original(*args, **named)
        finally:
            self.inside -= 1

    def _during(self, program: str, original: Callable[..., Any], command: Any, **named: Any) -> Any:
        if Path(command[0]).name != program:
            return original(command, **named)
        threading.Thread(target=self._wait_for, args=(program,), daemon=True).start()
        try:
            return original([*command, *_SLOWLY.get(program, [])], **named)
        finally:
            # Should it have been too fast to be seen at work.
            self.strike()

    def _wait_for(self, program: str) -> None:
        while not any(
            process.session == os.getsid(0) and Path(process.command.partition(" ")[0]).name == program
            for process in processes()
        ):
            time.sleep(0.002)
        time.sleep(0.7 if program in _SLOWLY else 0.01)
        self.strike()

    def strike(self) -> None:
        with self.lock:
            if self.struck:
                return
            self.struck = True
        print(STRUCK, flush=True)
        if self.victim == "runner":
            os.kill(os.getpid(), signal.SIGKILL)
        label = self.workspace.control.generations(self.database)[0].label
        name = f"{label}-original" if self.victim == "original" else label
        data = self.workspace.home / "clones" / self.database / name / "data"
        kill_server(data, only_a_session=self.victim == "backend")


def night(settings: Path, database: str, point: str) -> subprocess.CompletedProcess[str]:
    """One refresh with a killer at that point. What ends with it is the session of processes it leads."""
    command = [sys.executable, "-m", "tests.e2e.killing", str(settings), database, point]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        cwd=Path(__file__).parents[2],
    ) as process:  # fmt: skip
        # Who survives it may hold its output open.
        said = process.communicate(timeout=240) if process.stdout else ("", "")
    gone(process.pid)
    return subprocess.CompletedProcess(command, process.returncode, *said)


def gone(session: int, within: float = 90) -> None:
    """Waits until no process of a killed run is left: its tools, its workers."""
    until = time.monotonic() + within
    while left := [process.command for process in processes() if process.session == session]:
        assert time.monotonic() < until, left
        time.sleep(0.1)


def main(settings: str, database: str, point: str) -> int:
    victim, _, when = point.partition(" ")
    with open_workspace(load_settings(Path(settings))) as workspace:
        killer = Killer(workspace, database, victim, when)
        killer.arm()
        if "expectations" not in when:
            killer.leave_out_expectations()
        try:
            workspace.refresh(database, options=Options(), watcher=killer)
        except UnderstudyError as error:
            print(error, file=sys.stderr)
            return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
