"""The write guard, attacked on purpose: whatever is mistaken for a clone, nothing is written to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from sanitizers.errors import GuardTripped, NotFound
from sanitizers.postgres.binaries import find_binaries
from sanitizers.postgres.cluster import Cluster, create_cluster
from sanitizers.postgres.connection import marker, open_clone
from sanitizers.settings import EndpointSettings, Settings, SnapshotSettings, Source, Target
from sanitizers.snapshots import snapshot_provider
from sanitizers.snapshots.base import CloneRef, SnapshotProvider
from sanitizers.workspace import open_workspace
from tests.conftest import passable_folder

LABEL = "hospital-20261121-001"
STATE = """
SELECT pg_snapshot_xmax(pg_current_snapshot())::text,
       (SELECT array_agg((datname, datallowconn, datacl)::text ORDER BY oid) FROM pg_database),
       (SELECT array_agg(rolname::text ORDER BY oid) FROM pg_roles),
       (SELECT array_agg(ctid::text || xmin || xmax || name ORDER BY ctid) FROM people)
"""


@dataclass(frozen=True)
class Production:
    """A server that says of itself, in every place that can be copied, that it is our clone."""

    cluster: Cluster
    database: str

    @contextmanager
    def untouched(self) -> Iterator[None]:
        """Checks after the block that not even a transaction number was used up."""
        before = self._state()
        yield
        assert self._state() == before

    def _state(self) -> tuple[object, ...] | None:
        with psycopg.connect(self.cluster.dsn(self.database)) as connection:
            return connection.execute(STATE.encode()).fetchone()


@pytest.fixture(scope="module")
def disguised(default_home: Path) -> Iterator[Cluster]:
    # Vacuum's own transactions would look like ours.
    names = {"cluster_name": marker(LABEL), "autovacuum": False}
    with passable_folder() as folder:
        binaries = find_binaries(18)
        yield create_cluster(
            folder / "production", binaries, settings=names, listen="127.0.0.1", durable=False
        )


@pytest.fixture
def production(disguised: Cluster) -> Production:
    name = f"production_{uuid4().hex[:8]}"
    with psycopg.connect(disguised.dsn(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        connection.execute(f"COMMENT ON DATABASE {name} IS '{marker(LABEL)}'".encode())
    with psycopg.connect(disguised.dsn(name)) as connection:
        connection.execute("CREATE TABLE people AS SELECT 'Ada' AS name")
    return Production(disguised, name)


def target(production: Production, home: Path, provider: str) -> Target:
    return Target(
        policy=Path("unused.yaml"),
        source=Source(dsn=production.cluster.dsn(production.database)),
        snapshot=SnapshotSettings(provider=provider),
        endpoint=EndpointSettings(service="staging", file=home / "pg_service.conf"),
    )


def provider(production: Production, home: Path, kind: str) -> SnapshotProvider:
    return snapshot_provider(target(production, home, kind), "hospital", home)


def forged(production: Production, kind: str) -> CloneRef:
    """Production's address, told as a clone's."""
    cluster = production.cluster
    return CloneRef(
        kind,
        LABEL,
        production.database if kind == "template" else str(cluster.data),
        production.database,
        "postgres",
        str(cluster.socket_dir),
        cluster.port,
        180000,
    )


def assert_refused(dsn: str, *, database_marker: bool) -> None:
    with pytest.raises(GuardTripped) as caught, open_clone(dsn, LABEL, database_marker=database_marker):
        raise AssertionError("the guard let it in")
    assert caught.value.exit_code == 50


@pytest.mark.parametrize("kind", ["basebackup", "template"])
def test_a_server_with_the_very_marker_of_this_run(production: Production, kind: str) -> None:
    ref = forged(production, kind)
    network = make_conninfo(ref.dsn(), host="127.0.0.1", user="tcp", password="right")
    with psycopg.connect(ref.dsn(), autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS tcp")
        connection.execute("CREATE ROLE tcp LOGIN SUPERUSER PASSWORD 'right'")
    with production.untouched():
        for dsn in (ref.dsn(), network):
            assert_refused(dsn, database_marker=kind == "template")


def test_a_role_that_may_not_see_where_the_server_lies(production: Production) -> None:
    with psycopg.connect(production.cluster.dsn(), autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS nobody_special")
        connection.execute("CREATE ROLE nobody_special LOGIN PASSWORD 'right'")
    dsn = make_conninfo(
        forged(production, "basebackup").dsn(), host="127.0.0.1", user="nobody_special", password="right"
    )
    with production.untouched():
        assert_refused(dsn, database_marker=False)


def test_a_production_whose_folder_bears_the_name_too(default_home: Path) -> None:
    """Everything but the private socket: over the network it might be a machine of any make."""
    with passable_folder() as folder:
        names = {"cluster_name": marker(LABEL)}
        cluster = create_cluster(
            folder / LABEL, find_binaries(18), settings=names, listen="127.0.0.1", durable=False
        )
        with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
            connection.execute("CREATE ROLE tcp LOGIN SUPERUSER PASSWORD 'right'")
        assert_refused(
            make_conninfo(cluster.dsn(), host="127.0.0.1", user="tcp", password="right"),
            database_marker=False,
        )


@pytest.mark.parametrize("step", ["start", "stop", "release"])
def test_a_marker_copied_to_production_lets_no_provider_change_it(
    production: Production, home: Path, step: str
) -> None:
    made, ref = provider(production, home, "template"), forged(production, "template")
    arguments = ("127.0.0.1", 0, "staging") if step == "release" else ()
    with production.untouched(), pytest.raises(GuardTripped, match="not the clone"):
        getattr(made, step)(ref, *arguments)


@pytest.mark.parametrize("step", ["start", "stop", "cleanse", "release"])
def test_a_clones_address_does_not_lead_a_provider_to_another_server(
    production: Production, home: Path, step: str
) -> None:
    """What it starts, stops and removes lies in its own folder, whatever the reference says."""
    made, ref = provider(production, home, "basebackup"), forged(production, "basebackup")
    arguments = ("127.0.0.1", 0, "staging") if step == "release" else ()
    with production.untouched(), pytest.raises(NotFound, match="the clone is gone"):
        getattr(made, step)(ref, *arguments)
    with production.untouched():
        made.destroy(LABEL)
    assert production.cluster.running


@pytest.mark.parametrize("kind", ["basebackup", "template"])
def test_a_source_that_bears_a_clones_name_is_not_copied(
    production: Production, home: Path, kind: str
) -> None:
    with production.untouched(), pytest.raises(GuardTripped, match="calls itself one"):
        provider(production, home, kind).create(LABEL, None)


def test_one_clone_is_not_taken_for_another(
    production18: Cluster, postgres_database: str, home: Path
) -> None:
    name = str(conninfo_to_dict(postgres_database)["dbname"])
    made = provider(Production(production18, name), home, "basebackup")
    ref = made.clone(made.create(LABEL, None), LABEL)
    other = replace(ref, label="hospital-20261121-002")
    with pytest.raises(GuardTripped), open_clone(other.dsn(), other.label):
        raise AssertionError("the guard let it in")
    with open_clone(ref.dsn(), LABEL) as connection:
        connection.execute("CREATE TABLE written (n int)")


def test_a_production_database_named_as_the_control_database(production: Production, home: Path) -> None:
    settings = Settings(
        targets={"hospital": target(production, home, "basebackup")},
        home=home,
        control=Source(dsn=production.cluster.dsn(production.database)),
    )
    with (
        production.untouched(),
        pytest.raises(GuardTripped, match="not Understudy's"),
        open_workspace(settings),
    ):
        raise AssertionError("it was taken for a control database")
