"""Putting long values together again from the chunks that rows of a TOAST table hold.

A value's chunks may lie anywhere in the table's files, so the places of all are kept, 1.5 % of the files'
size in memory, and the values themselves read again one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sanitizers.forensics.compression import NotCompressed, unpack
from sanitizers.forensics.pages import plausible

Read = Callable[[int, int, int], bytes]
"""Reads from a file, by its number, at an offset, so many bytes."""


def values(chunks: NDArray[Any], read: Read) -> Iterator[bytes]:
    """Every value cut into these chunks, unpacked if it is compressed.

    Without those whose chunks are all marked as shown, and those that lie in the file in one piece.
    """
    order = np.lexsort((chunks["at"], chunks["file"], chunks["number"], chunks["value"]))
    chunks = chunks[order]
    starts = np.flatnonzero(np.diff(chunks["value"], prepend=0))
    for start, count in _worthwhile(chunks, starts):
        for version in _versions(chunks[start : start + count]):
            yield from _value(version, read)


def _worthwhile(chunks: NDArray[Any], starts: NDArray[Any]) -> Iterator[tuple[int, int]]:
    """Where values start, and of how many chunks they are."""
    if not len(starts):
        return
    counts = np.diff(starts, append=len(chunks))
    first = chunks[starts]
    packed = (first["number"] == 0) & plausible(first["word"], np.add.reduceat(chunks["size"], starts))
    keep = ((counts > 1) | packed) & ~np.logical_and.reduceat(chunks["shown"], starts)
    yield from zip(starts[keep].tolist(), counts[keep].tolist(), strict=True)


def _versions(chunks: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """One value's chunks in order. Of a chunk that is there twice, each takes part in one."""
    _, starts, counts = np.unique(chunks["number"], return_index=True, return_counts=True)
    for version in range(counts.max()):
        yield chunks[starts + np.minimum(version, counts - 1)]


def _value(chunks: NDArray[Any], read: Read) -> Iterator[bytes]:
    places = zip(chunks["file"].tolist(), chunks["at"].tolist(), chunks["size"].tolist(), strict=True)
    parts = [read(*place) for place in places]
    whole = int(np.argmin(np.append(chunks["number"] == np.arange(len(chunks)), False)))
    packed = b"".join(parts[:whole])
    for torn in (False, True):
        with suppress(NotCompressed):
            yield unpack(int.from_bytes(packed[:4], "little"), packed[4:], torn=torn)
            return
    if len(parts) > 1:
        yield b"".join(parts)
