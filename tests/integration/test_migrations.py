"""Migrations on real servers: order, ledgers, failures half-way, statements that want no transaction."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from sanitizers.catalog import Name
from sanitizers.control import Control, NewRun
from sanitizers.endpoints import endpoint_provider
from sanitizers.errors import MigrationFailed, SettingsInvalid
from sanitizers.keys import RunKey
from sanitizers.migrations import ledger_of, migration_adapter
from sanitizers.migrations.flyway import checksum
from sanitizers.offsets import Assigner
from sanitizers.policy.bind import compile_plan
from sanitizers.policy.document import load_policy
from sanitizers.postgres.introspect import read_catalog
from sanitizers.postgres.script import split
from sanitizers.results import PlanResult, SnapshotResult
from sanitizers.settings import EndpointSettings, MigrationSettings, Source, Target
from sanitizers.snapshots.template import Template
from sanitizers.stages import migrate, offset
from sanitizers.stages.base import Run

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)

FLYWAY_LEDGER = """
CREATE TABLE {} (
    installed_rank integer NOT NULL PRIMARY KEY, version varchar(50), description varchar(200) NOT NULL,
    type varchar(20) NOT NULL, script varchar(1000) NOT NULL, checksum integer,
    installed_by varchar(100) NOT NULL, installed_on timestamp NOT NULL DEFAULT now(),
    execution_time integer NOT NULL, success boolean NOT NULL);
"""
GOLANG_LEDGER = "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL);"
LEDGER = Name("public", "flyway_schema_history")
CANARY = "Zyxwv-Patient"


@pytest.fixture(params=["18", "16"])
def server(request: pytest.FixtureRequest) -> str:
    name = "postgres_database" if request.param == "18" else "postgres_database_16"
    return str(request.getfixturevalue(name))


@pytest.fixture
def clone(server: str) -> Iterator[Connection[Any]]:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE TABLE patients (id serial PRIMARY KEY, name text)")
        connection.execute(FLYWAY_LEDGER.format("flyway_schema_history"))
        connection.execute("INSERT INTO patients (name) VALUES ('a'), ('b')")
        yield connection


def folder(tmp_path: Path, **files: str) -> Path:
    for name, text in files.items():
        (tmp_path / f"{name}.sql").write_text(text, encoding="utf-8", newline="")
    return tmp_path


def settings(directory: Path, provider: str = "flyway", ledger: str | None = None) -> MigrationSettings:
    return MigrationSettings(provider=provider, directory=directory, ledger=ledger)


def history(connection: Connection[Any], version: str, kind: str = "SQL", success: bool = True) -> None:
    connection.execute(
        "INSERT INTO flyway_schema_history (installed_rank, version, description, type, script, installed_by,"
        " execution_time, success) SELECT coalesce(max(installed_rank), 0) + 1, %s, 'd', %s, 's', 'x', 1, %s"
        " FROM flyway_schema_history",
        [version, kind, success],
    )


def replay(connection: Connection[Any], chosen: MigrationSettings) -> list[str]:
    adapter = migration_adapter(chosen)
    pending = adapter.pending(connection)
    return list(migrate.replay(connection, adapter, ledger_of(chosen), pending, lambda *_, **__: None))


def one(connection: Connection[Any], query: str) -> Any:
    row = connection.execute(query.encode()).fetchone()
    assert row
    return row[0]


# -- flyway


def test_pending_ones_run_in_the_order_of_their_numbers(clone: Connection[Any], tmp_path: Path) -> None:
    history(clone, "1")
    directory = folder(
        tmp_path,
        V1__made="SELECT nonsense",
        V10__ten="ALTER TABLE visits ADD seen date; INSERT INTO visits DEFAULT VALUES;",
        V9__make_visits="CREATE TABLE visits (id serial PRIMARY KEY);",
        V9_1__nine_one="COMMENT ON TABLE visits IS 'x';",
    )
    chosen = settings(directory)
    assert replay(clone, chosen) == ["9", "9.1", "10"]
    assert one(clone, "SELECT count(*) FROM visits") == 1
    rows = clone.execute(
        "SELECT installed_rank, version, description, type, script, checksum, installed_by, success"
        " FROM flyway_schema_history WHERE installed_rank > 1 ORDER BY 1"
    ).fetchall()
    names = ("V9__make_visits.sql", "V9_1__nine_one.sql", "V10__ten.sql")
    sums = [checksum(directory / name) for name in names]
    user = clone.info.user
    assert rows == [
        (2, "9", "make visits", "SQL", "V9__make_visits.sql", sums[0], user, True),
        (3, "9.1", "nine one", "SQL", "V9_1__nine_one.sql", sums[1], user, True),
        (4, "10", "ten", "SQL", "V10__ten.sql", sums[2], user, True),
    ]
    assert replay(clone, chosen) == []


def test_the_checksum_ignores_line_ends_and_the_byte_order_mark(tmp_path: Path) -> None:
    texts = [
        b"SELECT 1;\nSELECT '\xc3\xa4\x0b';\n",
        b"SELECT 1;\r\nSELECT '\xc3\xa4\x0b';",
        b"\xef\xbb\xbfSELECT 1;\rSELECT '\xc3\xa4\x0b';",
    ]
    sums = set()
    for number, text in enumerate(texts):
        path = tmp_path / f"V{number}__x.sql"
        path.write_bytes(text)
        sums.add(checksum(path))
    assert len(sums) == 1
    check = tmp_path / "check.sql"
    check.write_text("123456789")
    # The check value of CRC-32, 0xCBF43926, as a signed number.
    assert checksum(check) == 0xCBF43926 - 2**32


def test_versions_equal_but_for_zeros_are_the_same(clone: Connection[Any], tmp_path: Path) -> None:
    history(clone, "1.0")
    chosen = settings(folder(tmp_path, V1__a="SELECT 1", V01_1__b="SELECT 1", V2__c="SELECT 1"))
    assert [migration.version for migration in migration_adapter(chosen).pending(clone)] == ["01.1", "2"]
    (tmp_path / "V2_0__again.sql").write_text("SELECT 1")
    with pytest.raises(MigrationFailed) as caught:
        migration_adapter(chosen).available()
    assert caught.value.problems[0].what.startswith("has the version of V2")


def test_a_baseline_covers_what_is_below(clone: Connection[Any], tmp_path: Path) -> None:
    history(clone, "5", "BASELINE")
    chosen = settings(folder(tmp_path, V4__a="", V5__b="", V6__c="SELECT 1"))
    assert [migration.version for migration in migration_adapter(chosen).pending(clone)] == ["6"]


def test_a_failed_entry_makes_the_ledger_dirty(clone: Connection[Any], tmp_path: Path) -> None:
    history(clone, "3", success=False)
    with pytest.raises(MigrationFailed, match="dirty: version 3 failed") as caught:
        migration_adapter(settings(folder(tmp_path, V4__a="SELECT 1"))).pending(clone)
    assert "flyway repair" in caught.value.hint
    assert caught.value.exit_code == 35


def test_repeatable_and_misnamed_files_are_refused(tmp_path: Path) -> None:
    directory = folder(tmp_path, R__views="", V1_no_separator="", V2__good="", afterMigrate="", U2__undo="")
    with pytest.raises(MigrationFailed) as caught:
        migration_adapter(settings(directory)).available()
    assert [problem.where for problem in caught.value.problems] == ["R__views.sql", "V1_no_separator.sql"]


def test_files_in_folders_below_count_and_keep_their_path(clone: Connection[Any], tmp_path: Path) -> None:
    (tmp_path / "2026").mkdir()
    folder(tmp_path / "2026", V1__a="SELECT 1")
    assert replay(clone, settings(tmp_path)) == ["1"]
    assert one(clone, "SELECT script FROM flyway_schema_history") == "2026/V1__a.sql"


def test_the_ledger_may_live_elsewhere_and_must_exist(clone: Connection[Any], tmp_path: Path) -> None:
    directory = folder(tmp_path, V1__a="CREATE TABLE t1 (id int)")
    with pytest.raises(MigrationFailed, match="ledger of migrations is missing") as caught:
        replay(clone, settings(directory, ledger="Ops.History"))
    assert caught.value.where == "Ops.History"
    clone.execute('CREATE SCHEMA "Ops";' + FLYWAY_LEDGER.format('"Ops"."History"'))
    assert replay(clone, settings(directory, ledger="Ops.History")) == ["1"]
    assert one(clone, 'SELECT count(*) FROM "Ops"."History"') == 1
    assert one(clone, "SELECT count(*) FROM flyway_schema_history") == 0


def test_a_failing_file_is_rolled_back_as_a_whole(clone: Connection[Any], tmp_path: Path) -> None:
    directory = folder(
        tmp_path,
        V1__good="CREATE TABLE good (id int);",
        V2__bad=f"CREATE TABLE half (id int);\nALTER TABLE patients ADD CONSTRAINT only_{1} UNIQUE (name);\n"
        f"INSERT INTO patients (name) VALUES ('{CANARY}'), ('{CANARY}');",
        V3__never="CREATE TABLE never (id int);",
    )
    with pytest.raises(MigrationFailed) as caught:
        replay(clone, settings(directory))
    text = str(caught.value) + repr(caught.value.to_json())
    assert "V2__bad.sql" in text
    assert "statement 3 failed: UniqueViolation (SQLSTATE 23505), constraint only_1" in text
    assert CANARY not in text
    tables = {name.name for name in read_catalog(clone).tables}
    assert "good" in tables
    assert not tables & {"half", "never"}
    assert clone.execute("SELECT version FROM flyway_schema_history").fetchall() == [("1",)]


def test_a_syntax_error_names_statement_and_condition(clone: Connection[Any], tmp_path: Path) -> None:
    with pytest.raises(MigrationFailed, match=r"SyntaxError \(SQLSTATE 42601\)"):
        replay(clone, settings(folder(tmp_path, V1__a=f"SELECT 1; SELEC '{CANARY}'")))


def test_a_failure_at_commit_is_one(clone: Connection[Any], tmp_path: Path) -> None:
    text = "CREATE TABLE a (id int REFERENCES patients INITIALLY DEFERRED); INSERT INTO a VALUES (4711);"
    with pytest.raises(MigrationFailed, match="23503"):
        replay(clone, settings(folder(tmp_path, V1__a=text)))
    assert one(clone, "SELECT count(*) FROM flyway_schema_history") == 0


def test_statements_that_want_no_transaction_run_outside(clone: Connection[Any], tmp_path: Path) -> None:
    text = """
    CREATE TABLE notes (id int, body text); -- with; a comment
    CREATE INDEX CONCURRENTLY notes_body ON notes (body);
    CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 2 END; END;
    DO $$ BEGIN PERFORM 1; END; $$;
    VACUUM notes;
    """
    assert replay(clone, settings(folder(tmp_path, V1__a=text))) == ["1"]
    assert one(clone, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'notes_body'::regclass") is True
    assert one(clone, "SELECT f()") == 2
    assert one(clone, "SELECT count(*) FROM flyway_schema_history") == 1
    with pytest.raises(MigrationFailed, match="statement 2 failed: UniqueViolation"):
        replay(clone, settings(folder(tmp_path, V2__b="VACUUM notes; INSERT INTO patients VALUES (1);")))


def test_scripts_may_commit_and_change_the_session(clone: Connection[Any], tmp_path: Path) -> None:
    directory = folder(
        tmp_path,
        V1__own="BEGIN; CREATE TABLE own (id int); COMMIT;",
        V2__session="SELECT set_config('search_path', '', false); SET statement_timeout = 1;",
        V3__after="CREATE TABLE after_that (id int); SELECT pg_sleep(0.05);",
    )
    assert replay(clone, settings(directory)) == ["1", "2", "3"]
    assert one(clone, "SELECT count(*) FROM flyway_schema_history") == 3
    assert one(clone, "SHOW statement_timeout") == "0"
    assert one(clone, "SHOW search_path") == '"$user", public'


def test_they_run_as_the_owner_of_the_ledger(clone: Connection[Any], tmp_path: Path) -> None:
    owner, reader = "h4 Migrator", "h4 Reader"
    clone.execute(
        f"""
        DROP ROLE IF EXISTS "{owner}", "{reader}"; CREATE ROLE "{owner}"; CREATE ROLE "{reader}";
        GRANT CREATE ON SCHEMA public TO "{owner}"; ALTER TABLE flyway_schema_history OWNER TO "{owner}";
        ALTER DEFAULT PRIVILEGES FOR ROLE "{owner}" GRANT SELECT ON TABLES TO "{reader}";""".encode()
    )
    try:
        replay(clone, settings(folder(tmp_path, V1__a="CREATE TABLE owned (id int)")))
        assert one(clone, "SELECT tableowner FROM pg_tables WHERE tablename = 'owned'") == owner
        assert one(clone, f"SELECT has_table_privilege('{reader}', 'owned', 'SELECT')") is True
        assert one(clone, "SELECT installed_by FROM flyway_schema_history") == owner
        assert one(clone, "SELECT current_user") == clone.info.user
    finally:
        clone.execute(f'DROP OWNED BY "{owner}"; DROP ROLE "{owner}"; DROP ROLE "{reader}"'.encode())


def test_a_copy_from_the_client_is_refused(clone: Connection[Any], tmp_path: Path) -> None:
    with pytest.raises(MigrationFailed, match="statement 2 copies from or to the client"):
        replay(clone, settings(folder(tmp_path, V1__a="SELECT 1; COPY patients FROM stdin; SELECT 2;")))


def test_a_file_that_is_not_utf8_is_refused(clone: Connection[Any], tmp_path: Path) -> None:
    (tmp_path / "V1__a.sql").write_bytes(b"SELECT '\xe4'")
    with pytest.raises(MigrationFailed, match="not UTF-8"):
        replay(clone, settings(tmp_path))


# -- golang-migrate


def test_golang_runs_what_is_above_the_ledgers_version(clone: Connection[Any], tmp_path: Path) -> None:
    clone.execute(GOLANG_LEDGER + "INSERT INTO schema_migrations VALUES (8, false)")
    files = {
        "8_old.up": "SELECT nonsense",
        "009_nine.up": "CREATE TABLE nine (id int)",
        "009_nine.down": "DROP TABLE nine",
        "10_ten.up": "ALTER TABLE nine ADD a int; ALTER TABLE nine ADD b int;",
    }
    chosen = settings(folder(tmp_path, **files), "golang")
    assert replay(clone, chosen) == ["9", "10"]
    assert clone.execute("SELECT * FROM schema_migrations").fetchall() == [(10, False)]
    assert replay(clone, chosen) == []


def test_golang_failing_half_way_keeps_the_version(clone: Connection[Any], tmp_path: Path) -> None:
    clone.execute(GOLANG_LEDGER)
    files = {"1_a.up": "CREATE TABLE a (id int)", "2_b.up": "CREATE TABLE b (id int); SELECT 1/0"}
    with pytest.raises(MigrationFailed, match=r"2_b\.up\.sql: statement 2 failed: DivisionByZero"):
        replay(clone, settings(folder(tmp_path, **files), "golang"))
    assert clone.execute("SELECT * FROM schema_migrations").fetchall() == [(1, False)]
    assert Name("public", "b") not in read_catalog(clone).tables


def test_golang_dirty_missing_and_double(clone: Connection[Any], tmp_path: Path) -> None:
    chosen = settings(folder(tmp_path, **{"1_a.up": "SELECT 1"}), "golang")
    with pytest.raises(MigrationFailed, match="ledger of migrations is missing"):
        migration_adapter(chosen).pending(clone)
    clone.execute(GOLANG_LEDGER + "INSERT INTO schema_migrations VALUES (1, true)")
    with pytest.raises(MigrationFailed, match="dirty: version 1 failed"):
        migration_adapter(chosen).pending(clone)
    folder(tmp_path, **{"01_again.up": "SELECT 1"})
    with pytest.raises(MigrationFailed, match="cannot be put in order"):
        migration_adapter(chosen).available()


# -- around them


def test_unknown_providers_get_a_hint(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        migration_adapter(settings(tmp_path, "flywya"))
    assert caught.value.hint == "did you mean flyway?"
    with pytest.raises(SettingsInvalid) as caught:
        migration_adapter(settings(tmp_path, "x"))
    assert "golang" in caught.value.hint
    with pytest.raises(MigrationFailed, match="no such directory"):
        migration_adapter(settings(tmp_path / "none")).available()


def test_new_and_moved_sequences_get_windows(clone: Connection[Any], server: str, tmp_path: Path) -> None:
    control = Control(server)
    control.prepare()
    run = control.start_run(NewRun("hospital", "manual", "d", "t", "h", 1), NOW)
    label = control.new_generation("hospital", run, NOW).label
    assigner = Assigner(control, "hospital", label, NOW, partial(secrets.token_bytes, 32))
    before = read_catalog(clone)
    (old,) = assigner.assign(clone, before, before.sequences)
    text = """
    CREATE TABLE visits (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at date);
    INSERT INTO visits (at) SELECT 'today' FROM generate_series(1, 500);
    INSERT INTO patients (name) VALUES ('made'), ('by migration');
    SELECT setval('patients_id_seq', 2);
    """
    replay(clone, settings(folder(tmp_path, V1__a=text)))
    after = read_catalog(clone)
    (new,) = migrate.place_sequences(assigner, clone, after, frozenset(before.sequences))
    assert (new.sequence.name, new.production, new.columns) == ("visits_id_seq", 501, ("public.visits.id",))
    assert one(clone, "INSERT INTO visits (at) VALUES ('today') RETURNING id") == new.first
    assert one(clone, "INSERT INTO patients (name) VALUES ('x') RETURNING id") == old.first + 2
    (again,) = migrate.place_sequences(assigner, clone, read_catalog(clone), frozenset(before.sequences))
    assert again == new


def policy_file(connection: Connection[Any], directory: Path, more: str = "") -> Path:
    columns = read_catalog(connection).tables[LEDGER].columns
    ledger = ", ".join(f"{column.name}: non_identifying" for column in columns)
    path = directory / "hospital.yaml"
    path.write_text(
        "policy: hospital\nversion: 1\ntables:\n"
        "  public.patients: {columns: {id: non_identifying, name: name}}\n"
        f"  {LEDGER}: {{columns: {{{ledger}}}}}\n{more}"
    )
    return path


def test_columns_that_no_rule_covers_are_all_named(clone: Connection[Any], tmp_path: Path) -> None:
    loaded = load_policy(policy_file(clone, tmp_path))
    migrate.check_coverage(loaded, read_catalog(clone))
    text = "ALTER TABLE patients ADD ssn text; CREATE TABLE x (a int)"
    replay(clone, settings(folder(tmp_path, V1__a=text)))
    with pytest.raises(MigrationFailed, match="does not cover") as caught:
        migrate.check_coverage(loaded, read_catalog(clone))
    said = " ".join(problem.what for problem in caught.value.problems)
    assert "public.patients.ssn" in said
    assert "public.x" in said


def test_scripts_are_split_between_statements_only() -> None:
    text = "SELECT ';'; /* ; */ SELECT $a$;$a$;;\n-- ;\nSELECT E'\\';' ; SELECT \";\""
    assert [part.strip() for part in split(text)] == [
        "SELECT ';'",
        "/* ; */ SELECT $a$;$a$",
        "-- ;\nSELECT E'\\';'",
        'SELECT ";"',
    ]
    assert split(" ; ;") == []
    with pytest.raises(ValueError, match="does not end"):
        split("SELECT 'a")


# -- the stages, on a clone of their own


class Quiet:
    def item(self, stage: str, item: str, detail: str = "", *, done: bool = False) -> None: ...


@pytest.fixture
def run(postgres_database: str, postgres_database_16: str, tmp_path: Path, home: Path) -> Iterator[Run]:
    """A run that has its clone, of a production that has seen version 1."""
    with psycopg.connect(postgres_database, autocommit=True) as source:
        source.execute("CREATE TABLE patients (id serial PRIMARY KEY, name text)")
        source.execute(FLYWAY_LEDGER.format(LEDGER))
        history(source, "1")
        pending = "  public.visits: {pending: true, columns: {id: non_identifying}}\n"
        policy = load_policy(policy_file(source, tmp_path, pending))
        plan = compile_plan(policy, read_catalog(source))
    target = Target(
        policy=policy.path,
        source=Source(dsn=postgres_database),
        migrations=settings(tmp_path),
        endpoint=EndpointSettings(service="hospital_staging", file=tmp_path / "pg_service.conf"),
    )
    control = Control(postgres_database_16)
    control.prepare()
    run_id = control.start_run(NewRun("hospital", "manual", policy.digest, policy.text, "h", 1), NOW)
    label = control.new_generation("hospital", run_id, NOW).label
    provider = Template(target, "hospital", home)
    snapshot = provider.create(label, None)
    result = SnapshotResult(snapshot, provider.clone(snapshot, label))
    yield Run(
        id=run_id,
        generation=label,
        database="hospital",
        target=target,
        policy=policy,
        root=home,
        control=control,
        provider=provider,
        endpoint=endpoint_provider(target.endpoint),
        key=RunKey.draw(),
        started=NOW,
        clock=lambda: NOW,
        progress=Quiet(),
        results={SnapshotResult: result, PlanResult: PlanResult(plan)},
    )
    provider.destroy(label)
    provider.discard(snapshot.label)


def test_the_stages_run_and_run_again(run: Run, tmp_path: Path) -> None:
    folder(tmp_path, V1__old="nonsense", V2__visits="CREATE TABLE visits (id bigserial PRIMARY KEY)")
    moved = offset.run(run)
    assert [window.sequence.name for window in moved.windows] == ["patients_id_seq"]
    assert moved.day == NOW.date()
    assert offset.run(run) == moved
    run.control.stage_started(run.id, migrate.NAME, NOW)
    first = migrate.run(run)
    assert [(one.version, one.name) for one in first.applied] == [("2", "visits")]
    assert first.new_columns == ("public.visits.id",)
    assert [window.sequence.name for window in first.windows] == ["visits_id_seq"]
    run.control.stage_started(run.id, migrate.NAME, NOW)
    # The time of what the first attempt ran is not known any more; all else is.
    again = migrate.run(run)
    assert again == replace(first, applied=again.applied)
    assert [one.version for one in again.applied] == ["2"]


def test_without_migrations_the_stage_only_looks(run: Run) -> None:
    run.target = run.target.model_copy(update={"migrations": None})
    result = migrate.run(run)
    assert (result.provider, result.applied, result.new_columns, result.windows) == ("none", (), (), ())
    assert len(result.schema_before) == 64
