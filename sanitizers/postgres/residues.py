"""What a server's files go on holding after rows and tables are gone: strays, and free space in pages.

A crash leaves files behind that no catalog knows, and base backups bring them along. A page keeps the bytes
of its deleted rows until new ones need their room. The server is asked while it runs, and cleaned while it
does not.
"""

from __future__ import annotations

import os
import re
import struct
from array import array
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from psycopg import sql

from sanitizers.errors import ServerFailed
from sanitizers.postgres import files
from sanitizers.postgres.cluster import Cluster
from sanitizers.postgres.connection import Session
from sanitizers.postgres.statements import statement

_PAGE: Final = 8192
_SEGMENT: Final = 2**30 // _PAGE
_CHUNK: Final = 128 * _PAGE
_ZEROS: Final = bytes(_PAGE)
_FREE: Final = struct.Struct(f"<12xHH{_PAGE - 16}x")
"""Where the free space of a page begins and ends."""

_RELATION: Final = re.compile(r"(\d+)(_fsm|_vm|_init)?(\.\d+)?")
_KEPT: Final = {"PG_VERSION", "pg_filenode.map", "pg_control"}
"""Beside relations, what a folder of relations needs; caches are made again."""


@dataclass(frozen=True)
class Stored:
    """All files of relations that a server knows."""

    folders: frozenset[str]
    """Names of the folders below `base`, one a database."""
    relations: dict[str, int | None]
    """By path below the data directory: the first page that tells where its free space is, if any does."""


def ask_stored(enter: Callable[[str], AbstractContextManager[Session]], database: str) -> Stored:
    """Asks every database of a running server that is ours alone; `enter` opens a session in one of them."""
    relations: dict[str, int | None] = {}
    with enter(database) as session:
        databases = session.execute(statement("snapshot/databases").encode()).fetchall()
        for _, name, open_ in databases:
            if not open_:
                _let_in(session, name, True)
            try:
                with enter(name) as inside:
                    relations.update(inside.execute(statement("snapshot/relations").encode()).fetchall())
            finally:
                if not open_:
                    _let_in(session, name, False)
    return Stored(frozenset(str(oid) for oid, *_ in databases), relations)


def _let_in(session: Session, name: str, allowed: bool) -> None:
    change = "ALTER DATABASE {} ALLOW_CONNECTIONS {}"
    session.execute(sql.SQL(change).format(sql.Identifier(name), sql.Literal(allowed)))


def remove_strays(data: Path, stored: Stored) -> int:
    """Removes files and folders that belong to no relation of the stopped server; returns how many."""
    strays = list(_strays(data, stored))
    for path in strays:
        if path.is_dir() and not path.is_symlink():
            files.remove(path)
        else:
            path.unlink()
    return len(strays)


def _strays(data: Path, stored: Stored) -> Iterator[Path]:
    folders = [data / "global"]
    for folder in (data / "base").iterdir():
        if folder.name in stored.folders:
            folders.append(folder)
        else:
            yield folder
    for folder in folders:
        yield from (path for path in folder.iterdir() if not _belongs(path, data, stored))


def _belongs(path: Path, data: Path, stored: Stored) -> bool:
    found = _RELATION.fullmatch(path.name)
    first = str(path.parent.relative_to(data) / found[1]) if found else ""
    return path.name in _KEPT or first in stored.relations


def clear_free_space(cluster: Cluster, stored: Stored) -> int:
    """Zeroes what deleted rows left inside the pages of the stopped server's tables and B-tree indexes.

    Only pages that hold such remains are written, so that all others go on sharing their blocks. Returns how
    many were. ServerFailed for a server whose pages have another size than nearly all servers' have.
    """
    if cluster.control("Database block size") != str(_PAGE):
        raise ServerFailed(f"the server's pages do not have {_PAGE} bytes", where=str(cluster.data))
    sums = cluster.control("Data page checksum version") != "0"
    return sum(
        _clear(segment, number * _SEGMENT, first, sums)
        for relation, first in stored.relations.items()
        if first is not None
        for number, segment in _segments(cluster.data / relation)
    )


def _segments(relation: Path) -> Iterator[tuple[int, Path]]:
    number, path = 0, relation
    while path.exists():
        yield number, path
        number += 1
        path = relation.with_name(f"{relation.name}.{number}")


def _clear(segment: Path, start: int, first: int, sums: bool) -> int:
    """`start`: number of the segment's first page within its relation."""
    cleared = 0
    with segment.open("r+b", buffering=0) as file:
        for at in range(0, os.fstat(file.fileno()).st_size, _CHUNK):
            chunk = os.pread(file.fileno(), _CHUNK, at)
            for number, lower, upper in _unclean(chunk):
                block = start + at // _PAGE + number
                if block < first:
                    continue
                page = bytearray(chunk[number * _PAGE : (number + 1) * _PAGE])
                page[lower:upper] = bytes(upper - lower)
                if sums:
                    page[8:10] = checksum(page, block).to_bytes(2, "little")
                os.pwrite(file.fileno(), page, at + number * _PAGE)
                cleared += 1
    return cleared


def _unclean(chunk: bytes) -> Iterator[tuple[int, int, int]]:
    """Pages of which the free space is not empty: number, begin, end."""
    whole = len(chunk) - len(chunk) % _PAGE
    for number, (lower, upper) in enumerate(_FREE.iter_unpack(chunk[:whole])):
        at = number * _PAGE
        if 24 <= lower < upper <= _PAGE and chunk[at + lower : at + upper] != _ZEROS[: upper - lower]:
            yield number, lower, upper


# The checksum of a page is that of 32 columns of words, each folded with FNV-1a. All of them are computed at
# once, as one large number with 64 bits for each column: 32 for its state, 32 in which a product has room.
_COLUMNS: Final = 32
_PRIME: Final = 16777619
_BASES: Final = (
    *(0x5B1F36E9, 0xB8525960, 0x02AB50AA, 0x1DE66D2A, 0x79FF467A, 0x9BB9F8A3, 0x217E7CD2, 0x83E13D2C),
    *(0xF8D4474F, 0xE39EB970, 0x42C6AE16, 0x993216FA, 0x7B093B5D, 0x98DAFF3C, 0xF718902A, 0x0B1C9CDB),
    *(0xE58F764B, 0x187636BC, 0x5D7B3BB1, 0xE73DE7DE, 0x92BEC979, 0xCCA6C0B2, 0x304A0979, 0x85AA43D4),
    *(0x783125BB, 0x6CA8EAA2, 0xE407EAC6, 0x4B5CFC3E, 0x9FBF8C76, 0x15CA20BE, 0xF2CA9FD3, 0x959BD756),
)


def _wide(words: tuple[int, ...]) -> int:
    return int.from_bytes(struct.pack(f"<{len(words)}Q", *words), "little")


_START: Final = _wide(_BASES)
_STATE: Final = _wide((0xFFFFFFFF,) * _COLUMNS)
_HIGH: Final = _wide((0xFFFFFFFF >> 17,) * _COLUMNS)


def checksum(page: bytes | bytearray, block: int) -> int:
    """The checksum that the server expects in the header of this page, at that place in its relation."""
    words = array("I", page)
    words[2] &= 0xFFFF0000
    state, wide, row = _START, array("Q", words).tobytes(), 8 * _COLUMNS
    for at in range(0, len(wide), row):
        state = _mixed(state ^ int.from_bytes(wide[at : at + row], "little"))
    state = _mixed(_mixed(state))
    folded = 0
    for column in struct.unpack(f"<{_COLUMNS}Q", state.to_bytes(8 * _COLUMNS, "little")):
        folded ^= column
    return (folded ^ block) % 65535 + 1


def _mixed(state: int) -> int:
    return (state * _PRIME & _STATE) ^ (state >> 17 & _HIGH)
