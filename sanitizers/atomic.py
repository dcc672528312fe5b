"""Replacing a file whole: a reader finds the old one or the new one, also after a power cut, never a part."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_FRESH: Final = ".understudy"


def replace_file(path: Path, content: bytes) -> None:
    """Who may read the file there was may read the new one; a first one is its owner's alone.

    A link stays a link: the file it leads to is replaced. OSError when it cannot be done; the old one stays.
    """
    target = path.resolve()
    status = target.stat() if target.exists() else None
    _sweep(target.parent)
    fresh = target.with_name(f".{target.name}.{os.getpid()}{_FRESH}")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            if status:
                _keep_owner(handle, status)
            file.write(content)
            file.flush()
            os.fsync(handle)
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)
    sync_folder(target.parent)


def _sweep(folder: Path) -> None:
    """Removes what writers that were killed have left: there may be a password in it."""
    for stray in folder.glob(f".*{_FRESH}"):
        pid = stray.name.split(".")[-2]
        if pid.isdigit() and not _lives(int(pid)):
            stray.unlink(missing_ok=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _keep_owner(handle: int, status: os.stat_result) -> None:
    if os.geteuid() == 0:
        os.fchown(handle, status.st_uid, status.st_gid)
    os.fchmod(handle, status.st_mode & 0o777)


def sync_folder(folder: Path) -> None:
    """Forces the names in a directory to the disk: a file's own sync does not say what it is called."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
