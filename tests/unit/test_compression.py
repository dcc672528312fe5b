"""Compressed values come out as they went in, and nothing else passes for one."""

from __future__ import annotations

import lz4.block
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sanitizers.forensics.compression import LZ4, NotCompressed, unpack

TEXT = b"Every patient of this ward, every patient of that ward, and all the patients of the other ward."


def _pglz(value: bytes) -> bytes:
    """Compresses as simply as the format allows: the longest match of the last 4095 bytes, or a literal."""
    items, at = list[bytes](), 0
    while at < len(value):
        near = range(max(0, at - 4095), at)
        start, length = max(((start, _same(value, start, at)) for start in near), key=_length, default=(0, 0))
        items.append(_match(at - start, length) if length >= 3 else value[at : at + 1])
        at += max(length, 1) if length >= 3 else 1
    groups = [items[first : first + 8] for first in range(0, len(items), 8)]
    return b"".join(
        bytes([sum((len(item) > 1) << place for place, item in enumerate(group))]) + b"".join(group)
        for group in groups
    )


def _same(value: bytes, start: int, at: int) -> int:
    most = min(273, len(value) - at)
    return next((n for n in range(most) if value[start + n] != value[at + n]), most)


def _length(found: tuple[int, int]) -> int:
    return found[1]


def _match(distance: int, length: int) -> bytes:
    more = bytes([length - 18]) if length >= 18 else b""
    return bytes([distance >> 8 << 4 | min(length - 3, 15), distance & 255]) + more


@settings(deadline=None, max_examples=40)
@given(st.text("ab ", max_size=40), st.integers(1, 20))
def test_pglz_is_unpacked(word: str, times: int) -> None:
    value = word.encode() * times + TEXT
    packed = _pglz(value)
    if len(packed) < len(value):
        assert unpack(len(value), packed) == value


@pytest.mark.parametrize("distance", [1, 2, 18, 30])
def test_a_match_may_reach_into_what_it_makes_itself(distance: int) -> None:
    first = bytes(range(48, 48 + distance))
    literals = b"".join(bytes([0]) + first[at : at + 8] for at in range(0, distance - distance % 8, 8))
    rest = first[distance - distance % 8 :]
    packed = literals + bytes([1 << len(rest)]) + rest + _match(distance, 273)
    value = (first * 274)[: distance + 273]
    assert unpack(len(value), packed) == value


@given(st.binary(min_size=40, max_size=60), st.integers(2, 40))
def test_lz4_is_unpacked(part: bytes, times: int) -> None:
    value = part * times
    packed = lz4.block.compress(value, store_size=False)
    assert unpack(LZ4 << 30 | len(value), packed) == value


@pytest.mark.parametrize("method", range(4))
@given(data=st.binary(min_size=1, max_size=200), size=st.integers(0, 2000))
def test_other_bytes_are_refused_or_have_the_length_they_say(method: int, data: bytes, size: int) -> None:
    try:
        value = unpack(method << 30 | size, data)
    except NotCompressed:
        return
    assert len(value) == size


@pytest.mark.parametrize("change", [-1, 1])
def test_another_length_is_refused(change: int) -> None:
    packed = _pglz(TEXT)
    with pytest.raises(NotCompressed):
        unpack(len(TEXT) + change, packed)


def test_a_match_before_the_beginning_is_refused() -> None:
    with pytest.raises(NotCompressed):
        unpack(8, b"\x02a" + _match(2, 12))


def test_of_a_torn_value_the_beginning_is_unpacked() -> None:
    packed = _pglz(TEXT)
    with pytest.raises(NotCompressed):
        unpack(len(TEXT), packed[:30])
    beginning = unpack(len(TEXT), packed[:30], torn=True)
    assert len(beginning) > 20
    assert TEXT.startswith(beginning)
