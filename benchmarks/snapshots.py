"""What the nightly copy costs when little has changed: time against a full copy, and disk against the data.

python -m benchmarks.snapshots [--rows 2000000] [--churn 0.02]

Takes root and mkfs.xfs: the copies are made on a file system of its own that shares blocks.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from typing import Any

import psycopg

from benchmarks.figures import record, seconds
from benchmarks.scrub import KEPT, SEVEN, scrub, seed
from sanitizers.postgres.binaries import find_binaries
from sanitizers.postgres.cluster import create_cluster
from sanitizers.postgres.connection import open_clone
from sanitizers.postgres.statements import statement
from sanitizers.settings import EndpointSettings, Source, Target
from sanitizers.snapshots import snapshot_provider
from sanitizers.snapshots.base import CloneRef, Snapshot

SUMMARIZED = """
SELECT summarized_lsn >= l.lsn
FROM pg_get_wal_summarizer_state(), (SELECT redo_lsn AS lsn FROM pg_control_checkpoint()) AS l
"""


def catch_up(connection: psycopg.Connection[Any]) -> None:
    """Waits for what summarizes WAL: on a server that idles, as production does not, it sleeps for long."""
    while connection.execute(SUMMARIZED).fetchone() != (True,):
        sleep(0.2)


@contextmanager
def shared_disk(folder: Path, gigabytes: int) -> Iterator[Path]:
    """A mounted file system of its own that shares blocks."""
    image, place = folder / "disk.img", folder / "disk"
    with image.open("wb") as file:
        file.truncate(gigabytes * 2**30)
    subprocess.run(["mkfs.xfs", "-q", "-m", "reflink=1", image], check=True)
    place.mkdir()
    subprocess.run(["mount", "-o", "loop", image, place], check=True)
    try:
        place.chmod(0o755)
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


def used(disk: Path) -> int:
    """Bytes taken, shared blocks counted once."""
    os.sync()
    return shutil.disk_usage(disk).used


def scrub_clone(ref: CloneRef, folder: Path, columns: dict[str, str]) -> None:
    with open_clone(ref.dsn(), ref.label) as connection:
        connection.execute(statement("scrub/prepare").encode())
        scrub(connection, folder, columns)
        connection.execute("CHECKPOINT")


def measure(folder: Path, disk: Path, rows: int, churn: float) -> None:
    production = create_cluster(
        folder / "production", find_binaries(18, home=folder), listen="127.0.0.1", durable=False
    )
    try:
        with psycopg.connect(production.dsn(), autocommit=True) as connection:
            seed(connection, rows)
            connection.execute("CREATE ROLE copier LOGIN REPLICATION PASSWORD 'bench'")
            (folder / "password").write_text("bench\n")
            source = Source(
                dsn=f"host=127.0.0.1 port={production.port} user=copier dbname=postgres",
                password=f"file:{folder / 'password'}",
            )
            endpoint = EndpointSettings(service="bench", file=folder / "pg_service.conf")
            provider = snapshot_provider(
                Target(policy=Path("unused.yaml"), source=source, endpoint=endpoint), "bench", disk
            )
            catch_up(connection)
            taken = list[Snapshot]()
            full = seconds(lambda: taken.append(provider.create("bench-1", None)))
            data = taken[0].bytes
            connection.execute(b"UPDATE patients SET notes = notes || 'x' WHERE id <= %d" % int(rows * churn))
            connection.execute("CHECKPOINT")
            catch_up(connection)
            increment = seconds(lambda: taken.append(provider.create("bench-2", taken[0])))
            assert taken[1].kind == "incremental"
            before = used(disk)
            ref = provider.clone(taken[1], "bench-2")
            cloned = used(disk) - before
            scrub_clone(ref, folder, KEPT)
            kept = used(disk) - before - cloned
            scrub_clone(ref, folder, SEVEN)
            treated = used(disk) - before - cloned
            provider.destroy("bench-2")
    finally:
        production.stop(immediate=True)
    record(
        snapshot_incremental_vs_full=round(increment / full, 3),
        clone_extra_bytes_share=round(cloned / data, 4),
        scrub_nothing_extra_bytes_share=round(kept / data, 4),
        scrub_7_of_13_extra_bytes_share=round(treated / data, 3),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="What the nightly copy costs.")
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--churn", type=float, default=0.02)
    wanted = parser.parse_args()
    if os.geteuid() != 0 or shutil.which("mkfs.xfs") is None:
        sys.exit("this benchmark takes root and mkfs.xfs (package xfsprogs)")
    with tempfile.TemporaryDirectory(prefix="understudy-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with shared_disk(folder, gigabytes=max(3, wanted.rows * 5 // 1_000_000)) as disk:
            measure(folder, disk, wanted.rows, wanted.churn)


if __name__ == "__main__":
    main()
