"""Between two nights: what production has become that policy or live staging do not know, and catching up."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

from psycopg import errors

from sanitizers.catalog import Catalog, Name
from sanitizers.control import Control
from sanitizers.control.model import Generation
from sanitizers.errors import MigrationFailed, Problem, UnderstudyError
from sanitizers.migrations import ledger_of, migration_adapter
from sanitizers.migrations.base import Migration
from sanitizers.offsets import Assigner
from sanitizers.pipeline import utc_now
from sanitizers.policy.bind import uncovered
from sanitizers.policy.document import load_policy
from sanitizers.postgres.connection import Session, open_clone, read_source
from sanitizers.postgres.introspect import read_catalog
from sanitizers.postgres.statements import statement
from sanitizers.results import MigrationRun
from sanitizers.settings import MigrationSettings, Target, resolve_dsn
from sanitizers.stages.migrate import place_sequences, replay
from sanitizers.stages.plan import make_plan
from sanitizers.validators.base import Migrations
from sanitizers.workspace import Workspace

NAME = "replay"
"""What the control database calls it, among the stages of the run that made the live generation."""
LOCK_TIMEOUT = "5s"
"""How long a migration waits for a lock: people work on live staging, and who comes next waits behind it."""


Kind = Literal["policy", "schema", "migration"]


@dataclass(frozen=True)
class Finding:
    """One thing that somebody should look at."""

    kind: Kind
    """`policy`: tonight's plan would refuse. `schema`: live staging is not as production is.
    `migration`: a ledger or a file stands in the way of a replay."""
    subject: str
    """Where: a line of the policy, an object of production's schema, a migration's version."""
    what: str
    hint: str = ""


@dataclass(frozen=True)
class Drift:
    """How far production has gone from the policy and from live staging."""

    database: str
    live: str | None
    """Label of the live generation; without one there is nothing to compare production's schema with."""
    findings: tuple[Finding, ...]
    missing: tuple[str, ...]
    """Versions of migrations that production has and live staging lacks, in production's order."""
    replayed: tuple[MigrationRun, ...] = ()


def compare(workspace: Workspace, database: str) -> Drift:
    """What tonight's plan would refuse, and what production has that live staging lacks. Only reads.

    SourceUnreachable or SourceRefused when production cannot be asked, StatementFailed when staging cannot.
    """
    return _look(workspace, database).drift()


def catch_up(workspace: Workspace, database: str, report: Callable[..., None]) -> Drift:
    """Replays onto live staging the migrations production has had since the snapshot, then looks again.

    `report` is told what `stages.migrate.replay` tells. Busy when a refresh runs; MigrationFailed when a
    migration fails: live staging is then as it was before that one.
    """
    with workspace.control.lock(database):
        seen = _look(workspace, database)
        # A migration brings structure, and what its script makes of staging's own scrubbed rows; no row of
        # production comes along. So production's columns, asked about before, stand for those it will make.
        if seen.gap.missing and seen.uncovered:
            return replace(seen.drift(), findings=(*seen.findings, _held_back(seen)))
        if seen.live is None or seen.target.migrations is None:
            return seen.drift()
        names = frozenset(seen.catalog.sequences)
        replayer = _Replayer(workspace.control, database, seen.live, seen.target.migrations, names)
        with _session(workspace, database, seen.live) as connection:
            replayer.settle_debts(connection)
            replayed = replayer.replay(connection, seen.gap.missing, report)
        return replace(_look(workspace, database).drift(), replayed=replayed) if replayed else seen.drift()


def _held_back(seen: _Seen) -> Finding:
    versions = ", ".join(migration.version for migration in seen.gap.missing)
    what = "not replayed: production has columns that no rule covers"
    return Finding("migration", versions, what, "say in the policy what they are, then replay")


# -- looking


@dataclass(frozen=True)
class _Side:
    """One database: what its schema is made of, and the versions in its ledger of migrations."""

    schema: Mapping[str, Part]
    versions: tuple[str, ...] | None
    """None when there is no ledger, or none that can be read."""
    findings: tuple[Finding, ...]
    """Why it cannot be read."""


@dataclass(frozen=True)
class _Gap:
    """What the ledgers of production and staging say of each other."""

    missing: tuple[Migration, ...] = ()
    """Production's, in its order, that staging lacks."""
    without_file: tuple[str, ...] = ()
    """Those of them that cannot be replayed."""
    ahead: Migrations = field(default_factory=Migrations)
    """The text of staging's that production has not had yet."""


@dataclass(frozen=True)
class _Seen:
    """Policy, production and live staging at one moment."""

    target: Target
    database: str
    catalog: Catalog
    """Production's."""
    uncovered: bool
    """Whether production has columns that no rule covers."""
    findings: tuple[Finding, ...]
    live: Generation | None = None
    gap: _Gap = _Gap()

    def drift(self) -> Drift:
        label = self.live.label if self.live else None
        return Drift(self.database, label, self.findings, tuple(one.version for one in self.gap.missing))


def _look(workspace: Workspace, database: str) -> _Seen:
    target, live = workspace.settings.target(database), workspace.control.live(database)
    with read_source(resolve_dsn(target.source), purpose="comparing schemas") as connection:
        production = _read(connection, target.migrations)
        # After the ledger, so that the columns of every migration found in there are seen.
        catalog = read_catalog(connection, positions=False)
    problems, bare = _policy_problems(target, catalog)
    findings = (*_findings("policy", problems), *production.findings)
    if live is None:
        return _Seen(target, database, catalog, bare, findings)
    with _session(workspace, database, live) as connection:
        staging = _read(connection, target.migrations)
    gap = _gap(target.migrations, production.versions, staging.versions)
    hint = f"understudy drift {database} --replay" if gap.missing else "tonight's refresh brings it"
    found = (
        *map(_without_file, gap.without_file),
        *(
            Finding("schema", name, what, hint)
            for name, what in differences(production.schema, staging.schema, gap.ahead)
        ),
    )
    # Both sides complain alike of files that cannot be read.
    findings = tuple(dict.fromkeys((*findings, *staging.findings, *found)))
    return _Seen(target, database, catalog, bare, findings, live, gap)


def _read(connection: Session, settings: MigrationSettings | None) -> _Side:
    versions, findings = _versions(connection, settings) if settings else (None, ())
    return _Side(read_schema(connection), versions, findings)


def _versions(
    connection: Session, settings: MigrationSettings
) -> tuple[tuple[str, ...] | None, tuple[Finding, ...]]:
    """What the ledger says; findings instead when it cannot be read, or the files cannot."""
    try:
        return tuple(migration_adapter(settings).applied(connection)), ()
    except MigrationFailed as error:
        return None, _findings("migration", _problems(error))
    except errors.InsufficientPrivilege:
        role, ledger = connection.info.user, ledger_of(settings)
        hint = f"on production: GRANT SELECT ON {ledger} TO {role}, and USAGE on its schema"
        return None, (Finding("migration", str(ledger), f"{role} may not read the ledger", hint),)


def _policy_problems(target: Target, catalog: Catalog) -> tuple[list[Problem], bool]:
    """What tonight's plan would refuse, and whether that is for want of a rule."""
    try:
        policy = load_policy(target.policy)
    except UnderstudyError as error:
        return _problems(error), True
    bare = uncovered(policy, catalog)
    try:
        make_plan(policy, catalog, utc_now().date())
    except UnderstudyError as error:
        # Exemptions and expectations are refused before columns are looked at; here all are named at once.
        return list(dict.fromkeys([*_problems(error), *bare])), bool(bare)
    return [], False


def _findings(kind: Kind, problems: Sequence[Problem]) -> tuple[Finding, ...]:
    return tuple(Finding(kind, problem.where, problem.what, problem.hint) for problem in problems)


def _problems(error: UnderstudyError) -> list[Problem]:
    return list(error.problems) or [Problem(error.where, error.what, error.hint)]


def _gap(
    settings: MigrationSettings | None, production: Sequence[str] | None, staging: Sequence[str] | None
) -> _Gap:
    if settings is None or production is None or staging is None:
        # What staging has must never run a second time: unless both ledgers are known nothing is missing.
        return _Gap()
    files = {migration.version: migration for migration in migration_adapter(settings).available()}
    lacking = [version for version in production if version not in staging]
    ahead = [files[version] for version in staging if version in files and version not in production]
    return _Gap(
        missing=tuple(files[version] for version in lacking if version in files),
        without_file=tuple(version for version in lacking if version not in files),
        ahead=Migrations(tuple(one.path.read_text(encoding="utf-8-sig") for one in ahead)),
    )


def _without_file(version: str) -> Finding:
    what = "production has had this migration, staging has not, and there is no file for it"
    return Finding("migration", version, what, "bring the migrations' directory up to date")


# -- comparing schemas


@dataclass(frozen=True)
class Part:
    """One part of a schema, as `sql/drift/objects.sql` reads it."""

    kind: str
    name: str
    whole: str
    """Kind and name of what it is part of, or empty."""
    bare: str
    """The name by which a migration would speak of it, or of its table."""
    definition: str


def read_schema(connection: Session) -> dict[str, Part]:
    """The parts of a database's schema by kind and name. Takes no right but to connect."""
    with connection.transaction():
        connection.execute(statement("drift/session").encode())
        rows = connection.execute(statement("drift/objects").encode()).fetchall()
    return {f"{row[0]} {row[1]}": Part(*row) for row in rows}


def differences(
    production: Mapping[str, Part], staging: Mapping[str, Part], ahead: Migrations
) -> Iterator[tuple[str, str]]:
    """Kind and name of what production has and staging lacks or has otherwise, and which of the two it is.

    Of a missing whole the parts are not told. What staging has on top is its own affair, and the migrations
    that it is `ahead` by may have changed or dropped what they name.
    """
    lacking = production.keys() - staging.keys()
    for key, part in production.items():
        if key in lacking:
            what = "" if part.whole in lacking else "production has it, staging does not"
        else:
            what = _difference(part, staging[key])
        if what and not ahead.mention(Name("", part.bare)):
            yield key, what


def _difference(production: Part, staging: Part) -> str:
    if production.definition == staging.definition:
        return ""
    if production.kind == "column":
        return f"{production.definition} in production, {staging.definition} in staging"
    # Defaults and conditions can hold values that stand for somebody.
    return "defined otherwise in production"


# -- catching up


@dataclass(frozen=True)
class _Replayer:
    """Brings migrations to one live generation."""

    control: Control
    database: str
    live: Generation
    settings: MigrationSettings
    production: frozenset[Name]
    """Production's sequences."""

    def settle_debts(self, connection: Session) -> None:
        """Windows for sequences of an earlier replay that was cut short before it gave them theirs."""
        catalog = read_catalog(connection)
        if self._windowless(catalog):
            self._place(connection, catalog)

    def replay(
        self, connection: Session, migrations: Sequence[Migration], report: Callable[..., None]
    ) -> tuple[MigrationRun, ...]:
        """One after the other, each with its windows and an entry beside the run that made the generation."""
        if not migrations:
            return ()
        run_id = self.live.run_id
        self.control.stage_started(run_id, NAME, utc_now())
        try:
            done = tuple(self._one(connection, migration, report) for migration in migrations)
        except UnderstudyError as error:
            self.control.stage_failed(run_id, NAME, utc_now(), error.to_json())
            raise
        self.control.stage_finished(run_id, NAME, utc_now(), None)
        return done

    def _one(self, connection: Session, migration: Migration, report: Callable[..., None]) -> MigrationRun:
        adapter, ledger = migration_adapter(self.settings), ledger_of(self.settings)
        seconds = replay(connection, adapter, ledger, [migration], report, LOCK_TIMEOUT)
        done = MigrationRun(migration.version, migration.name, seconds[migration.version])
        entry = {**vars(done), "at": utc_now().isoformat()}
        self.control.note_stage(self.live.run_id, NAME, [*self._noted(), entry])
        self._place(connection, read_catalog(connection))
        return done

    def _noted(self) -> list[Any]:
        """Every migration this generation has been brought since it went live."""
        return self.control.stage_note(self.live.run_id, NAME) or []

    def _windowless(self, catalog: Catalog) -> frozenset[Name]:
        # People may have made sequences of their own in staging: those stay as they are.
        handed = self.control.handed_out(self.live.label).keys()
        return frozenset((self.production & catalog.sequences.keys()) - handed)

    def _place(self, connection: Session, catalog: Catalog) -> None:
        draw = partial(secrets.token_bytes, 32)
        assigner = Assigner(self.control, self.database, self.live.label, utc_now(), draw)
        known = frozenset(catalog.sequences.keys() - self._windowless(catalog))
        place_sequences(assigner, connection, catalog, known)


@contextmanager
def _session(workspace: Workspace, database: str, live: Generation) -> Iterator[Session]:
    """A guarded session on the live generation's server, through the runner's own socket."""
    clone, marked = live.clone, workspace.provider(database).database_marker
    assert clone, "a generation is released with its clone"
    with open_clone(clone.dsn(), live.label, database_marker=marked) as connection:
        yield connection
