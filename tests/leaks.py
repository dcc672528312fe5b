"""What running Understudy says, and leaves outside the databases it works on, searched for values."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from sanitizers.postgres.binaries import find_binaries
from sanitizers.postgres.cluster import Cluster


@dataclass(frozen=True)
class Said:
    """A process that has ended, and all it has said."""

    exit_code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return f"{self.out}\n{self.err}"


def understudy(settings: Path, *arguments: str, home: Path, **environment: str) -> Said:
    """The command line in a process of its own: whatever is printed, by whatever code, is caught."""
    command = [sys.executable, "-m", "sanitizers.cli", "--settings", str(settings), *arguments]
    temporary = home / "temporary"
    temporary.mkdir(mode=0o1777, exist_ok=True)
    surroundings = {**os.environ, "TMPDIR": str(temporary), "PYTHONFAULTHANDLER": "1", **environment}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=surroundings)
    return Said(done.returncode, done.stdout, done.stderr)


def left_behind(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below the folder but those of databases: logs, reports, configuration, temporary ones."""
    for at, folders, files in os.walk(folder):
        # Data directories have searchers of their own; programs hold nothing of anybody.
        folders[:] = [name for name in folders if not (Path(at, name, "PG_VERSION").exists())]
        for name in files:
            path = Path(at, name)
            if path.is_file():
                yield str(path.relative_to(folder)), path.read_bytes()


def control_database(home: Path) -> bytes:
    """All rows of the control database under this home, as text."""
    binaries = find_binaries(18, home=home)
    dsn = Cluster(home / "control", binaries).dsn(user="understudy")
    command = [str(binaries.path("pg_dump")), "--data-only", "--inserts", dsn]
    return subprocess.run(command, capture_output=True, check=True).stdout


def leaks(surfaces: Mapping[str, bytes | str], values: Iterable[str]) -> list[str]:
    """Each place that shows one of the values, whatever case and spelling, as `place: value (spelling)`."""
    patterns = [(value, *spelled) for value in values for spelled in _spellings(value)]
    found = []
    for place, content in surfaces.items():
        searched = (content.encode() if isinstance(content, str) else content).lower()
        found += [f"{place}: {value} ({how})" for value, how, pattern in patterns if pattern in searched]
    return found


def _spellings(value: str) -> Iterator[tuple[str, bytes]]:
    raw = value.encode()
    spelled = {
        "plain": raw,
        "repr": repr(value)[1:-1].encode(),
        "ascii": ascii(value)[1:-1].encode(),
        "JSON": json.dumps(value)[1:-1].encode(),
        "SQL": value.replace("'", "''").encode(),
        "HTML": value.replace("&", "&amp;").replace("'", "&#39;").encode(),
        "percent": quote(value, safe="").encode(),
        "hexadecimal": raw.hex().encode(),
        "UTF-16": value.encode("utf-16-le"),
        **{f"base64 {shift}": _base64(raw, shift) for shift in range(3)},
    }
    distinct = {pattern.lower(): how for how, pattern in reversed(spelled.items())}
    return ((how, pattern) for pattern, how in distinct.items())


def _base64(raw: bytes, shift: int) -> bytes:
    """What base64 makes of the bytes wherever they begin, the ends left out that depend on the neighbours."""
    encoded = base64.b64encode(bytes(shift) + raw)
    first, last = -(-shift * 4 // 3), (shift + len(raw)) * 8 // 6
    return encoded[first:last]
