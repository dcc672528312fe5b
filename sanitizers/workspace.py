"""Everything one settings file opens up: its targets, the control database, and what can be done."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from sanitizers.catalog import Catalog
from sanitizers.control import Control, NewRun
from sanitizers.control.model import Generation, RunEntry
from sanitizers.endpoints import endpoint_provider
from sanitizers.errors import Busy, EndpointFailed, NotFound, UnderstudyError, WrongState
from sanitizers.forensics.sample import Sample, draw, own_list
from sanitizers.keys import RunKey
from sanitizers.pipeline import Execution, Outcome, Watcher, stored_results, utc_now
from sanitizers.policy.document import load_policy, parse_policy
from sanitizers.policy.plan import Plan
from sanitizers.postgres.account import make_passable
from sanitizers.postgres.binaries import all_binaries, find_binaries
from sanitizers.postgres.cluster import create_cluster
from sanitizers.postgres.connection import Session, described, open_clone, read_source
from sanitizers.postgres.introspect import read_catalog
from sanitizers.postgres.schema_dump import schema_text
from sanitizers.preview import PreviewRow, preview
from sanitizers.results import Forensics, PlanResult, ReapResult, ReportResult, SwitchResult
from sanitizers.settings import Settings, Source, default_home, resolve_dsn, resolve_secret
from sanitizers.snapshots import snapshot_provider
from sanitizers.snapshots.base import CloneRef, SnapshotProvider
from sanitizers.snapshots.original import sealed_original
from sanitizers.stages.base import Approver, Options, Run
from sanitizers.stages.plan import make_plan
from sanitizers.stages.reap import Reaper
from sanitizers.stages.switch import Switch
from sanitizers.validators.expectations import ExpectationRunner

STALE = timedelta(hours=24)
"""A driven run that nobody has moved for so long is given up."""
RESUMABLE = timedelta(hours=12)
"""For so long the clone of a failed run is kept, so that the run can go on from where it failed."""
_UNDONE = ("sealed", "scrubbed", "validated")


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
class Freshness:
    """What staging is and what was promised; `kept` when nothing was."""

    live_since: datetime | None
    """When the live generation's night began: how old its data are."""
    due: datetime | None
    """When the last promise was due."""
    kept: bool


@dataclass(frozen=True)
class Workspace:
    settings: Settings
    home: Path
    control: Control

    def refresh(
        self, database: str, *, options: Options, watcher: Watcher, approver: Approver | None = None
    ) -> Outcome:
        """One nightly refresh, in this process. Raises what refused it, after record and report are written.

        Busy when another refresh of the database runs.
        """
        with self.control.lock(database):
            run_id = self._begin(database, options, "")
            run = self._run(self.control.run(run_id), watcher)
            run.approver = approver
            run.expectations = ExpectationRunner()
            run.expectations.start()
            return Execution(run, watcher).execute()

    def open_run(self, database: str, options: Options, driver: str) -> str:
        """Begins a run that somebody takes from stage to stage (see `resume`); returns its id.

        `driver` names who, unmistakably: `airflow:DAG/RUN`. Asked again by the same driver, it is the same
        run while that is open, has come through, or has failed in a way that can be mended; else a new one.
        Busy when another driver's run of the database is open.
        """
        with self.control.lock(database):
            last = self.control.run_of(driver)
            if last and (
                last.status in {"running", "released", "rehearsed"} or last.id in self._resumable(database)
            ):
                return last.id
            return self._begin(database, options, driver)

    @contextmanager
    def resume(
        self, run_id: str, watcher: Watcher, *, approver: Approver | None = None, shared: bool = False
    ) -> Iterator[Execution]:
        """A driven run, to take it one stage on; `shared` for parts of a stage, done by several at once.

        One that failed a short while ago is open again: its driver goes on with it. Busy when a process that
        was given up for dead is still at the last stage.
        """
        entry = self.control.run(run_id)
        with self.control.lock(entry.database, shared=shared):
            if entry.status == "failed" and run_id in self._resumable(entry.database):
                with suppress(WrongState):  # another worker at the same stage has
                    self.control.reopen_run(run_id)
            run = self._run(entry, watcher)
            run.approver = approver
            yield Execution(run, watcher)

    def abandon(self, database: str) -> list[str]:
        """Ends the open runs of a database, whoever drives them, and destroys what they made; their ids.

        Busy when a process is at work on one at this moment.
        """
        self.settings.target(database)
        with self.control.lock(database):
            ended = self.control.unfinished_runs(database)
            for run in ended:
                self.control.finish_run(run.id, "failed", _ended("it was abandoned"), utc_now())
            self._reaper(database).reap(utc_now())
        return [run.id for run in ended]

    def reap(self, database: str) -> ReapResult:
        """Destroys what has expired or was left behind; Busy while a refresh of the database is at work.

        A run whose driver has not moved it for `STALE` is given up.
        """
        self.settings.target(database)
        with self.control.lock(database):
            now = utc_now()
            for run in self.control.unfinished_runs(database):
                moved = max((entry.started for entry in self.control.stages(run.id)), default=run.started)
                if not run.driver or now - moved > STALE:
                    self.control.finish_run(run.id, "failed", _ended("its driver did not go on"), now)
            return self._reaper(database).reap(now, self._in_work(database))

    def _begin(self, database: str, options: Options, driver: str) -> str:
        """Records a run and its generation; a night refused because its policy cannot be read, too."""
        target = self.settings.target(database)
        now = utc_now()
        self._close_crashed(database, driver, now)
        new = NewRun(
            database, options.trigger, "", "", socket.gethostname(), os.getpid(), driver, asdict(options)
        )
        try:
            policy = load_policy(target.policy)
        except UnderstudyError as error:
            run_id = self.control.start_run(new, now)
            self.control.finish_run(run_id, "refused", error.to_json(), utc_now())
            raise
        run_id = self.control.start_run(
            replace(new, policy_digest=policy.digest, policy_text=policy.text), now
        )
        self.control.new_generation(database, run_id, now)
        return run_id

    def _close_crashed(self, database: str, driver: str, now: datetime) -> None:
        """We hold the lock, so a run without a driver that is still open is a dead process's.

        Of one DAG, one run is open at a time: the DAG's earlier one is over. Clones are reaped later.
        """
        dag = driver.rpartition("/")[0]
        for open_run in self.control.unfinished_runs(database):
            if open_run.driver and open_run.driver.rpartition("/")[0] != dag:
                raise Busy(
                    f"another refresh of {database} is under way",
                    where=open_run.driver,
                    hint=f"wait until it is done, or end it: understudy abandon {database}",
                )
            self.control.finish_run(
                open_run.id, "failed", _ended("the process ended before the run did"), now
            )
        self._switch(database).settle(now)

    def _run(self, entry: RunEntry, watcher: Watcher) -> Run:
        """The run as its record tells it: the policy as it was at its begin, and what its stages left."""
        target = self.settings.target(entry.database)
        make_passable(self.home / entry.database)
        generation = self.control.generation_of(entry.id)
        if generation is None:
            raise WrongState("the run was refused before it had a generation", where=entry.id)
        return Run(
            id=entry.id,
            generation=generation.label,
            database=entry.database,
            target=target,
            policy=parse_policy(self.control.policy_text(entry.id), target.policy),
            root=self.home,
            control=self.control,
            provider=self.provider(entry.database),
            endpoint=endpoint_provider(target.endpoint),
            key=RunKey.draw(),
            started=entry.started,
            clock=utc_now,
            progress=watcher,
            options=Options(**entry.options),
            binaries=self.settings.binaries,
            results=stored_results(self.control, entry.id),
            driven=bool(entry.driver),
        )

    def provider(self, database: str) -> SnapshotProvider:
        """What copies the database, and knows its clones."""
        target = self.settings.target(database)
        return snapshot_provider(target, database, self.home, self.settings.binaries)

    def _resumable(self, database: str) -> dict[str, str]:
        """The last run, if it failed a short while ago and its clone is still there: run id to generation."""
        for run in self.control.runs(database, 1):
            generation = self.control.generation_of(run.id)
            fresh = run.finished is not None and utc_now() - run.finished < RESUMABLE
            if run.driver and run.status == "failed" and fresh and generation and generation.state in _UNDONE:
                return {run.id: generation.label}
        return {}

    def _in_work(self, database: str) -> set[str]:
        """Generations of runs that are open or can go on."""
        open_runs = [self.control.generation_of(run.id) for run in self.control.unfinished_runs(database)]
        return {generation.label for generation in open_runs if generation} | set(
            self._resumable(database).values()
        )

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

    def freshness(self, database: str) -> Freshness:
        """Whether staging is what the last scheduled night was to make of it by now."""
        schedule, live = self.settings.target(database).schedule, self.control.live(database)
        promised = schedule.promised(utc_now()) if schedule else None
        since = live.created if live else None
        if promised is None:
            return Freshness(since, None, True)
        began, due = promised
        return Freshness(since, due, since is not None and since >= began)

    @contextmanager
    def staging(self, database: str) -> Iterator[Session]:
        """A session on live staging through the endpoint, as its clients have it. EndpointFailed without."""
        target = self.settings.target(database)
        provider, access = endpoint_provider(target.endpoint), target.access
        secret = {"password": resolve_secret(access.password)} if access.password else {}
        dsn = make_conninfo(provider.client_dsn(), user=access.role, **secret)
        try:
            connection = psycopg.connect(dsn, connect_timeout=10, application_name="understudy client")
        except psycopg.OperationalError:
            raise EndpointFailed("a client cannot connect", where=provider.describe()) from None
        with connection:
            yield connection

    def forensics(
        self,
        database: str,
        generation: str | None,
        values: Sequence[str] | None,
        report: Callable[[str, str], None],
    ) -> tuple[str, Forensics]:
        """Searches a released generation, the live one by default; its label and what came out.

        Originals are `values`, or a sample from the newest snapshot. Busy while a refresh is at work.
        """
        from sanitizers.forensics.examination import Subject, examine

        with self.control.lock(database):
            label, ref, run_id = self._released(database, generation)
            provider, results = self.provider(database), stored_results(self.control, run_id)
            provider.start(ref)

            def enter() -> AbstractContextManager[Session]:
                return open_clone(ref.dsn(), ref.label, database_marker=provider.database_marker)

            plan: Plan | None = None
            if values is None:
                report("originals", "are drawn from the newest snapshot")
                plan = results[PlanResult].plan
                sample = self._sample(database, label, plan, run_id)
            else:
                sample = own_list(values)
            with enter() as connection:
                catalog = read_catalog(connection)
            schema = partial(
                schema_text, ref.dsn(), ref.version // 10000, self.settings.binaries, home=self.home
            )
            files = None if provider.database_marker else Path(ref.location).parent
            workers = self.settings.target(database).parallel
            return label, examine(Subject(enter, catalog, schema, files, workers, report), sample, plan)

    def _released(self, database: str, generation: str | None) -> tuple[str, CloneRef, str]:
        """Label, clone and run of a generation that people may be working on."""
        self.settings.target(database)
        found = self.control.generation(generation) if generation else self.control.live(database)
        if found is None or found.database != database:
            what = f"no generation {generation}" if generation else "nothing is live yet"
            raise NotFound(what, where=database, hint="see `understudy status`")
        if found.clone is None or found.state not in {"live", "retired"}:
            raise WrongState(f"the generation is {found.state}, not released", where=found.label)
        return found.label, found.clone, found.run_id

    def _sample(self, database: str, generation: str, plan: Plan, run_id: str) -> Sample:
        """Drawn from a sealed clone of the newest snapshot, which is gone when this returns."""
        snapshot, provider = self.control.last_snapshot(database), self.provider(database)
        if snapshot is None:
            raise NotFound("there is no snapshot to take originals from", where=database)
        policy = parse_policy(self.control.policy_text(run_id), self.settings.target(database).policy)
        with (
            sealed_original(provider, snapshot, generation, policy.policy.tables) as ref,
            open_clone(ref.dsn(), ref.label, database_marker=provider.database_marker) as connection,
        ):
            return draw(connection, plan, read_catalog(connection), policy.policy.locale)

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

    def start(self, database: str) -> str | None:
        """Sees that the server runs of the generation clients are sent to; its label, if there is one."""
        served = endpoint_provider(self.settings.target(database).endpoint).current()
        known = self.control.generations(database, ["live", "validated", "retired"])
        # The endpoint tells the truth even where a worker died before it could say that it had moved it.
        found = [g for g in known if served and g.label == served.generation]
        found += [g for g in known if g.state == "live"]
        if found and found[0].clone:
            self.provider(database).start(found[0].clone)
        return found[0].label if found else None

    def rollback(self, database: str, to: str | None = None, by: str = "rollback") -> SwitchResult:
        """Points the endpoint at the newest retired generation, or at the named one.

        `by` says in the history of switches who wanted it and why.
        """
        with self.control.lock(database):
            self._switch(database).settle(utc_now())
            retired = [g for g in self.control.generations(database, ["retired"]) if to in (None, g.label)]
            if not retired:
                what = (
                    f"generation {to} cannot be gone back to"
                    if to
                    else "there is no earlier generation to go back to"
                )
                raise NotFound(what, where=database, hint="see `understudy status`")
            return self._switch(database).to(retired[0].label, by=by, now=utc_now())

    def destroy(self, database: str, generation: str | None) -> list[str]:
        """Destroys one generation that is not live; all of them, the live one included, when None."""
        with self.control.lock(database):
            self._switch(database).settle(utc_now())
            alive = {g.label: g for g in self.control.generations(database) if g.state != "destroyed"}
            if generation is not None and generation not in alive:
                raise NotFound(f"no generation {generation}", where=database, hint="see `understudy status`")
            served = endpoint_provider(self.settings.target(database).endpoint).current()
            serving = {served.generation} if served else set()
            serving |= {g.label for g in alive.values() if g.state == "live"}
            if generation is not None and generation in serving:
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
        return Switch(database, target, self.control, self.provider(database), endpoint)

    def _reaper(self, database: str) -> Reaper:
        target = self.settings.target(database)
        endpoint = endpoint_provider(target.endpoint)
        return Reaper(database, target, self.control, self.provider(database), endpoint)


def _ended(why: str) -> dict[str, Any]:
    return {**UnderstudyError(why).to_json(), "error": "Crashed"}


@contextmanager
def open_workspace(settings: Settings) -> Iterator[Workspace]:
    """The workspace of a settings file; starts the managed control server when none is named."""
    home = settings.home or default_home()
    control = Control(resolve_dsn(settings.control) if settings.control else _managed_control(home, settings))
    if settings.control:
        control.require_own()
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
