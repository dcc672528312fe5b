"""What deleted rows and crashes leave in a server's files, and that it goes away without harm."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from sanitizers.postgres.binaries import find_binaries
from sanitizers.postgres.cluster import Cluster, create_cluster
from sanitizers.postgres.connection import Session
from sanitizers.postgres.residues import Stored, ask_stored, checksum, clear_free_space, remove_strays

FILL = """
CREATE TABLE beds AS SELECT i AS id, 'bed ' || i AS label FROM generate_series(1, 20000) i;
CREATE INDEX beds_label ON beds (label);
DELETE FROM beds WHERE id % 7 = 0;
"""


@pytest.fixture
def cluster(home: Path) -> Cluster:
    """A server of version 18, whose pages have checksums, with a table that has lost rows."""
    cluster = create_cluster(home / "server", find_binaries(18), durable=False)
    with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
        connection.execute(FILL)
        connection.execute("VACUUM (INDEX_CLEANUP ON) beds")
    return cluster


def asked(cluster: Cluster) -> Stored:
    @contextmanager
    def enter(name: str) -> Iterator[Session]:
        with psycopg.connect(cluster.dsn(name), autocommit=True) as connection:
            yield connection

    return ask_stored(enter, "postgres")


def pages(cluster: Cluster, stored: Stored) -> Iterator[tuple[int, int, bytes]]:
    """The written pages of tables and B-tree indexes: first one that counts, number, content."""
    for relation, first in stored.relations.items():
        content = (cluster.data / relation).read_bytes() if first is not None else b""
        for number in range(len(content) // 8192):
            page = content[number * 8192 : (number + 1) * 8192]
            if any(page):
                yield first or 0, number, page


def test_deleted_rows_leave_the_pages_and_checksums_stay_right(cluster: Cluster) -> None:
    stored = asked(cluster)
    cluster.stop()
    assert clear_free_space(cluster, stored) > 50
    assert clear_free_space(cluster, stored) == 0
    for first, number, page in pages(cluster, stored):
        expected, lower, upper = struct.unpack_from("<8xH2xHH", page)
        assert checksum(page, number) == expected
        assert number < first or not any(page[lower:upper])
    cluster.start()
    with psycopg.connect(cluster.dsn()) as connection:
        connection.execute("SET enable_seqscan = off")
        query = "SELECT count(*), sum((SELECT count(*) FROM beds AS b WHERE b.label = a.label)) FROM beds a"
        assert connection.execute(query).fetchone() == (17143, 17143)


def test_strays_go_and_relations_stay(cluster: Cluster) -> None:
    stored = asked(cluster)
    cluster.stop()
    home = next(path for path in stored.relations if path.startswith("base/"))
    strays = ["global/777777", f"{Path(home).parent}/777777.1", f"{Path(home).parent}/t3_777777_vm"]
    for stray in strays:
        (cluster.data / stray).write_bytes(b"left behind")
    (cluster.data / "base/777777").mkdir()
    (cluster.data / "base/777777/1259").write_bytes(b"left behind")
    caches = len([*cluster.data.glob("*/pg_internal.init"), *cluster.data.glob("base/*/pg_internal.init")])

    assert remove_strays(cluster.data, stored) == 4 + caches

    cluster.start()
    assert asked(cluster).relations == stored.relations
    assert not [stray for stray in (*strays, "base/777777") if (cluster.data / stray).exists()]


def test_databases_that_let_nobody_in_are_asked_and_stay_closed(cluster: Cluster) -> None:
    stored = asked(cluster)
    with psycopg.connect(cluster.dsn()) as connection:
        closed = connection.execute("SELECT oid::text FROM pg_database WHERE NOT datallowconn").fetchall()
    assert len(closed) == 1
    assert sum(path.startswith(f"base/{closed[0][0]}/") for path in stored.relations) > 200
