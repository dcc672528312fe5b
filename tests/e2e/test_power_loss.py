"""The power goes: what was released before, and what clients wrote since, is there when it comes back."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psycopg
import pytest

from sanitizers.postgres import postmaster
from tests.conftest import unavailable
from tests.e2e.conftest import Clinic
from tests.e2e.killing import processes
from tests.e2e.test_driven_runs import opened

CONTENT = """
SELECT (SELECT md5(string_agg(p::text, ' ' ORDER BY id)) FROM patients AS p),
       (SELECT md5(string_agg(v::text, ' ' ORDER BY id)) FROM visits AS v),
       (SELECT md5(string_agg(c::text, ' ' ORDER BY oid)) FROM pg_class AS c WHERE oid >= 16384),
       current_setting('cluster_name')
"""
WRITE = "UPDATE visits SET note = 'written in staging' WHERE id % 3 = 0 RETURNING id"


@pytest.fixture
def home(reflink_home: Path) -> Path:
    """On a disk of its own, whose power can be cut."""
    if shutil.which("xfs_io") is None:
        unavailable("cutting the power of a file system takes xfs_io (package xfsprogs)")
    return reflink_home


@pytest.fixture
def clinic_on_disk(clinic: Clinic) -> Clinic:
    """The clinic, with the file of its endpoint on the same disk."""
    (clinic.folder / "pg_service.conf").symlink_to(clinic.home / "pg_service.conf")
    return clinic


def cut_the_power(disk: Path) -> None:
    """What has not been forced to the disk is gone, and so is every server; then the disk is there again."""
    servers = [postmaster.server_pid(file.parent) for file in disk.rglob("data/postmaster.pid")]
    started = [process.pid for process in processes() if process.parent in servers]
    image = disk.parent / "disk.img"
    subprocess.run(["xfs_io", "-x", "-c", "shutdown", disk], check=True)
    for pid in (*filter(None, servers), *started):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    until = time.monotonic() + 20
    while subprocess.run(["umount", disk], capture_output=True, check=False).returncode:
        assert time.monotonic() < until, "somebody is on the disk still"
        time.sleep(0.1)
    subprocess.run(["mount", "-o", "loop", image, disk], check=True)


def test_the_release_forces_everything_to_the_disk(clinic: Clinic) -> None:
    """Moments after the writing, so that nothing else can have done it."""
    with opened(clinic) as workspace:
        provider = workspace.provider(clinic.database)
        ref = provider.clone(provider.create("clinic-1", None), "clinic-1")
        with psycopg.connect(ref.dsn()) as connection:
            connection.execute("CREATE TABLE rewritten AS SELECT i FROM generate_series(1, 100000) AS i")
        released = provider.release(ref, "127.0.0.1", 0, "staging")
        cut_the_power(clinic.home)
        provider.start(released)
        with psycopg.connect(released.dsn()) as connection:
            assert connection.execute("SELECT sum(i) FROM rewritten").fetchone() == (5000050000,)


@pytest.mark.exhaustive
def test_after_the_release_everything_is_on_the_disk(clinic_on_disk: Clinic) -> None:
    clinic = clinic_on_disk
    clinic.refresh()
    before = clinic.staging(CONTENT)
    cut_the_power(clinic.home)
    assert clinic.run("start", clinic.database).exit_code == 0
    assert clinic.staging(CONTENT) == before
    every_page_and_index_is_sound(clinic)
    assert len(clinic.staging(WRITE)) == 100
    written = clinic.staging(CONTENT)
    cut_the_power(clinic.home)
    assert clinic.run("start", clinic.database).exit_code == 0
    assert clinic.staging(CONTENT) == written
    clinic.refresh()


def every_page_and_index_is_sound(clinic: Clinic) -> None:
    """Reads every page of the database, checksums and all, and builds every index from its table again."""
    with opened(clinic) as workspace:
        live = workspace.control.live(clinic.database)
    assert live
    assert live.clone
    with psycopg.connect(live.clone.dsn(), autocommit=True) as connection:
        connection.execute("VACUUM (FREEZE, DISABLE_PAGE_SKIPPING)")
        connection.execute(f"REINDEX DATABASE {live.clone.database}".encode())
        connection.execute(f"REINDEX SYSTEM {live.clone.database}".encode())
