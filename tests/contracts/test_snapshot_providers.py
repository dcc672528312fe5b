"""What every registered snapshot provider must do, whatever it is made of."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from pydantic import TypeAdapter

from sanitizers.errors import GuardTripped, NotFound
from sanitizers.postgres.cluster import Cluster
from sanitizers.postgres.connection import open_clone
from sanitizers.settings import EndpointSettings, SnapshotSettings, Source, Target
from sanitizers.snapshots import PROVIDERS, snapshot_provider
from sanitizers.snapshots.base import CloneRef, Snapshot, SnapshotProvider


@pytest.fixture
def source(production18: Cluster) -> Iterator[str]:
    """A database with three rows; its connection string, as superuser by socket."""
    name = f"source_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(production18.dsn(), autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            with psycopg.connect(production18.dsn(name)) as connection:
                connection.execute("CREATE TABLE rows AS SELECT id FROM generate_series(1, 3) id")
            yield production18.dsn(name)
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(params=sorted(PROVIDERS))
def provider(request: pytest.FixtureRequest, source: str, home: Path) -> Iterator[SnapshotProvider]:
    target = Target(
        policy=Path("unused.yaml"),
        source=Source(dsn=source),
        snapshot=SnapshotSettings(provider=request.param),
        endpoint=EndpointSettings(service="staging", file=home / "pg_service.conf"),
    )
    provider = snapshot_provider(target, f"target-{uuid.uuid4().hex[:8]}", home)
    yield provider
    for label in provider.find():
        provider.destroy(label)


@pytest.fixture
def snapshot(provider: SnapshotProvider) -> Iterator[Snapshot]:
    snapshot = provider.create("g-1", None)
    yield snapshot
    provider.discard(snapshot.label)


def _count(provider: SnapshotProvider, ref: CloneRef) -> int:
    with open_clone(ref.dsn(), ref.label, database_marker=provider.database_marker) as connection:
        row = connection.execute("SELECT count(*) FROM rows").fetchone()
    assert row
    return int(row[0])


def test_snapshot_tells_what_it_is(provider: SnapshotProvider, snapshot: Snapshot, source: str) -> None:
    assert snapshot.label == "g-1"
    assert snapshot.kind == "full"
    assert snapshot.database == psycopg.conninfo.conninfo_to_dict(source)["dbname"]
    assert snapshot.version // 10000 == 18
    assert snapshot.bytes > 0
    assert snapshot.lsn
    assert snapshot.system_identifier.isdigit()


def test_values_survive_their_way_through_json(provider: SnapshotProvider, snapshot: Snapshot) -> None:
    ref = provider.clone(snapshot, "g-1")
    for kind, value in ((Snapshot, snapshot), (CloneRef, ref)):
        adapter = TypeAdapter(kind)
        assert adapter.validate_json(adapter.dump_json(value)) == value


def test_clone_holds_the_rows_and_is_not_the_source(
    provider: SnapshotProvider, snapshot: Snapshot, source: str
) -> None:
    ref = provider.clone(snapshot, "g-1")
    with open_clone(ref.dsn(), "g-1", database_marker=provider.database_marker) as connection:
        connection.execute("DELETE FROM rows")
    with psycopg.connect(source) as connection:
        assert connection.execute("SELECT count(*) FROM rows").fetchone() == (3,)


def test_guard_refuses_the_source_and_other_labels(
    provider: SnapshotProvider, snapshot: Snapshot, source: str
) -> None:
    ref = provider.clone(snapshot, "g-1")
    for dsn, label in ((source, "g-1"), (ref.dsn(), "g-2")):
        with pytest.raises(GuardTripped), open_clone(dsn, label, database_marker=provider.database_marker):
            pass


def test_cloning_again_makes_it_anew(provider: SnapshotProvider, snapshot: Snapshot) -> None:
    ref = provider.clone(snapshot, "g-1")
    with open_clone(ref.dsn(), "g-1", database_marker=provider.database_marker) as connection:
        connection.execute("DELETE FROM rows")
    assert _count(provider, provider.clone(snapshot, "g-1")) == 3
    assert provider.find() == ["g-1"]


def test_stop_and_start_can_be_repeated(provider: SnapshotProvider, snapshot: Snapshot) -> None:
    ref = provider.clone(snapshot, "g-1")
    for call in (provider.stop, provider.stop):
        call(ref)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(ref.dsn())
    for call in (provider.start, provider.start):
        call(ref)
    assert _count(provider, ref) == 3


def test_cleansed_and_released_clone_still_holds_the_rows(
    provider: SnapshotProvider, snapshot: Snapshot
) -> None:
    ref = provider.clone(snapshot, "g-1")
    assert isinstance(provider.cleanse(ref), tuple)
    released = provider.release(ref, "127.0.0.1", 0, "staging_of_contract")
    assert released.client_host
    assert released.client_port
    assert _count(provider, released) == 3
    if provider.database_marker:
        provider.destroy("g-1")
        with psycopg.connect(make_conninfo(ref.dsn(), dbname="postgres"), autocommit=True) as connection:
            connection.execute("DROP ROLE staging_of_contract")


def test_destroy_and_discard_can_be_repeated(provider: SnapshotProvider, snapshot: Snapshot) -> None:
    ref = provider.clone(snapshot, "g-1")
    for _ in range(2):
        provider.destroy("g-1")
        provider.destroy("never-there")
        provider.discard(snapshot.label)
    assert provider.find() == provider.find_snapshots() == []
    with pytest.raises(NotFound):
        provider.start(ref)


def test_a_target_sees_its_own_clones_and_snapshots_only(
    provider: SnapshotProvider, snapshot: Snapshot, source: str, home: Path
) -> None:
    provider.clone(snapshot, "g-1")
    target = Target(
        policy=Path("unused.yaml"),
        source=Source(dsn=source),
        snapshot=SnapshotSettings(provider=snapshot.provider),
        endpoint=EndpointSettings(service="staging", file=home / "pg_service.conf"),
    )
    another = snapshot_provider(target, "another", home)
    assert another.find() == another.find_snapshots() == []
    assert provider.find() == provider.find_snapshots() == ["g-1"]
