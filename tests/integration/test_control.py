"""The control database on a real server: states, lock, windows, and workers that die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from sanitizers.catalog import Name
from sanitizers.control import Control, HandedOut, NewRun, ReportEntry
from sanitizers.errors import Busy, NotFound, PolicyInvalid, ServerFailed, StatementFailed, WrongState
from sanitizers.snapshots.base import CloneRef, Snapshot

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
ROOT = Path(__file__).parents[2]


@pytest.fixture
def control(postgres_database: str) -> Control:
    made = Control(postgres_database)
    made.prepare()
    return made


def begin(control: Control, database: str = "hospital", now: datetime = NOW) -> str:
    return control.start_run(NewRun(database, "manual", "abc", "policy: hospital", "stagehost", 4711), now)


def grown(control: Control, *states: str, now: datetime = NOW, database: str = "hospital") -> str:
    label = control.new_generation(database, begin(control, database, now), now).label
    for state in states:
        control.move(label, state, now)  # type: ignore[arg-type]
    return label


def clone(label: str) -> CloneRef:
    return CloneRef("basebackup", label, "clones/a", "hospital", "postgres", "sockets/a", 5432, 180004)


def test_prepare_runs_again_and_in_parallel(postgres_database: str) -> None:
    threads = [threading.Thread(target=Control(postgres_database).prepare) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    control = Control(postgres_database)
    run = begin(control)
    control.prepare()
    assert control.run(run).status == "running"


def test_runs_are_recorded_and_sort_by_time(control: Control) -> None:
    first, second = begin(control), begin(control, now=NOW + timedelta(seconds=1))
    assert first < second
    assert [run.id for run in control.runs("hospital", 10)] == [second, first]
    assert control.policy_text(first) == "policy: hospital"
    control.finish_run(first, "refused", PolicyInvalid("a mistake").to_json(), NOW)
    assert [run.id for run in control.unfinished_runs("hospital")] == [second]
    finished = control.run(first)
    assert finished.status == "refused"
    assert finished.finished == NOW
    assert finished.error == PolicyInvalid("a mistake").to_json()
    assert control.runs("other") == []


def test_a_run_ends_once(control: Control) -> None:
    run = begin(control)
    control.finish_run(run, "released", None, NOW)
    with pytest.raises(WrongState):
        control.finish_run(run, "failed", None, NOW)
    with pytest.raises(NotFound):
        control.run("no-such-run")


def test_stages_keep_results_notes_and_errors(control: Control) -> None:
    run = begin(control)
    control.stage_started(run, "plan", NOW)
    control.stage_finished(run, "plan", NOW, {"b": 1, "a": [1.5, None]})
    control.stage_started(run, "scrub", NOW + timedelta(seconds=1))
    control.note_stage(run, "scrub", {"done": ["a"]})
    control.stage_failed(run, "scrub", NOW, WrongState("no").to_json(), {"rows": 3})
    assert control.stage_results(run) == {"plan": {"b": 1, "a": [1.5, None]}, "scrub": {"rows": 3}}
    assert list(control.stage_results(run)["plan"]) == ["b", "a"]
    assert [stage.status for stage in control.stages(run)] == ["finished", "failed"]
    control.stage_started(run, "scrub", NOW + timedelta(seconds=2))
    assert control.stages(run)[1].status == "running"
    assert control.stages(run)[1].error is None
    assert control.stage_note(run, "scrub") == {"done": ["a"]}
    assert control.stage_note(run, "plan") is None


def test_labels_count_within_the_day_and_database(control: Control) -> None:
    labels = [grown(control), grown(control), grown(control, now=NOW + timedelta(days=1))]
    assert labels == ["hospital-20261121-001", "hospital-20261121-002", "hospital-20261122-001"]
    assert grown(control, database="pagila") == "pagila-20261121-001"


def test_a_generation_goes_through_its_states(control: Control) -> None:
    label = grown(control)
    control.move(label, "sealed", NOW, clone(label))
    for state in ("scrubbed", "validated", "live", "retired", "destroyed"):
        moved = control.move(label, state, NOW + timedelta(minutes=1))
        assert moved.state == state
        assert control.generation(label) == moved
        assert moved.clone == clone(label)
    assert control.generations("hospital", ["destroyed"])[0].label == label
    assert control.live("hospital") is None


def test_until_it_is_live_a_generation_can_go_back(control: Control) -> None:
    label = grown(control, "scrubbed", "validated")
    assert control.move(label, "scrubbed", NOW).state == "scrubbed"
    assert control.move(label, "validated", NOW).state == "validated"
    assert control.move(label, "sealed", NOW).state == "sealed"


@pytest.mark.parametrize(
    ("path", "forbidden"),
    [
        ((), ("validated", "live", "retired", "destroyed")),
        (("scrubbed",), ("live", "retired", "destroyed")),
        (("scrubbed", "validated", "live"), ("sealed", "scrubbed", "validated", "refused", "destroyed")),
        (("refused",), ("sealed", "scrubbed", "validated", "live", "retired")),
        (("refused", "destroyed"), ("sealed", "scrubbed", "validated", "live", "retired", "refused")),
    ],
)
def test_other_ways_are_closed(control: Control, path: tuple[str, ...], forbidden: tuple[str, ...]) -> None:
    label = grown(control, *path)
    before = control.generation(label)
    for state in forbidden:
        with pytest.raises(WrongState, match=f"is {before.state} and cannot become {state}"):
            control.move(label, state, NOW)  # type: ignore[arg-type]
    assert control.generation(label) == before
    with pytest.raises(NotFound):
        control.move("hospital-20000101-001", "live", NOW)


def test_one_generation_is_live_and_rollback_swaps(control: Control) -> None:
    first = grown(control, "scrubbed", "validated", "live")
    second = grown(control, "scrubbed", "validated", "live")
    other = grown(control, "scrubbed", "validated", "live", database="pagila")
    assert control.generation(first).state == "retired"
    control.move(first, "live", NOW)
    live = control.live("hospital")
    assert live is not None
    assert live.label == first
    assert control.generation(second).state == "retired"
    assert control.generation(other).state == "live"


def test_a_refused_switch_leaves_the_live_one_alone(control: Control) -> None:
    live = grown(control, "scrubbed", "validated", "live")
    with pytest.raises(WrongState):
        control.move(grown(control, "scrubbed"), "live", NOW)
    assert control.generation(live).state == "live"


def test_snapshots_come_back_as_they_were(control: Control) -> None:
    base = Snapshot(
        "basebackup", "a", "snapshots/a", "full", True, "hospital", "postgres", "7", 180004, "0/2", NOW, 9
    )
    later = Snapshot(**{**vars(base), "label": "b", "kind": "incremental", "parent": "a"})
    control.save_snapshot("hospital", base, NOW)
    control.save_snapshot("hospital", later, NOW + timedelta(days=1))
    assert control.snapshots("hospital") == [later, base]
    assert control.last_snapshot("hospital") == later
    control.forget_snapshot("b")
    control.forget_snapshot("b")
    assert control.last_snapshot("hospital") == base
    assert control.last_snapshot("pagila") is None


def test_switches_and_reports(control: Control) -> None:
    label = grown(control)
    control.record_switch("hospital", "service hospital_staging", label, None, "refresh", NOW)
    control.record_switch("hospital", "service hospital_staging", label, "older", "rollback", NOW)
    assert [(switch.previous, switch.by) for switch in control.switches("hospital")] == [
        ("older", "rollback"),
        (None, "refresh"),
    ]
    run = control.generation(label).run_id
    with pytest.raises(NotFound):
        control.report(run)
    control.save_report(ReportEntry(run, "a.json", "a.html", "f00"), b"{}")
    control.save_report(ReportEntry(run, "a.json", "a.html", "f01"), b'{"status": "released"}')
    assert control.report(run).digest == "f01"
    assert control.record(run) == {"status": "released"}


def test_the_seed_is_drawn_once_a_day(control: Control) -> None:
    drawn: list[bytes] = []

    def draw() -> bytes:
        drawn.append(bytes([len(drawn)]) * 32)
        return drawn[-1]

    day = NOW.date()
    assert control.seed("hospital", day, draw) == control.seed("hospital", day, draw) == b"\0" * 32
    assert control.seed("hospital", day + timedelta(days=1), draw) == b"\1" * 32
    assert control.seed("pagila", day, draw) == b"\2" * 32
    assert len(drawn) == 3


def test_windows_stay_taken_for_days_and_as_long_as_their_generation_exists(control: Control) -> None:
    name, old = Name("public", "Odd.Seq"), NOW - timedelta(days=30)
    kept = grown(control, "scrubbed", "validated", "live", now=old)
    gone = grown(control, "refused", "destroyed", now=old)
    recent = grown(control, "refused", "destroyed", now=NOW)
    for number, (label, now) in enumerate([(kept, old), (gone, old), (recent, NOW)]):
        control.hand_out(label, [HandedOut(name, number, 100 * number + 1, 100 * number + 99)], now)
    assert control.taken("hospital", NOW.date() - timedelta(days=7)) == {name: [(1, 99), (201, 299)]}
    assert control.handed_out(gone) == {name: HandedOut(name, 1, 101, 199)}
    assert [position for _, position in control.positions("hospital")[name]] == [0, 1, 2]
    assert control.taken("pagila", old.date()) == {}


def test_a_sequence_is_handed_out_once_per_generation(control: Control) -> None:
    label = grown(control)
    windows = [HandedOut(Name("public", "a"), 1, 2, 3), HandedOut(Name("public", "b"), 1, -5, -9)]
    control.hand_out(label, windows, NOW)
    with pytest.raises(StatementFailed, match="23505"):
        control.hand_out(label, [HandedOut(Name("public", "c"), 1, 2, 3), windows[0]], NOW)
    assert set(control.handed_out(label)) == {Name("public", "a"), Name("public", "b")}


HOLDER = """
import sys, time
from datetime import datetime, UTC
from sanitizers.control import Control, NewRun
control = Control(sys.argv[1])
with control.lock("hospital"):
    run = NewRun("hospital", "manual", "d", "t", "stagehost", 4711)
    print(control.start_run(run, datetime.now(UTC)), flush=True)
    time.sleep(60)
"""


def test_the_lock_names_its_holder_and_dies_with_it(control: Control) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, control.dsn],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        assert holder.stdout is not None
        run = holder.stdout.readline().strip()
        with pytest.raises(Busy, match="refresh of hospital runs") as caught, control.lock("hospital"):
            pass
        assert f"run {run}, process 4711 on stagehost" in caught.value.hint
        assert caught.value.exit_code == 40
        with control.lock("pagila"):
            pass
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
    wait_until_free(control)
    with control.lock("hospital"):
        assert [entry.id for entry in control.unfinished_runs("hospital")] == [run]
    with control.lock("hospital"):
        pass


def wait_until_free(control: Control) -> None:
    # The server notices a killed client when it next reads from the socket, at once but not before us.
    held = """SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
              WHERE locktype = 'advisory' AND datname = current_database()"""
    with psycopg.connect(control.dsn, autocommit=True) as connection:
        for _ in range(200):
            if connection.execute(held).fetchone() == (0,):
                return
            connection.execute("SELECT pg_sleep(0.05)")


def test_an_error_in_the_block_is_the_callers_own(control: Control) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero), control.lock("hospital"):
        raise psycopg.errors.DivisionByZero
    with control.lock("hospital"):
        pass


def test_a_server_that_is_down_is_said_so() -> None:
    with pytest.raises(ServerFailed, match="control database does not answer") as caught:
        Control("host=127.0.0.1 port=1 dbname=control password=geheim").runs("hospital")
    assert "geheim" not in str(caught.value)


def cut_sessions(control: Control) -> None:
    """What a restart of the control database's server does to all who are connected."""
    others = """SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()"""
    with psycopg.connect(control.dsn, autocommit=True) as connection:
        connection.execute(others)


def test_a_lock_whose_session_was_cut_is_taken_again(control: Control) -> None:
    other = Control(control.dsn)
    with control.lock("hospital"):
        cut_sessions(control)
        assert control.runs("hospital") == []
        with pytest.raises(Busy), other.lock("hospital"):
            pass


def test_who_has_lost_the_lock_to_another_writes_nothing_more(control: Control) -> None:
    other = Control(control.dsn)
    with control.lock("hospital"):
        mine = grown(control, "scrubbed", "validated")
        cut_sessions(control)
        with other.lock("hospital"):
            for _ in range(2):
                with pytest.raises(Busy, match="another refresh of hospital has taken over"):
                    control.move(mine, "live", NOW)
        with pytest.raises(Busy):
            control.move(mine, "live", NOW)
    assert control.generation(mine).state == "validated"
    control.move(mine, "live", NOW)


def test_threads_share_a_lock(control: Control) -> None:
    with control.lock("hospital"), ThreadPoolExecutor(8) as pool:
        cut_sessions(control)
        assert list(pool.map(control.runs, ["hospital"] * 16)) == [[]] * 16
