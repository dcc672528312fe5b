"""Finds needles, in all their spellings, in any run of bytes."""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from dataclasses import dataclass

from sanitizers.forensics.boundaries import stands_alone
from sanitizers.forensics.needles import Needles, spellings
from sanitizers.forensics.sieve import STEP, Sieve

# Wide windows seldom pass by chance; narrow ones are for the few patterns that wide ones do not fit into.
WIDE, NARROW = 7, 4


@dataclass(frozen=True)
class Hit:
    """Where a needle was found: its place in `Needles.items`, the spelling, and offsets in the buffer."""

    needle: int
    spelling: str
    start: int
    end: int


class Matcher:
    """A search for many needles at once; threads may share it."""

    def __init__(self, needles: Needles) -> None:
        self._needles = needles.items
        self._owners: dict[bytes, tuple[int, ...]] = {}
        for place, needle in enumerate(needles.items):
            for pattern in {text for _, text in spellings(needle) if text}:
                self._owners[pattern] = (*self._owners.get(pattern, ()), place)
        self.overlap = max(map(len, self._owners), default=0)
        """Bytes by which pieces of a stream must overlap: the length of the longest pattern."""
        wide = [one for one in self._owners if len(one) >= WIDE + STEP - 1]
        narrow = [one for one in self._owners if NARROW + STEP - 1 <= len(one) < WIDE + STEP - 1]
        short = [one for one in self._owners if len(one) < NARROW + STEP - 1]
        self._sieves = [Sieve(some, width) for some, width in ((wide, WIDE), (narrow, NARROW)) if some]
        self._short = [(re.compile(b"(?=%b)" % re.escape(one)), len(one)) for one in short]

    def search(self, buffer: bytes | bytearray | memoryview | mmap.mmap) -> list[Hit]:
        """Every place where a needle stands for itself, in order.

        What stands within a longer number or word is another value, and no hit.
        """
        with memoryview(buffer) as view:
            hits = set(self._hits(view))
        return sorted(hits, key=lambda hit: (hit.start, hit.end, hit.needle, hit.spelling))

    def _hits(self, view: memoryview) -> Iterator[Hit]:
        for start, length in self._places(view):
            end, found = start + length, bytes(view[start : start + length])
            for place in self._owners.get(found, ()):
                needle = self._needles[place]
                for spelling in {name for name, text in spellings(needle) if text == found}:
                    if needle.binary or stands_alone(view, start, end, spelling):
                        yield Hit(place, spelling, start, end)

    def _places(self, view: memoryview) -> Iterator[tuple[int, int]]:
        for sieve in self._sieves:
            yield from sieve.places(view)
        for pattern, length in self._short:
            yield from ((found.start(), length) for found in pattern.finditer(view))
