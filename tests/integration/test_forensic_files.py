"""The search of a server's files finds what was planted in each kind of place, by the place's name."""

from __future__ import annotations

import random
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection, errors, sql

from sanitizers.errors import ServerMissing
from sanitizers.forensics.files import FileSearch, relation_names, search_files
from sanitizers.forensics.matcher import Matcher
from sanitizers.forensics.needles import Needle, Needles
from sanitizers.forensics.places import Relations
from sanitizers.postgres import account
from sanitizers.postgres.binaries import find_binaries
from sanitizers.postgres.cluster import Cluster, create_cluster
from tests.conftest import passable_folder

KINDS = (
    *("row", "deleted", "dropped", "inline", "external", "external_deleted", "uncompressed", "lz4_inline"),
    *("lz4", "statistics", "wal", "temporary", "orphan", "log", "comment", "large_object", "database"),
    *("configuration", "tablespace", "two_phase", "view", "shown", "shown_external"),
)
CANARIES = {kind: f"{kind[:3]}Wren-Tolliver-{7000 + n * 37}-Osk{kind[-3:]}" for n, kind in enumerate(KINDS)}
IN_WAL = 1000


@dataclass(frozen=True)
class Planted:
    """What a search saw before anything was planted, and after."""

    clean: FileSearch
    found: Counter[tuple[str, str]]
    left_to_rows: Counter[tuple[str, str]]
    files: dict[str, str]
    lz4: bool

    def places(self, kind: str) -> set[str]:
        return {place for canary, place in self.found if canary == kind}


@pytest.fixture(scope="module", params=[18, "host"])
def planted(request: pytest.FixtureRequest) -> Iterator[Planted]:
    majors = (15, 17, 14) if request.param == "host" else (request.param,)
    with passable_folder() as folder:
        cluster = _cluster(folder, majors)
        with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
            clean = _search(cluster, relation_names(connection))
            yield _plant(cluster, connection, clean)


def _cluster(folder: Path, majors: tuple[int, ...]) -> Cluster:
    settings: dict[str, Any] = {"max_prepared_transactions": 2, "autovacuum": False, "wal_compression": False}
    for major in majors:
        try:
            binaries = find_binaries(major)
        except ServerMissing:
            continue
        return create_cluster(folder / "server", binaries, settings=settings, durable=False)
    pytest.skip(f"this machine has no PostgreSQL of its own: none of {majors}")


def _search(cluster: Cluster, relations: Relations) -> FileSearch:
    matcher = Matcher(Needles(Needle("", canary.encode()) for canary in CANARIES.values()))
    told: list[tuple[int, int]] = []
    result = search_files(
        cluster.directory, relations, matcher, workers=2, progress=lambda *done: told.append(done)
    )
    assert told[-1][0] == told[-1][1] <= result.bytes
    return result


def _named(search: FileSearch) -> Counter[tuple[str, str]]:
    return Counter((KINDS[found.hit.needle], found.place) for found in search.found)


def _plant(cluster: Cluster, connection: Connection[Any], clean: FileSearch) -> Planted:
    lz4 = connection.execute(
        "SELECT 'lz4' = ANY (enumvals) FROM pg_settings WHERE name = 'default_toast_compression'"
    ).fetchone() == (True,)
    _in_tables(connection, lz4=lz4)
    _beside_tables(cluster, connection)
    with psycopg.connect(cluster.dsn()) as sorting:
        _spill(sorting)
        connection.execute("CHECKPOINT")
        _orphan(cluster, connection)
        relations = relation_names(connection)
        found = _named(_search(cluster, Relations(relations.names)))
        left_to_rows = _named(_search(cluster, relations))
    return Planted(clean, found, left_to_rows, _files_of(connection), lz4)


def _packed(kind: str, noise: int) -> str:
    """A text that is stored compressed, with the canary all in matches, behind that much noise."""
    canary = CANARIES[kind]
    parts = [canary[at : at + 6] for at in range(0, len(canary), 3)]
    letters = random.Random(kind).choices("abcdefghij", k=noise)
    return "".join(letters) + "  ".join(reversed(parts)) * 3 + f" {canary} " + "filler" * 300


TABLES = """
CREATE TABLE people (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, gone text);
CREATE INDEX people_name ON people (name);
CREATE TABLE notes (id int, gone text, body text);
ALTER TABLE notes DROP COLUMN gone;
ALTER TABLE notes ALTER body SET STORAGE MAIN;
CREATE TABLE documents (id int, body text);
CREATE TABLE scans (id int, body text);
ALTER TABLE scans ALTER body SET STORAGE EXTERNAL;
CREATE TABLE shown (id int, body text);
CREATE TABLE deleted (id int, body text);
"""


def _in_tables(connection: Connection[Any], *, lz4: bool) -> None:
    connection.execute(TABLES)
    put = connection.execute
    put("INSERT INTO people (name, gone) VALUES (%s, %s)", [CANARIES["row"], CANARIES["dropped"]])
    put("INSERT INTO people (name) VALUES (%s)", [CANARIES["deleted"]])
    put("DELETE FROM people WHERE name = %s", [CANARIES["deleted"]])
    put("ALTER TABLE people DROP COLUMN gone")
    put("INSERT INTO people (name) SELECT %s FROM generate_series(1, 50)", [CANARIES["statistics"]])
    put("ANALYZE people")
    put("INSERT INTO notes VALUES (1, %s)", [_packed("inline", 500)])
    put("INSERT INTO documents VALUES (1, %s)", [_packed("external", 9000)])
    put("ALTER TABLE documents ADD gone int")
    put("ALTER TABLE documents DROP gone")
    # The first chunk ends within the canary.
    put("INSERT INTO scans VALUES (1, %s)", ["x" * 1985 + f" {CANARIES['uncompressed']} " + "y" * 3000])
    put("INSERT INTO shown VALUES (1, %s)", [_packed("shown", 500)])
    put("INSERT INTO shown VALUES (2, %s)", [_packed("shown_external", 9000)])
    put("SELECT sum(length(body)) FROM shown")
    put("INSERT INTO deleted VALUES (1, %s)", [_packed("external_deleted", 9000)])
    put("DELETE FROM deleted")
    put(sql.SQL("CREATE MATERIALIZED VIEW people_view AS SELECT {}::text").format(CANARIES["view"]))
    if lz4:
        put("CREATE TABLE modern (id int, body text COMPRESSION lz4)")
        put("ALTER TABLE modern ALTER body SET STORAGE MAIN")
        put("INSERT INTO modern VALUES (1, %s)", [_packed("lz4_inline", 500)])
        put("CREATE TABLE modern_long (id int, body text COMPRESSION lz4)")
        put("INSERT INTO modern_long VALUES (1, %s)", [_packed("lz4", 9000)])


def _beside_tables(cluster: Cluster, connection: Connection[Any]) -> None:
    put = connection.execute
    put(sql.SQL("COMMENT ON TABLE people IS {}").format(CANARIES["comment"]))
    put("SELECT lo_from_bytea(0, convert_to(%s, 'UTF8'))", [CANARIES["large_object"]])
    put("SELECT pg_logical_emit_message(false, 'note', repeat(%s, %s))", [CANARIES["wal"] + " ", IN_WAL])
    with pytest.raises(errors.InvalidTextRepresentation):
        put("SELECT %s::text::int", [CANARIES["log"]])
    put("CREATE DATABASE other")
    with psycopg.connect(cluster.dsn("other"), autocommit=True) as other:
        other.execute(sql.SQL("CREATE TABLE here AS SELECT {}::text").format(CANARIES["database"]))
        other.execute("CHECKPOINT")
    put(sql.SQL("ALTER SYSTEM SET application_name = {}").format(CANARIES["configuration"]))
    space = cluster.directory.parent / "space"
    account.own(space)
    put(sql.SQL("CREATE TABLESPACE elsewhere LOCATION {}").format(str(space)))
    put("CREATE TABLE far (name text) TABLESPACE elsewhere")
    put("INSERT INTO far VALUES (%s)", [CANARIES["tablespace"]])
    with connection.transaction():
        put("CREATE TABLE pending (id int)")
        put(sql.SQL("PREPARE TRANSACTION {}").format(CANARIES["two_phase"]))


def _spill(connection: Connection[Any]) -> None:
    connection.execute("SET work_mem = '64kB'")
    rows = "SELECT %s || ' ' || n, md5(n::text) FROM generate_series(1, 20000) n ORDER BY 2"
    connection.execute(f"DECLARE sorted CURSOR FOR {rows}", [CANARIES["temporary"]])
    connection.execute("FETCH 1 FROM sorted")


def _orphan(cluster: Cluster, connection: Connection[Any]) -> None:
    connection.execute(sql.SQL("CREATE TABLE copied AS SELECT {}::text").format(CANARIES["orphan"]))
    connection.execute("CHECKPOINT")
    path = cluster.data / _files_of(connection)["copied"]
    shutil.copy(path, path.with_name("99999"))
    connection.execute("DROP TABLE copied")


def _files_of(connection: Connection[Any]) -> dict[str, str]:
    rows = connection.execute("SELECT relname, pg_relation_filepath(oid) FROM pg_class WHERE relkind = 'r'")
    return dict(rows.fetchall())


def test_nothing_is_found_where_nothing_was_planted(planted: Planted) -> None:
    assert planted.clean.found == []
    assert planted.clean.bytes > 20_000_000


@pytest.mark.parametrize(
    ("kind", "place"),
    [
        ("row", "table public.people"),
        ("row", "index public.people_name of public.people"),
        ("deleted", "table public.people"),
        ("deleted", "index public.people_name of public.people"),
        ("dropped", "table public.people"),
        ("inline", "table public.notes"),
        ("inline", "WAL"),
        ("external", "TOAST of table public.documents"),
        ("external_deleted", "TOAST of table public.deleted"),
        ("uncompressed", "TOAST of table public.scans"),
        ("view", "materialized view public.people_view"),
        ("tablespace", "table public.far"),
        ("statistics", "catalog pg_statistic"),
        ("comment", "catalog pg_description"),
        ("large_object", "catalog pg_largeobject"),
        ("temporary", "temporary file"),
        ("two_phase", "two-phase file"),
        ("log", "server log"),
        ("configuration", "configuration postgresql.auto.conf"),
    ],
)
def test_what_was_planted_is_found_in_its_place(planted: Planted, kind: str, place: str) -> None:
    assert place in planted.places(kind)


@pytest.mark.parametrize(
    ("kind", "place"), [("lz4_inline", "table public.modern"), ("lz4", "TOAST of table public.modern_long")]
)
def test_the_other_method_of_compression_is_known_too(planted: Planted, kind: str, place: str) -> None:
    if not planted.lz4:
        pytest.skip("this server was built without LZ4")
    assert place in planted.places(kind)


def test_files_of_nobody_and_of_other_databases_have_names(planted: Planted) -> None:
    assert planted.places("orphan") >= {f"orphan file {Path(planted.files['people']).parent}/99999"}
    assert any(re.fullmatch(r"database \d+/\d+", place) for place in planted.places("database"))


def test_headers_of_pages_hide_nothing_in_wal(planted: Planted) -> None:
    assert planted.found["wal", "WAL"] == IN_WAL


def test_what_rows_show_is_left_to_the_search_of_rows(planted: Planted) -> None:
    shown = {("shown", "table public.shown"), ("shown_external", "TOAST of table public.shown")}
    assert shown <= set(planted.found)
    gone = set(planted.found) - set(planted.left_to_rows)
    assert (
        shown
        <= gone
        <= shown
        | {
            ("lz4_inline", "table public.modern"),
            ("lz4", "TOAST of table public.modern_long"),
            ("uncompressed", "TOAST of table public.scans"),
        }
    )
