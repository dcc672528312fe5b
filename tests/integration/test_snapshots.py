"""Snapshots of real servers and clones of them: full, incremental, sealed, released, destroyed, bad days."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from sanitizers.errors import (
    DiskShort,
    GuardTripped,
    NotFound,
    ServerMissing,
    SettingsInvalid,
    SourceRefused,
    SourceUnreachable,
    WrongState,
)
from sanitizers.postgres import files, postmaster
from sanitizers.postgres.binaries import find_binaries
from sanitizers.postgres.cluster import Cluster, create_cluster
from sanitizers.postgres.connection import open_clone
from sanitizers.settings import EndpointSettings, SnapshotSettings, Source, Target
from sanitizers.snapshots import snapshot_provider
from sanitizers.snapshots.base import CloneRef, SnapshotProvider

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Production:
    """A production database with a hundred rows, and the role Understudy copies it as."""

    cluster: Cluster
    database: str
    role: str

    def execute(self, command: str) -> None:
        with psycopg.connect(self.cluster.dsn(self.database), autocommit=True) as connection:
            connection.execute(command.encode())

    def target(self, home: Path, *, provider: str = "basebackup", **changes: str) -> Target:
        parts = {
            "host": "127.0.0.1",
            "port": str(self.cluster.port),
            "user": self.role,
            "dbname": self.database,
        }
        (home / "password").write_text("secret\n")
        return Target(
            policy=Path("unused.yaml"),
            source=Source(dsn=make_conninfo(**{**parts, **changes}), password=f"file:{home / 'password'}"),
            snapshot=SnapshotSettings(provider=provider),
            endpoint=EndpointSettings(service="staging", file=home / "pg_service.conf"),
        )

    def provider(self, home: Path, **changes: str) -> SnapshotProvider:
        return snapshot_provider(self.target(home, **changes), "hospital", home)


def _production(cluster: Cluster) -> Iterator[Production]:
    number = next(_numbers)
    production = Production(cluster, f"hospital_{number}", f"understudy_{number}")
    admin = replace(production, database="postgres")
    admin.execute(f"CREATE DATABASE {production.database}")
    admin.execute(f"CREATE ROLE {production.role} LOGIN REPLICATION PASSWORD 'secret'")
    production.execute(
        "CREATE TABLE patients AS SELECT id, md5(id::text) AS name FROM generate_series(1, 100) id"
    )
    yield production
    admin.execute(f"DROP DATABASE {production.database} WITH (FORCE)")
    admin.execute(f"DROP ROLE {production.role}")


@pytest.fixture
def production(production18: Cluster) -> Iterator[Production]:
    yield from _production(production18)


@pytest.fixture
def production_16(production16: Cluster) -> Iterator[Production]:
    yield from _production(production16)


def _patients(ref: CloneRef) -> int:
    with open_clone(ref.dsn(), ref.label) as connection:
        row = connection.execute("SELECT count(*) FROM patients").fetchone()
    assert row
    return int(row[0])


def test_full_snapshot_and_clone(production: Production, home: Path) -> None:
    provider = production.provider(home)
    snapshot = provider.create("hospital-1", None)
    ref = provider.clone(snapshot, "hospital-1")

    assert snapshot.kind == "full"
    assert snapshot.database == production.database
    assert snapshot.superuser == "postgres"
    assert snapshot.version // 10000 == 18
    assert snapshot.bytes > 10_000_000
    assert snapshot.taken_at.tzinfo is not None
    assert snapshot.lsn.count("/") == 1
    assert _patients(ref) == 100
    assert provider.find() == ["hospital-1"]


def test_version_16(production_16: Production, home: Path) -> None:
    provider = production_16.provider(home)
    first = provider.create("hospital-1", None)
    second = provider.create("hospital-2", first)
    assert (first.kind, second.kind) == ("full", "full")
    ref = provider.clone(second, "hospital-2")
    provider.cleanse(ref)
    assert _patients(provider.release(ref, "127.0.0.1", 0, "staging")) == 100


def test_version_of_the_host(home: Path) -> None:
    found = next((major for major in (17, 15, 14) if _installed(major)), None)
    if found is None:
        pytest.skip("no server of version 14, 15 or 17 on this machine")
    cluster = create_cluster(home / "production", find_binaries(found), listen="127.0.0.1", durable=False)
    for production in _production(cluster):
        provider = production.provider(home)
        ref = provider.clone(provider.create("hospital-1", None), "hospital-1")
        provider.cleanse(ref)
        assert _patients(provider.release(ref, "127.0.0.1", 0, "staging")) == 100


def _installed(major: int) -> bool:
    try:
        find_binaries(major)
    except ServerMissing:
        return False
    return True


def test_incremental_snapshot_holds_what_was_added(production: Production, home: Path) -> None:
    provider = production.provider(home)
    first = provider.create("hospital-1", None)
    production.execute("INSERT INTO patients SELECT id, 'new' FROM generate_series(101, 150) id")
    second = provider.create("hospital-2", first)
    provider.discard(first.label)
    production.execute("DELETE FROM patients WHERE id <= 10")
    third = provider.create("hospital-3", second)

    assert (second.kind, second.parent) == ("incremental", "hospital-1")
    assert (third.kind, third.parent) == ("incremental", "hospital-2")
    assert third.bytes < first.bytes
    assert _patients(provider.clone(second, "hospital-2")) == 150
    assert _patients(provider.clone(third, "hospital-3")) == 140
    assert sorted(path.name for path in (home / "snapshots" / "hospital").iterdir()) == [
        "hospital-2",
        "hospital-3",
    ]


def test_full_is_taken_where_an_increment_cannot_be(production: Production, home: Path) -> None:
    provider = production.provider(home)
    first = provider.create("hospital-1", None)
    assert provider.create("hospital-2", first, full=True).kind == "full"
    assert provider.create("hospital-3", replace(first, system_identifier="1")).kind == "full"
    assert provider.create("hospital-4", replace(first, location=str(home / "gone"))).kind == "full"
    # A base that claims another position than the server can reach back to.
    manifest = Path(first.location) / "backup_manifest"
    manifest.write_bytes(manifest.read_bytes().replace(b'"Timeline": 1', b'"Timeline": 7'))
    fallen_back = provider.create("hospital-5", first)
    assert (fallen_back.kind, fallen_back.parent) == ("full", "")


def test_taking_the_same_snapshot_again_builds_on_itself(production: Production, home: Path) -> None:
    provider = production.provider(home)
    first = provider.create("hospital-1", None)
    production.execute("INSERT INTO patients VALUES (101, 'new')")
    again = provider.create("hospital-1", first)
    assert again.location == first.location
    assert _patients(provider.clone(again, "hospital-1")) == 101


def test_clone_is_sealed(production: Production, home: Path) -> None:
    admin = replace(production, database="postgres")
    admin.execute("ALTER SYSTEM SET log_statement = 'all'")
    try:
        provider = production.provider(home)
        ref = provider.clone(provider.create("hospital-1", None), "hospital-1")
    finally:
        admin.execute("ALTER SYSTEM RESET log_statement")
    with open_clone(ref.dsn(), ref.label) as connection:
        shown = {
            name: connection.execute(sql.SQL("SHOW {}").format(sql.Identifier(name))).fetchone()
            for name in ("listen_addresses", "archive_mode", "log_statement", "max_wal_senders", "fsync")
        }
    assert {name: row and row[0] for name, row in shown.items()} == {
        "listen_addresses": "",
        "archive_mode": "off",
        "log_statement": "none",
        "max_wal_senders": "0",
        "fsync": "off",
    }
    assert (ref.client_host, ref.client_port) == ("", 0)
    assert Path(ref.host).stat().st_mode & 0o777 == 0o700
    assert Path(ref.location).stat().st_mode & 0o777 == 0o700
    assert (home / "clones").stat().st_mode & 0o777 == 0o700
    with pytest.raises(psycopg.OperationalError, match=r"pg_hba\.conf"):
        psycopg.connect(make_conninfo(ref.dsn(), user=production.role, password="secret"))


def test_sessions_of_a_clone_start_as_productions_do(production: Production, home: Path) -> None:
    admin = replace(production, database="postgres")
    admin.execute("ALTER SYSTEM SET timezone = 'America/Lima'")
    admin.execute("SELECT pg_reload_conf()")
    provider = production.provider(home)
    ref = provider.clone(provider.create("hospital-1", None), "hospital-1")
    admin.execute("ALTER SYSTEM RESET timezone")
    admin.execute("SELECT pg_reload_conf()")
    for release in (lambda ref: ref, lambda ref: provider.release(ref, "127.0.0.1", 0, "staging")):
        clone = release(ref)
        with open_clone(clone.dsn(), clone.label) as connection:
            assert connection.execute("SHOW timezone").fetchone() == ("America/Lima",)


def test_configuration_logs_and_keys_of_production_stay_behind(production: Production, home: Path) -> None:
    stray = production.cluster.data / "log"
    stray.mkdir(exist_ok=True)
    (stray / "postgresql.log").write_text("a statement with a value")
    os.chown(stray, production.cluster.data.stat().st_uid, -1)
    os.chown(stray / "postgresql.log", production.cluster.data.stat().st_uid, -1)
    provider = production.provider(home)
    ref = provider.clone(provider.create("hospital-1", None), "hospital-1")
    names = {entry.name for entry in Path(ref.location).iterdir()}
    assert not names & {"log", "postgresql.conf", "pg_hba.conf", "backup_manifest", "postgresql.auto.conf"}


def test_prepared_transactions_of_production_are_recovered(home: Path) -> None:
    cluster = create_cluster(
        home / "production",
        find_binaries(18, home=home),
        listen="127.0.0.1",
        durable=False,
        settings={"max_prepared_transactions": 3},
    )
    for production in _production(cluster):
        production.execute("BEGIN; INSERT INTO patients VALUES (101, 'pending'); PREPARE TRANSACTION 'open'")
        provider = production.provider(home)
        ref = provider.clone(provider.create("hospital-1", None), "hospital-1")
        with open_clone(ref.dsn(), ref.label) as connection:
            assert connection.execute("SELECT gid FROM pg_prepared_xacts").fetchall() == [("open",)]
        production.execute("ROLLBACK PREPARED 'open'")


def test_guard_knows_a_clone_from_production_and_from_other_clones(
    production: Production, home: Path
) -> None:
    provider = production.provider(home)
    ref = provider.clone(provider.create("hospital-1", None), "hospital-1")
    with pytest.raises(GuardTripped), open_clone(ref.dsn(), "hospital-2"):
        pass
    with pytest.raises(GuardTripped), open_clone(production.cluster.dsn(production.database), "hospital-1"):
        pass


def test_cleanse_leaves_no_trace_in_wal_statistics_and_log(production: Production, home: Path) -> None:
    provider = production.provider(home)
    ref = provider.clone(provider.create("hospital-1", None), "hospital-1")
    canary = "canary-7f3a"
    with open_clone(ref.dsn(), ref.label) as connection:
        connection.execute("CREATE TABLE trace (value text)")
        connection.execute("SELECT pg_logical_emit_message(false, 'trace', %s)", [canary])
        connection.execute("INSERT INTO trace VALUES (%s)", [canary])
        connection.execute("DROP TABLE trace")

    removed = provider.cleanse(ref)

    assert "pg_wal" in removed
    for path in Path(ref.location).parent.rglob("*"):
        if path.is_file() and not path.is_symlink():
            assert canary.encode() not in path.read_bytes(), path
    assert _patients(ref) == 100


def test_release_is_durable_and_lets_one_role_in(production: Production, home: Path) -> None:
    provider = production.provider(home)
    ref = provider.clone(provider.create("hospital-1", None), "hospital-1")
    with open_clone(ref.dsn(), ref.label) as connection:
        connection.execute("CREATE ROLE release_tester LOGIN PASSWORD 'open sesame'")
        connection.execute("GRANT ALL ON patients TO release_tester")

    released = provider.release(ref, "127.0.0.1", 0, "release_tester")

    client = make_conninfo(
        host=released.client_host, port=released.client_port, dbname=released.database, user="release_tester"
    )
    with psycopg.connect(client, password="open sesame") as connection:
        connection.execute("INSERT INTO patients VALUES (101, 'made in staging')")
    for user, password in (("release_tester", "wrong"), (production.role, "secret"), ("postgres", "")):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(make_conninfo(client, user=user, password=password))
    postmaster.stop_server(Path(released.location), immediate=True)
    provider.start(released)
    assert _patients(released) == 101
    with open_clone(released.dsn(), released.label) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
        assert connection.execute("SHOW autovacuum").fetchone() == ("on",)
    again = provider.release(released, "127.0.0.1", released.client_port, "release_tester")
    assert again == released


def test_released_clone_is_not_made_anew(production: Production, home: Path) -> None:
    provider = production.provider(home)
    snapshot = provider.create("hospital-1", None)
    provider.release(provider.clone(snapshot, "hospital-1"), "127.0.0.1", 0, "staging")
    with pytest.raises(WrongState):
        provider.clone(snapshot, "hospital-1")
    assert provider.find() == ["hospital-1"]


def test_clones_of_one_snapshot_are_independent(production: Production, home: Path) -> None:
    provider = production.provider(home)
    snapshot = provider.create("hospital-1", None)
    one, two = provider.clone(snapshot, "hospital-1"), provider.clone(snapshot, "hospital-1-original")
    with open_clone(one.dsn(), one.label) as connection:
        connection.execute("DELETE FROM patients")
    assert (_patients(one), _patients(two)) == (0, 100)
    provider.stop(one)
    provider.start(one)
    assert _patients(one) == 0


def test_destroy_is_complete_and_can_be_repeated(production: Production, home: Path) -> None:
    provider = production.provider(home)
    snapshot = provider.create("hospital-1", None)
    ref = provider.clone(snapshot, "hospital-1")
    data = Path(ref.location)
    provider.destroy("hospital-1")
    provider.destroy("hospital-1")
    assert provider.find() == []
    assert not data.exists()
    assert not Path(ref.host).exists()
    with pytest.raises(NotFound):
        provider.start(ref)
    provider.discard(snapshot.label)
    provider.discard(snapshot.label)
    assert not Path(snapshot.location).exists()
    with pytest.raises(NotFound):
        provider.clone(snapshot, "hospital-1")


def test_half_made_clone_is_found_made_anew_and_destroyed(production: Production, home: Path) -> None:
    provider = production.provider(home)
    snapshot = provider.create("hospital-1", None)
    half = home / "clones" / "hospital" / "hospital-1.partial"
    (half / "data" / "base").mkdir(parents=True)
    assert provider.find() == ["hospital-1"]
    assert _patients(provider.clone(snapshot, "hospital-1")) == 100
    assert not half.exists()
    (half / "data").mkdir(parents=True)
    provider.destroy("hospital-1")
    assert provider.find() == []


def test_leftovers_of_a_crashed_snapshot_are_removed_by_the_next(production: Production, home: Path) -> None:
    provider = production.provider(home)
    provider.create("hospital-1", None)
    left = home / "snapshots" / "hospital" / "hospital-0.partial"
    left.mkdir()
    provider.create("hospital-2", None)
    assert not left.exists()


def test_names_that_lead_elsewhere_are_refused(production: Production, home: Path) -> None:
    provider = production.provider(home)
    for label in ("../control", "", "a/b", ".."):
        with pytest.raises(SettingsInvalid):
            provider.destroy(label)


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"port": "1"}, SourceUnreachable, "does not answer"),
        ({"user": "nobody_known"}, SourceRefused, "wrong password"),
        ({"dbname": "no_such_database"}, SourceRefused, "no such database"),
    ],
)
def test_source_that_cannot_be_reached(
    production: Production, home: Path, changes: dict[str, str], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said) as caught:
        production.provider(home, **changes).create("hospital-1", None)
    assert "secret" not in str(caught.value)


def test_wrong_password(production: Production, home: Path) -> None:
    provider = production.provider(home)
    (home / "password").write_text("canary-wrong\n")
    with pytest.raises(SourceRefused, match="password") as caught:
        provider.create("hospital-1", None)
    assert caught.value.exit_code == 21
    assert "canary" not in str(caught.value)


def test_role_without_replication(production: Production, home: Path) -> None:
    production.execute(f"ALTER ROLE {production.role} NOREPLICATION")
    with pytest.raises(SourceRefused, match="REPLICATION") as caught:
        production.provider(home).create("hospital-1", None)
    assert f"ALTER ROLE {production.role} REPLICATION" in caught.value.hint


def test_source_that_lets_nobody_replicate(home: Path) -> None:
    cluster = create_cluster(
        home / "production",
        find_binaries(18, home=home),
        listen="127.0.0.1",
        durable=False,
        settings={"max_wal_senders": 0, "wal_level": "minimal", "summarize_wal": False},
    )
    for production in _production(cluster):
        with pytest.raises(SourceRefused, match="streamed") as caught:
            production.provider(home).create("hospital-1", None)
        assert "wal_level = replica" in caught.value.hint


def test_extension_that_is_not_installed_here(
    production: Production, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sanitizers.postgres.binaries._share", lambda folder: home / "nothing")
    with pytest.raises(ServerMissing, match="plpgsql"):
        production.provider(home).create("hospital-1", None)


def test_server_of_a_version_without_binaries(
    production: Production, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sanitizers.postgres.binaries._candidates", lambda extra: [])
    with pytest.raises(ServerMissing, match="PostgreSQL 18"):
        production.provider(home).create("hospital-1", None)


def test_tablespaces_are_refused_by_name(home: Path) -> None:
    cluster = create_cluster(
        home / "production", find_binaries(18, home=home), listen="127.0.0.1", durable=False
    )
    place = home / "space"
    place.mkdir(mode=0o700)
    os.chown(place, cluster.data.stat().st_uid, -1)
    for production in _production(cluster):
        production.execute(f"CREATE TABLESPACE archive_disk LOCATION '{place}'")
        with pytest.raises(SourceRefused, match="archive_disk"):
            production.provider(home).create("hospital-1", None)
        production.execute("DROP TABLESPACE archive_disk")


def test_disk_without_room(production: Production, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "room", lambda folder: 1000)
    with pytest.raises(DiskShort, match="free") as caught:
        production.provider(home).create("hospital-1", None)
    assert caught.value.exit_code == 23


def test_disk_that_fills_up_leaves_nothing_behind(
    production: Production, reflink_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "require_room", lambda folder, needed: None)
    filler = reflink_home / "filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, files.room(reflink_home) - 20 * 2**20)
    with pytest.raises(DiskShort):
        production.provider(reflink_home).create("hospital-1", None)
    assert list((reflink_home / "snapshots" / "hospital").iterdir()) == []


def test_copies_share_blocks_where_the_file_system_can(production: Production, reflink_home: Path) -> None:
    production.execute(
        "CREATE TABLE bulk AS SELECT id, repeat('x', 1000) AS text FROM generate_series(1, 60000) id"
    )
    provider = production.provider(reflink_home)
    first = provider.create("hospital-1", None)
    assert first.copy_on_write
    _sync(reflink_home)
    with_snapshot = files.room(reflink_home)
    ref = provider.clone(first, "hospital-1")
    _sync(reflink_home)
    # A copy would take all of it again; what a running server writes of its own is mostly one WAL segment.
    assert with_snapshot - files.room(reflink_home) < first.bytes / 3
    assert _patients(ref) == 100

    with_clone = files.room(reflink_home)
    second = provider.create("hospital-2", first)
    _sync(reflink_home)
    assert second.kind == "incremental"
    assert with_clone - files.room(reflink_home) < first.bytes / 2


def _sync(folder: Path) -> None:
    os.sync()
    assert folder.is_dir()


def test_plain_copies_are_called_so(production: Production, home: Path) -> None:
    if files.shares_blocks(home):
        pytest.skip("the temporary folder shares blocks here")
    assert not production.provider(home).create("hospital-1", None).copy_on_write


def _beside(production: Production, home: Path) -> SnapshotProvider:
    """The template provider, entering by socket as superuser: without a password."""
    parts = conninfo_to_dict(production.cluster.dsn(production.database))
    target = production.target(home, provider="template", **{key: str(value) for key, value in parts.items()})
    source = target.source.model_copy(update={"password": None})
    return snapshot_provider(target.model_copy(update={"source": source}), production.database, home)


def _patients_beside(ref: CloneRef) -> int:
    with open_clone(ref.dsn(), ref.label, database_marker=True) as connection:
        row = connection.execute("SELECT count(*) FROM patients").fetchone()
    assert row
    return int(row[0])


@pytest.mark.parametrize("version", ["production", "production_16"])
def test_template_from_snapshot_to_destruction(
    request: pytest.FixtureRequest, home: Path, version: str
) -> None:
    production: Production = request.getfixturevalue(version)
    provider = _beside(production, home)
    assert provider.database_marker
    snapshot = provider.create("hospital-1", None)
    ref = provider.clone(snapshot, "hospital-1")
    assert (snapshot.kind, snapshot.provider, ref.provider) == ("full", "template", "template")
    assert _patients_beside(ref) == 100
    assert provider.find() == ["hospital-1"]
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        _connect(production, ref, production.role)
    with pytest.raises(psycopg.OperationalError, match="not currently accepting"):
        psycopg.connect(production.cluster.dsn(snapshot.location))

    assert provider.cleanse(ref) == ()
    released = provider.release(ref, "127.0.0.1", 0, production.role)
    assert (released.client_host, released.client_port) == (ref.host, ref.port)
    _connect(production, ref, production.role).close()
    provider.stop(ref)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(ref.dsn())
    provider.start(ref)
    assert _patients_beside(ref) == 100

    for _ in range(2):
        provider.destroy("hospital-1")
        provider.discard(snapshot.label)
    assert provider.find() == []
    with pytest.raises(NotFound):
        provider.start(ref)


def _connect(production: Production, ref: CloneRef, role: str) -> psycopg.Connection[tuple[object, ...]]:
    place = make_conninfo(host="127.0.0.1", port=production.cluster.port, dbname=ref.database)
    return psycopg.connect(place, user=role, password="secret")


def test_template_does_not_drop_what_is_not_ours(production: Production, home: Path) -> None:
    provider = _beside(production, home)
    ref = provider.clone(provider.create("hospital-1", None), "hospital-1")
    with psycopg.connect(production.cluster.dsn(), autocommit=True) as connection:
        name = sql.Identifier(ref.database)
        connection.execute(sql.SQL("COMMENT ON DATABASE {} IS 'somebody elses'").format(name))
        for call in (lambda: provider.destroy("hospital-1"), lambda: provider.start(ref)):
            with pytest.raises(GuardTripped):
                call()
        # Its making was cut short before it got its marker.
        connection.execute(sql.SQL("COMMENT ON DATABASE {} IS NULL").format(name))
    assert provider.find() == ["hospital-1"]
    provider.destroy("hospital-1")
    provider.discard("hospital-1")
    assert provider.find() == []


def test_template_while_sessions_use_the_source(production: Production, home: Path) -> None:
    provider = _beside(production, home)
    session = psycopg.connect(production.cluster.dsn(production.database))
    with session, pytest.raises(SourceRefused, match="other sessions"):
        provider.create("hospital-1", None)


def test_template_with_a_password_in_the_settings_is_refused(production: Production, home: Path) -> None:
    with pytest.raises(SettingsInvalid, match="without a password"):
        production.provider(home, provider="template").create("hospital-1", None)


def test_unknown_provider_names_the_nearest(production: Production, home: Path) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        production.provider(home, provider="basebakcup")
    assert "did you mean basebackup?" in caught.value.hint
    assert caught.value.where == "targets.hospital.snapshot.provider"
