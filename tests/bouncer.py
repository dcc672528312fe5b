"""A real PgBouncer with the configuration that docker-compose.yml mounts, and places on this machine."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import unavailable

DEPLOY = Path(__file__).resolve().parents[1] / "deploy"


@dataclass(frozen=True)
class Bouncer:
    """A running PgBouncer, its files and its secrets."""

    folder: Path
    port: int

    @property
    def file(self) -> Path:
        """The file in which the endpoint lies."""
        return self.folder / "hospital.ini"

    def dsn(self, database: str, user: str) -> str:
        return f"host=127.0.0.1 port={self.port} dbname={database} user={user}"


@contextmanager
def bouncing(folder: Path, **secrets: str) -> Iterator[Bouncer]:
    """PgBouncer in that folder; `secrets` are the passwords `staging` and, of its console, `endpoint`."""
    if shutil.which("pgbouncer") is None:
        unavailable("the endpoint pgbouncer takes PgBouncer (apt install pgbouncer)")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for name, text in {**_configuration(folder, port), **secrets, "hospital.ini": ""}.items():
        (folder / name).write_text(text)
    with (folder / "log").open("wb") as log:
        command = ["sh", folder / "pgbouncer.sh"]
        process = subprocess.Popen(command, stdout=log, stderr=log, **_unprivileged(folder))
    try:
        wait_until_it_listens(process, port, folder / "log")
        yield Bouncer(folder, port)
    finally:
        process.terminate()
        process.wait(20)


def _configuration(folder: Path, port: int) -> dict[str, str]:
    places = {
        "/var/lib/pgbouncer": str(folder),
        "/run/pgbouncer": str(folder),
        "/run/secrets": str(folder),
        "/etc/pgbouncer": str(folder),
        "listen_addr = *": "listen_addr = 127.0.0.1\nunix_socket_dir =",
        "listen_port = 6432": f"listen_port = {port}",
    }
    texts = {name: (DEPLOY / name).read_text() for name in ("pgbouncer.ini", "pgbouncer.sh")}
    for old, new in places.items():
        texts = {name: text.replace(old, new) for name, text in texts.items()}
    return texts


def _unprivileged(folder: Path) -> dict[str, Any]:
    """PgBouncer refuses root, so root drops to somebody else, whose the files then have to be."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    for path in (folder, *folder.glob("*")):
        os.chown(path, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def wait_until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Waits half a minute until the process takes connections; its log is the complaint."""
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert process.poll() is None, log.read_text()
        time.sleep(0.1)
    raise AssertionError(log.read_text())
