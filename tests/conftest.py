"""Servers, databases and folders for tests: real ones, made once a worker, stopped and removed at the end."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import psycopg
import pytest
from psycopg import sql
from xdist.scheduler import LoadScopeScheduling

from sanitizers.postgres import account, postmaster
from sanitizers.postgres.binaries import find_binaries
from sanitizers.postgres.cluster import Cluster, create_cluster, remove_cluster

ONE_WORKER = {
    "tests/airflow/test_local.py": "airflow",
    "tests/airflow/test_nights.py": "airflow",
    "tests/airflow/test_pages.py": "pages",
    "tests/contracts/test_endpoint_providers.py": "endpoints",
    "tests/e2e/test_only_reads_production.py": "only reads",
    "tests/integration/test_endpoint_providers.py": "endpoints",
    "tests/integration/test_forensic_files.py": "files",
    "tests/integration/test_torture.py": "torture",
}
"""Files whose tests share servers that take long to start, and what they share."""

_numbers = itertools.count(1)


class _Sharing(LoadScopeScheduling):
    """Hands out tests one by one, those that share servers together and first."""

    def _split_scope(self, nodeid: str) -> str:
        return ONE_WORKER.get(nodeid.partition("::")[0], nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return _Sharing(config, log)


def unavailable(reason: str) -> NoReturn:
    """Skips the test and says why; in CI, where everything has to be there, it fails instead."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def passable_folder() -> Iterator[Path]:
    """A new folder that the servers' user can pass; whatever server runs below it is stopped at the end."""
    # Not pytest's own: those are closed to everybody else, and root's servers run as somebody else.
    folder = Path(tempfile.mkdtemp(prefix="understudy-test-", dir="/tmp"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        remove_servers(folder)
        shutil.rmtree(folder)


def remove_servers(folder: Path) -> None:
    """Stops every server whose data directory lies below the folder."""
    for pid_file in list(folder.rglob("data/postmaster.pid")):
        postmaster.stop_server(pid_file.parent, immediate=True)
    for data in list(folder.rglob("data/PG_VERSION")):
        remove_cluster(data.parent.parent)


@pytest.fixture(scope="session", autouse=True)
def default_home() -> Iterator[Path]:
    """Where state goes that no test names a home for; copies of embedded servers are shared by all homes."""
    with passable_folder() as folder, pytest.MonkeyPatch.context() as patch:
        (folder / "servers").mkdir(mode=0o711)
        patch.setenv("UNDERSTUDY_HOME", str(folder))
        yield folder


@contextmanager
def _production(major: int) -> Iterator[Cluster]:
    with passable_folder() as folder:
        binaries = find_binaries(major)
        yield create_cluster(folder / "production", binaries, listen="127.0.0.1", durable=False)


@pytest.fixture(scope="session")
def production18(default_home: Path) -> Iterator[Cluster]:
    """Version 18, keeping summaries of WAL. Superuser `postgres` enters by socket, others by password."""
    with _production(18) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def production16(default_home: Path) -> Iterator[Cluster]:
    """A server of version 16, which knows no incremental backups."""
    with _production(16) as cluster:
        yield cluster


@contextmanager
def _database(cluster: Cluster) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        try:
            yield cluster.dsn(name)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def postgres_database(production18: Cluster) -> Iterator[str]:
    """A connection string, as superuser, of a new empty database on version 18."""
    with _database(production18) as dsn:
        yield dsn


@pytest.fixture
def postgres_database_16(production16: Cluster) -> Iterator[str]:
    """A connection string, as superuser, of a new empty database on version 16."""
    with _database(production16) as dsn:
        yield dsn


@pytest.fixture
def home(default_home: Path) -> Iterator[Path]:
    """A new home for state; servers that run below it at the end of the test are stopped."""
    with passable_folder() as folder:
        (folder / "servers").symlink_to(default_home / "servers")
        yield folder


@pytest.fixture
def reflink_home(default_home: Path) -> Iterator[Path]:
    """A home on a file system of its own that shares blocks."""
    if os.geteuid() != 0:
        unavailable("mounting a reflink file system takes root")
    if shutil.which("mkfs.xfs") is None:
        unavailable("making a reflink file system takes mkfs.xfs (package xfsprogs)")
    with passable_folder() as folder, _mounted(folder, default_home / "servers") as disk:
        yield disk


@contextmanager
def _mounted(folder: Path, servers: Path) -> Iterator[Path]:
    image, place = folder / "disk.img", folder / "disk"
    with image.open("wb") as file:
        file.truncate(2 * 2**30)
    subprocess.run(["mkfs.xfs", "-q", "-m", "reflink=1", image], check=True)
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-o", "loop", image, place], capture_output=True, text=True, check=False
    )
    if mounted.returncode != 0:
        unavailable(f"loop mounts are not possible here: {mounted.stderr.strip().splitlines()[0]}")
    try:
        account.make_passable(place)
        place.chmod(0o711)
        (place / "servers").symlink_to(servers)
        yield place
    finally:
        remove_servers(place)
        subprocess.run(["umount", place], check=True)
