"""The operating-system user that servers run as: PostgreSQL refuses root, so root drops to another user."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sanitizers.atomic import sync_folder
from sanitizers.errors import ServerFailed, SettingsInvalid

CHOSEN = "UNDERSTUDY_USER"
"""Environment variable that names the user to drop to."""

_USUAL = ("understudy", "postgres", "nobody")

# Passed on to servers and their tools. Nothing else is: secrets of the caller would be readable in the clone.
_ENVIRONMENT = ("PATH", "HOME", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")

# Where util-linux has it, a program ends with the worker that started it: a copy that went on after its
# worker was killed would write into the second attempt's. With all that the program has started: the half of
# pg_basebackup that streams WAL is a process of its own, and would have production keep its WAL for ever.
_GROUP_ENDS = 'trap "trap - TERM; kill -KILL 0" TERM; "$@" & wait "$!"'
_SETPRIV = shutil.which("setpriv")
_LEASH = (_SETPRIV, "--pdeathsig", "TERM", "sh", "-c", _GROUP_ENDS, "sh") if _SETPRIV else ()


@dataclass(frozen=True)
class Account:
    """A user of this machine."""

    name: str
    uid: int
    gid: int


def server_account() -> Account | None:
    """The user that root drops to; None when this process is not root and servers run as its own user.

    SettingsInvalid when the user named by UNDERSTUDY_USER does not exist, or no usual one does.
    """
    return _unprivileged(os.environ.get(CHOSEN)) if os.geteuid() == 0 else None


@cache
def _unprivileged(chosen: str | None) -> Account:
    for name in (chosen,) if chosen else _USUAL:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(name, entry.pw_uid, entry.pw_gid)
    raise SettingsInvalid(
        f"no unprivileged user to run servers as (looked for {chosen or ', '.join(_USUAL)})",
        hint=f"useradd --system understudy, or name a user in {CHOSEN}",
    )


def user_names() -> tuple[str, ...]:
    """Who may enter a server of ours: the user it runs as, and the user of this process."""
    account = server_account()
    own = pwd.getpwuid(os.geteuid()).pw_name
    return (account.name, own) if account else (own,)


def run(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str] | None = None,
    timeout: float | None = None,
    progress: Callable[[], int] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs a program as the servers' user, in English, with output captured; the caller judges its status.

    Of this process's environment only what programs need to be found is passed on; `environment` adds to it.
    ServerFailed when the program is not there or does not end within `timeout` seconds; with `progress`,
    which tells how far it has come, when it does not come any further for so long.
    """
    if shutil.which(str(command[0])) is None:
        raise ServerFailed("a program cannot be run: there is none", where=str(command[0]))
    account = server_account()
    identity = {"user": account.uid, "group": account.gid, "extra_groups": []} if account else {}
    try:
        process = subprocess.Popen(  # type: ignore[call-overload]
            [*_LEASH, *(str(part) for part in command)],
            cwd="/",
            env=_environment(account, environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            umask=0o077,
            process_group=0,
            **identity,
        )
        said, complaints = _communicated(process, timeout, progress)
        return subprocess.CompletedProcess(process.args, process.returncode, said, complaints)
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = error.strerror if isinstance(error, OSError) else f"no end after {timeout:.0f} s"
        raise ServerFailed(f"a program cannot be run: {reason}", where=str(command[0])) from None


def _communicated(
    process: subprocess.Popen[str], timeout: float | None, progress: Callable[[], int] | None
) -> tuple[str, str]:
    """What a program says until it ends; should we be cut short, everything it started ends with it."""
    reached = -1
    with process:
        try:
            while True:
                try:
                    return process.communicate(timeout=timeout)
                except subprocess.TimeoutExpired:
                    if progress is None or reached == (reached := progress()):
                        raise
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise


def _environment(account: Account | None, more: Mapping[str, str]) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    if account:
        # Root's home and temporary folder may be closed to the account.
        kept = {name: value for name, value in kept.items() if name != "TMPDIR"} | {"HOME": "/"}
    return {"PATH": os.defpath, **kept, "LC_ALL": "C", **more}


def own(path: Path) -> Path:
    """Makes `path` a directory only the servers' user can enter; missing parents are made passable.

    SettingsInvalid when a parent that was there before is closed to that user.
    """
    make_passable(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
    account = server_account()
    if account:
        os.chown(path, account.uid, account.gid, follow_symlinks=False)
    path.chmod(0o700)
    return path


def make_passable(path: Path) -> Path:
    """Makes `path` and its missing parents such that the servers' user can pass through them.

    SettingsInvalid when a directory that was there before is closed to that user.
    """
    for folder in reversed([path, *path.parents]):
        try:
            folder.mkdir(mode=0o711)
        except FileExistsError:
            continue
        folder.chmod(0o711)
    closed = closed_to(path)
    if closed:
        account = server_account()
        raise SettingsInvalid(
            f"the user {account.name if account else ''} that servers run as cannot enter this directory",
            where=str(closed),
            hint="choose a home outside of it (--home, UNDERSTUDY_HOME), for instance /var/lib/understudy",
        )
    return path


def closed_to(path: Path) -> Path | None:
    """The first directory on the way to and including `path` that the servers' user cannot pass."""
    account = server_account()
    if account is None:
        return None
    resolved = path.resolve()
    way = reversed([resolved, *resolved.parents])
    return next((part for part in way if not _passable(part, account)), None)


def _passable(folder: Path, account: Account) -> bool:
    status = folder.stat()
    if status.st_uid == account.uid:
        return bool(status.st_mode & 0o100)
    return bool(status.st_mode & (0o010 if status.st_gid == account.gid else 0o001))


def write(path: Path, text: str) -> None:
    """Replaces a file of the servers' user, mode 0600, whole also after a power cut, following no links."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        account = server_account()
        if account:
            os.fchown(handle, account.uid, account.gid)
        file.write(text)
        file.flush()
        os.fsync(handle)
    fresh.replace(path)
    sync_folder(path.parent)
