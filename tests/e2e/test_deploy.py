"""What docker-compose.yml mounts into containers, at work without any: from production to a client."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from sanitizers.cli import cli
from sanitizers.postgres.binaries import find_binaries
from sanitizers.postgres.cluster import Cluster, create_cluster
from tests.bouncer import DEPLOY, Bouncer, bouncing

CHECKOUT = DEPLOY.parent
SECRETS = ("copier", "airflow-db", "control", "staging", "endpoint")


@dataclass(frozen=True)
class Deployment:
    """The servers of the compose file and the settings that its containers have, places put in."""

    production: Cluster
    airflow_db: Cluster
    bouncer: Bouncer
    settings: Path

    def run(self, *arguments: str) -> str:
        """`understudy` with these settings, which has to succeed; what it says."""
        result = CliRunner().invoke(cli, ["--settings", str(self.settings), *arguments])
        assert result.exit_code == 0, result.output
        return result.stdout


@pytest.fixture
def deployment(home: Path) -> Iterator[Deployment]:
    secrets = home / "secrets"
    secrets.mkdir()
    for name in SECRETS:
        (secrets / name).write_text(f"secret of {name}")
    production, databases = (_server(home / name) for name in ("production", "airflow-db"))
    _script("production.sh", production, secrets)
    _script("databases.sh", databases, secrets)
    with ExitStack() as stack:
        (home / "endpoint").mkdir()
        passwords = {name: f"secret of {name}" for name in ("staging", "endpoint")}
        bouncer = stack.enter_context(bouncing(home / "endpoint", **passwords))
        places = {
            "/var/lib/understudy": str(home / "state"),
            "/var/lib/pgbouncer": str(bouncer.folder),
            "/run/secrets": str(secrets),
            "/srv/understudy/policies": str(CHECKOUT / "policies"),
            "/srv/understudy/migrations/hospital": str(CHECKOUT / "sql/demo/hospital/migrations"),
            "host=production": f"host=127.0.0.1 port={production.port}",
            "host=airflow-db": f"host=127.0.0.1 port={databases.port}",
            "host=pgbouncer port=6432": f"host=127.0.0.1 port={bouncer.port}",
            "listen: 0.0.0.0": "listen: 127.0.0.1",
        }
        settings = home / "understudy.yaml"
        settings.write_text(_replaced((DEPLOY / "understudy.yaml").read_text(), places))
        made = Deployment(production, databases, bouncer, settings)
        yield made
        made.run("destroy", "hospital", "--all", "--yes")


def _server(directory: Path) -> Cluster:
    return create_cluster(directory, find_binaries(18), listen="127.0.0.1", durable=False)


def _replaced(text: str, places: Mapping[str, str]) -> str:
    for old, new in places.items():
        assert old in text
        text = text.replace(old, new)
    return text


def _script(name: str, server: Cluster, secrets: Path) -> None:
    """Runs a script as the image of PostgreSQL does: as superuser, on the socket."""
    text = _replaced((DEPLOY / name).read_text(), {"/run/secrets": str(secrets)})
    path = f"{server.binaries.bin}{os.pathsep}{os.environ['PATH']}"
    places = {"PGHOST": str(server.socket_dir), "PGPORT": str(server.port), "PGDATA": str(server.directory)}
    subprocess.run(["sh", "-e"], input=text, text=True, env={"PATH": path, **places}, check=True)


def _fill(production: Cluster) -> str:
    """The service `production-data`."""
    with psycopg.connect(production.dsn(), autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = 'hospital'").fetchone():
            connection.execute("CREATE DATABASE hospital")
    place = {"PGHOST": str(production.socket_dir), "PGPORT": str(production.port)}
    environment = {**os.environ, **place, "PGUSER": "postgres", "PGDATABASE": "hospital"}
    command = [sys.executable, "-m", "sanitizers.demo"]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def test_the_hospital_reaches_clients_through_pgbouncer(deployment: Deployment) -> None:
    assert "1,000 patients" in _fill(deployment.production)
    assert "A day passes" in _fill(deployment.production)
    deployment.run("refresh", "hospital", "--json")
    client = deployment.bouncer.dsn("hospital", "staging")
    with psycopg.connect(client, password="secret of staging") as session:
        scrubbed = _addresses(session)
    with psycopg.connect(deployment.production.dsn("hospital")) as session:
        originals = _addresses(session)
    assert len(scrubbed) > 800
    assert not scrubbed & originals


def _addresses(session: psycopg.Connection[tuple[str]]) -> set[str]:
    found = session.execute(
        "SELECT DISTINCT email FROM clinical.patients WHERE NOT is_test AND email IS NOT NULL"
    )
    return {address for (address,) in found}


def test_the_copier_may_copy_and_nothing_else_and_each_database_has_one_owner(
    deployment: Deployment,
) -> None:
    with psycopg.connect(deployment.production.dsn()) as session:
        role = session.execute(
            "SELECT rolreplication, rolsuper, rolcreatedb, rolcreaterole FROM pg_roles"
            " WHERE rolname = 'understudy'"
        ).fetchone()
    assert role == (True, False, False, False)
    entry = "host replication understudy all scram-sha-256\n"
    assert (deployment.production.directory / "pg_hba.conf").read_text().endswith(entry)
    for name in ("airflow", "understudy"):
        secret = {"airflow": "airflow-db", "understudy": "control"}[name]
        place = f"host=127.0.0.1 port={deployment.airflow_db.port} user={name} dbname={name}"
        with psycopg.connect(place, password=f"secret of {secret}") as session:
            session.execute("CREATE TABLE ours ()")
            session.rollback()
