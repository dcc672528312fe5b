"""Unpacking values as PostgreSQL compresses them, strictly: bytes that are anything else are refused.

Both methods say beforehand how long the value is, so that what only looks like a compressed value betrays
itself: it points in front of its own beginning, or comes out at another length.
"""

from __future__ import annotations

from typing import Final

import lz4.block

PGLZ: Final = 0
LZ4: Final = 1
SIZE_BITS: Final = 30
"""The word before a compressed value: its length unpacked in so many bits, the method in the two above."""

MOST: Final = (88, 255)
"""By method: how many bytes one compressed byte can stand for at most."""


class NotCompressed(ValueError):
    """These bytes are no compressed value."""


def unpack(word: int, data: bytes, *, torn: bool = False) -> bytes:
    """The value that `data` is compressed from, whose length and method are in `word`. Or NotCompressed.

    `torn`: only the beginning of the data is there; as much of the value as it gives is enough, which for
    LZ4 is nothing.
    """
    size, method = word & (1 << SIZE_BITS) - 1, word >> SIZE_BITS
    if method > LZ4 or not (torn or len(data) < size <= MOST[method] * len(data)):
        raise NotCompressed
    return _pglz(data, size, torn=torn) if method == PGLZ else _lz4(data, size)


def _lz4(data: bytes, size: int) -> bytes:
    if size > MOST[LZ4] * len(data):
        raise NotCompressed
    try:
        value: bytes = lz4.block.decompress(data, uncompressed_size=size)
    except lz4.block.LZ4BlockError:
        raise NotCompressed from None
    if len(value) != size:
        raise NotCompressed
    return value


def _runs(control: int) -> tuple[tuple[int, ...], int]:
    """How many literal bytes precede each match that a control byte announces, and how many come last."""
    *before, last = f"{control:08b}"[::-1].split("1")
    return tuple(len(run) for run in before), len(last)


_RUNS: Final = tuple(_runs(control) for control in range(256))


def _pglz(data: bytes, size: int, *, torn: bool) -> bytes:
    """Control bytes, least bit first, announce literal bytes (0) or matches (1) of what came out before."""
    out = bytearray()
    at, end = 0, len(data)
    try:
        while at < end:
            runs, last = _RUNS[data[at]]
            at += 1
            for literals in runs:
                if literals:
                    out += data[at : at + literals]
                    at += literals
                # Four bits of length and twelve of distance; the longest length goes on in another byte.
                length = (data[at] & 15) + 3
                distance = (data[at] & 240) << 4 | data[at + 1]
                at += 2
                if length == 18:
                    length += data[at]
                    at += 1
                start = len(out) - distance
                if start < 0 or not distance:
                    raise NotCompressed
                if length <= distance:
                    out += out[start : start + length]
                else:
                    out += (out[start:] * (length // distance + 1))[:length]
            out += data[at : at + last]
            at += last
    except IndexError:
        if not torn:
            raise NotCompressed from None
    if len(out) != size and not (torn and len(out) < size):
        raise NotCompressed
    return bytes(out)
