"""Copying data directories, block by shared block where the file system can, and how much room there is."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from sanitizers.errors import DiskShort, ServerFailed
from sanitizers.postgres import account

# Linux's "share all blocks of that file": same number on every architecture we run on.
_FICLONE: Final = 0x40049409


def shares_blocks(folder: Path) -> bool:
    """Whether copies within this directory's file system can share blocks (XFS with reflink, btrfs, ...)."""
    with tempfile.NamedTemporaryFile(dir=folder) as source, tempfile.NamedTemporaryFile(dir=folder) as copy:
        source.write(b"\0" * 65536)
        source.flush()
        try:
            fcntl.ioctl(copy.fileno(), _FICLONE, source.fileno())
        except OSError:
            return False
        return os.fstat(copy.fileno()).st_size == 65536


def copy_entries(entries: Sequence[Path], target: Path, *, share: bool) -> None:
    """Copies files and folders into the directory `target` as the servers' user.

    `share`: by sharing blocks, as `shares_blocks` found possible. DiskShort or ServerFailed when it fails.
    """
    reflink = ["--reflink=always"] if share else []
    done = account.run(["cp", "-a", *reflink, *entries, target])
    if done.returncode != 0:
        if "No space left" in done.stderr:
            raise DiskShort(
                "no space left on the disk while copying", where=str(target), hint="free space there"
            )
        raise ServerFailed("copying the snapshot failed", where=str(target))


@contextmanager
def disk_watched() -> Iterator[None]:
    """DiskShort where Python itself finds the disk full, or our share of it used up."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        place = str(Path(error.filename).parent) if error.filename else ""
        raise DiskShort("no space left on the disk", where=place, hint="free space there") from None


def room(folder: Path) -> int:
    """Bytes that may still be written to this directory's file system."""
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize


def require_room(folder: Path, needed: int) -> None:
    """DiskShort when fewer than `needed` bytes are free there."""
    free = room(folder)
    if free < needed:
        raise DiskShort(
            f"{_gigabytes(needed)} are needed for the copy, {_gigabytes(free)} are free",
            where=str(folder),
            hint="free space, destroy old generations, or move the home directory to a larger disk",
        )


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB"


def size(folder: Path) -> int:
    """Bytes of all files below a directory, shared blocks counted each time."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            # Somebody may be at work in there.
            with suppress(FileNotFoundError):
                total += os.lstat(os.path.join(parent, name)).st_size
    return total


def remove(folder: Path) -> None:
    """Removes a directory and everything in it; one that is not there is fine."""
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        if folder.exists():
            remove(folder)


def empty(folder: Path) -> int:
    """Removes everything inside a directory; returns how many entries there were."""
    entries = list(folder.iterdir()) if folder.is_dir() else []
    for entry in entries:
        if entry.is_dir() and not entry.is_symlink():
            remove(entry)
        else:
            entry.unlink(missing_ok=True)
    return len(entries)
