"""Production is only read: all that arrives there in two nights and by every command is on a list."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sanitizers.cli import cli
from sanitizers.postgres.binaries import find_binaries
from sanitizers.postgres.cluster import Cluster, create_cluster
from sanitizers.postgres.statements import statement
from tests.conftest import passable_folder
from tests.e2e.conftest import POLICY, SCHEMA, Clinic, target

SCHEMA_READ = (
    "catalog/tables", "catalog/columns", "catalog/uniques", "catalog/constraints", "catalog/sequences",
    "catalog/views", "catalog/large_objects",
)  # fmt: skip
"""What tables, columns and types there are: from the system catalogs alone."""
FILES: dict[str, tuple[str, ...]] = {
    # `refresh` and `doctor`: versions, extensions, size, and whether the role may copy.
    "understudy snapshot": ("snapshot/source",),
    # `init`.
    "understudy catalog": SCHEMA_READ,
    # `plan`, `preview` and `lint --dsn`.
    "understudy reading the catalog": SCHEMA_READ,
    # `drift`, which also reads the schema's definitions.
    "understudy comparing schemas": ("drift/session", "drift/objects", *SCHEMA_READ),
}
"""By application name: files of SQL that Understudy sends to production."""
WORDS = {
    # `drift` reads the ledger of migrations, the only table of production's that is ever selected from.
    "understudy comparing schemas": [
        "SELECT to_regclass($1)",
        'SELECT version, type, success FROM "public"."flyway_schema_history" ORDER BY installed_rank',
        "BEGIN",
        "COMMIT",
    ],
    # The copy itself. The temporary slot keeps the WAL of the copy's own time, and goes with its session.
    "pg_basebackup": [
        "SHOW data_directory_mode",
        "SHOW wal_segment_size",
        "IDENTIFY_SYSTEM",
        "BASE_BACKUP ( LABEL 'pg_basebackup base backup', PROGRESS, CHECKPOINT 'fast', WAIT #,"
        " MANIFEST 'yes', TARGET 'client')",
        "UPLOAD_MANIFEST",
        "BASE_BACKUP ( INCREMENTAL, LABEL 'pg_basebackup base backup', PROGRESS, CHECKPOINT 'fast', WAIT #,"
        " MANIFEST 'yes', TARGET 'client')",
        'CREATE_REPLICATION_SLOT "pg_basebackup_#" TEMPORARY PHYSICAL ( RESERVE_WAL)',
        'START_REPLICATION SLOT "pg_basebackup_#" #/# TIMELINE #',
    ],
}
"""What else arrives, numbers left out."""
HEARD = re.compile(
    r"(?:statement|execute [^:]+|received replication command|fastpath function call): (.*)", re.DOTALL
)
STATE = """
SELECT pg_snapshot_xmax(pg_current_snapshot())::text,
       (SELECT array_agg(rolname::text || rolconfig::text ORDER BY oid) FROM pg_roles),
       (SELECT array_agg((ctid, xmin, xmax, p.*)::text ORDER BY ctid) FROM patients p),
       (SELECT array_agg((relname, relfilenode, reltuples)::text ORDER BY oid) FROM pg_class),
       (SELECT count(*) FROM pg_replication_slots),
       (SELECT array_agg(last_value ORDER BY sequencename) FROM pg_sequences)
"""


@dataclass(frozen=True)
class Heard:
    """Two nights and every command that looks at production, as production saw them."""

    role: str
    entries: Sequence[dict[str, Any]]
    before: object
    after: object
    rights: object

    def said(self) -> Iterator[tuple[str, str]]:
        """Application and statement of everything the role asked for."""
        for entry in self.entries:
            if entry.get("user") == self.role and (found := HEARD.match(entry["message"])):
                yield entry.get("application_name", ""), flat(found[1])


@pytest.fixture(scope="module")
def heard(default_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Heard]:
    with passable_folder() as folder, passable_folder() as home:
        (home / "servers").symlink_to(default_home / "servers")
        production = listening(folder / "production")
        yield from map(nights, target(production, home, tmp_path_factory.mktemp("clinic"), POLICY))


def listening(folder: Path) -> Cluster:
    """A production that writes down all it is asked, and whose transaction numbers nobody else uses up."""
    settings = {
        "log_statement": "all",
        "log_connections": "all",
        "log_replication_commands": True,
        "logging_collector": True,
        "log_destination": "jsonlog",
        "log_directory": str(folder),
        "log_filename": "heard",
        "autovacuum": False,
    }
    return create_cluster(folder, find_binaries(18), settings=settings, listen="127.0.0.1", durable=False)


def nights(clinic: Clinic) -> Heard:
    clinic.produce(SCHEMA)
    clinic.produce(f"GRANT SELECT ON flyway_schema_history TO {clinic.database}")
    before = ask(clinic, STATE)
    clinic.refresh()
    for words in asked(clinic):
        result = clinic.run(*words)
        assert result.exit_code == 0, (words, result.output)
    rights = ask(clinic, f"SELECT * FROM pg_roles WHERE rolname = '{clinic.database}'")
    lines = (clinic.production.directory / "heard.json").read_text(encoding="utf-8").splitlines()
    entries = [json.loads(line) for line in lines]
    return Heard(clinic.database, entries, before, ask(clinic, STATE), rights)


def asked(clinic: Clinic) -> list[tuple[str, ...]]:
    """Every command there is but the demo's, which has a production of its own; the last takes all away."""
    source = f"host=127.0.0.1 port={clinic.production.port} user={clinic.database} password=right"
    dsn = f"{source} dbname={clinic.database}"
    others = {
        "init": (dsn, "--output", str(clinic.folder / "drafted.yaml")),
        "lint": (str(clinic.policy), "--dsn", dsn),
        "doctor": (),
        "treatments": (),
        "abandon": (clinic.database, "--yes"),
        "destroy": (clinic.database, "--all", "--yes"),
    }
    names = sorted(set(cli.commands) - {"demo"}, key=lambda name: (name == "destroy", name))
    return [(name, *others.get(name, (clinic.database,))) for name in names]


def ask(clinic: Clinic, query: str) -> dict[str, Any] | None:
    with psycopg.connect(
        clinic.production.dsn(clinic.database), row_factory=psycopg.rows.dict_row
    ) as connection:
        return connection.execute(query.encode()).fetchone()


def flat(text: str) -> str:
    """Without line breaks and numbers that differ from night to night."""
    positions = re.sub(r"\b[0-9A-F]+/[0-9A-F]+\b", "#/#", text)
    return " ".join(re.sub(r"(?<=[ _])\d+\b", "#", positions).split())


def test_nothing_arrives_that_is_not_on_the_list(heard: Heard) -> None:
    allowed = {(name, flat(statement(file))) for name, files in FILES.items() for file in files}
    allowed |= {(name, words) for name, texts in WORDS.items() for words in texts}
    assert set(heard.said()) - allowed == set()


def test_the_list_holds_nothing_that_never_arrives(heard: Heard) -> None:
    listed = {(name, words) for name, texts in WORDS.items() for words in texts}
    assert listed - set(heard.said()) == set()
    assert {name for name, _ in heard.said()} == {*FILES, *WORDS}


def test_only_the_given_role_comes_and_it_may_replicate_and_no_more(heard: Heard) -> None:
    entered = {
        (entry["remote_host"] == "[local]", entry["user"]) for entry in heard.entries if "user" in entry
    }
    # By the socket, the test itself.
    assert entered == {(True, "postgres"), (False, heard.role)}
    rights = heard.rights
    assert isinstance(rights, dict)
    assert {name for name, value in rights.items() if value is True} == {
        "rolinherit", "rolcanlogin", "rolreplication",
    }  # fmt: skip


def test_nothing_is_left_there_and_no_transaction_has_written(heard: Heard) -> None:
    assert heard.after == heard.before
