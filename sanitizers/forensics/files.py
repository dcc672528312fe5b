"""Searching every byte of a clone's directory: data files, configuration, log, and what is compressed there.

Files are read, not mapped: a server at work may shorten one at any time. Compressed values are unpacked where
rows, temporary files and WAL hold them; from WAL not those long enough to be cut into chunks, and no
compressed images of pages, which the servers of clones do not write.
"""

from __future__ import annotations

import os
import re
import stat
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sanitizers.errors import ServerFailed
from sanitizers.forensics import pages, toast
from sanitizers.forensics.commits import Commits
from sanitizers.forensics.matcher import Hit, Matcher
from sanitizers.forensics.pages import PAGE, Octets
from sanitizers.forensics.places import Relations, is_stream, relation_names, relation_of

__all__ = ["FileSearch", "Found", "relation_names", "search_files"]

_PIECE: Final = 1 << 22
"""Bytes searched at a time."""
_AROUND: Final = 2048
"""What stands so far before or behind a hit may tell that it is none: pieces overlap by that much more."""
_APART: Final = b"\xff" * 4
"""Between values that are searched together."""
_SEGMENT: Final = re.compile(r"[0-9A-F]{24}")
_PAGE_HEADER, _FILE_HEADER = 24, 40
"""Bytes at the beginning of each page of WAL, and of the first one in a file."""


@dataclass(frozen=True)
class Found:
    """An original in a file of that place; the hit's offsets are those in the piece that was searched."""

    place: str
    hit: Hit


@dataclass(frozen=True)
class FileSearch:
    """What a search of all files has found."""

    found: list[Found]
    bytes: int
    """Searched, compressed values counted once unpacked."""


@dataclass(frozen=True)
class _File:
    path: Path
    place: str
    size: int
    relation: str | None
    """The first segment of the relation whose pages it holds."""
    shown: bool
    """Whether the search of rows has seen all that live rows in it hold."""

    @property
    def stream(self) -> bool:
        return is_stream(self.place)


@dataclass
class _Look:
    """A look at files of one place, and what it has shown so far."""

    place: str
    matcher: Matcher
    found: list[Found] = field(default_factory=list)
    size: int = 0
    chunks: list[NDArray[Any]] = field(default_factory=list)
    _values: bytearray = field(default_factory=bytearray, repr=False)

    def search(self, text: memoryview | bytearray, begin: int, end: int) -> None:
        """Takes hits that end behind `begin` and at `end` at the latest."""
        hits = (hit for hit in self.matcher.search(text) if begin < hit.end <= end)
        self.found += [Found(self.place, hit) for hit in hits]
        self.size += max(end, 0) - max(begin, 0)

    def search_values(self, values: Iterable[bytes]) -> None:
        """Searches what was unpacked, many small values at a time."""
        for value in values:
            self._values += value + _APART
            if len(self._values) > _PIECE:
                self._settle()
        self._settle()

    def _settle(self) -> None:
        if self._values:
            self.search(self._values, 0, len(self._values))
            self._values = bytearray()


def search_files(
    directory: Path,
    relations: Relations,
    matcher: Matcher,
    *,
    workers: int,
    progress: Callable[[int, int], None],
) -> FileSearch:
    """Searches all regular files below a server's directory; links lead on to tablespaces only.

    What live rows hold compressed or cut into chunks is left to the search of rows, in tables whose rows SQL
    shows whole; so the server has to have made a checkpoint. `progress` is told bytes done and bytes in all.
    ServerFailed for a file that cannot be read; one that has gone away meanwhile is fine.
    """
    files = sorted(_files(directory, relations), key=lambda file: -file.size)
    total, done = sum(file.size for file in files), 0
    looks, chunks = list[_Look](), defaultdict[str, list[NDArray[Any]]](list)
    pool = ThreadPoolExecutor(workers)
    try:
        for future in as_completed(_look_at(pool, files, matcher, Commits(directory / "data"))):
            look, unit = future.result()
            looks.append(look)
            done += sum(file.size for file in unit)
            progress(done, total)
            if unit[0].relation and look.chunks:
                chunks[unit[0].relation] += look.chunks
        again = [pool.submit(_assemble, files, np.concatenate(found), matcher) for found in chunks.values()]
        looks += [future.result() for future in again]
    finally:
        pool.shutdown(cancel_futures=True)
    return FileSearch([found for look in looks for found in look.found], sum(look.size for look in looks))


def _files(directory: Path, relations: Relations) -> Iterator[_File]:
    data = directory / "data"
    for folder in (directory, *_tablespaces(data)):
        for parent, _, names in os.walk(folder, onerror=_refuse):
            for name in names:
                path = Path(parent, name)
                below = path.relative_to(data if path.is_relative_to(data) else directory)
                with suppress(FileNotFoundError):
                    status = path.lstat()
                    if stat.S_ISREG(status.st_mode):
                        yield _file(path, str(below), status.st_size, relations)


def _file(path: Path, below: str, size: int, relations: Relations) -> _File:
    relation = relation_of(below)
    return _File(path, relations.place(below), size, relation, relation in relations.shown)


def _tablespaces(data: Path) -> list[Path]:
    links = data / "pg_tblspc"
    return [link for link in links.iterdir() if link.is_symlink()] if links.is_dir() else []


def _refuse(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise ServerFailed("this cannot be searched", where=str(error.filename)) from error


def _look_at(
    pool: ThreadPoolExecutor, files: Sequence[_File], matcher: Matcher, commits: Commits
) -> list[Future[tuple[_Look, list[_File]]]]:
    """Sets out to look at the files: each by itself, but those of one stream together and in order."""
    streams = defaultdict[str, list[_File]](list)
    units = list[tuple[int, list[_File]]]()
    for number, file in enumerate(files):
        if file.stream:
            streams[file.place].append(file)
        else:
            units.append((number, [file]))
    units += [(0, sorted(unit, key=lambda file: file.path)) for unit in streams.values()]
    return [pool.submit(_look, number, unit, matcher, commits) for number, unit in units]


def _look(number: int, unit: list[_File], matcher: Matcher, commits: Commits) -> tuple[_Look, list[_File]]:
    look, known = _Look(unit[0].place, matcher), 0
    keep = max(matcher.overlap + 2 * _AROUND, PAGE)
    lead = -(-keep // PAGE) * PAGE
    room: Octets = np.empty(lead + _PIECE, np.uint8)
    for file in unit:
        shown_by = commits if file.shown else None
        for offset, size in _pieces(file, room[lead:]):
            piece = room[lead - known : lead + size]
            ends = size < _PIECE and not file.stream
            look.search(piece.data, known - _AROUND, len(piece) - (0 if ends else _AROUND))
            if file.stream:
                look.search_values(pages.unpacked(piece, paged=False, seen=known))
            elif file.relation:
                whole = room[lead : lead + size - size % PAGE]
                look.search_values(pages.unpacked(whole, paged=True, commits=shown_by))
                found = pages.chunks(whole, number, offset, shown_by)
                look.chunks += [found] if len(found) else []
            known = 0 if ends else min(keep, known + size)
            room[lead - known : lead] = room[lead + size - known : lead + size].copy()
    if known:
        look.search(room[lead - known : lead].data, known - _AROUND, known)
    return look, unit


def _pieces(file: _File, room: Octets) -> Iterator[tuple[int, int]]:
    """Fills `room` with one piece of the file after the other; gives its offset there and its size here."""
    wal = file.place == "WAL" and _SEGMENT.fullmatch(file.path.name) is not None
    try:
        with file.path.open("rb", buffering=0) as stream:
            offset, size = 0, len(room)
            # A file that ends within a page has been caught growing; what comes later is not from before.
            while size == len(room) and (size := stream.readinto(room.data) or 0):
                yield offset, _without_headers(room[:size], first=offset == 0) if wal else size
                offset += size
    except FileNotFoundError:
        return
    except OSError as error:
        _refuse(error)


def _without_headers(octets: Octets, *, first: bool) -> int:
    """Moves together what pages of WAL hold besides their headers, by which a value may be cut."""
    whole = octets[: len(octets) - len(octets) % PAGE]
    body = whole.reshape(-1, PAGE)[:, _PAGE_HEADER:].reshape(-1)
    body = np.concatenate([body[_FILE_HEADER - _PAGE_HEADER :] if first else body, octets[len(whole) :]])
    octets[: len(body)] = body
    return len(body)


def _assemble(files: Sequence[_File], chunks: NDArray[Any], matcher: Matcher) -> _Look:
    """A look at the values that were cut into a relation's chunks."""
    look = _Look(files[int(chunks["file"][0])].place, matcher)
    with _Reader(files) as reader:
        look.search_values(toast.values(chunks, reader.read))
    return look


class _Reader:
    """Reads here and there in many files, of which one is open at a time."""

    def __init__(self, files: Sequence[_File]) -> None:
        self._files = files
        self._open: tuple[int, int] | None = None

    def __enter__(self) -> _Reader:
        return self

    def __exit__(self, *_: object) -> None:
        if self._open:
            os.close(self._open[1])

    def read(self, number: int, at: int, size: int) -> bytes:
        """Bytes of the file of that number; fewer, or none, when it has been shortened or is gone."""
        if self._open is None or self._open[0] != number:
            self.__exit__()
            self._open = None
            try:
                self._open = number, os.open(self._files[number].path, os.O_RDONLY)
            except FileNotFoundError:
                return b""
        return os.pread(self._open[1], size, at)
