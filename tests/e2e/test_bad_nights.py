"""Disasters in mid-night: full disks, dying servers, clocks, second runners. Staging serves what is whole."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sanitizers import workspace as workspaces
from sanitizers.errors import Busy, DiskShort, GuardTripped, ServerFailed, SourceUnreachable, UnderstudyError
from sanitizers.postgres import backup, postmaster
from sanitizers.postgres.binaries import find_binaries
from sanitizers.postgres.cluster import Cluster, create_cluster
from sanitizers.postgres.connection import marker
from sanitizers.settings import load_settings
from sanitizers.stages import switch
from sanitizers.stages.base import Options
from sanitizers.workspace import Workspace, open_workspace
from tests.conftest import passable_folder, remove_servers, unavailable
from tests.e2e.conftest import POLICY, SCHEMA, Clinic, target

STARTED, ITEM, FINISHED = "started", "item", "finished"


class Disaster:
    """A watcher that lets something happen, once, at an event of a stage."""

    def __init__(self, event: str, stage: str, happen: Callable[[], None]) -> None:
        self._when = (event, stage)
        self._happen = happen
        self.happened = False

    def _at(self, event: str, stage: str) -> None:
        if (event, stage) == self._when and not self.happened:
            self.happened = True
            self._happen()

    def stage_started(self, stage: str) -> None:
        self._at(STARTED, stage)

    def stage_finished(self, stage: str, seconds: float, result: Any) -> None:
        self._at(FINISHED, stage)

    def stage_failed(self, stage: str, seconds: float, error: UnderstudyError) -> None: ...

    def item(self, stage: str, item: str, detail: str = "", *, done: bool = False) -> None:
        self._at(ITEM, stage)


@contextmanager
def opened(clinic: Clinic) -> Iterator[Workspace]:
    with open_workspace(load_settings(clinic.settings)) as workspace:
        yield workspace


def night(clinic: Clinic, event: str, stage: str, happen: Callable[[], None]) -> None:
    """A refresh in which something happens."""
    disaster = Disaster(event, stage, happen)
    try:
        with opened(clinic) as workspace:
            workspace.refresh(clinic.database, options=Options(), watcher=disaster)
    finally:
        assert disaster.happened


def generations(clinic: Clinic) -> dict[str, str]:
    """Labels and states of all that was not destroyed."""
    status = json.loads(clinic.run("status", clinic.database, "--json").stdout)
    return {generation["label"]: generation["state"] for generation in status[0]["generations"]}


def served(clinic: Clinic) -> str:
    """The generation that clients get; it is whole, and knows nobody."""
    ((name,),) = clinic.staging("SELECT current_setting('cluster_name')")
    counts = "SELECT count(*), count(name), count(*) FILTER (WHERE name LIKE 'Original%') FROM patients"
    assert clinic.staging(counts) == [(300, 300, 0)]
    assert clinic.staging("SELECT count(*) FROM visits") == [(300,)]
    return str(name).removeprefix("understudy/")


@contextmanager
def yesterday_keeps_serving(clinic: Clinic) -> Iterator[None]:
    """Refreshes once; after the block clients still get that, and the next night comes through and tidies."""
    clinic.refresh()
    before = served(clinic)
    yield
    assert served(clinic) == before
    clinic.refresh()
    assert served(clinic) != before
    assert sorted(generations(clinic).values()) == ["live", "retired"]
    clones = clinic.home / "clones" / clinic.database
    assert {folder.name for folder in clones.iterdir()} == set(generations(clinic))
    snapshots = clinic.home / "snapshots" / clinic.database
    assert len(list(snapshots.iterdir())) == 1


# -- more than one runner


def cut_control(clinic: Clinic) -> None:
    """The control database's server drops every session, as a restart would."""
    with opened(clinic) as workspace, psycopg.connect(workspace.control.dsn, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def take_over(clinic: Clinic) -> None:
    """The first runner loses its lock, and a second one comes through before it notices."""
    cut_control(clinic)
    clinic.refresh()


def test_who_was_taken_over_from_does_not_move_clients_back(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the latest moment: its clone is released and tried, only the endpoint is left to be moved."""
    probe, zombies = switch._probe, []

    def probed(destination: Any, password: str) -> None:
        probe(destination, password)
        if not zombies:
            zombies.append(destination.generation)
            take_over(clinic)

    monkeypatch.setattr(switch, "_probe", probed)
    result = clinic.run("refresh", clinic.database)
    assert result.exit_code != 0
    assert "Traceback" not in result.output
    assert served(clinic) not in zombies
    assert generations(clinic) == {served(clinic): "live"}


@pytest.mark.exhaustive
@pytest.mark.timeout(1200)
def test_who_was_taken_over_from_ends_and_harms_nothing(clinic: Clinic) -> None:
    clinic.refresh()
    before = served(clinic)
    for event, stage in (
        (ITEM, "snapshot"),
        (ITEM, "scrub"),
        (STARTED, "purge"),
        (FINISHED, "validate"),
        (ITEM, "switch"),
    ):
        with pytest.raises(UnderstudyError):
            night(clinic, event, stage, lambda: take_over(clinic))
        live = served(clinic)
        assert generations(clinic) == {live: "live", before: "retired"}
        before = live


@pytest.mark.exhaustive
def test_a_second_runner_waits_while_the_first_still_works(clinic: Clinic) -> None:
    """The first has lost the session of its lock, comes back for it, and keeps it."""

    def meddle() -> None:
        cut_control(clinic)

    night(clinic, STARTED, "plan", meddle)
    assert generations(clinic) == {served(clinic): "live"}


@pytest.mark.exhaustive
def test_two_hosts_with_one_control_database(
    clinic: Clinic, postgres_database: str, default_home: Path
) -> None:
    with passable_folder() as elsewhere:
        (elsewhere / "servers").symlink_to(default_home / "servers")
        clinic.configure("targets:", f"control: {{dsn: '{postgres_database}'}}\ntargets:")
        here = clinic.settings.read_text()
        there = here.replace(f"home: {clinic.home}", f"home: {elsewhere}")

        def other(*words: str) -> int:
            clinic.settings.write_text(there)
            try:
                return int(clinic.run(*words).exit_code)
            finally:
                clinic.settings.write_text(here)

        codes: list[int] = []
        night(clinic, STARTED, "scrub", lambda: codes.append(other("refresh", clinic.database)))
        assert codes == [Busy.exit_code]
        first = served(clinic)
        assert other("refresh", clinic.database) == 0
        assert generations(clinic) == {served(clinic): "live", first: "retired"}
        clinic.refresh()
        assert other("destroy", clinic.database, "--all", "--yes") == 0


# -- servers that die


def backends(clone: str) -> list[int]:
    """Processes of a clone's server that serve sessions."""
    with psycopg.connect(clone) as connection:
        found = connection.execute(
            "SELECT pid FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        ).fetchall()
    return [pid for (pid,) in found]


def sealed_clone(clinic: Clinic) -> str:
    with opened(clinic) as workspace:
        (made,) = workspace.control.generations(clinic.database, ["sealed"])
    assert made.clone is not None
    return made.clone.dsn()


def crash(clone: str) -> None:
    """What the kernel does when memory runs out: one process is gone, so the server starts over."""
    with (
        closing(psycopg.connect(clone)) as victim,
        closing(psycopg.connect(clone, autocommit=True)) as witness,
    ):
        os.kill(victim.info.backend_pid, signal.SIGKILL)
        with pytest.raises(psycopg.OperationalError):
            witness.execute("SELECT pg_sleep(60)")
    wait_for(lambda: answers(clone))


def answers(server: str) -> bool:
    try:
        psycopg.connect(server).close()
    except psycopg.OperationalError:
        return False
    return True


PREPARED_OF = """
CREATE TABLE stays (patient bigint NOT NULL, day date NOT NULL) PARTITION BY RANGE (day);
CREATE TABLE stays_early PARTITION OF stays FOR VALUES FROM ('1900-01-01') TO ('2020-01-01');
CREATE TABLE stays_late PARTITION OF stays FOR VALUES FROM ('2020-01-01') TO ('2100-01-01');
INSERT INTO stays SELECT id, date '2019-09-01' + id::int FROM patients;
"""
PREPARED_FOR = {
    # Chosen rows, a mapping, a function's results, a look-up of other rows, rows that change partitions.
    "  public.patients:": """\
  public.stays: {columns: {patient: non_identifying, day: {category: quasi_identifier,
                           treat: {kind: date_shift, days: 90}}}}
  public.patients:
    rows: {keep: 'id > 0'}""",
    "{category: device_id}": "{category: device_id, treat: {kind: unique, format: digits}}",
    "ward: non_identifying": "ward: {category: device_id, treat: {kind: python, function: 'wards:moved'}}",
    "note: free_text": "note: {category: free_text, treat: {kind: redact, through: {patient_id: [name]}}}",
}
WARDS = """
import pyarrow as pa


def moved(values: pa.Array) -> pa.Array:
    return pa.array(["Elsewhere" for _ in values])
"""


@pytest.mark.exhaustive
def test_nothing_prepared_is_lost_when_the_clones_server_crashes(
    clinic: Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scheduler tries the part again on the same clone: what the first attempt made must still be there."""
    (tmp_path / "wards.py").write_text(WARDS)
    monkeypatch.syspath_prepend(tmp_path)
    clinic.produce(PREPARED_OF)
    for old, new in PREPARED_FOR.items():
        clinic.edit(old, new)
    with opened(clinic) as workspace:
        run = workspace.open_run(clinic.database, Options(), "test:nights/1")

        def advance(*names: str) -> None:
            for name in names:
                with workspace.resume(run, Disaster("", "", lambda: None)) as execution:
                    execution.step(name)

        advance("snapshot", "isolate", "plan")
        with workspace.resume(run, Disaster("", "", lambda: None)) as execution:
            (first, *more) = execution.divide("scrub")
            crash(sealed_clone(clinic))
            execution.part("scrub", first)
            crash(sealed_clone(clinic))
            for part in more:
                execution.part("scrub", part)
            crash(sealed_clone(clinic))
            execution.unite("scrub")
        advance("purge", "offset", "migrate", "validate", "approve", "switch")
    served(clinic)
    assert clinic.staging("SELECT count(DISTINCT code), min(ward), max(ward) FROM patients") == [
        (300, "Elsewhere", "Elsewhere")
    ]
    assert clinic.staging(
        "SELECT count(*) FILTER (WHERE note ~ 'came in' AND note !~ 'Original') FROM visits"
    ) == [(300,)]
    assert clinic.staging("SELECT count(*) FROM stays") == [(300,)]


@pytest.mark.exhaustive
def test_a_scrub_whose_server_crashes_fails_and_releases_nothing(clinic: Clinic) -> None:
    with yesterday_keeps_serving(clinic):
        with pytest.raises(ServerFailed) as caught:
            night(clinic, ITEM, "scrub", lambda: crash_under_others(clinic))
        assert caught.value.retryable


def crash_under_others(clinic: Clinic) -> None:
    clone = sealed_clone(clinic)

    def strike() -> None:
        wait_for(lambda: backends(clone), every=0.001)
        crash(clone)

    threading.Thread(target=strike).start()


def own_production(folder: Path) -> Cluster:
    return create_cluster(folder / "production", find_binaries(18), listen="127.0.0.1", durable=False)


@pytest.fixture
def fragile(home: Path, tmp_path: Path) -> Iterator[Clinic]:
    """The clinic on a production of its own, large enough that a copy takes a moment."""
    with passable_folder() as folder:
        production = own_production(folder)
        made = target(production, home, tmp_path, POLICY)
        clinic = next(made)
        clinic.produce(SCHEMA)
        ballast = "SELECT repeat(md5(i::text), 50) AS filler FROM generate_series(1, 99999) i"
        clinic.produce(f"CREATE TABLE ballast AS {ballast}")
        clinic.edit("tables:", "tables:\n  public.ballast: {columns: {filler: non_identifying}}")
        yield clinic
        postmaster.stop_server(production.data, immediate=True)


def when_copied(production: Cluster, strike: Callable[[int], None]) -> threading.Thread:
    """Does something as soon as a copy streams; it is told the process that sends."""
    query = "SELECT pid FROM pg_stat_progress_basebackup WHERE backup_streamed > 0"

    def wait() -> None:
        with closing(psycopg.connect(production.dsn(), autocommit=True)) as connection:
            [(sender,)] = wait_for(lambda: connection.execute(query).fetchall(), every=0.001)
            strike(sender)

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


@pytest.mark.exhaustive
def test_a_source_that_dies_in_mid_copy(fragile: Clinic) -> None:
    server = postmaster.server_pid(fragile.production.data)
    assert server is not None
    with yesterday_keeps_serving(fragile):
        striker = when_copied(fragile.production, lambda sender: os.kill(server, signal.SIGQUIT))
        result = fragile.run("refresh", fragile.database, "--full")
        striker.join()
        assert result.exit_code == SourceUnreachable.exit_code, result.output
        assert not list((fragile.home / "snapshots" / fragile.database).glob("*.partial"))
        fragile.production.stop(immediate=True)
        fragile.production.start()


def processes(production: Cluster) -> list[int]:
    """The server and all its children."""
    server = postmaster.server_pid(production.data)
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(server)], capture_output=True, text=True, check=True
    )
    assert server is not None
    return [server, *map(int, listed.stdout.split())]


@contextmanager
def frozen_in_mid_copy(production: Cluster) -> Iterator[threading.Event]:
    """Neither answers nor breaks off, as a machine whose disk hangs; the event tells when."""
    stopped, frozen = list[int](), threading.Event()

    def freeze(sender: int) -> None:
        # The copy is short: who sends it must not be looked for.
        os.kill(sender, signal.SIGSTOP)
        stopped.extend(processes(production))
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        frozen.set()

    striker = when_copied(production, freeze)
    try:
        yield frozen
    finally:
        striker.join()
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)


@pytest.mark.exhaustive
def test_a_source_that_freezes_is_not_waited_for_for_ever(
    fragile: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "_STANDSTILL", 3.0)
    with frozen_in_mid_copy(fragile.production):
        result = fragile.run("refresh", fragile.database)
    assert result.exit_code == ServerFailed.exit_code, result.output
    fragile.refresh()
    served(fragile)


@pytest.mark.exhaustive
def test_a_copy_that_hangs_can_be_interrupted(fragile: Clinic) -> None:
    command = [sys.executable, "-m", "sanitizers.cli", "--settings", str(fragile.settings), "refresh"]
    with frozen_in_mid_copy(fragile.production) as frozen:
        running = subprocess.Popen(
            [*command, fragile.database], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        try:
            assert frozen.wait(120)
            assert "pg_basebackup" in commands(fragile)
            running.send_signal(signal.SIGINT)
            said, _ = running.communicate(timeout=60)
        finally:
            running.kill()
    assert running.returncode != 0
    assert "Traceback" not in said
    assert "pg_basebackup" not in commands(fragile)
    fragile.refresh()


def commands(clinic: Clinic) -> str:
    """What runs with this clinic's home among its words."""
    listed = subprocess.run(["ps", "-ww", "-eo", "args="], capture_output=True, text=True, check=True).stdout
    return "\n".join(line for line in listed.splitlines() if f"{clinic.home}/snapshots" in line)


def wait_for(ask: Callable[[], Any], every: float = 0.05) -> Any:
    """The first answer that is not nothing."""
    until = time.monotonic() + 120
    while not (answer := ask()):
        assert time.monotonic() < until
        time.sleep(every)
    return answer


# -- disks


@pytest.fixture
def cramped(default_home: Path) -> Iterator[Path]:
    """A home on a small disk of its own that shares blocks."""
    if os.geteuid() != 0 or shutil.which("mkfs.xfs") is None:
        unavailable("making a small disk takes root and mkfs.xfs (package xfsprogs)")
    with passable_folder() as folder:
        image, place = folder / "disk.img", folder / "disk"
        with image.open("wb") as file:
            file.truncate(700 * 2**20)
        subprocess.run(["mkfs.xfs", "-q", "-m", "reflink=1", image], check=True)
        place.mkdir()
        subprocess.run(["mount", "-o", "loop", image, place], check=True)
        place.chmod(0o711)
        (place / "servers").symlink_to(default_home / "servers")
        yield place
        remove_servers(place)
        subprocess.run(["umount", place], check=True)


@pytest.fixture
def crowded(cramped: Path, production18: Cluster, tmp_path: Path) -> Iterator[Clinic]:
    made = target(production18, cramped, tmp_path, POLICY)
    clinic = next(made)
    clinic.produce(SCHEMA)
    yield clinic
    next(made, None)


def fill(disk: Path, leaving: int = 0) -> None:
    """Somebody else's file takes all that is left, or all but some bytes."""
    with (disk / "somebody_elses_file").open("wb", buffering=0) as file:
        for size in (2**22, 2**16, 2**12):
            try:
                while True:
                    file.write(b"\1" * size)
            except OSError:
                continue
        file.truncate(file.tell() - leaving)


EARLY = (
    (ITEM, "snapshot"), (STARTED, "isolate"), (STARTED, "scrub"), (ITEM, "scrub"), (STARTED, "purge"),
    (STARTED, "offset"),
)  # fmt: skip
LATE = ((STARTED, "validate"), (ITEM, "switch"))


@pytest.mark.exhaustive
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("moments", [EARLY, LATE], ids=["early", "late"])
def test_a_disk_that_fills_up(crowded: Clinic, moments: tuple[tuple[str, str], ...]) -> None:
    with yesterday_keeps_serving(crowded):
        before = served(crowded)
        for event, stage in moments:
            with pytest.raises(UnderstudyError) as caught:
                night(crowded, event, stage, lambda: fill(crowded.home))
            # The server of a clone that cannot write any more may be gone for good.
            assert caught.value.retryable or "refresh again" in caught.value.hint, (
                event,
                stage,
                caught.value,
            )
            assert served(crowded) == before
            (crowded.home / "somebody_elses_file").unlink()
    assert not list(crowded.home.rglob("*.partial"))


@pytest.mark.exhaustive
def test_a_disk_too_full_for_the_evidence(crowded: Clinic) -> None:
    """Clients are on the new generation by then; that the record is missing is said, and is no refusal."""
    with pytest.raises(DiskShort):
        night(crowded, STARTED, "report", lambda: fill(crowded.home))
    assert generations(crowded) == {served(crowded): "live"}
    (crowded.home / "somebody_elses_file").unlink()
    crowded.refresh()


@pytest.mark.exhaustive
def test_a_copy_that_does_not_fit_says_so(crowded: Clinic) -> None:
    crowded.refresh()
    before = served(crowded)
    with pytest.raises(DiskShort, match="are needed"):
        night(crowded, STARTED, "snapshot", lambda: fill(crowded.home, leaving=2**24))
    assert served(crowded) == before


# -- clocks


@pytest.mark.exhaustive
def test_a_clock_that_jumps_back(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day back, twice the same moment, and forward again."""
    start, seen = datetime.now(UTC), []
    for days in (0, -1, -1, 0):
        monkeypatch.setattr(workspaces, "utc_now", lambda at=start + timedelta(days=days): at)
        clinic.refresh()
        seen.append(served(clinic))
        assert generations(clinic)[seen[-1]] == "live"
        if len(seen) > 1:
            assert generations(clinic)[seen[-2]] == "retired", "there is something to go back to"
    assert len(set(seen)) == len(seen)
    assert seen[:2] == [
        f"{clinic.database}-{start:%Y%m%d}-001",
        f"{clinic.database}-{start - timedelta(days=1):%Y%m%d}-001",
    ]
    with opened(clinic) as workspace:
        windows = [workspace.control.handed_out(label) for label in seen]
    for one, other in combinations(windows, 2):
        for name in one:
            assert one[name].last < other[name].first or other[name].last < one[name].first
    assert clinic.run("rollback", clinic.database).exit_code == 0
    assert served(clinic) == seen[-2]


# -- addresses that are mistaken


@pytest.mark.exhaustive
def test_a_production_that_calls_itself_tonights_clone(home: Path, tmp_path: Path) -> None:
    with passable_folder() as folder:
        production = own_production(folder)
        made = target(production, home, tmp_path, POLICY)
        clinic = next(made)
        clinic.produce(SCHEMA)
        label = f"{clinic.database}-{datetime.now(UTC):%Y%m%d}-001"
        clinic.produce(f"ALTER SYSTEM SET cluster_name = '{marker(label)}'")
        clinic.produce(f"COMMENT ON DATABASE {clinic.database} IS '{marker(label)}'")
        production.stop()
        production.start()
        rows = "SELECT array_agg((ctid, xmin, p.*)::text ORDER BY id) FROM patients p"
        with psycopg.connect(production.dsn(clinic.database)) as connection:
            before = connection.execute(rows).fetchone()
        result = clinic.run("refresh", clinic.database)
        assert result.exit_code == GuardTripped.exit_code, result.output
        with psycopg.connect(production.dsn(clinic.database)) as connection:
            assert connection.execute(rows).fetchone() == before
        next(made, None)


@pytest.mark.exhaustive
def test_a_record_that_leads_to_production(clinic: Clinic) -> None:
    """Production's address stands where a clone's belongs; a rollback would set passwords there."""
    clinic.refresh()
    clinic.refresh()
    before = served(clinic)
    address = {"host": str(clinic.production.socket_dir), "port": clinic.production.port, "user": "postgres"}
    with opened(clinic) as workspace, psycopg.connect(workspace.control.dsn) as connection:
        connection.execute(
            "UPDATE understudy.generations SET clone = clone::jsonb || %s WHERE state = 'retired'",
            [psycopg.types.json.Jsonb(address)],
        )
    result = clinic.run("rollback", clinic.database)
    assert result.exit_code == GuardTripped.exit_code, result.output
    assert served(clinic) == before
    with psycopg.connect(clinic.production.dsn()) as connection:
        assert connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'staging'").fetchone() is None


@pytest.mark.exhaustive
def test_a_source_that_is_staging_itself(clinic: Clinic) -> None:
    clinic.refresh()
    before = served(clinic)
    service = (clinic.folder / "pg_service.conf").read_text()
    port = service.partition("port=")[2].partition("\n")[0]
    password = service.partition("password=")[2].partition("\n")[0]
    (clinic.folder / "password").write_text(password)
    clinic.configure(f"port={clinic.production.port} user={clinic.database}", f"port={port} user=staging")
    result = clinic.run("refresh", clinic.database)
    assert result.exit_code == GuardTripped.exit_code, result.output
    assert "is a clone of ours" in " ".join(result.output.split())
    assert served(clinic) == before
