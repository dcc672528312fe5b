"""A small clinic with a complete target of its own, refreshed through the command line as a user would."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from click.testing import CliRunner, Result

from sanitizers.cli import cli
from sanitizers.postgres.cluster import Cluster

LEDGER = """\
CREATE TABLE flyway_schema_history (
    installed_rank integer PRIMARY KEY, version varchar(50), description varchar(200) NOT NULL,
    type varchar(20) NOT NULL, script varchar(1000) NOT NULL, checksum integer,
    installed_by varchar(100) NOT NULL, installed_on timestamp NOT NULL DEFAULT now(),
    execution_time integer NOT NULL, success boolean NOT NULL
);
"""
SCHEMA = f"""
CREATE TABLE patients (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    email text UNIQUE,
    code varchar(5),
    ward text NOT NULL DEFAULT 'A'
);
CREATE TABLE visits (id serial PRIMARY KEY, patient_id bigint NOT NULL REFERENCES patients, note text);
INSERT INTO patients (name, email, code)
SELECT 'Original Person ' || i, 'person' || i || '@northlake-mail.net', 'c' || i
FROM generate_series(1, 300) AS i;
INSERT INTO visits (patient_id, note) SELECT id, 'Original Person ' || id || ' came in.' FROM patients;
{LEDGER}"""
POLICY = """\
policy: {database}
version: 1
tables:
  public.patients:
    columns:
      id: non_identifying
      name: name.full
      email: email
      code: {category: device_id}
      ward: non_identifying
  public.visits:
    columns: {id: non_identifying, patient_id: non_identifying, note: free_text}
  public.flyway_schema_history:
    columns: {installed_rank: non_identifying, version: non_identifying, description: non_identifying,
              type: non_identifying, script: non_identifying, checksum: non_identifying,
              installed_by: non_identifying, installed_on: non_identifying,
              execution_time: non_identifying, success: non_identifying}
"""
SETTINGS = """\
home: {home}
targets:
  {database}:
    policy: policy.yaml
    source: {{dsn: "{dsn}", password: "file:{password}"}}
    endpoint: {{provider: service, service: {database}_staging, file: pg_service.conf}}
    parallel: 2
"""
MIGRATIONS = """\
    migrations: {provider: flyway, directory: migrations, ledger: public.flyway_schema_history}
"""


@dataclass(frozen=True)
class Clinic:
    """Production, settings and staging of one test."""

    folder: Path
    database: str
    production: Cluster
    home: Path

    @property
    def policy(self) -> Path:
        return self.folder / "policy.yaml"

    @property
    def settings(self) -> Path:
        return self.folder / "understudy.yaml"

    def run(self, *arguments: str) -> Result:
        """`understudy` with this clinic's settings."""
        return CliRunner().invoke(cli, ["--settings", str(self.settings), *arguments])

    def refresh(self, *more: str) -> dict[str, Any]:
        """A refresh that must come through; its JSON."""
        result = self.run("refresh", self.database, "--json", *more)
        assert result.exit_code == 0, result.output
        answer: dict[str, Any] = json.loads(result.stdout)
        return answer

    def produce(self, statement: str) -> None:
        """Runs a statement on production."""
        with psycopg.connect(self.production.dsn(self.database), autocommit=True) as connection:
            connection.execute(statement.encode())

    def staging(self, query: str) -> list[tuple[Any, ...]]:
        """Asks staging, through the endpoint, as a test engineer would."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PGSERVICEFILE", str(self.folder / "pg_service.conf"))
            with psycopg.connect(f"service={self.database}_staging") as connection:
                return connection.execute(query.encode()).fetchall()

    def edit(self, old: str, new: str) -> None:
        """Changes the policy file."""
        text = self.policy.read_text()
        assert old in text
        self.policy.write_text(text.replace(old, new))

    def configure(self, old: str, new: str) -> None:
        """Changes the settings file."""
        text = self.settings.read_text()
        assert old in text
        self.settings.write_text(text.replace(old, new))


@pytest.fixture
def clinic(production18: Cluster, home: Path, tmp_path: Path) -> Iterator[Clinic]:
    yield from _filled(target(production18, home, tmp_path, POLICY))


@pytest.fixture
def clinic16(production16: Cluster, home: Path, tmp_path: Path) -> Iterator[Clinic]:
    """The same on a server that knows no incremental backups."""
    yield from _filled(target(production16, home, tmp_path, POLICY))


def _filled(made: Iterator[Clinic]) -> Iterator[Clinic]:
    clinic = next(made)
    clinic.produce(SCHEMA)
    yield clinic
    next(made, None)


def target(
    production: Cluster, home: Path, folder: Path, policy: str, *, migrations: bool = True
) -> Iterator[Clinic]:
    """An empty database on production with role, policy and settings; gone at the iterator's second step."""
    database = f"clinic_{uuid4().hex[:8]}"
    with psycopg.connect(production.dsn(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {database}".encode())
        connection.execute(f"CREATE ROLE {database} LOGIN REPLICATION PASSWORD 'right'".encode())
    clinic = Clinic(folder, database, production, home)
    (folder / "password").write_text("right")
    (folder / "migrations").mkdir()
    dsn = f"host=127.0.0.1 port={production.port} user={database} dbname={database}"
    values = {"home": home, "database": database, "dsn": dsn, "password": folder / "password"}
    clinic.policy.write_text(policy.replace("{database}", database))
    clinic.settings.write_text(SETTINGS.format(**values) + (MIGRATIONS if migrations else ""))
    yield clinic
    clinic.run("destroy", database, "--all", "--yes")
    with psycopg.connect(production.dsn(), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {database} (FORCE)".encode())
        connection.execute(f"DROP OWNED BY {database}".encode())
        connection.execute(f"DROP ROLE {database}".encode())
