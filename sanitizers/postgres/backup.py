"""Base backups of production over the replication protocol: what the source is, and taking a copy of it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NoReturn

from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import dict_row

from sanitizers.errors import DiskShort, GuardTripped, ServerFailed, SourceRefused, SourceUnreachable
from sanitizers.postgres import account, files
from sanitizers.postgres.binaries import Binaries
from sanitizers.postgres.connection import address, read_source
from sanitizers.postgres.statements import statement

MANIFEST: Final = "backup_manifest"

# What pg_basebackup is told of the session that asked: how to get there, in options that all versions know.
_KEPT: Final = (
    *("host", "hostaddr", "port", "user", "connect_timeout", "gssencmode", "krbsrvname", "channel_binding"),
    *("sslmode", "sslcert", "sslkey", "sslrootcert", "sslcrl", "sslcrldir", "sslsni"),
    *("ssl_min_protocol_version", "ssl_max_protocol_version"),
)

# What pg_basebackup says, who is to blame, and what to do; the first match counts.
_COMPLAINTS: Final = (
    ("no pg_hba.conf entry for replication", SourceRefused, "give it a line `host replication <role> ...`"),
    ("permission denied to start WAL sender", SourceRefused, "on production: ALTER ROLE <role> REPLICATION"),
    ("must be superuser or replication role", SourceRefused, "on production: ALTER ROLE <role> REPLICATION"),
    ("password authentication failed", SourceRefused, "check user and password"),
    ("no password supplied", SourceRefused, "give a password to replication connections too"),
    ("max_wal_senders", SourceRefused, "raise max_wal_senders on production: a backup takes two"),
    ("replication slots are in use", SourceRefused, "raise max_replication_slots on production"),
    ("pg_hba.conf", SourceRefused, "check pg_hba.conf of production"),
    ("No space left on device", DiskShort, "free space under the home directory"),
    ("could not connect", SourceUnreachable, "is the server up, and the host and port right?"),
    ("Connection refused", SourceUnreachable, "is the server up, and the host and port right?"),
    ("server closed the connection", SourceUnreachable, "is the server up?"),
    ("starting up", SourceUnreachable, "wait until the server takes connections"),
    ("shutting down", SourceUnreachable, "wait until the server takes connections"),
)  # fmt: skip


_STANDSTILL: Final = 900.0
"""Seconds without a byte after which a copy is given up. A checkpoint of production's may come first."""


@dataclass(frozen=True)
class SourceServer:
    """Production as it was when asked."""

    dsn: str
    """Complete but for the password, as the session that asked was made: services and defaults resolved."""
    password: str = field(repr=False)
    """The one that session used, wherever it came from; empty when none was asked for."""
    database: str
    version: int
    system_identifier: str
    superuser: str
    """Name of the bootstrap superuser."""
    bytes: int
    """Size of the whole cluster, of all databases that the role may connect to."""
    extensions: tuple[str, ...]
    tablespaces: tuple[str, ...]
    may_replicate: bool
    """Whether the role has the right to take a base backup."""
    replicates: bool
    """Whether the server is configured such that base backups can be taken at all."""
    summarizes: bool
    """Whether the server keeps the summaries that incremental backups need."""
    session: tuple[tuple[str, str], ...]
    """Settings that decide how a session reads and writes values, for instance `TimeZone`."""
    asked_at: datetime

    @property
    def major(self) -> int:
        return self.version // 10000


def ask_source(dsn: str) -> SourceServer:
    """What has to be known before a copy is taken. SourceUnreachable or SourceRefused.

    GuardTripped when the source bears the name of a clone: nothing must be taken for both.
    """
    with read_source(dsn, purpose="snapshot") as connection:
        row: Any = connection.cursor(row_factory=dict_row).execute(statement("snapshot/source")).fetchone()
        if row.pop("ours"):
            raise GuardTripped(
                "the source is a clone of ours, or calls itself one",
                where=address(dsn),
                hint="name production as the source; its cluster_name must not begin with understudy/",
            )
        row["asked_at"] = row["asked_at"].astimezone(UTC)
        for name in ("extensions", "tablespaces"):
            row[name] = tuple(row[name])
        row["session"] = tuple((name, value) for name, value in row["session"])
        info = connection.info
        return SourceServer(dsn=info.dsn, password=info.password, database=info.dbname, **row)


def refuse_unfit(source: SourceServer) -> None:
    """SourceRefused when a base backup of this source cannot be taken, or not be run here."""
    place = address(source.dsn)
    if not source.replicates:
        raise SourceRefused(
            "the source is configured such that no copy can be streamed from it",
            where=place,
            hint="on production: wal_level = replica, max_wal_senders = 10, and a restart",
        )
    if not source.may_replicate:
        role = conninfo_to_dict(source.dsn).get("user", "<role>")
        raise SourceRefused(
            "the role may not take a base backup: it lacks REPLICATION",
            where=place,
            hint=f"on production: ALTER ROLE {role} REPLICATION",
        )
    if source.tablespaces:
        raise SourceRefused(
            f"basebackup does not copy tablespaces, and the source has {', '.join(source.tablespaces)}",
            where=place,
            hint="move their tables to pg_default, or use another snapshot provider",
        )


def take_backup(
    source: SourceServer, target: Path, binaries: Binaries, *, increment_of: Path | None = None
) -> None:
    """Copies the source's data directory and the WAL that makes it consistent to the new directory `target`.

    With `increment_of`, an earlier backup, only what changed since. The password travels by environment.
    A source that is frozen, and so neither sends nor breaks off, is waited for `_STANDSTILL` seconds.
    SourceRefused, SourceUnreachable, DiskShort or ServerFailed.
    """
    kept = {name: value for name, value in conninfo_to_dict(source.dsn).items() if name in _KEPT}
    options = ["--wal-method=stream", "--checkpoint=fast", "--no-sync", "--no-password"]
    if increment_of:
        options.append(f"--incremental={increment_of / MANIFEST}")
    done = account.run(
        [binaries.path("pg_basebackup"), "--dbname", make_conninfo("", **kept), "--pgdata", target, *options],
        environment={"PGPASSWORD": source.password} if source.password else {},
        timeout=_STANDSTILL,
        progress=lambda: files.size(target),
    )
    if done.returncode != 0:
        _fail("pg_basebackup", done.stderr, address(source.dsn), source.password)


def combine(previous: Path, increment: Path, target: Path, binaries: Binaries) -> None:
    """Makes a complete backup of an earlier one and an increment, sharing blocks where the disk can."""
    program = binaries.path("pg_combinebackup")
    command: list[str | Path] = [program, previous, increment, "--output", target, "--no-sync"]
    done = account.run([*command, "--copy-file-range"])
    if done.returncode != 0 and "No space left" not in done.stderr:
        # File systems and kernels that have no copy_file_range; what it left of the target must go first.
        account.run(["rm", "-rf", target])
        done = account.run(command)
    if done.returncode != 0:
        _fail("pg_combinebackup", done.stderr, str(target), "")


def _fail(program: str, said: str, where: str, secret: str) -> NoReturn:
    for marker, kind, hint in _COMPLAINTS:
        if marker in said:
            raise kind(f"{program} failed: {_first_line(said, secret)}", where=where, hint=hint) from None
    raise ServerFailed(f"{program} failed: {_first_line(said, secret)}", where=where)


def _first_line(said: str, secret: str) -> str:
    lines = said.splitlines() or ["no reason given"]
    line = next((line for line in lines if "error:" in line), lines[0])
    line = line.partition("error: ")[2] or line
    # Its messages name hosts, users and files; a password would be there only if somebody used it as one.
    line = re.sub(r"password\s*=\s*('[^']*'|\S+)|(?<=:)[^:@/\s]+(?=@)", "***", line)
    return (line.replace(secret, "***") if secret else line)[:200]


def consistent_lsn(backup: Path) -> str:
    """The position up to which a backup's WAL goes: where the copy is consistent."""
    with (backup / MANIFEST).open("rb") as file:
        # The ranges of WAL stand at the end, after the list of all files.
        file.seek(max(0, file.seek(0, os.SEEK_END) - 4096))
        found = re.findall(rb'"End-LSN": "([0-9A-F/]+)"', file.read())
    if not found:
        raise ServerFailed("the backup's manifest names no end of WAL", where=str(backup))
    return str(found[-1].decode())
