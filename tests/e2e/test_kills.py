"""Never half-way: whatever is killed, whenever, staging serves a whole generation, and the next night comes.

Several killed nights in a row share one clinic; after each of them staging is read through the endpoint, and
after a good night nothing of them is left.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from operator import attrgetter

import psycopg
import pytest

from sanitizers.errors import WrongState
from sanitizers.postgres import postmaster
from sanitizers.postgres.connection import marker, socket_directory
from tests.e2e.conftest import Clinic
from tests.e2e.killing import STRUCK, gone, kill_server, night, processes
from tests.e2e.test_driven_runs import opened

SWITCH = "sanitizers.stages.switch:"
SERVICE = "sanitizers.endpoints.service:"
BACKUP = "sanitizers.snapshots.basebackup:"
CLUSTER = "sanitizers.postgres.cluster:Cluster."
CONTROL = "sanitizers.control.database:Control."
HEAP = "sanitizers.postgres.heap:"
MIGRATE = "sanitizers.stages.migrate:"
REPORT = "sanitizers.stages.report:"
REMOVAL = "sanitizers.snapshots.basebackup:remove_cluster"
REAPER = "sanitizers.stages.reap:Reaper."

EVERY_TIME = (
    f"runner before {CONTROL}save_snapshot",
    f"runner before {HEAP}_swap#2",
    f"runner before pathlib:Path.replace in {SERVICE}Service.point_to",
    f"server before {SERVICE}Service.point_to",
    f"runner before os:unlink#40 in {REAPER}destroy",
)
"""What one night after the other dies of in `make test`."""

RUNNER = {
    "snapshot": (
        "runner snapshot started",
        "runner during pg_basebackup",
        f"runner after {BACKUP}backup.take_backup",
        f"runner before {CONTROL}save_snapshot",
        "runner snapshot item starting the sealed clone",
        "runner during cp",
        f"runner before {CLUSTER}start in {BACKUP}BaseBackup.clone",
        "runner during pg_ctl",
        f"runner after {CLUSTER}start in {BACKUP}BaseBackup.clone",
        "runner snapshot finished",
    ),
    "scrub": (
        "runner isolate started",
        "runner isolate finished",
        "runner plan started",
        "runner plan finished",
        "runner scrub started",
        f"runner after {HEAP}_make_twin",
        f"runner before {HEAP}_rebuild",
        "runner scrub item public.visits done",
        "runner scrub finished",
    ),
    "purge": (
        "runner purge started",
        "runner purge item statistics",
        f"runner before {BACKUP}BaseBackup.cleanse",
        "runner during pg_resetwal",
        f"runner before {CLUSTER}start#2 in {BACKUP}BaseBackup.cleanse",
        f"runner after {BACKUP}BaseBackup.cleanse",
        "runner purge finished",
    ),
    "offset and migrate": (
        "runner offset started",
        f"runner before {CONTROL}hand_out",
        f"runner after {CONTROL}hand_out",
        "runner offset finished",
        "runner migrate item V1__quicker.sql",
        f"runner before {MIGRATE}_become#2 in {MIGRATE}_run_one",
        f"runner before {MIGRATE}_run_one#2",
        f"runner before {MIGRATE}check_coverage",
        "runner migrate finished",
    ),
    "validate": (
        "runner validate started",
        "runner validate item public.patients",
        "runner validate item expectations",
        "runner validate item search files",
        f"runner before {REMOVAL}#3 in sanitizers.stages.validate:run",
        "runner validate finished",
        "runner approve finished",
    ),
    "switch": (
        "runner switch started",
        f"runner before {CLUSTER}sync",
        "runner during initdb",
        f"runner before {CLUSTER}start_listening",
        f"runner after {CLUSTER}start_listening",
        f"runner before {SWITCH}Switch._admit",
        f"runner after {SWITCH}Switch._admit",
        f"runner before {SERVICE}Service.point_to",
        f"runner before os:fsync in {SERVICE}Service.point_to",
        f"runner after {SERVICE}Service.point_to",
    ),
    "after the switch": (
        f"runner before {CONTROL}move in {SWITCH}Switch.to",
        f"runner after {CONTROL}move in {SWITCH}Switch.to",
        f"runner before {CONTROL}record_switch",
        f"runner after {CONTROL}record_switch",
        "runner switch finished",
        f"runner before pathlib:Path.replace in {REPORT}run",
        f"runner before {CONTROL}save_report",
        "runner report finished",
        "runner reap started",
        f"runner after {REMOVAL} in {REAPER}destroy",
        f"runner before {CONTROL}forget_snapshot",
        f"runner before {CONTROL}finish_run",
    ),
}
"""Points at which the runner dies; each group is one clinic's sequence of nights."""

SERVER = {
    "isolate": (
        "server snapshot finished",
        "server isolate started",
        "server isolate finished",
        "server plan started",
        "server plan finished",
    ),
    "scrub": (
        "server scrub started",
        "server scrub item public.patients",
        "server scrub item public.visits",
        f"server after {HEAP}_make_twin",
        f"server before {HEAP}_swap",
        f"server before {HEAP}_rebuild",
        f"server after {HEAP}_obey_as_rows",
        "server scrub item public.patients done",
        "server scrub finished",
    ),
    "sessions": (
        "backend scrub item public.patients",
        f"backend before {HEAP}_swap",
        f"backend after {HEAP}_swap#2",
        "backend purge item statistics",
        "backend migrate item V2__checked.sql",
        "backend validate item public.visits",
    ),
    "purge": (
        "server purge started",
        "server purge item statistics",
        f"server before {BACKUP}BaseBackup.cleanse",
        f"server after {CLUSTER}start#2 in {BACKUP}BaseBackup.cleanse",
        "server purge finished",
        "server offset started",
        f"server before {CONTROL}hand_out",
        f"server after {CONTROL}hand_out",
        "server offset finished",
    ),
    "migrate and validate": (
        "server migrate started",
        "server migrate item V2__checked.sql",
        f"server before {MIGRATE}check_coverage",
        "server migrate finished",
        "server validate item public.patients",
        "original validate item public.patients",
        "server validate item expectations",
        "server validate item search rows",
        "server validate finished",
    ),
    "switch": (
        "server switch started",
        f"server before {CLUSTER}sync",
        f"server after {CLUSTER}start_listening",
        f"server before {SWITCH}Switch._admit",
        f"server after {SWITCH}Switch._admit",
        f"server after {SERVICE}Service.point_to",
        f"server before {CONTROL}record_switch",
    ),
}
"""Points at which the clone's server dies, or one session of it."""


@pytest.fixture
def staged(clinic: Clinic) -> Clinic:
    """The clinic with two migrations to come, and a first generation to serve."""
    migrations = clinic.folder / "migrations"
    (migrations / "V1__quicker.sql").write_text("CREATE INDEX visits_by_patient ON visits (patient_id);")
    checked = "ALTER TABLE visits ADD CONSTRAINT counted CHECK (id > 0);"
    (migrations / "V2__checked.sql").write_text(checked)
    clinic.refresh()
    return clinic


def nights(clinic: Clinic, points: Sequence[str]) -> None:
    """Each night dies at its point. After the last one a night comes through."""
    for point in points:
        done = night(clinic.settings, clinic.database, point)
        assert STRUCK in done.stdout.splitlines(), f"{point}: never came to it\n{done.stderr}"
        serves_a_whole_generation(clinic, point)
        unfinished_ones_are_sealed(clinic, point)
    clinic.refresh()
    serves_a_whole_generation(clinic, "a good night")
    nothing_is_left(clinic)


NAME = "SELECT current_setting('cluster_name')"
WHOLE = """
SELECT current_setting('cluster_name'),
       (SELECT count(*) FROM patients),
       (SELECT count(*) FROM visits JOIN patients ON patient_id = patients.id),
       (SELECT count(*) FROM patients WHERE name LIKE 'Original%' OR email LIKE '%@northlake-mail.net'),
       (SELECT count(*) FROM visits WHERE note LIKE '%Original Person%'),
       (SELECT count(*) FROM flyway_schema_history), to_regclass('visits_by_patient') IS NOT NULL,
       (SELECT count(*) FROM pg_constraint WHERE conname = 'counted'), to_regnamespace('understudy') IS NULL
"""


def serves_a_whole_generation(clinic: Clinic, point: str) -> None:
    """Asked through the endpoint, as a client: every row, no original, all migrations, and validated."""
    [(name, *found)] = clinic.staging(WHOLE)
    assert found == [300, 300, 0, 0, 2, True, 1, True], point
    states = {marker(label): state for label, state in generations(clinic).items()}
    assert states[name] in {"live", "validated"}, point


def generations(clinic: Clinic) -> dict[str, str]:
    with opened(clinic) as workspace:
        return {g.label: g.state for g in workspace.control.generations(clinic.database)}


def unfinished_ones_are_sealed(clinic: Clinic, point: str) -> None:
    """Servers that have not been validated listen nowhere, behind directories of their own."""
    finished = {
        label for label, state in generations(clinic).items() if state in {"live", "retired", "validated"}
    }
    clones = clinic.home / "clones" / clinic.database
    assert clones.stat().st_mode & 0o77 == 0
    for pid_file in clones.glob("*/data/postmaster.pid"):
        directory = pid_file.parent.parent
        if directory.name in finished or postmaster.server_pid(pid_file.parent) is None:
            continue
        addresses = pid_file.read_text().splitlines()[5:6]
        assert addresses in ([], [""]), point
        assert socket_directory(directory).stat().st_mode & 0o77 == 0, point


def nothing_is_left(clinic: Clinic) -> None:
    """Of the nights that died: no clone, directory, socket, process, open run, or stream of production's."""
    states = generations(clinic)
    kept = {label for label, state in states.items() if state in {"live", "retired"}}
    assert len(kept) == 2
    assert set(states.values()) == {"live", "retired", "destroyed"}
    with opened(clinic) as workspace:
        assert set(workspace.provider(clinic.database).find()) == kept
        assert not workspace.control.unfinished_runs(clinic.database)
        newest = workspace.control.last_snapshot(clinic.database)
    clones, snapshots = (clinic.home / name / clinic.database for name in ("clones", "snapshots"))
    assert {entry.name for entry in clones.iterdir()} == kept
    assert newest
    assert [entry.name for entry in snapshots.iterdir()] == [newest.label]
    ended = [clones / f"{label}{end}" for label in states for end in ("", "-original", ".partial")]
    assert {entry.name for entry in ended if socket_directory(entry).exists()} == kept
    assert not list(clinic.folder.glob(".pg_service.conf.[0-9]*"))
    assert not list((clinic.home / clinic.database / "reports").glob(".*"))
    titles = [process.command for process in processes() if f"{marker(clinic.database)}-" in process.command]
    assert all(any(label in title for label in kept) for title in titles), titles
    with psycopg.connect(clinic.production.dsn()) as production:
        streams = (
            "SELECT (SELECT count(*) FROM pg_stat_replication), (SELECT count(*) FROM pg_replication_slots)"
        )
        assert production.execute(streams).fetchall() == [(0, 0)]


def test_every_function_that_a_point_names_is_there() -> None:
    groups = (*RUNNER.values(), *SERVER.values(), EVERY_TIME)
    places = {place for group in groups for point in group for place in re.findall(r"[\w.]+:[\w.]+", point)}
    assert len(places) > 20
    for place in places:
        module, _, path = place.partition(":")
        assert callable(attrgetter(path)(import_module(module))), place


def test_nights_that_die_one_after_the_other(staged: Clinic) -> None:
    nights(staged, EVERY_TIME)


@pytest.mark.exhaustive
@pytest.mark.parametrize("group", RUNNER)
def test_the_runner_dies(staged: Clinic, group: str) -> None:
    nights(staged, RUNNER[group])


@pytest.mark.exhaustive
@pytest.mark.parametrize("group", SERVER)
def test_the_server_dies(staged: Clinic, group: str) -> None:
    nights(staged, SERVER[group])


def test_after_a_switch_that_was_cut_short(staged: Clinic) -> None:
    """Clients have moved, and nobody has said so: start, status and rollback go by where clients are."""
    [yesterday] = generations(staged)
    night(staged.settings, staged.database, f"runner before {CONTROL}move in {SWITCH}Switch.to")
    today = next(label for label, state in generations(staged).items() if state == "validated")
    assert staged.staging(NAME) == [(marker(today),)]
    kill_server(staged.home / "clones" / staged.database / today / "data")
    started = staged.run("start", staged.database)
    assert (started.exit_code, today in started.output) == (0, True), started.output
    assert staged.staging(NAME) == [(marker(today),)]
    assert staged.run("status", staged.database).exit_code == 0
    refused = staged.run("destroy", staged.database, today, "--yes")
    assert refused.exit_code == WrongState.exit_code, refused.output
    assert staged.run("rollback", staged.database).exit_code == 0
    assert staged.staging(NAME) == [(marker(yesterday),)]
    assert generations(staged) == {yesterday: "live", today: "retired"}


def test_a_released_server_that_dies_has_lost_nothing(staged: Clinic) -> None:
    [label] = generations(staged)
    data = staged.home / "clones" / staged.database / label / "data"
    staged.staging("UPDATE visits SET note = 'written in staging' RETURNING id")
    for die in (kill_server, partial(postmaster.stop_server, immediate=True)):
        die(data)
        assert staged.run("start", staged.database).exit_code == 0
        serves_a_whole_generation(staged, str(die))
        written = "SELECT count(*) FROM visits WHERE note = 'written in staging'"
        assert staged.staging(written) == [(300,)]


def test_tools_end_with_the_worker_and_so_does_what_they_started() -> None:
    code = "from sanitizers.postgres.account import run; run(['sh', '-c', 'echo; sleep 600 & sleep 600'])"
    with subprocess.Popen([sys.executable, "-c", code], start_new_session=True) as worker:
        until = time.monotonic() + 20
        while sum("sleep 600" in one.command for one in processes() if one.session == worker.pid) < 4:
            assert time.monotonic() < until
            time.sleep(0.05)
        worker.kill()
    gone(worker.pid, within=5)
