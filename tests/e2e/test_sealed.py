"""Sealed and cut off: no way into a clone but the runner's, and none out of it, in mid-scrub and released."""

from __future__ import annotations

import os
import pwd
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import errors, sql
from psycopg.conninfo import make_conninfo

from sanitizers.postgres import account
from sanitizers.postgres.binaries import find_binaries
from sanitizers.postgres.cluster import Cluster, create_cluster
from sanitizers.stages import scrub
from tests.conftest import passable_folder, unavailable
from tests.e2e.conftest import POLICY, SCHEMA, Clinic, target

LOGGED = {"log_connections": True, "log_replication_commands": True}
OWN_FILES = {
    *("postgresql.conf", "postgresql.auto.conf", "pg_hba.conf", "pg_ident.conf"),
    *("server.key", "server.crt", "standby.signal", "recovery.signal", "log"),
}
"""What a data directory of production holds and a clone must not."""

# The database of the clinic hangs on the publisher, keeps secrets in settings, and has a table elsewhere.
WIRED = """
CREATE TABLE prices (id int PRIMARY KEY, price int);
CREATE SUBSCRIPTION feed CONNECTION '{publisher}' PUBLICATION prices;
CREATE PUBLICATION outgoing FOR TABLE patients;
CREATE FOREIGN DATA WRAPPER anything;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER anything OPTIONS (host 'production.invalid');
CREATE FOREIGN TABLE orders (id int, note text) SERVER elsewhere;
CREATE VIEW open_orders AS SELECT id FROM orders;
ALTER ROLE {database} SET app.token = 'sesame';
ALTER SYSTEM SET primary_conninfo = 'host=production.invalid password=sesame';
CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;
CREATE EVENT TRIGGER watched ON ddl_command_end EXECUTE FUNCTION watch();
ALTER EVENT TRIGGER watched ENABLE ALWAYS;
"""
RULES = """\
  public.prices: {columns: {id: non_identifying, price: non_identifying}}
  public.orders: {columns: {id: non_identifying, note: non_identifying}}
"""


@pytest.fixture(params=[18, pytest.param(16, marks=pytest.mark.exhaustive)])
def wired(request: pytest.FixtureRequest, home: Path, tmp_path: Path) -> Iterator[tuple[Clinic, Cluster]]:
    """A clinic whose production subscribes to another server and has all kinds of wires; and that server."""
    with passable_folder() as folder:
        binaries = find_binaries(request.param)
        logical = {**LOGGED, "wal_level": "logical"}
        publisher = create_cluster(folder / "publisher", binaries, settings=logical, durable=False)
        with psycopg.connect(publisher.dsn(), autocommit=True) as connection:
            connection.execute("CREATE TABLE prices (id int PRIMARY KEY, price int)")
            connection.execute(
                "INSERT INTO prices VALUES (1, 100); CREATE PUBLICATION prices FOR TABLE prices"
            )
        origins = {"max_replication_slots": 30} | (
            {"max_active_replication_origins": 30} if request.param > 17 else {}
        )
        production = create_cluster(
            folder / "production", binaries, settings=LOGGED | origins, listen="127.0.0.1", durable=False
        )
        for name in ("server.key", "server.crt"):
            account.write(production.data / name, "a secret")
        made = target(production, home, tmp_path, POLICY + RULES, migrations=False)
        clinic = next(made)
        clinic.produce(SCHEMA)
        clinic.produce("DROP TABLE flyway_schema_history")
        text = clinic.policy.read_text()
        clinic.policy.write_text(
            re.sub(r"  public.flyway.*?success: non_identifying}\n", "", text, flags=re.S)
        )
        wires = WIRED.format(publisher=publisher.dsn(), database=clinic.database)
        for statement in filter(str.strip, wires.split(";\n")):
            clinic.produce(statement)
        # More than a server has room for as it comes: it must still be able to start from the copy.
        for number in range(12):
            clinic.produce(f"SELECT pg_replication_origin_create('far_{number}')")
            clinic.produce(f"SELECT pg_replication_origin_advance('far_{number}', '0/1')")
        yield clinic, publisher
        clinic.produce("ALTER EVENT TRIGGER watched DISABLE")
        clinic.produce("DROP SUBSCRIPTION feed")
        next(made, None)


def eventually(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not true():
        assert time.monotonic() < until
        time.sleep(0.05)


def connections(cluster: Cluster) -> list[str]:
    """What the server's log says about everybody who has come in, but the tests' own sessions."""
    log = cluster.log.read_text(errors="replace")
    found = re.findall(r"connection authorized: (.*)", log)
    return [said for said in found if "application_name=test" not in said]


@contextmanager
def in_mid_scrub(do: Callable[[], None]) -> Iterator[list[int]]:
    """Has `do` done once, between the first table's rewrite and the next; how often it was, in a list."""
    rewrite, times = scrub.rewrite_table, list[int]()

    def rewrite_and_more(*arguments: Any) -> Any:
        made = rewrite(*arguments)
        if not times:
            times.append(1)
            do()
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scrub, "rewrite_table", rewrite_and_more)
        yield times


def clone_of(clinic: Clinic) -> Cluster:
    """The one clone there is."""
    (data,) = clinic.home.glob("**/clones/**/data")
    return Cluster(data.parent, clinic.production.binaries)


def listening() -> set[tuple[str, int]]:
    """Every TCP address that somebody on this machine listens at."""
    found = set()
    for family, address in (("tcp", "127.0.0.1"), ("tcp6", "::1")):
        path = Path(f"/proc/net/{family}")
        for line in path.read_text().splitlines()[1:] if path.exists() else ():
            _, local, _, state, *_ = line.split()
            if state == "0A":
                found.add((address, int(local.rpartition(":")[2], 16)))
    return found


def refused(dsn: str, **how: Any) -> None:
    """Nobody is let in this way, whoever listens there."""
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(dsn, connect_timeout=3, **how).close()


def nobody_else_gets_in(clinic: Clinic) -> None:
    clone = clone_of(clinic)
    # The sixth line of the pid file is the first address the server listens at.
    assert (clone.data / "postmaster.pid").read_text().splitlines()[5].strip() == ""
    sockets = clone.socket_dir
    assert sorted(path.name for path in sockets.iterdir()) == [".s.PGSQL.5432", ".s.PGSQL.5432.lock"]
    for folder in (sockets, clone.directory, clone.data):
        assert folder.stat().st_mode & 0o777 == 0o700
    assert (sockets / ".s.PGSQL.5432").stat().st_mode & 0o777 == 0o700
    for host, port in listening():
        name = _served_at(host, port, clinic.database)
        assert name is None or clinic.database not in name
    at = {"host": str(sockets), "port": 5432, "dbname": clinic.database}
    refused(make_conninfo(**at, user=clinic.database, password="right"))
    refused(make_conninfo(**at, user="staging", password="right"))
    refused(make_conninfo(**at, user="postgres", replication="true"))
    refused(make_conninfo(**at, user="postgres", replication="database"))
    for user in ("daemon", "tester"):
        _is_kept_out(user, clone)
    # Somebody who got past both directories would still be told no: peer knows who asks.
    _is_no_peer(clone, clinic.database)


def _served_at(host: str, port: int, database: str) -> str | None:
    """Name of the server that lets production's role in there, if one does."""
    try:
        with psycopg.connect(
            host=host, port=port, user=database, password="right", dbname=database, connect_timeout=2
        ) as connection:
            row = connection.execute("SHOW cluster_name").fetchone()
            return str(row[0]) if row else ""
    except psycopg.Error:
        return None


def _as(user: str, *command: str | Path) -> subprocess.CompletedProcess[str]:
    who = {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}
    words = [str(word) for word in command]
    return subprocess.run(words, capture_output=True, text=True, check=False, cwd="/", **who)  # type: ignore[call-overload,no-any-return]


def _is_kept_out(user: str, clone: Cluster) -> None:
    if os.geteuid() != 0:
        unavailable("trying as another user takes root")
    psql = clone.binaries.path("psql")
    asked = _as(user, psql, clone.dsn(), "-c", "SELECT 1")
    assert asked.returncode != 0
    assert "Permission denied" in asked.stderr
    for command in (("ls", clone.data), ("cat", clone.data / "PG_VERSION"), ("ls", clone.socket_dir)):
        looked = _as(user, *command)
        assert looked.returncode != 0
        assert "Permission denied" in looked.stderr


def _is_no_peer(clone: Cluster, database: str) -> None:
    clone.socket_dir.chmod(0o711)
    socket = clone.socket_dir / ".s.PGSQL.5432"
    socket.chmod(0o777)
    try:
        asked = _as("daemon", clone.binaries.path("psql"), clone.dsn(database), "-c", "SELECT 1")
        assert "Peer authentication failed" in asked.stderr
    finally:
        socket.chmod(0o700)
        clone.socket_dir.chmod(0o700)


def it_reaches_nobody(clinic: Clinic) -> None:
    clone = clone_of(clinic)
    assert OWN_FILES.isdisjoint(path.name for path in clone.data.iterdir())
    with psycopg.connect(clone.dsn(clinic.database), application_name="test") as connection:
        asked = {
            name: connection.execute(sql.SQL("SHOW {}").format(sql.Identifier(name))).fetchone()
            for name in ("max_wal_senders", "max_logical_replication_workers", "wal_level", "archive_mode",
                         "primary_conninfo", "restore_command", "archive_command", "shared_preload_libraries")
        }  # fmt: skip
        assert [row[0] for row in asked.values() if row] == [
            "0",
            "0",
            "minimal",
            "off",
            "",
            "",
            "(disabled)",
            "",
        ]
        for catalog in ("pg_subscription", "pg_replication_slots", "pg_foreign_server", "pg_foreign_table"):
            assert connection.execute(f"SELECT count(*) FROM {catalog}".encode()).fetchone() == (0,)
        workers = "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'logical%'"
        assert connection.execute(workers).fetchone() == (0,)
        left = connection.execute("SELECT unnest(setconfig) FROM pg_db_role_setting").fetchall()
        assert left == []


def test_a_night_with_every_wire_is_sealed_cut_off_and_released(wired: tuple[Clinic, Cluster]) -> None:
    clinic, publisher = wired
    eventually(lambda: _prices(clinic) == [(1, 100)])
    before, production = connections(publisher), len(connections(clinic.production))

    def look() -> None:
        nobody_else_gets_in(clinic)
        it_reaches_nobody(clinic)
        _publish(publisher, 2)

    with in_mid_scrub(look) as times:
        clinic.refresh()
    assert times == [1]
    it_reaches_nobody(clinic)

    _publish(publisher, 3)
    eventually(lambda: _prices(clinic) == [(1, 100), (2, 200), (3, 300)])
    assert clinic.staging("SELECT id FROM prices") == [(1,)]
    assert clinic.staging("SELECT count(*) FROM open_orders") == [(0,)]
    # Nobody else has come to the publisher, and to production only those who took the copy.
    assert before
    assert connections(publisher) == before
    came = connections(clinic.production)[production:]
    attempts = [said for said in came if "application_name=" in said]
    assert {said.split("application_name=")[1].split()[0] for said in attempts} <= {
        "understudy",
        "pg_basebackup",
    }
    _staging_is_let_in_and_not_out(clinic)


def _prices(clinic: Clinic) -> list[tuple[Any, ...]]:
    with psycopg.connect(clinic.production.dsn(clinic.database), application_name="test") as connection:
        return connection.execute("SELECT * FROM prices ORDER BY id").fetchall()


def _publish(publisher: Cluster, number: int) -> None:
    with psycopg.connect(publisher.dsn(), autocommit=True, application_name="test") as connection:
        connection.execute("INSERT INTO prices VALUES (%s, %s)", [number, number * 100])
        (senders,) = connection.execute("SELECT count(*) FROM pg_stat_replication").fetchone() or (None,)
        assert senders == 1


def _staging_is_let_in_and_not_out(clinic: Clinic) -> None:
    clone = clone_of(clinic)
    at = {"host": "127.0.0.1", "port": clone.port, "dbname": clinic.database}
    for user in (clinic.database, "postgres"):
        refused(make_conninfo(**at, user=user, password="right"))
    refused(make_conninfo(**at, user="staging", password="right"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGSERVICEFILE", str(clinic.folder / "pg_service.conf"))
        refused(f"service={clinic.database}_staging replication=database")
        with psycopg.connect(f"service={clinic.database}_staging", autocommit=True) as connection:
            for way in (
                "CREATE SUBSCRIPTION s CONNECTION 'dbname=shop' PUBLICATION p WITH (connect = false)",
                "CREATE SERVER s FOREIGN DATA WRAPPER anything",
                "COPY patients TO PROGRAM 'cat'",
                "SET ROLE postgres",
                f"SET ROLE {clinic.database}",
                "SELECT pg_read_file('PG_VERSION')",
                "ALTER SYSTEM SET listen_addresses = '*'",
                "CREATE EXTENSION dblink",
            ):
                with pytest.raises((errors.InsufficientPrivilege, errors.FeatureNotSupported)):
                    connection.execute(way.encode())
