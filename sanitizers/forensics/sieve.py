"""Where in a buffer one of very many patterns may stand, at nearly the speed of memory.

A pattern of ten bytes holds seven bytes that begin at a multiple of four, wherever it stands. So one such
window is chosen of every pattern for each of its four alignments, one that few patterns share, and in a
buffer only every fourth window is looked at, thousands in a call of numpy. A table of bits says which may be
among the chosen ones (few are), another one asks again, and for the rest both ends of the pattern are
compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]
Places = NDArray[np.intp]
Octets = NDArray[np.uint8]

STEP = 4
# Words in one call of numpy: enough to forget the call itself, few enough for the cache.
CHUNK = 1 << 16
# Places that are compared together; each can make some hundred comparisons.
BATCH = 1 << 13
# Of that many first windows of a pattern, those are chosen that fewest patterns share.
CHOICE = 4 * STEP
# Odd numbers without a pattern in their bits.
FIRST, SECOND = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F


class Sieve:
    """A search for patterns of `width` + 3 bytes or more that misses none, and seldom names a wrong place."""

    def __init__(self, patterns: Iterable[bytes], width: int) -> None:
        self._width, self._mask = width, np.uint64((1 << 8 * width) - 1)
        ordered = sorted(patterns, key=lambda one: (len(one), one))
        rows = {length: self._windows(list(group)) for length, group in groupby(ordered, len)}
        self._ends = np.unique(np.concatenate([_pair(row[:, 0], row[:, -1]) for row in rows.values()]))
        self._index(*_chosen(rows))
        self._filters = [_Filter(self._chosen, one, 64 - 8 * width) for one in (FIRST, SECOND)]

    def _windows(self, patterns: list[bytes]) -> Words:
        """Every window of patterns of one length, a row a pattern."""
        length = len(patterns[0])
        shape = (len(patterns), length - self._width + 1)
        text = b"".join(patterns) + bytes(8)
        return np.ndarray(shape, "<u8", text, strides=(length, 1)) & self._mask

    def _index(self, words: Words, offsets: Places, lengths: Places) -> None:
        """Keeps the chosen windows in order, and for each where in patterns of which lengths it stands."""
        order = np.lexsort((offsets, lengths, words))
        words, offsets, lengths = words[order], offsets[order], lengths[order]
        changes = [one[1:] != one[:-1] for one in (words, offsets, lengths)]
        new = np.append(True, np.logical_or.reduce(changes))
        self._offsets, self._lengths = offsets[new], lengths[new]
        self._chosen, first = np.unique(words[new], return_index=True)
        self._first = np.append(first, len(self._offsets))

    def places(self, view: memoryview) -> Iterator[tuple[int, int]]:
        """Start and length of what may be a pattern, with few mistakes; one place may come twice."""
        text: Any = view if len(view) >= 8 else bytes(view).ljust(8, b"\0")
        every = np.ndarray((len(text) - 7,), "<u8", text, strides=(1,))
        for some in _batches(self._survivors(text)):
            for at in range(0, len(some), BATCH):
                starts, lengths = self._compared(every, some[at : at + BATCH], len(view))
                yield from zip(starts.tolist(), lengths.tolist(), strict=True)

    def _survivors(self, text: Any) -> Iterator[Places]:
        """Where the windows begin that both filters let pass."""
        room, raw = _Room(), np.frombuffer(text, np.uint8)
        for at in range(0, len(raw), 8 * CHUNK):
            for start in (at, at + STEP):
                words = room.load(raw[start : start + 8 * CHUNK])
                passing = self._filters[0].passing(words, room)
                yield start + 8 * passing[self._filters[1].passing(words[passing], room)]
        # The last windows, which a whole word would overrun.
        yield np.arange(-(-(len(raw) - 7) // STEP) * STEP, len(raw) - self._width + 1, STEP)

    def _compared(self, every: Words, places: Places, size: int) -> tuple[Places, Places]:
        """Starts and lengths of the patterns that a window at these places belongs to, going by both ends."""
        words = self._at(every, places)
        ranks = self._chosen.searchsorted(words)
        same = self._chosen.take(ranks, mode="clip") == words
        places, ranks = places[same], ranks[same]
        counts = self._first[ranks + 1] - self._first[ranks]
        entries = np.arange(counts.sum()) + np.repeat(self._first[ranks] - counts.cumsum() + counts, counts)
        starts, lengths = np.repeat(places, counts) - self._offsets[entries], self._lengths[entries]
        inside = (starts >= 0) & (starts + lengths <= size)
        starts, lengths = starts[inside], lengths[inside]
        ends = _pair(self._at(every, starts), self._at(every, starts + lengths - self._width))
        right = self._ends.take(self._ends.searchsorted(ends), mode="clip") == ends
        return starts[right], lengths[right]

    def _at(self, every: Words, places: Places) -> Words:
        """The windows at these places, also where less than a word is left."""
        whole = np.minimum(places, len(every) - 1)
        return every[whole] >> (8 * (places - whole)).astype(np.uint64) & self._mask


class _Room:
    """What one thread computes in, so that memory is not asked for anew for every chunk."""

    def __init__(self) -> None:
        self.words, self.slots = np.empty(CHUNK, np.uint64), np.empty(CHUNK, np.uint64)
        self.bits = np.empty(CHUNK, np.uint8)

    def load(self, raw: Octets) -> Words:
        """The whole words in it, aligned: numpy is slow with any others."""
        count = len(raw) // 8
        self.words.view(np.uint8)[: 8 * count] = raw[: 8 * count]
        return self.words[:count]


class _Filter:
    """A table that says which words may be among those it was made of; `ignored` upper bits do not matter."""

    def __init__(self, words: Words, multiplier: int, ignored: int) -> None:
        # One bit in sixteen is set at most: more would let too much pass, fewer would leave the cache.
        size = max(len(words), 1 << 10).bit_length() + 4
        self._multiplier = np.uint64((multiplier << ignored) % (1 << 64))
        self._shift = np.uint64(64 - size + 3)
        self._table = np.zeros(1 << size - 3, np.uint8)
        slots = words * self._multiplier >> self._shift
        np.bitwise_or.at(self._table, slots, np.uint8(1) << (words & np.uint64(7)).astype(np.uint8))

    def passing(self, words: Words, room: _Room) -> Places:
        """Which of the words these are, by their places. Every pass over the words counts here."""
        slots, bits = room.slots[: len(words)], room.bits[: len(words)]
        np.multiply(words, self._multiplier, out=slots)
        np.right_shift(slots, self._shift, out=slots)
        np.copyto(bits, words, casting="unsafe")
        np.bitwise_and(bits, 7, out=bits)
        found = self._table.take(slots.view(np.intp))
        np.right_shift(found, bits, out=found)
        np.bitwise_and(found, 1, out=found)
        return np.flatnonzero(found.view(np.bool_))


def _pair(one: Words, other: Words) -> Words:
    return one * np.uint64(FIRST) + other * np.uint64(SECOND)


def _chosen(rows: dict[int, Words]) -> tuple[Words, Places, Places]:
    """A window of each pattern for each alignment, its offset in the pattern, and the pattern's length."""
    counts = np.zeros(1 << 22, np.uint32)
    for row in rows.values():
        np.add.at(counts, _mixed(row) >> np.uint64(42), np.uint32(1))
    chosen = []
    for length, row in rows.items():
        ranks = _ranks(_mixed(row), counts)
        for alignment in range(STEP):
            offsets = alignment + STEP * ranks[:, alignment::STEP].argmin(axis=1)
            chosen.append((row[np.arange(len(row)), offsets], offsets, np.full(len(row), length)))
    words, offsets, lengths = (np.concatenate(one) for one in zip(*chosen, strict=True))
    return words, offsets, lengths


def _mixed(row: Words) -> Words:
    return row[:, :CHOICE] * np.uint64(FIRST)


def _ranks(mixed: Words, counts: NDArray[np.uint32]) -> Words:
    """Lowest is rarest; those about as rare in a fixed order, so that patterns alike share windows."""
    common = (counts[mixed >> np.uint64(42)] >> 4).astype(np.uint64)
    ranks: Words = common << np.uint64(42) | mixed >> np.uint64(22)
    return ranks


def _batches(arrays: Iterable[Places]) -> Iterator[Places]:
    """The same places in arrays that are worth a call of numpy."""
    waiting: list[Places] = []
    for array in arrays:
        waiting.append(array)
        if sum(map(len, waiting)) >= BATCH or len(waiting) >= 64:
            yield np.concatenate(waiting)
            waiting = []
    yield np.concatenate(waiting)
