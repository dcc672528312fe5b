"""Everything one settings file opens up: its targets, the control database, and what can be done."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg

from sanitizers.catalog import Catalog
from sanitizers.control import Control
from sanitizers.control.model import Generation, RunEntry
from sanitizers.endpoints import endpoint_provider
from sanitizers.errors import NotFound, UnderstudyError, WrongState
from sanitizers.keys import RunKey
from sanitizers.pipeline import Execution, Outcome, Watcher, utc_now
from sanitizers.policy.document import LoadedPolicy, load_policy
from sanitizers.policy.plan import Plan
from sanitizers.postgres.account import make_passable
from sanitizers.postgres.binaries import all_binaries, find_binaries
from sanitizers.postgres.cluster import create_cluster
from sanitizers.postgres.connection import described, read_source
from sanitizers.postgres.introspect import read_catalog
from sanitizers.preview import PreviewRow, preview
from sanitizers.results import ReportResult, SwitchResult
from sanitizers.settings import Settings, Source, Target, default_home, resolve_dsn
from sanitizers.snapshots import snapshot_provider
from sanitizers.snapshots.base import SnapshotProvider
from sanitizers.stages.base import Approver, Options, Run
from sanitizers.stages.plan import make_plan
from sanitizers.stages.reap import Reaper
from sanitizers.stages.switch import Switch
from sanitizers.validators.expectations import ExpectationRunner


@dataclass(frozen=True)
class DatabaseStatus:
    """What is known of one target."""

    database: str
    live: Generation | None
    generations: list[Generation]
    """Newest first, destroyed ones left out."""
    runs: list[RunEntry]
    """Newest first."""
    endpoint: str


@dataclass(frozen=True)
class Workspace:
    settings: Settings
    home: Path
    control: Control

    def refresh(
        self,
        database: str,
        *,
        options: Options,
        watcher: Watcher,
        approver: Approver | None = None,
        until: str | None = None,
    ) -> Outcome:
        """One nightly refresh. Raises what refused it, after record and report are written.

        `until` names a stage to stop before. Busy when another refresh of the database runs.
        """
        target = self.settings.target(database)
        with self.control.lock(database):
            started = utc_now()
            self._close_crashed(database, started)
            policy = self._policy(database, target, options, started)
            run = self._run(database, policy, options, watcher, started)
            run.approver = approver
            return Execution(run, watcher, started).execute(until)

    def _policy(self, database: str, target: Target, options: Options, started: datetime) -> LoadedPolicy:
        """The policy; a night refused because it cannot be read is on record, too."""
        try:
            return load_policy(target.policy)
        except UnderstudyError as error:
            run_id = self._start(database, options, "", "", started)
            self.control.finish_run(run_id, "refused", error.to_json(), utc_now())
            raise

    def _start(self, database: str, options: Options, digest: str, text: str, started: datetime) -> str:
        host, pid = socket.gethostname(), os.getpid()
        return self.control.start_run(database, options.trigger, digest, text, host, pid, started)

    def _run(
        self, database: str, policy: LoadedPolicy, options: Options, watcher: Watcher, started: datetime
    ) -> Run:
        target = self.settings.target(database)
        make_passable(self.home / database)
        provider, endpoint = self._provider(database), endpoint_provider(target.endpoint)
        expectations = ExpectationRunner()
        expectations.start()
        run_id = self._start(database, options, policy.digest, policy.text, started)
        return Run(
            id=run_id,
            generation=self.control.new_generation(database, run_id, started).label,
            database=database,
            target=target,
            policy=policy,
            root=self.home,
            control=self.control,
            provider=provider,
            endpoint=endpoint,
            key=RunKey.draw(),
            clock=utc_now,
            progress=watcher,
            options=options,
            binaries=self.settings.binaries,
            expectations=expectations,
        )

    def _provider(self, database: str) -> SnapshotProvider:
        target = self.settings.target(database)
        return snapshot_provider(target, database, self.home, self.settings.binaries)

    def _close_crashed(self, database: str, now: datetime) -> None:
        """We hold the lock, so a run that is still open is a dead process's; its clone is reaped later."""
        said = {"error": "Crashed", "what": "the process ended before the run did"}
        for crashed in self.control.unfinished_runs(database):
            self.control.finish_run(crashed.id, "failed", said, now)

    def catalog(self, database: str) -> Catalog:
        """Production's catalog as it is now, read-only."""
        return source_catalog(self.settings.target(database).source)

    def plan(self, database: str) -> Plan:
        """What a refresh would do, from production's catalog as it is now."""
        policy = load_policy(self.settings.target(database).policy)
        return make_plan(policy, self.catalog(database), utc_now().date())

    def preview(self, database: str, table: str | None) -> list[PreviewRow]:
        """What the treatments make of invented values; no value of production is read."""
        policy = load_policy(self.settings.target(database).policy)
        with described("the preview"), psycopg.connect(self.control.dsn, autocommit=True) as connection:
            return preview(policy, self.catalog(database), connection, table)

    def status(self, database: str | None = None) -> list[DatabaseStatus]:
        names = [database] if database else sorted(self.settings.targets)
        return [self._status(name) for name in names]

    def _status(self, database: str) -> DatabaseStatus:
        target = self.settings.target(database)
        alive = [g for g in self.control.generations(database) if g.state != "destroyed"]
        alive.sort(key=lambda generation: generation.created, reverse=True)
        runs = self.control.runs(database, 10)
        said = endpoint_provider(target.endpoint).describe()
        return DatabaseStatus(database, self.control.live(database), alive, runs, said)

    def rollback(self, database: str, to: str | None = None) -> SwitchResult:
        """Points the endpoint at the newest retired generation, or at the named one."""
        with self.control.lock(database):
            retired = [g for g in self.control.generations(database, ["retired"]) if to in (None, g.label)]
            if not retired:
                what = (
                    f"generation {to} cannot be gone back to"
                    if to
                    else "there is no earlier generation to go back to"
                )
                raise NotFound(what, where=database, hint="see `understudy status`")
            return self._switch(database).to(retired[0].label, by="rollback", now=utc_now())

    def destroy(self, database: str, generation: str | None) -> list[str]:
        """Destroys one generation that is not live; all of them, the live one included, when None."""
        with self.control.lock(database):
            alive = {g.label: g for g in self.control.generations(database) if g.state != "destroyed"}
            if generation is not None and generation not in alive:
                raise NotFound(f"no generation {generation}", where=database, hint="see `understudy status`")
            if generation is not None and alive[generation].state == "live":
                raise WrongState(
                    "this generation is live: clients are on it", where=generation, hint="roll back first"
                )
            chosen = [generation] if generation is not None else sorted(alive)
            for label in chosen:
                if alive[label].state == "live":
                    self.control.move(label, "retired", utc_now())
                self._reaper(database).destroy(label, utc_now())
            return chosen

    def report(self, database: str, run: str | None = None) -> ReportResult:
        """Where a run's report lies; the last run's when none is named."""
        self.settings.target(database)
        runs = [run] if run else [entry.id for entry in self.control.runs(database, 1)]
        if not runs:
            raise NotFound("no run yet", where=database, hint=f"understudy refresh {database}")
        entry = self.control.report(runs[0])
        return ReportResult(entry.record, entry.page, entry.digest)

    def _switch(self, database: str) -> Switch:
        target = self.settings.target(database)
        endpoint = endpoint_provider(target.endpoint)
        return Switch(database, target, self.control, self._provider(database), endpoint)

    def _reaper(self, database: str) -> Reaper:
        target = self.settings.target(database)
        endpoint = endpoint_provider(target.endpoint)
        return Reaper(database, target, self.control, self._provider(database), endpoint)


@contextmanager
def open_workspace(settings: Settings) -> Iterator[Workspace]:
    """The workspace of a settings file; starts the managed control server when none is named."""
    home = settings.home or default_home()
    control = Control(resolve_dsn(settings.control) if settings.control else _managed_control(home, settings))
    control.prepare()
    yield Workspace(settings, home, control)


def _managed_control(home: Path, settings: Settings) -> str:
    make_passable(home)
    major = max((found.major for found in all_binaries(settings.binaries)), default=18)
    binaries = find_binaries(major, settings.binaries, home=home)
    return create_cluster(home / "control", binaries, superuser="understudy").dsn(user="understudy")


def source_catalog(source: Source) -> Catalog:
    """The catalog of a source, read in a read-only session."""
    with read_source(resolve_dsn(source), purpose="reading the catalog") as connection:
        return read_catalog(connection, positions=False)
