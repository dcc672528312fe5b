"""Replays the migrations production has not had yet, then sees to what they made: columns and sequences."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import psycopg
from psycopg import Connection, sql
from psycopg.pq import TransactionStatus
from pydantic import TypeAdapter

from sanitizers.catalog import Catalog, Name
from sanitizers.errors import MigrationFailed
from sanitizers.migrations import ledger_of, migration_adapter
from sanitizers.migrations.base import Migration, MigrationAdapter
from sanitizers.offsets import Assigner
from sanitizers.policy.bind import uncovered
from sanitizers.policy.document import LoadedPolicy
from sanitizers.postgres.connection import statement_error
from sanitizers.postgres.introspect import read_catalog
from sanitizers.postgres.script import ScriptFailed, run_apart, run_script
from sanitizers.results import MigrateResult, MigrationRun, Window
from sanitizers.settings import MigrationSettings
from sanitizers.stages.base import Run
from sanitizers.windows import position

NAME = "migrate"

LOCK_TIMEOUT = "30s"
"""How long a migration waits for a lock: nobody else works in a sealed clone."""
STATEMENT_TIMEOUT = "4h"
"""How long one statement of a migration may take."""


@dataclass(frozen=True)
class Before:
    """The clone before its first migration, kept so that a second attempt knows it too."""

    schema: str
    columns: frozenset[str]
    sequences: frozenset[Name]
    pending: tuple[str, ...]


_BEFORE = TypeAdapter(Before)


def run(run: Run) -> MigrateResult:
    """Safe to run again. MigrationFailed when a migration fails or makes a column no rule covers."""
    settings = run.target.migrations
    with run.clone() as connection:
        before = _before(run, connection, settings)
        applied = _apply(run, connection, settings, before) if settings and before.pending else ()
        after = read_catalog(connection)
        check_coverage(run.policy, after)
        windows = _windows(run, connection, after, before) if applied else ()
    return MigrateResult(
        provider=settings.provider if settings else "none",
        applied=applied,
        new_columns=tuple(sorted(_columns(after) - before.columns)),
        windows=windows,
        schema_before=before.schema,
    )


def _before(run: Run, connection: Connection[Any], settings: MigrationSettings | None) -> Before:
    if (note := run.control.stage_note(run.id, NAME)) is not None:
        return _BEFORE.validate_python(note)
    catalog = read_catalog(connection)
    pending = migration_adapter(settings).pending(connection) if settings else []
    before = Before(
        schema=run.schema_digest(),
        columns=frozenset(_columns(catalog)),
        sequences=frozenset(catalog.sequences),
        pending=tuple(migration.version for migration in pending),
    )
    run.control.note_stage(run.id, NAME, _BEFORE.dump_python(before, mode="json"))
    return before


def _columns(catalog: Catalog) -> set[str]:
    return {f"{table.name}.{column.name}" for table in catalog.roots() for column in table.columns}


def _apply(
    run: Run, connection: Connection[Any], settings: MigrationSettings, before: Before
) -> tuple[MigrationRun, ...]:
    adapter = migration_adapter(settings)
    # A migration means the triggers to fire and the keys to be checked, as in production.
    connection.execute("SET session_replication_role = origin")
    report = partial(run.progress.item, NAME)
    seconds = replay(connection, adapter, ledger_of(settings), adapter.pending(connection), report)
    # What a crashed attempt ran has left no time.
    return tuple(
        MigrationRun(migration.version, migration.name, seconds.get(migration.version, 0.0))
        for migration in adapter.available()
        if migration.version in before.pending
    )


def replay(
    connection: Connection[Any],
    adapter: MigrationAdapter,
    ledger: Name,
    pending: Sequence[Migration],
    report: Callable[..., None],
    lock_timeout: str = LOCK_TIMEOUT,
) -> dict[str, float]:
    """Runs the migrations in order, each in a transaction of its own; seconds by version.

    They run as the owner of the ledger, the role that runs them in production: what they make belongs to it,
    and its default privileges apply. The connection is in autocommit mode.
    """
    owner = _owner(connection, ledger)
    seconds = {}
    for migration in pending:
        report(migration.path.name)
        begun = time.monotonic()
        _run_one(connection, adapter, migration, owner, lock_timeout)
        seconds[migration.version] = time.monotonic() - begun
        report(migration.path.name, f"{seconds[migration.version]:.1f} s", done=True)
    _settle(connection)
    return seconds


def _owner(connection: Connection[Any], ledger: Name) -> str:
    query = "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = %s::regclass"
    table = sql.Identifier(ledger.schema, ledger.name).as_string(connection)
    row = connection.execute(query, [table]).fetchone()
    assert row, "the adapter has read the ledger"
    return str(row[0])


def _run_one(
    connection: Connection[Any],
    adapter: MigrationAdapter,
    migration: Migration,
    owner: str,
    lock_timeout: str,
) -> None:
    name = migration.path.name
    begun = time.monotonic()
    try:
        _settle(connection)
        _become(connection, owner, lock_timeout)
        connection.execute("BEGIN")
        _run_text(connection, _text(migration))
        # A script may have ended in another role, or have committed by itself.
        _become(connection, owner, lock_timeout)
        adapter.record(connection, migration, round((time.monotonic() - begun) * 1000))
        connection.commit()
    except ScriptFailed as failure:
        if not connection.closed:
            connection.rollback()
        raise _failed(failure, name) from None
    except psycopg.Error as error:
        connection.rollback()
        raise MigrationFailed(statement_error(error, "recording it").what, where=name) from None


def _run_text(connection: Connection[Any], text: str) -> None:
    try:
        run_script(connection, text)
    except ScriptFailed as failure:
        if not _wants_no_transaction(connection, failure):
            raise
        connection.rollback()
        run_apart(connection, text)


def _wants_no_transaction(connection: Connection[Any], failure: ScriptFailed) -> bool:
    """As CREATE INDEX CONCURRENTLY does; not when the script has committed a part, which would run twice."""
    untouched = connection.info.transaction_status == TransactionStatus.INERROR
    return untouched and isinstance(failure.error, psycopg.errors.ActiveSqlTransaction)


def _failed(failure: ScriptFailed, name: str) -> MigrationFailed:
    doing = f"statement {failure.statement}"
    if failure.error is None:
        what = f"{doing} copies from or to the client, which only psql can"
        return MigrationFailed(what, where=name, hint="use INSERT")
    hint = "run it against a copy of production's schema to see why"
    if isinstance(failure.error, psycopg.errors.LockNotAvailable):
        hint = "somebody uses what it changes: try again when they are done"
    return MigrationFailed(statement_error(failure.error, doing).what, where=name, hint=hint)


def _text(migration: Migration) -> str:
    try:
        return migration.path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise MigrationFailed("the file is not UTF-8", where=migration.path.name) from None


def _settle(connection: Connection[Any]) -> None:
    """Puts the session back as it was opened: scripts set roles, search paths, time-outs."""
    for command in ("RESET SESSION AUTHORIZATION", "RESET ROLE", "RESET ALL"):
        connection.execute(command)


def _become(connection: Connection[Any], owner: str, lock_timeout: str) -> None:
    connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(owner)))
    for setting, value in (("lock_timeout", lock_timeout), ("statement_timeout", STATEMENT_TIMEOUT)):
        connection.execute("SELECT set_config(%s, %s, false)", [setting, value])


def check_coverage(policy: LoadedPolicy, catalog: Catalog) -> None:
    """MigrationFailed with every column that no rule of the policy covers."""
    if problems := uncovered(policy, catalog):
        raise MigrationFailed(
            "migrations made columns that the policy does not cover",
            problems=tuple(problems),
            hint="add them to the policy, with `pending: true` until production has them",
        )


def _windows(run: Run, connection: Connection[Any], after: Catalog, before: Before) -> tuple[Window, ...]:
    draw = partial(secrets.token_bytes, 32)
    assigner = Assigner(run.control, run.database, run.generation, run.clock(), draw)
    return place_sequences(assigner, connection, after, before.sequences)


def place_sequences(
    assigner: Assigner, connection: Connection[Any], catalog: Catalog, known: frozenset[Name]
) -> tuple[Window, ...]:
    """Windows for the sequences that are new; those that a migration moved out of theirs go back into it."""
    fresh = catalog.sequences.keys() - known
    windows = assigner.assign(connection, catalog, fresh | _strayed(assigner, catalog))
    return tuple(window for window in windows if window.sequence in fresh)


def _strayed(assigner: Assigner, catalog: Catalog) -> set[Name]:
    handed = assigner.control.handed_out(assigner.generation)
    return {
        name
        for name, window in handed.items()
        if name in catalog.sequences
        and not min(window.first, window.last)
        <= position(catalog.sequences[name])
        <= max(window.first, window.last)
    }
