"""Runs Airflow here, natively: docker-compose.yml's own processes and environment, without containers.

Commands and settings are read from the compose file, so that what runs here is what runs there. Only places
are put in anew: hosts, ports and folders, and a PostgreSQL server of our own for Airflow's metadata.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import click
import httpx
import psycopg

from sanitizers.airflow.compose import COMPOSE_FILE, load_compose, variables
from sanitizers.demo.session import Demo
from sanitizers.errors import NotFound, ServerFailed, UnderstudyError
from sanitizers.postgres.account import make_passable
from sanitizers.postgres.binaries import find_binaries
from sanitizers.postgres.cluster import Cluster, create_cluster
from sanitizers.postgres.configuration import is_free
from sanitizers.settings import default_home

_MAJOR: Final = 18
_USUAL_PORT: Final = 8080
_PATIENCE: Final = 180
"""Seconds until everything has to be healthy."""
_GRACE: Final = 12
"""Seconds that components get to end what they do."""
_TAIL: Final = 20
"""Lines of a log that are shown when its process dies."""


@dataclass(frozen=True)
class LocalAirflow:
    """A running Airflow on this machine, and the way in."""

    home: Path
    url: str
    passwords: Mapping[str, str] = field(repr=False)
    """By user: `admin` may do everything, `viewer` may look."""
    _tokens: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    def token(self, user: str = "admin") -> str:
        """A bearer token of that user for the REST API and for pages of plugins."""
        if user not in self._tokens:
            login = {"username": user, "password": self.passwords[user]}
            answer = httpx.post(f"{self.url}/auth/token", json=login, timeout=60).raise_for_status()
            self._tokens[user] = answer.json()["access_token"]
        return self._tokens[user]

    def api(self, method: str, path: str, json: Any = None, user: str = "admin") -> Any:
        """A request to the REST API below `/api/v2`; the answer's JSON, None when there is none.

        httpx.HTTPStatusError, with what Airflow said as a note, when it is refused.
        """
        bearer = {"Authorization": f"Bearer {self.token(user)}"}
        answer = httpx.request(method, f"{self.url}/api/v2{path}", json=json, headers=bearer, timeout=60)
        try:
            answer.raise_for_status()
        except httpx.HTTPStatusError as error:
            error.add_note(answer.text[:500])
            raise
        return answer.json() if answer.content else None


@contextmanager
def airflow(
    home: Path,
    dags: Path,
    settings: Path,
    environment: Mapping[str, str] | None = None,
    *,
    port: int = 0,
) -> Iterator[LocalAirflow]:
    """Airflow with all its components, healthy, for as long as the context lasts.

    State and logs live in `home`, which is made when missing and may be used again. `dags` is the folder of
    DAG files, `settings` Understudy's settings file; `environment` is put over everything else. `port` 0 is
    any free one. ServerFailed, with the end of its log, when a component dies or does not become healthy.
    """
    make_passable(home)
    compose = _compose()
    with _metadata(home) as cluster:
        surroundings = _surroundings(home, dags, settings, cluster, compose, port) | dict(environment or {})
        _initialise(home, compose, surroundings)
        with _started(home, compose, surroundings) as components:
            url, passwords = surroundings["AIRFLOW__API__BASE_URL"], surroundings["AIRFLOW_PASSWORDS"]
            _wait_healthy(url, components)
            yield LocalAirflow(home, url, json.loads(passwords))


def _compose() -> Any:
    """The compose file, with a secret drawn for every variable that has to be given."""
    if not COMPOSE_FILE.is_file():
        raise NotFound("no docker-compose.yml", where=str(COMPOSE_FILE), hint="run this from a checkout")
    wanted = [name for name, needed in variables().items() if needed]
    # In the form that Airflow wants of a key for encryption, which does for any other secret, too.
    return load_compose({name: base64.urlsafe_b64encode(os.urandom(32)).decode() for name in wanted})


@contextmanager
def _metadata(home: Path) -> Iterator[Cluster]:
    """A server for Airflow's metadata. Fast rather than durable: what counts is in the control database."""
    binaries = find_binaries(_MAJOR, home=home)
    cluster = create_cluster(home / "metadata", binaries, durable=False)
    try:
        with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = 'airflow'").fetchone():
                connection.execute("CREATE DATABASE airflow")
        yield cluster
    finally:
        cluster.stop()


def _surroundings(
    home: Path, dags: Path, settings: Path, cluster: Cluster, compose: Any, port: int
) -> dict[str, str]:
    """The environment of every process: the compose file's, with places on this machine."""
    page, health = _free_ports(2)
    page = port or page
    url = f"http://127.0.0.1:{page}"
    metadata = f"postgres@/airflow?host={cluster.socket_dir}&port={cluster.port}"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    return {
        **inherited,
        **compose["services"]["airflow-init"]["environment"],
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath))),
        "AIRFLOW_HOME": str(home / "airflow"),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(page),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "airflow" / "passwords.json"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg://{metadata}",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": f"postgresql+psycopg_async://{metadata}",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(health),
        "UNDERSTUDY_HOME": str(default_home()),
        "UNDERSTUDY_SETTINGS": str(settings),
    }


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        held = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [server.getsockname()[1] for server in held]


def _initialise(home: Path, compose: Any, surroundings: Mapping[str, str]) -> None:
    (home / "airflow").mkdir(mode=0o700, exist_ok=True)
    (home / "logs").mkdir(mode=0o700, exist_ok=True)
    log = home / "logs" / "airflow-init.log"
    with log.open("wb") as output:
        command = compose["services"]["airflow-init"]["command"]
        done = subprocess.run(
            command, env=surroundings, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False
        )
    if done.returncode != 0:
        raise ServerFailed(
            f"airflow-init failed with status {done.returncode}:\n{_tail(log)}", where=str(log)
        )


@dataclass(frozen=True)
class _Component:
    name: str
    process: subprocess.Popen[bytes]
    log: Path


@contextmanager
def _started(home: Path, compose: Any, surroundings: Mapping[str, str]) -> Iterator[list[_Component]]:
    """The long-running services that are Airflow, each as a process with a session of its own."""
    commands = {name: service.get("command", []) for name, service in compose["services"].items()}
    components: list[_Component] = []
    try:
        for name, command in commands.items():
            if command[:1] == ["airflow"]:
                components.append(_start(name, command, home / "logs" / f"{name}.log", surroundings))
        yield components
    finally:
        _stop([component.process for component in components])


def _start(name: str, command: Sequence[str], log: Path, surroundings: Mapping[str, str]) -> _Component:
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            env=surroundings,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    return _Component(name, process, log)


def _stop(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Ends the processes and all they started, which a signal to themselves alone would leave behind."""
    for process in processes:
        _signal(process, signal.SIGTERM)
    until = time.monotonic() + _GRACE
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, until - time.monotonic()))
        _signal(process, signal.SIGKILL)
        process.wait()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _wait_healthy(url: str, components: Sequence[_Component]) -> None:
    until = time.monotonic() + _PATIENCE
    while not _healthy(url):
        for component in components:
            status = component.process.poll()
            if status is not None:
                what = f"{component.name} ended with status {status}:\n{_tail(component.log)}"
                raise ServerFailed(what, where=str(component.log))
        if time.monotonic() > until:
            raise ServerFailed("Airflow does not become healthy", where=str(components[0].log.parent))
        time.sleep(0.25)


def _healthy(url: str) -> bool:
    try:
        parts = httpx.get(f"{url}/api/v2/monitor/health", timeout=10).raise_for_status().json()
    except httpx.HTTPError:
        return False
    return all(part["status"] == "healthy" for part in parts.values())


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL:])


_WELCOME: Final = """\

  Airflow     {url}
  user        admin, password {admin}
  may look    viewer, password {viewer}
  to begin    trigger staging_hospital
  settings    {settings}, for instance: understudy --settings {settings} status

Ctrl-C stops all of it and removes {home}."""


@click.command()
@click.option(
    "--home", type=click.Path(path_type=Path), help="Where it lives.  [default: `airflow` in our home]"
)
@click.option("--patients", type=click.IntRange(min=10), default=1000, show_default=True)
def main(home: Path | None, patients: int) -> None:
    """Run Airflow here, with a made-up hospital whose staging copy it refreshes, until Ctrl-C."""
    demo = Demo((home or default_home() / "airflow").absolute())
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)
    try:
        demo.prepare(patients, click.echo)
        _serve(demo)
    except UnderstudyError as error:
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        click.echo("Stopping")
    finally:
        # A second Ctrl-C would leave servers behind.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        demo.stop()


def _serve(demo: Demo) -> None:
    """Until KeyboardInterrupt."""
    click.echo("Starting Airflow, which takes half a minute")
    port = _USUAL_PORT if is_free("127.0.0.1", _USUAL_PORT) else 0
    with airflow(demo.home / "airflow", COMPOSE_FILE.parent / "dags", demo.settings, port=port) as running:
        click.echo(
            _WELCOME.format(url=running.url, settings=demo.settings, home=demo.home, **running.passwords)
        )
        while True:
            signal.pause()


if __name__ == "__main__":
    main()
