"""The control database: runs, stages, generations, windows; one small PostgreSQL that every worker shares.

Each call opens a short session of its own, so a worker that dies leaves nothing open. The one exception is
`Control.lock`: its session lives as long as the refresh, and the server frees the lock when the session ends.
Whoever holds it is asked for it at each call: a worker that has lost the lock to another writes nothing more.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

import psycopg
from psycopg import Connection, sql
from psycopg.rows import kwargs_row
from psycopg.types.json import Json

from sanitizers.catalog import Name
from sanitizers.control.lock import Lock
from sanitizers.control.model import (
    ALLOWED,
    CLONE,
    SNAPSHOT,
    Generation,
    HandedOut,
    NewRun,
    ReportEntry,
    RunEntry,
    StageEntry,
    State,
    Status,
    SwitchEntry,
)
from sanitizers.errors import Busy, GuardTripped, NotFound, ServerFailed, WrongState
from sanitizers.postgres.connection import address, described
from sanitizers.postgres.statements import statement
from sanitizers.snapshots.base import CloneRef, Snapshot

T = TypeVar("T")

_OPTIONS = " ".join(
    f"-c {setting}"
    for setting in (
        # A lock's session stays idle for hours; a time-out of the server's would free the lock mid-run,
        "idle_session_timeout=0",
        # but that of a host that died must not keep the others out for hours.
        *("tcp_keepalives_idle=60", "tcp_keepalives_interval=10", "tcp_keepalives_count=6"),
        "timezone=UTC",
    )
)


class Control:
    """All that is known about runs and generations. `now` is always the caller's clock, with a time zone."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self._locks: dict[Lock, str] = {}
        """Those held through this object, and the databases they are for."""

    def prepare(self) -> None:
        """Creates or upgrades the schema `understudy`; may be called at any time, by many workers at once."""
        version = hashlib.sha256(_text("schema")).hexdigest()
        if self._rows("schema_version", _value) == [version]:
            return
        with self._session("preparing the control database") as connection, connection.transaction():
            connection.execute("SET LOCAL client_min_messages = warning")
            connection.execute(_text("prepare_lock"), {"key": _lock_key("prepare")})
            connection.execute(_text("schema"))
            connection.execute(sql.SQL("COMMENT ON SCHEMA understudy IS {}").format(version))

    def require_own(self) -> None:
        """GuardTripped when the database is somebody else's: an address mistaken for another's, perhaps."""
        if self._rows("strangers", _value) == [True]:
            raise GuardTripped(
                "the control database holds tables that are not Understudy's; nothing was written",
                where=address(self.dsn),
                hint="give `control:` an empty database of its own, never a source",
            )

    @contextmanager
    def lock(self, database: str, *, shared: bool = False) -> Iterator[None]:
        """Holds the database's refresh lock for the block. Busy, naming the holder, when it is taken.

        Holders of a `shared` lock, who do parts of one stage, only keep out those who want it for themselves.
        Should the server cut the session meanwhile, the lock is taken again at the next call; every call is
        Busy, and does nothing, once somebody else has it.
        """
        lock = Lock(self._open, _lock_key(f"refresh/{database}"), shared=shared)
        try:
            with described("taking the refresh lock"):
                taken = lock.take()
            if not taken:
                raise self._busy(database)
            self._locks[lock] = database
            yield
        finally:
            self._locks.pop(lock, None)
            lock.free()

    def _require_locks(self) -> None:
        for lock, database in list(self._locks.items()):
            with described("asking for the refresh lock"):
                held = lock.held()
            if not held:
                raise Busy(
                    f"another refresh of {database} has taken over: the lock was lost",
                    where=database,
                    hint="the control database cut the session that held it; the other refresh goes on",
                )

    def _busy(self, database: str) -> Busy:
        holder = next(iter(self.unfinished_runs(database)), None)
        hint = "wait until it is done"
        if holder:
            hint = (
                f"wait for run {holder.id}, process {holder.pid} on {holder.host},"
                f" started {holder.started.isoformat(timespec='seconds')}"
            )
        return Busy(f"another refresh of {database} runs", where=database, hint=hint)

    # -- runs and stages

    def start_run(self, new: NewRun, now: datetime) -> str:
        """Records a new run and returns its id: a UUID that sorts by time."""
        run_id = _time_ordered_id(now)
        self._do("start_run", **{**vars(new), "options": _json(new.options)}, id=run_id, now=now)
        return run_id

    def reopen_run(self, run_id: str) -> None:
        """A failed run goes on. WrongState for any other."""
        if not self._do("reopen_run", run_id=run_id):
            raise WrongState("only a failed run can go on", where=run_id)

    def finish_run(self, run_id: str, status: Status, error: dict[str, Any] | None, now: datetime) -> None:
        """Ends a run; `error` is `UnderstudyError.to_json()`. WrongState when it is not running."""
        if not self._do("finish_run", run_id=run_id, status=status, error=_json(error), now=now):
            raise WrongState("the run is not running", where=run_id)

    def runs(self, database: str, limit: int = 100) -> list[RunEntry]:
        """The latest runs, newest first."""
        return self._rows("runs", RunEntry, database=database, limit=limit)

    def unfinished_runs(self, database: str) -> list[RunEntry]:
        """Runs that have not ended, newest first: the one that holds the lock, and crashed ones."""
        return self._rows("unfinished_runs", RunEntry, database=database)

    def run(self, run_id: str) -> RunEntry:
        return _only(self._rows("run", RunEntry, run_id=run_id), "run", run_id)

    def run_of(self, driver: str) -> RunEntry | None:
        """The latest run of that driver, if it has had one."""
        return next(iter(self._rows("run_of", RunEntry, driver=driver)), None)

    def policy_text(self, run_id: str) -> str:
        """The policy file as it was when the run started."""
        return str(_only(self._rows("policy_text", _value, run_id=run_id), "run", run_id))

    def stage_started(self, run_id: str, stage: str, now: datetime) -> None:
        self._do("start_stage", run_id=run_id, stage=stage, now=now)

    def stage_finished(self, run_id: str, stage: str, now: datetime, result: Any) -> None:
        """`result` is made of plain JSON values."""
        self._do("finish_stage", run_id=run_id, stage=stage, now=now, result=_json(result))

    def stage_failed(
        self, run_id: str, stage: str, now: datetime, error: dict[str, Any], result: Any = None
    ) -> None:
        """`error` is `UnderstudyError.to_json()`; `result` what the stage found before it failed."""
        self._do("fail_stage", run_id=run_id, stage=stage, now=now, error=_json(error), result=_json(result))

    def stages(self, run_id: str) -> list[StageEntry]:
        """Every stage the run has started, in order."""
        return self._rows("stages", StageEntry, run_id=run_id)

    def stage_results(self, run_id: str) -> dict[str, Any]:
        """Results by stage name, of finished stages and of failed ones that left one."""
        return {entry.stage: entry.result for entry in self.stages(run_id) if entry.result is not None}

    def forget_stages(self, run_id: str, stages: Sequence[str]) -> None:
        """What these stages found holds no more: a stage before them runs again. Their notes stay."""
        self._do("forget_stages", run_id=run_id, stages=list(stages))

    def forget_notes(self, run_id: str) -> None:
        """Every stage begins from nothing, on a new clone."""
        self._do("forget_notes", run_id=run_id)

    def note_stage(self, run_id: str, stage: str, note: Any) -> None:
        """Keeps what a stage must find again should it be run a second time."""
        self._do("note_stage", run_id=run_id, stage=stage, note=_json(note))

    def stage_note(self, run_id: str, stage: str) -> Any:
        """What `note_stage` kept, or None."""
        return next(iter(self._rows("stage_note", _value, run_id=run_id, stage=stage)), None)

    # -- generations

    def new_generation(self, database: str, run_id: str, now: datetime) -> Generation:
        """A sealed generation with the day's next label, `hospital-20261121-001`. Call it under the lock."""
        values = {"database": database, "run_id": run_id, "day": now.date(), "now": now}
        return self._rows("new_generation", _generation, **values)[0]

    def move(self, label: str, state: State, now: datetime, clone: CloneRef | None = None) -> Generation:
        """Brings a generation into `state` and stores `clone` when given. Being there already is fine.

        WrongState when the state it is in does not lead there. Making one live retires the previous live one
        of its database in the same transaction.
        """
        stored = _json(CLONE.dump_python(clone, mode="json")) if clone else None
        allowed = list(ALLOWED[state])
        values = {"label": label, "state": state, "now": now, "clone": stored, "allowed": allowed}
        with self._session("moving a generation") as connection, connection.transaction():
            if state == "live":
                connection.execute(_text("retire_live"), values)
            cursor = connection.cursor(row_factory=kwargs_row(_generation))
            if moved := cursor.execute(_text("move"), values).fetchone():
                return moved
            # Leaving the block by an error takes the retirement back.
            raise self._cannot_move(label, state)

    def require(self, label: str, state: State) -> None:
        """WrongState unless the generation could be brought into `state` now; Busy if the lock was lost."""
        if self.generation(label).state not in ALLOWED[state]:
            raise self._cannot_move(label, state)

    def _cannot_move(self, label: str, state: State) -> WrongState:
        found = self.generation(label)
        return WrongState(
            f"the generation is {found.state} and cannot become {state}",
            where=label,
            hint=f"only {' or '.join(ALLOWED[state])} generations can",
        )

    def generations(self, database: str, states: Sequence[State] | None = None) -> list[Generation]:
        """The database's generations, newest first, all of them or those in the given states."""
        chosen = None if states is None else list(states)
        return self._rows("generations", _generation, database=database, states=chosen)

    def live(self, database: str) -> Generation | None:
        return next(iter(self.generations(database, ["live"])), None)

    def generation(self, label: str) -> Generation:
        return _only(self._rows("generation", _generation, label=label), "generation", label)

    def generation_of(self, run_id: str) -> Generation | None:
        """The generation a run made; None for a run refused before it could."""
        return next(iter(self._rows("generation_of", _generation, run_id=run_id)), None)

    # -- snapshots

    def save_snapshot(self, database: str, snapshot: Snapshot, now: datetime) -> None:
        stored = _json(SNAPSHOT.dump_python(snapshot, mode="json"))
        self._do("save_snapshot", label=snapshot.label, database=database, snapshot=stored, now=now)

    def snapshots(self, database: str) -> list[Snapshot]:
        """The snapshots that have not been forgotten, newest first."""
        return self._rows("snapshots", _snapshot, database=database)

    def last_snapshot(self, database: str) -> Snapshot | None:
        return next(iter(self.snapshots(database)), None)

    def forget_snapshot(self, label: str) -> None:
        """Forgotten already is fine."""
        self._do("forget_snapshot", label=label)

    # -- switches and reports

    def record_switch(
        self, database: str, endpoint: str, generation: str, previous: str | None, by: str, now: datetime
    ) -> None:
        values = {"endpoint": endpoint, "generation": generation, "previous": previous, "by": by}
        self._do("record_switch", database=database, now=now, **values)

    def switches(self, database: str) -> list[SwitchEntry]:
        """Newest first."""
        return self._rows("switches", SwitchEntry, database=database)

    def save_report(self, entry: ReportEntry, record: bytes) -> None:
        """Where the evidence lies, and the record itself: not every reader reaches the host's disk."""
        self._do("save_report", **vars(entry), content=record.decode())

    def report(self, run_id: str) -> ReportEntry:
        return _only(self._rows("report", ReportEntry, run_id=run_id), "report of run", run_id)

    def record(self, run_id: str) -> dict[str, Any]:
        """The record of a run, as it was written."""
        text = _only(self._rows("record", _value, run_id=run_id), "report of run", run_id)
        record: dict[str, Any] = json.loads(text)
        return record

    # -- seeds and windows

    def seed(self, database: str, day: date, draw: Callable[[], bytes]) -> bytes:
        """The day's 32 random bytes of a database: drawn by the first who asks, then the same for all."""
        known = self._rows("seed", _value, database=database, day=day)
        if not known:
            self._do("keep_seed", database=database, day=day, seed=draw())
            known = self._rows("seed", _value, database=database, day=day)
        return bytes(known[0])

    def hand_out(self, generation: str, windows: Sequence[HandedOut], now: datetime) -> None:
        """Records that these ids belong to a generation, all or none. Each sequence once per generation."""
        self._do(
            "hand_out",
            generation=generation,
            day=now.date(),
            now=now,
            schemas=[window.sequence.schema for window in windows],
            names=[window.sequence.name for window in windows],
            productions=[window.production for window in windows],
            firsts=[window.first for window in windows],
            lasts=[window.last for window in windows],
        )

    def handed_out(self, generation: str) -> dict[Name, HandedOut]:
        """What a generation has been handed out so far."""
        found = self._rows("handed_out", _window, generation=generation)
        return {window.sequence: window for window in found}

    def taken(self, database: str, since: date) -> dict[Name, list[tuple[int, int]]]:
        """Windows nobody else may have: handed out on `since` or later, or of a generation that exists."""
        taken: defaultdict[Name, list[tuple[int, int]]] = defaultdict(list)
        for window in self._rows("taken", _window, database=database, since=since):
            taken[window.sequence].append((window.first, window.last))
        return dict(taken)

    def positions(self, database: str) -> dict[Name, list[tuple[datetime, int]]]:
        """Where production's sequences stood at each refresh, oldest first."""
        positions: defaultdict[Name, list[tuple[datetime, int]]] = defaultdict(list)
        for name, at, production in self._rows("positions", _position, database=database):
            positions[name].append((at, production))
        return dict(positions)

    def longest_life(self, database: str, now: datetime) -> timedelta:
        """For how long a generation has been used at most, those that are kept until `now`."""
        life: timedelta = self._rows("longest_life", _value, database=database, now=now)[0]
        return life

    # -- sessions

    def _open(self) -> Connection[Any]:
        try:
            return psycopg.connect(
                self.dsn,
                autocommit=True,
                connect_timeout=10,
                application_name="understudy control",
                options=_OPTIONS,
                keepalives_idle=60,
                tcp_user_timeout=30_000,
            )
        except psycopg.OperationalError:
            raise ServerFailed(
                "the control database does not answer",
                where=address(self.dsn),
                hint="is its server up, and are address and password in the settings right?",
            ) from None

    @contextmanager
    def _session(self, doing: str) -> Iterator[Connection[Any]]:
        self._require_locks()
        with closing(self._open()) as connection, described(doing):
            yield connection

    def _do(self, name: str, **values: Any) -> int:
        with self._session(_doing(name)) as connection:
            return connection.execute(_text(name), values).rowcount

    def _rows(self, name: str, make: Callable[..., T], **values: Any) -> list[T]:
        with self._session(_doing(name)) as connection:
            return connection.cursor(row_factory=kwargs_row(make)).execute(_text(name), values).fetchall()


def _text(name: str) -> bytes:
    return statement(f"control/{name}").encode()


def _doing(name: str) -> str:
    return f"{name.replace('_', ' ')} in the control database"


def _json(value: Any) -> Json | None:
    return None if value is None else Json(value)


def _lock_key(name: str) -> int:
    return int.from_bytes(hashlib.sha256(f"understudy/{name}".encode()).digest()[:8], signed=True)


def _time_ordered_id(now: datetime) -> str:
    """A UUID of version 7 (RFC 9562): 48 bits of milliseconds, then random bits."""
    moment = int(now.timestamp() * 1000) << 80
    bits = moment | secrets.randbits(80)
    bits = bits & ~(0xF << 76) | (0x7 << 76)
    return str(uuid.UUID(int=bits & ~(0x3 << 62) | (0x2 << 62)))


def _only(found: Sequence[T], kind: str, name: str) -> T:
    if not found:
        raise NotFound(f"no {kind} {name}", hint="`understudy status` lists what there is")
    return found[0]


def _value(value: Any) -> Any:
    return value


def _generation(**row: Any) -> Generation:
    stored = row.pop("clone")
    return Generation(clone=CLONE.validate_python(stored) if stored else None, **row)


def _snapshot(value: Any) -> Snapshot:
    return SNAPSHOT.validate_python(value)


def _window(schema: str, name: str, production: int, first: int, last: int) -> HandedOut:
    return HandedOut(Name(schema, name), production, first, last)


def _position(schema: str, name: str, at: datetime, production: int) -> tuple[Name, datetime, int]:
    return Name(schema, name), at, production
