"""Every needle is found wherever it stands, and nothing else is."""

from __future__ import annotations

import itertools
import mmap
import random
import re
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sanitizers.forensics import sieve
from sanitizers.forensics.matcher import Hit, Matcher
from sanitizers.forensics.needles import Needle, Needles, spellings

NAME, PHONE, MAIL, SHORT, TINY = "Zoë O’Neil-Smith", "617-555-0134", "ann.lee@example.org", "Ann Lee", "Bob"
SCAN = b"1\0\0\0\xff\xfe\0scan\0\0"
NEEDLES = Needles(
    [Needle("public.patients.x", one.encode()) for one in (NAME, PHONE, MAIL, SHORT, TINY)]
    + [Needle("public.scans.image", SCAN, binary=True)]
)
MATCHER = Matcher(NEEDLES)
PATTERNS = sorted({text for needle in NEEDLES.items for _, text in spellings(needle)})
# Bytes that neither continue a word or a number nor are one: what stands beside is tested by itself.
BETWEEN = st.lists(st.sampled_from([b" ", b"\0", b";", b"\xff", b"\xfe\0", b"\n", b"\0\0\0\0"])).map(b"".join)


def naive(buffer: bytes) -> list[Hit]:
    found = {
        Hit(place, spelling, start, start + len(text))
        for place, needle in enumerate(NEEDLES.items)
        for spelling, text in spellings(needle)
        for start in (one.start() for one in re.finditer(b"(?=%b)" % re.escape(text), buffer))
    }
    return sorted(found, key=lambda hit: (hit.start, hit.end, hit.needle, hit.spelling))


def found(buffer: bytes, value: str = PHONE) -> bool:
    """Whether that value is found as plain text: short texts of the others may stand within it."""
    place = [one.value for one in NEEDLES.items].index(value.encode())
    return any(hit.needle == place and hit.spelling == "plain" for hit in MATCHER.search(buffer))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(BETWEEN, st.sampled_from(PATTERNS)), max_size=6), BETWEEN)
@example([(b"", PATTERNS[0])], b"")
@example([], b"")
def test_finds_what_a_naive_search_finds(parts: list[tuple[bytes, bytes]], rest: bytes) -> None:
    buffer = b"".join(between + b" \0 " + pattern for between, pattern in parts) + b" \0 " + rest
    assert MATCHER.search(buffer) == naive(buffer)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_spelling_is_found_at_every_alignment_and_both_ends(pattern: bytes) -> None:
    for before, behind in itertools.product(range(9), (0, 1, 6)):
        hits = MATCHER.search(b"\xff" * before + pattern + b"\xff" * behind)
        assert (before, before + len(pattern)) in {(hit.start, hit.end) for hit in hits}


def test_every_spelling_is_found_where_one_chunk_ends_and_the_next_begins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sieve, "CHUNK", 32)
    for pattern in PATTERNS:
        for start in range(8 * 32 - 20, 8 * 32 + 4, 2):
            hits = MATCHER.search(b";" * start + pattern + b";" * 300)
            assert start in {hit.start for hit in hits}


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(PATTERNS), st.integers(0, 400), st.integers(150, 300))
def test_a_stream_in_pieces_hides_nothing(pattern: bytes, start: int, piece: int) -> None:
    stream = b";" * start + pattern + b";" * 300
    step = piece - MATCHER.overlap
    assert step > 0
    hits = [
        (at + hit.start, at + hit.end)
        for at in range(0, len(stream), step)
        for hit in MATCHER.search(stream[at : at + piece])
    ]
    assert (start, start + len(pattern)) in hits


def test_nothing_is_found_in_clean_data() -> None:
    chance = random.Random(7)
    clean = chance.randbytes(1 << 20) + b"617-555-0199 ann.ray@example.org\t" * 30_000
    assert not Matcher(Needles(NEEDLES.items[:3])).search(clean)


def test_many_needles_with_the_same_windows_are_told_apart() -> None:
    needles = [Needle("", f"{n:06d} Long Meadow Street, Springfield".encode()) for n in range(0, 3000, 3)]
    matcher = Matcher(Needles(needles))
    text = "\n".join(f"{n:06d} Long Meadow Street, Springfield" for n in range(1000))
    assert len(matcher.search(text.encode())) == 334


def test_two_needles_of_one_spelling_are_both_named() -> None:
    matcher = Matcher(Needles([Needle("a", b"Christine Lopez"), Needle("b", b"CHRISTINE LOPEZ")]))
    assert {hit.needle for hit in matcher.search(b"christine lopez")} == {0, 1}


def test_without_needles_nothing_is_found() -> None:
    matcher = Matcher(Needles([]))
    assert matcher.overlap == 0
    assert matcher.search(b"anything at all") == []


def test_any_kind_of_buffer_is_searched_and_can_be_closed_afterwards(tmp_path: Path) -> None:
    text = b"call " + PHONE.encode()
    path = tmp_path / "file"
    path.write_bytes(text)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert MATCHER.search(mapped) == MATCHER.search(text)
    grown = bytearray(text)
    assert MATCHER.search(memoryview(grown)) == MATCHER.search(grown) == MATCHER.search(text) != []
    grown.append(0)


def test_threads_share_a_matcher() -> None:
    buffers = [bytes(n * 1000) + PHONE.encode() + bytes(50_000) for n in range(40)]
    with ThreadPoolExecutor(4) as threads:
        for n, hits in enumerate(threads.map(MATCHER.search, buffers)):
            assert [hit.start for hit in hits] == [n * 1000]


def test_no_value_in_what_is_printed() -> None:
    [hit] = MATCHER.search(PHONE.encode())
    assert PHONE not in repr(hit) + repr(MATCHER) + str(vars(hit))


# What stands beside.


@pytest.mark.parametrize("text", ["1{}", "{}5", "acct 9{}", "{}0 and more"])
def test_a_longer_number_is_another(text: str) -> None:
    for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
        assert not MATCHER.search(text.format(PHONE).encode(encoding))


@pytest.mark.parametrize(
    "text", ["tel{}", "{}x12", "({})", "+1 {}", "{}.", "%20{}", r"\n{}", r"\u00e9{}", r"\x31{}"]
)
def test_what_is_no_digit_does_not_continue_a_number(text: str) -> None:
    assert found(text.format(PHONE).encode())


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_in_two_bytes_a_character_too(encoding: str) -> None:
    assert {hit.spelling for hit in MATCHER.search(f"tel {PHONE};".encode(encoding))} == {"utf-16"}


@pytest.mark.parametrize("text", ["jo{}", "{}s", "{}2", "0{}"])
def test_a_longer_word_is_another(text: str) -> None:
    for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
        assert not MATCHER.search(text.format(MAIL).encode(encoding))


@pytest.mark.parametrize("text", ["<{}>", "mailto:{}", "{}, ", r"\t{}", "é{}é", "%3C{}", "_{}_"])
def test_what_is_no_letter_does_not_continue_a_word(text: str) -> None:
    assert found(text.format(MAIL).encode(), MAIL)


def short(text: bytes) -> bytes:
    """A text of up to 126 bytes as a row holds it: its length in front, which may look like a character."""
    return bytes([(len(text) + 1) << 1 | 1]) + text


def long(text: bytes) -> bytes:
    return struct.pack("<I", len(text) + 4 << 2) + text


@pytest.mark.parametrize("length", range(19, 63))
def test_a_length_in_front_of_a_value_continues_no_word(length: int) -> None:
    value = ("ann.lee" + "e" * (length - 19) + "@example.org").encode()
    matcher = Matcher(Needles([Needle("", value)]))
    assert matcher.search(short(b"Smith") + short(value) + short(b"Boston"))


@pytest.mark.parametrize("length", range(19, 61))
def test_nor_where_the_value_ends_in_a_zero_as_arguments_of_triggers_do(length: int) -> None:
    value = ("ann.lee" + "e" * (length - 19) + "@example.org").encode()
    matcher = Matcher(Needles([Needle("", value)]))
    assert matcher.search(b"\0\0" + short(value + b"\0"))


@pytest.mark.parametrize("behind", [short(b"1 Main Street, Springfield"), b"5\0\0\0", b"Z" * 16])
@pytest.mark.parametrize("write", [short, long])
def test_what_follows_a_whole_value_in_a_row_does_not_continue_it(write: object, behind: bytes) -> None:
    for value in (PHONE, MAIL):
        assert found(write(value.encode()) + behind, value)  # type: ignore[operator]
        assert found(b"\0\0" + write(b"call " + value.encode()) + behind, value)  # type: ignore[operator]


def jsonb(document: dict[str, str]) -> bytes:
    """An object of strings as a server stores it: their lengths first, then all strings without a gap."""
    strings = [one.encode() for one in (*sorted(document, key=lambda key: (len(key), key)),)]
    strings += [document[one.decode()].encode() for one in strings]
    lengths = b"".join(struct.pack("<I", len(one)) for one in strings)
    return struct.pack("<I", 0x20000000 | len(document)) + lengths + b"".join(strings)


@pytest.mark.parametrize("key", ["mail", "m", "z9"])
def test_the_strings_of_a_document_do_not_continue_each_other(key: str) -> None:
    document = {key: MAIL, "phone": PHONE, "x1": "77 Main Street"}
    stored = b"\0\0" + jsonb(document) + b"77"
    assert found(stored, MAIL)
    assert found(stored, PHONE)


def test_the_strings_of_an_hstore_do_not_continue_each_other() -> None:
    strings = [b"a", b"1" + b"2", b"b", PHONE.encode(), b"c", b"3"]
    ends = [sum(map(len, strings[: n + 1])) for n in range(len(strings))]
    head = struct.pack("<I", 0x80000000 | 3)
    entries = b"".join(struct.pack("<I", end | (0x80000000 if n == 0 else 0)) for n, end in enumerate(ends))
    assert found(head + entries + b"".join(strings))
