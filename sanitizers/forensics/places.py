"""What an engineer calls the files of a cluster."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any, Final

from psycopg import Connection

from sanitizers.postgres.statements import statement

_RELATION: Final = re.compile(
    r"(?P<name>(?P<folder>global|base/(\d+)|pg_tblspc/\d+/PG_[^/]+/(\d+))/(t\d+_)?(?P<node>\d+))"
    r"(?P<fork>_fsm|_vm|_init)?(\.\d+)?"
)
_TEMPORARY: Final = re.compile(r"(base|pg_tblspc/\d+/PG_[^/]+)/pgsql_tmp/.+")
_STREAMS: Final = ("WAL", "temporary file")

# By the first folder; with the file's name when that is of use.
_FOLDERS: Final = {
    "pg_wal": "WAL",
    "pg_twophase": "two-phase file",
    "pg_stat": "statistics file {}",
    "pg_stat_tmp": "statistics file {}",
    "pg_replslot": "replication slot",
    "pg_logical": "logical decoding",
    "pg_notify": "notifications",
    "pg_xact": "transaction status",
    "log": "server log",
    "server.log": "server log",
}


@dataclass(frozen=True)
class Relations:
    """The relations of one database and the shared ones, by their files below `data`."""

    names: Mapping[str, str]
    """Path of the first segment of the main fork, and the place it is."""
    shown: frozenset[str] = frozenset()
    """Files of tables, and of their TOAST, that hold nothing in live rows but what SQL shows."""

    def place(self, path: str) -> str:
        """The place that a file below `data` is."""
        relation = _RELATION.fullmatch(path)
        return self._relation(path, relation) if relation else _other(path)

    def _relation(self, path: str, relation: re.Match[str]) -> str:
        if relation["name"] in self.names:
            return self.names[relation["name"]]
        database = PurePosixPath(relation["folder"]).name
        if database in self._databases:
            return f"orphan file {path}"
        return f"database {database}/{relation['node']}"

    @cached_property
    def _databases(self) -> frozenset[str]:
        return frozenset(PurePosixPath(name).parent.name for name in self.names) | {"global"}


def relation_names(connection: Connection[Any]) -> Relations:
    """The relations that a session's database holds now, and the shared ones."""
    rows = connection.execute(statement("forensics/relations").encode()).fetchall()
    return Relations(
        {path: place for path, place, _ in rows}, frozenset(path for path, _, shown in rows if shown)
    )


def relation_of(path: str) -> str | None:
    """For a segment of a relation's main fork, the first segment; a file without pages has none."""
    relation = _RELATION.fullmatch(path)
    return relation["name"] if relation and relation["fork"] in {None, "_init"} else None


def is_stream(place: str) -> bool:
    """Whether values there stand wherever the one before ended, and go on in the next file."""
    return place in _STREAMS


def _other(path: str) -> str:
    first, name = path.split("/", 1)[0], PurePosixPath(path).name
    if _TEMPORARY.fullmatch(path):
        return "temporary file"
    if first in _FOLDERS:
        return _FOLDERS[first].format(name)
    return f"configuration {name}" if name.endswith(".conf") else f"file {path}"
