"""The server process of a data directory: whether it runs, and how to end it. Needs no server binaries."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from itertools import pairwise
from pathlib import Path
from typing import Final

from sanitizers.errors import ServerFailed

_POLL: Final = 0.03
_HARDER: Final = ((signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0))


def server_pid(data: Path) -> int | None:
    """The process that serves this data directory; None when there is none, or the pid file is a leftover."""
    lines = _pid_file(data)
    pid = int(lines[0]) if lines and lines[0].strip().isdigit() else 0
    return pid if pid and _serves(pid, data) else None


def is_ready(data: Path) -> bool:
    """Whether the server has written that it takes connections."""
    lines = _pid_file(data)
    return len(lines) > 7 and lines[7].startswith("ready")


def _pid_file(data: Path) -> list[str]:
    try:
        return (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []


def _serves(pid: int, data: Path) -> bool:
    # After a crash and a restart of the machine the number may be anybody's: look at what the process is.
    words = _command_line(pid)
    folders = [Path(after) for word, after in pairwise(words) if word in {"-D", "--pgdata"}]
    return any(folder.resolve() == data.resolve() for folder in folders)


def _command_line(pid: int) -> list[str]:
    """The words a process was started with; none when there is no such process."""
    # Not the links below /proc/<pid>: in containers not even root may read those of other users' processes.
    if Path("/proc/self/cmdline").exists():
        try:
            return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes()).split("\0")
        except OSError:
            return []
    listed = subprocess.run(
        ["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listed.stdout.split()


def clear_leftover(data: Path) -> None:
    """Removes the pid file of a server that is gone: its number may by now be another process's."""
    if server_pid(data) is None:
        (data / "postmaster.pid").unlink(missing_ok=True)


def stop_server(data: Path, *, immediate: bool = False, timeout: float = 120.0) -> bool:
    """Ends the server of this data directory; not running is fine. Returns whether it shut down cleanly.

    Sessions are cut at once. After `timeout` seconds, or at once when `immediate`, it is stopped without a
    checkpoint (the next start recovers). ServerFailed when it cannot be ended at all.
    """
    steps = _HARDER if immediate else ((signal.SIGINT, timeout), *_HARDER)
    for step, patience in steps:
        if _ended(data, step, patience):
            return step == signal.SIGINT
    raise ServerFailed("a server of ours does not end", where=str(data), hint=f"process {server_pid(data)}")


def _ended(data: Path, step: signal.Signals, patience: float) -> bool:
    pid = server_pid(data)
    if pid is None:
        return True
    try:
        os.kill(pid, step)
    except ProcessLookupError:
        return True
    except PermissionError:
        raise ServerFailed(
            "this user may not stop the server",
            where=str(data),
            hint="run as the user that started it, or as root",
        ) from None
    return _wait_gone(data, time.monotonic() + patience)


def _wait_gone(data: Path, until: float) -> bool:
    while time.monotonic() < until:
        if server_pid(data) is None:
            return True
        time.sleep(_POLL)
    return False
