"""What is searched for: values that must not be there, and every spelling in which one may hide."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus

PLAIN, UTF_16, PERCENT, BASE64, HEXADECIMAL = "plain", "utf-16", "percent", "base64", "hexadecimal"


@dataclass(frozen=True)
class Needle:
    """A value that must not be found, and the column it is from."""

    column: str  # "schema.table.column"; "" for a list of one's own
    value: bytes = field(repr=False)  # UTF-8, or what a binary value holds
    binary: bool = False


class Needles:
    """Needles without repetition, in a fixed order."""

    def __init__(self, needles: Iterable[Needle]) -> None:
        self.items: tuple[Needle, ...] = tuple({(one.value, one.binary): one for one in needles}.values())

    def without(self, found: Iterable[int]) -> Needles:
        """These needles but those at the given places in `items`."""
        left_out = set(found)
        return Needles(one for place, one in enumerate(self.items) if place not in left_out)

    def __len__(self) -> int:
        return len(self.items)

    def __repr__(self) -> str:
        return f"<{len(self.items)} needles>"


def specific(text: str) -> bool:
    """Whether chance does not write it: about 33 bits, by what is usual for digits, letters and the rest."""
    tenths = sum(33 if one.isdecimal() else 25 if one.isalpha() else 20 for one in text)
    return tenths >= 330 and len(set(text)) >= 4


def spellings(needle: Needle) -> Iterator[tuple[str, bytes]]:
    """The name and the bytes of each spelling, some of them twice."""
    yield PLAIN, needle.value
    if not needle.binary:
        yield from _of_text(needle.value.decode())
    digits = needle.value.hex()
    yield HEXADECIMAL, digits.encode()
    yield HEXADECIMAL, digits.upper().encode()
    yield from ((BASE64, one) for one in _in_base64(needle.value))


def _of_text(text: str) -> Iterator[tuple[str, bytes]]:
    yield PLAIN, text.lower().encode()
    yield PLAIN, text.upper().encode()
    yield UTF_16, text.encode("utf-16-le")
    yield UTF_16, text.encode("utf-16-be")
    for quoted in (quote(text, safe=""), quote_plus(text)):
        if quoted != text:
            yield PERCENT, quoted.encode()
            yield PERCENT, re.sub("%..", lambda found: found[0].lower(), quoted).encode()


def _in_base64(value: bytes) -> Iterator[bytes]:
    """The characters that are the same whatever stands before and behind the value."""
    for before in range(3):
        text = base64.b64encode(bytes(before) + value)[-(-8 * before // 6) : 8 * (before + len(value)) // 6]
        yield text
        yield text.translate(bytes.maketrans(b"+/", b"-_"))
