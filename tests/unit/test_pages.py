"""What lies in pages of relation files is known by its shape, wherever it lies."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import lz4.block
import numpy as np
import pytest

from sanitizers.forensics import pages, toast
from sanitizers.forensics.commits import Commits
from sanitizers.forensics.compression import LZ4
from sanitizers.forensics.files import _without_headers
from sanitizers.forensics.pages import PAGE, Octets
from sanitizers.forensics.places import Relations, relation_of

VALUE = b"a note about somebody, and another note about somebody, and a note about nobody " * 4
NAMES = {
    "base/5/100": "table public.people",
    "base/5/t3_101": "table pg_temp_3.mine",
    "global/1262": "catalog pg_database",
    "pg_tblspc/16385/PG_18_202506291/5/102": "index public.far of public.people",
}
COMMITTED, DELETED, ABORTED = 0x0900, 0x0500, 0x0A00


def _packed(value: bytes = VALUE) -> bytes:
    body = lz4.block.compress(value, store_size=False)
    return struct.pack("<II", (len(body) + 8) << 2 | 2, LZ4 << 30 | len(value)) + body


def _octets(size: int, **at: bytes) -> Octets:
    room = bytearray(size)
    for place, data in at.items():
        room[int(place[1:]) : int(place[1:]) + len(data)] = data
    return np.frombuffer(bytes(room), np.uint8)


def _row(
    data: bytes, *, value: int = 7, number: int = 0, flags: int = COMMITTED, inserted: int = 700
) -> bytes:
    header = struct.pack("<IIIHHHHHBB", inserted, 0, 0, 0, 0, 1, 3, flags, 24, 0)
    return header + struct.pack("<III", value, number, (len(data) + 4) << 2) + data


def test_compressed_values_are_unpacked_wherever_a_page_has_room() -> None:
    octets = _octets(2 * PAGE, _400=_packed(), _8192=_packed(), _12000=_packed())
    assert list(pages.unpacked(octets, paged=True)) == [VALUE] * 3


def test_no_value_goes_on_in_the_next_page() -> None:
    octets = _octets(2 * PAGE, _8188=_packed())
    assert list(pages.unpacked(octets, paged=True)) == []
    assert list(pages.unpacked(octets, paged=False)) == [VALUE]


@pytest.mark.parametrize("shift", range(4))
def test_in_a_stream_values_stand_anywhere(shift: int) -> None:
    octets = _octets(2000, **{f"_{500 + shift}": _packed()})
    assert list(pages.unpacked(octets, paged=False)) == [VALUE]
    assert list(pages.unpacked(octets, paged=False, seen=1500)) == []


def test_numbers_and_noise_are_hardly_ever_tried() -> None:
    dice = random.Random(1)
    noise = np.frombuffer(dice.randbytes(1 << 22), np.uint8)
    numbers = np.random.default_rng(1).integers(0, 20000, 1 << 20, np.uint32).view(np.uint8)
    for octets, most in ((noise, 2), (numbers, 2000)):
        assert len(pages._plausible(octets, 0, paged=True)[0]) <= most
        assert list(pages.unpacked(octets, paged=True)) == []


def test_a_value_cut_into_chunks_is_put_together_from_anywhere_in_the_file() -> None:
    body = _packed(random.Random(2).randbytes(5000) + VALUE * 9)[4:]
    parts = [body[at : at + 1996] for at in range(0, len(body), 1996)]
    rows = [_row(part, number=number) for number, part in enumerate(parts)]
    octets = _octets(2 * PAGE, _4096=rows[0], _9000=rows[1], _1024=rows[2], _12000=_row(b"x" * 50, value=8))
    assert _values(octets) == [random.Random(2).randbytes(5000) + VALUE * 9]


def test_of_two_values_under_one_number_both_are_found() -> None:
    first, second = (random.Random(seed).randbytes(3000) for seed in (1, 2))
    places = {
        f"_{1024 + 4096 * n}": _row(data[at : at + 1996], number=at // 1996)
        for n, (data, at) in enumerate((data, at) for data in (first, second) for at in (0, 1996))
    }
    assert sorted(_values(_octets(2 * PAGE, **places))) == sorted([first, second])


def test_what_lies_in_one_piece_is_left_to_the_search_of_the_file() -> None:
    assert _values(_octets(PAGE, _4096=_row(b"as plain as can be"))) == []


@pytest.mark.parametrize(
    ("flags", "inserted", "hidden"),
    [(COMMITTED, 9, True), (DELETED, 9, False), (ABORTED, 9, False), (0x0800, 5, True), (0x0800, 6, False)],
)
def test_rows_that_everybody_sees_can_be_left_out(
    tmp_path: Path, flags: int, inserted: int, hidden: bool
) -> None:
    commits = _commits(tmp_path)
    body = lz4.block.compress(VALUE, store_size=False)
    row = _row(struct.pack("<I", LZ4 << 30 | len(VALUE)) + body, flags=flags, inserted=inserted)
    assert _values(_octets(PAGE, _4096=row), commits) == ([] if hidden else [VALUE])


@pytest.mark.parametrize(("flags", "hidden"), [(COMMITTED, True), (DELETED, False)])
def test_values_inside_such_rows_too(tmp_path: Path, flags: int, hidden: bool) -> None:
    row = struct.pack("<IIIHHHHHBB", 9, 0, 0, 0, 0, 1, 1, flags, 24, 0) + _packed()
    header = struct.pack("<QHHHHHHI", 0, 0, 0, 28, 4096, PAGE, PAGE | 4, 0)
    pointer = struct.pack("<I", len(row) << 17 | 1 << 15 | 4096)
    octets = _octets(PAGE, _0=header + pointer, _4096=row, _600=_packed(VALUE[1:]))
    found = list(pages.unpacked(octets, paged=True, commits=_commits(tmp_path)))
    assert found == [VALUE[1:]] + [VALUE] * (not hidden)


def _values(octets: Octets, commits: Commits | None = None) -> list[bytes]:
    chunks = pages.chunks(octets, 0, 0, commits)
    return list(toast.values(chunks, lambda _, at, size: octets[at : at + size].tobytes()))


def _commits(data: Path) -> Commits:
    """Transaction 5 has committed, 6 was rolled back."""
    (data / "pg_xact").mkdir()
    (data / "pg_xact" / "0000").write_bytes(bytes([0, 1 << 2 | 2 << 4]))
    return Commits(data)


def test_headers_of_pages_are_taken_out_of_wal() -> None:
    text = bytes(range(1, 251)) * 100
    first, rest = text[: PAGE - 40], text[PAGE - 40 :]
    body = (
        b"\0" * 40
        + first
        + b"".join(b"\0" * 24 + rest[at : at + PAGE - 24] for at in range(0, len(rest), PAGE - 24))
    )
    octets = np.frombuffer(bytearray(body.ljust(4 * PAGE, b"\xff")), np.uint8)
    left = _without_headers(octets, first=True)
    assert octets[:left].tobytes().rstrip(b"\xff") == text


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("base/5/100", "table public.people"),
        ("base/5/100.1", "table public.people"),
        ("base/5/100_fsm", "table public.people"),
        ("base/5/100_init", "table public.people"),
        ("base/5/100_vm.2", "table public.people"),
        ("base/5/t3_101", "table pg_temp_3.mine"),
        ("base/5/101", "orphan file base/5/101"),
        ("base/1/2619", "database 1/2619"),
        ("global/1262", "catalog pg_database"),
        ("global/99999", "orphan file global/99999"),
        ("global/pg_control", "file global/pg_control"),
        ("pg_tblspc/16385/PG_18_202506291/5/102.3", "index public.far of public.people"),
        ("pg_tblspc/16385/PG_18_202506291/5/103", "orphan file pg_tblspc/16385/PG_18_202506291/5/103"),
        ("pg_tblspc/16385/PG_18_202506291/9/102", "database 9/102"),
        ("pg_tblspc/16385/PG_18_202506291/pgsql_tmp/pgsql_tmp7.0", "temporary file"),
        ("base/pgsql_tmp/pgsql_tmp7.0.fileset/i0of1.p0.0", "temporary file"),
        ("pg_wal/000000010000000000000003", "WAL"),
        ("pg_stat/pgstat.stat", "statistics file pgstat.stat"),
        ("pg_stat_tmp/pgss_query_texts.stat", "statistics file pgss_query_texts.stat"),
        ("pg_replslot/old/state", "replication slot"),
        ("server.log", "server log"),
        ("log/postgresql-Mon.log", "server log"),
        ("pg_hba.conf", "configuration pg_hba.conf"),
        ("base/5/pg_filenode.map", "file base/5/pg_filenode.map"),
    ],
)
def test_files_are_called_by_what_they_hold(path: str, place: str) -> None:
    assert Relations(NAMES).place(path) == place


def test_segments_belong_to_their_relation_and_maps_of_free_space_to_none() -> None:
    assert relation_of("base/5/100.12") == relation_of("base/5/100_init") == "base/5/100"
    assert relation_of("base/5/100_fsm") is relation_of("pg_wal/000000010000000000000003") is None
