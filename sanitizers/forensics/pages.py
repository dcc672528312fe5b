"""Finding values in the pages of relation files: compressed ones, and chunks that long ones were cut into.

Both are known by their shape and not looked up through line pointers, so that deleted rows, dropped columns
and what lies in free space are found like anything else. Pages have 8 KB, numbers are little-endian.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sanitizers.forensics.commits import Commits
from sanitizers.forensics.compression import MOST, PGLZ, SIZE_BITS, NotCompressed, unpack

PAGE: Final = 8192
CHUNK: Final = 1996
"""Bytes of a value that one row of a TOAST table holds, but for the last row."""

Octets = NDArray[np.uint8]
Words = NDArray[np.uint32]
Positions = NDArray[np.int64]

CHUNKS: Final = np.dtype(
    [
        ("value", "<u4"),  # Of which value, and the how manieth of it.
        ("number", "<u4"),
        ("file", "<u4"),
        ("at", "<i8"),
        ("size", "<u4"),
        ("word", "<u4"),  # The first bytes, which are length and method if the value is compressed.
        ("shown", "?"),
    ]
)

_HEADER: Final = 8
"""Bytes before a compressed value: its length, marked 10 in the lowest bits, and `compression`'s word."""
_MOST: Final = np.array([*MOST, 0, 0], np.uint64)
_GROUPS: Final = 4
"""Control bytes of pglz looked at before Python takes over."""

# A row of three columns, none null: 3 in the 11 low bits of the third word of 16 bits, header of 24 bytes.
_ROW_MASK: Final = np.uint64(0x00FF_0001_07FF_0000)
_ROW: Final = np.uint64(0x0018_0000_0003_0000)


def unpacked(
    octets: Octets, *, paged: bool, seen: int = 0, commits: Commits | None = None
) -> Iterator[bytes]:
    """Every compressed value in there, unpacked, that does not end before `seen`.

    `paged`: these are whole pages, in which values begin at multiples of four and end before the page does.
    `commits`: leaves out those in rows that everybody sees.
    """
    for shift in (0,) if paged else range(4):
        found, sizes = _plausible(octets, shift, paged=paged)
        for at, size in zip(found.tolist(), sizes.tolist(), strict=True):
            if at + size <= seen or (commits and _is_shown(octets, at, commits)):
                continue
            data = octets[at + _HEADER - 4 : at + size].tobytes()
            with suppress(NotCompressed):
                yield unpack(int.from_bytes(data[:4], "little"), data[4:])


def _plausible(octets: Octets, shift: int, *, paged: bool) -> tuple[Positions, Positions]:
    """Where compressed values may begin, and how long they would be with their headers."""
    words = np.frombuffer(octets, "<u4", (len(octets) - shift) // 4, shift)
    # Anything longer than a page would have been stored outside the row.
    index = np.flatnonzero((words & np.uint32(0xFFFF_8003)) == 2)
    index = index[: np.searchsorted(index, len(words) - 1)]
    body: Words = (words[index] >> np.uint32(2)) - np.uint32(_HEADER)
    index = index[plausible(words[index + 1], body)]
    at, sizes = index * 4 + shift, (words[index] >> 2).astype(np.int64)
    keep = at + sizes <= ((at // PAGE + 1) * PAGE if paged else len(octets))
    at, sizes = at[keep], sizes[keep]
    keep = _begins_well(octets, at, sizes)
    return at[keep], sizes[keep]


def plausible(words: Words, sizes: Words) -> NDArray[np.bool_]:
    """Whether values of these lengths and methods may have been compressed to these sizes."""
    lengths, methods = words & np.uint32((1 << SIZE_BITS) - 1), words >> SIZE_BITS
    most = _MOST[methods] * sizes
    # Sizes below nothing have come out as enormous ones.
    fits: NDArray[np.bool_] = (lengths > sizes) & (lengths <= most) & (sizes < 1 << SIZE_BITS)
    return fits


def _begins_well(octets: Octets, at: Positions, sizes: Positions) -> NDArray[np.bool_]:
    """Whether the first match that pglz would unpack lies where there is something to repeat."""
    good: NDArray[np.bool_] = octets[at + 7] >> SIZE_BITS - 24 != PGLZ
    unsure = np.flatnonzero(~good)
    for group in range(_GROUPS):
        control, last = at[unsure] + _HEADER + 9 * group, at[unsure] + sizes[unsure] - 1
        announced = octets[np.minimum(control, last)]
        before = _LITERALS[announced]
        match = control + 1 + before
        distance = octets[np.minimum(match + 1, last)]
        near = (octets[np.minimum(match, last)] < 16) & (distance <= 8 * group + before)
        good[unsure[near & (distance > 0) & (match < last) & (announced != 0)]] = True
        unsure = unsure[announced == 0]
    good[unsure] = True
    return good


_LITERALS: Final = np.array([8, *((n & -n).bit_length() - 1 for n in range(1, 256))])
"""By control byte of pglz: how many literal bytes precede the first match."""


def _is_shown(octets: Octets, at: int, commits: Commits) -> bool:
    """Whether that place is within a row that everybody sees."""
    page = octets[at - at % PAGE :][:PAGE]
    lower = int(page[12:14].view("<u2")[0])
    pointers = page[24 : max(24, min(lower, PAGE) & ~3)].view("<u4")
    starts = (pointers & 0x7FFF).astype(np.int64)
    holds = (starts <= at % PAGE) & (at % PAGE < starts + (pointers >> 17)) & (pointers >> 15 & 3 == 1)
    rows = starts[holds]
    if len(rows) != 1 or rows[0] > PAGE - 24 or rows[0] % 8:
        return False
    header = page[rows[0] : rows[0] + 24].view("<u4")
    return bool(commits.show(header[:1], header[5:])[0])


def chunks(octets: Octets, file: int, offset: int, commits: Commits | None = None) -> NDArray[Any]:
    """The rows of TOAST tables in these pages, which begin at `offset` of that file, as CHUNKS.

    With `commits`, those that everybody sees are marked.
    """
    words = octets.view("<u4")
    # The mark stands in the third quarter of a header of 24 bytes; 36 bytes come before the chunk itself.
    row = np.flatnonzero((octets.view("<u8") & _ROW_MASK) == _ROW) * 2 - 4
    row = row[(row >= 0) & (row * 4 % PAGE <= PAGE - 40)]
    header = words[row + 8]
    size = (header >> 2).astype(np.int64) - 4
    keep = (header & 3 == 0) & (size > 0) & (size <= CHUNK) & (row * 4 % PAGE + 36 + size <= PAGE)
    keep &= (words[row + 6] > 0) & (words[row + 7] < 1 << 20)
    row, size = row[keep], size[keep]
    found = np.zeros(len(row), CHUNKS)
    found["value"], found["number"], found["file"] = words[row + 6], words[row + 7], file
    found["at"], found["size"], found["word"] = offset + row * 4 + 36, size, words[row + 9]
    if commits:
        found["shown"] = commits.show(words[row], words[row + 5])
    return found
