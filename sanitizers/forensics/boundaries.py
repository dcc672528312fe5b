"""Whether what was found stands for itself, or is only a part of a longer number or word.

Text says that by what stands beside. In a server's files the next value follows without a gap, and so do the
strings of a JSON document: there the lengths written in front of values say where one begins and ends.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from sanitizers.forensics.needles import PERCENT, PLAIN, UTF_16

DIGITS = frozenset(b"0123456789")
LETTERS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
# How URLs, COPY, JSON and programs write what would not fit into a text: its last character is no letter.
ESCAPE = re.compile(rb"(?:%[0-9A-Fa-f]{2}|\\[a-z]|\\x[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4})\Z")
CONTROL = re.compile(rb"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]")
# The first word of a jsonb container or hstore, little-endian: few entries, and the flags at the top.
CONTAINER = re.compile(rb"(?s)(?=..\x00[\x20\x40\x50\x80])")
# A length of one byte counts itself and is odd, at most 127; rows are moved to TOAST at two thousand bytes.
NEAR, FAR = 127, 2048


def stands_alone(view: memoryview, start: int, end: int, spelling: str) -> bool:
    """Whether no digit continues the number and no letter or digit the word that was found there."""
    if spelling == UTF_16:
        return not (_unit_joined(view, start, start - 2) or _unit_joined(view, end - 2, end))
    if spelling not in (PLAIN, PERCENT):
        return True
    left, right = _joined(view, start, start - 1), _joined(view, end - 1, end)
    if left and not ESCAPE.search(view[max(start - 6, 0) : start]) and not _begins(view, start, end):
        return False
    return not right or _ends(view, start, end)


def _joined(view: memoryview, edge: int, beside: int) -> bool:
    return 0 <= beside < len(view) and _alike(view[edge], view[beside])


def _unit_joined(view: memoryview, edge: int, beside: int) -> bool:
    """The same for two bytes a character, whichever comes first, and whichever the text around has first."""
    for zero in (0, 1):
        letter, gap = beside + 1 - zero, beside + zero
        empty = not 0 <= gap < len(view) or view[gap] == 0
        if view[edge + zero] == 0 and empty and _joined(view, edge + 1 - zero, letter):
            return True
    return False


def _alike(edge: int, beside: int) -> bool:
    return beside in DIGITS if edge in DIGITS else edge in LETTERS and beside in DIGITS | LETTERS


def _begins(view: memoryview, start: int, end: int) -> bool:
    """Whether the byte in front is the length of a value that begins here, or a container has one begin."""
    length = view[start - 1]
    stop = start - 1 + (length >> 1)
    if length % 2 and stop == end:
        return True
    if length % 2 and end < stop <= len(view) and _plausible(view, start - 1, stop):
        return True
    return start in _container_edges(view, start)


def _ends(view: memoryview, start: int, end: int) -> bool:
    """Whether some length in front says that a value ends here, or a container has one end."""
    for head in range(max(end - NEAR, 0), start):
        length = view[head]
        if (
            length % 2
            and head + (length >> 1) == end
            and (head == start - 1 or _plausible(view, head, start))
        ):
            return True
    for head in range(max(end - FAR, 0), start - 3):
        if struct.unpack_from("<I", view, head)[0] == end - head << 2:
            return True
    return end in _container_edges(view, start)


def _plausible(view: memoryview, head: int, stop: int) -> bool:
    """Whether a byte is more likely a length than a character: it continues no word, and text follows."""
    apart = view[head] < 32 or head == 0 or view[head - 1] not in DIGITS | LETTERS
    # What servers write as C does, such as the arguments of a trigger, ends in a zero.
    return apart and not CONTROL.search(bytes(view[head + 1 : stop]).rstrip(b"\0"))


def _container_edges(view: memoryview, start: int) -> set[int]:
    """Where strings begin and end, going by what may be containers of jsonb or hstore in front."""
    near = max(start - FAR, 0)
    heads = (near + found.start() for found in CONTAINER.finditer(view[near:start]))
    return {edge for head in heads for edge in _string_edges(view, head, start)}


def _string_edges(view: memoryview, head: int, start: int) -> Iterator[int]:
    [word] = struct.unpack_from("<I", view, head)
    array, hstore = word >> 28 & 4, word >> 31
    entries = (word & 0xFFFFFF) * (1 if array else 2)
    base = edge = head + 4 + 4 * entries
    if base > start:
        return
    yield base
    for entry in struct.unpack_from(f"<{entries}I", view, head + 4):
        # An end, counted from the first string; in jsonb mostly a length, which saves it space.
        edge = base + (entry & 0xFFFFFFF) if hstore or entry >> 31 else edge + (entry & 0xFFFFFFF)
        yield edge
