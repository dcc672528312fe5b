"""A database's schema as pg_dump tells it, as one digest: the strictest comparison there is."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Sequence
from pathlib import Path

from sanitizers.errors import StatementFailed
from sanitizers.postgres.binaries import find_binaries


def schema_digest(dsn: str, major: int, extra: Sequence[Path] = (), *, home: Path | None = None) -> str:
    """SHA-256 of `pg_dump --schema-only`, our own scratch schema left out."""
    return hashlib.sha256(schema_text(dsn, major, extra, home=home).encode()).hexdigest()


def schema_text(dsn: str, major: int, extra: Sequence[Path] = (), *, home: Path | None = None) -> str:
    """The schema dump without the lines that differ from one dump to the next."""
    program = find_binaries(major, extra, home=home).path("pg_dump")
    command = [str(program), "--schema-only", "--exclude-schema=understudy", dsn]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StatementFailed("pg_dump could not read the schema", hint="see the server's log")
    changing = ("\\restrict", "\\unrestrict", "-- Dumped")
    return "\n".join(line for line in done.stdout.splitlines() if not line.startswith(changing))
