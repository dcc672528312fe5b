"""A PostgreSQL server of ours: its directory, its configuration, starting and stopping it.

`<directory>/data` is the data directory; configuration and log lie beside it, so that what a copied data
directory brings along is never read. The server outlives the process that starts it.
"""

from __future__ import annotations

import os
import re
import shlex
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from psycopg.conninfo import make_conninfo

from sanitizers.errors import ServerFailed
from sanitizers.postgres import account, configuration, files, postmaster
from sanitizers.postgres.binaries import Binaries
from sanitizers.postgres.connection import socket_directory

_PATIENCE: Final = 600
"""Seconds until a server must be ready; recovery of a large base backup is part of it."""

# Read from a data directory even when the configuration lies elsewhere, or turning the server into a standby.
_STRAY: Final = ("postgresql.auto.conf", "standby.signal", "recovery.signal")


@dataclass(frozen=True)
class Cluster:
    """One server directory of ours; whether it runs is the operating system's business, not this value's."""

    directory: Path
    binaries: Binaries

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @property
    def log(self) -> Path:
        return self.directory / "server.log"

    @property
    def config(self) -> Path:
        return self.directory / "postgresql.conf"

    @property
    def socket_dir(self) -> Path:
        """A short private directory, the same for every process that knows the server's directory."""
        return socket_directory(self.directory)

    @property
    def port(self) -> int:
        return int(self.setting("port"))

    @property
    def listens(self) -> str:
        """The address clients reach it at; empty when the socket is the only way in."""
        return self.setting("listen_addresses")

    @property
    def running(self) -> bool:
        return postmaster.server_pid(self.data) is not None

    def setting(self, name: str) -> str:
        """A value of the configuration as last written; ServerFailed when it was never written."""
        text = self.config.read_text(encoding="utf-8") if self.config.exists() else ""
        found = re.search(rf"^{name} = '?([^'\n]*)'?$", text, re.MULTILINE)
        if found is None:
            raise ServerFailed(f"this server has no configuration with {name}", where=str(self.config))
        return found.group(1)

    def dsn(self, database: str = "postgres", user: str = "postgres") -> str:
        """A connection string through the socket; no password, the socket's directory is the gate."""
        return make_conninfo(host=str(self.socket_dir), port=self.port, user=user, dbname=database)

    def configure(self, settings: Mapping[str, configuration.Setting], access: str, superuser: str) -> None:
        """Writes the complete configuration; it holds from the next start on.

        `access` is the text of `pg_hba.conf`. Servers' user and runner enter as `superuser`.
        """
        places = {
            "hba_file": str(self.directory / "pg_hba.conf"),
            "ident_file": str(self.directory / "pg_ident.conf"),
            "unix_socket_directories": str(self.socket_dir),
            "unix_socket_permissions": "0700",
        }
        for name in _STRAY:
            (self.data / name).unlink(missing_ok=True)
        account.write(self.directory / "pg_hba.conf", access)
        account.write(
            self.directory / "pg_ident.conf", configuration.user_map(account.user_names(), superuser)
        )
        account.write(self.config, configuration.render({**settings, **places}))

    def start(self) -> None:
        """Starts the server and waits until it takes connections; running is fine. ServerFailed otherwise."""
        if self.running:
            self._wait_ready()
            return
        postmaster.clear_leftover(self.data)
        self._make_socket_dir()
        options = shlex.join(["-c", f"config_file={self.config}"])
        waiting = ["--wait", f"--timeout={_PATIENCE}", "--silent"]
        program = self.binaries.path("pg_ctl")
        done = account.run(
            [program, "start", "--pgdata", self.data, "--log", self.log, "--options", options, *waiting]
        )
        if done.returncode != 0:
            reason = self._complaint()
            self.stop(immediate=True)
            raise ServerFailed(
                f"the server does not start{reason}", where=str(self.directory), hint=f"see {self.log}"
            )

    def start_listening(
        self,
        settings: Mapping[str, configuration.Setting],
        access: str,
        superuser: str,
        *,
        listen: str,
        port: int,
    ) -> int:
        """Configures, starts at listen:port (0: any free one) and returns the port. Or ServerFailed."""
        for choice in islice(configuration.ports(listen, port, self.directory), 5):
            self.configure({**settings, "listen_addresses": listen, "port": choice}, access, superuser)
            try:
                self.start()
            except ServerFailed:
                # Taken by somebody else between our look and the server's.
                if port or configuration.is_free(listen, choice):
                    raise
            else:
                return choice
        raise ServerFailed(f"no free port found at {listen}", where=str(self.directory))

    def stop(self, *, immediate: bool = False) -> bool:
        """Stops the server; stopped is fine. Returns whether it shut down cleanly."""
        return postmaster.stop_server(self.data, immediate=immediate)

    def destroy(self) -> None:
        """Stops the server and removes everything of it; nothing there is fine."""
        remove_cluster(self.directory)

    def control(self, field: str) -> str:
        """A field of `pg_controldata`, for instance `max_prepared_xacts setting`."""
        done = self.tool("pg_controldata", self.data)
        found = re.search(rf"^{re.escape(field)}:\s*(.*)$", done, re.MULTILINE)
        if found is None:
            raise ServerFailed(f"pg_controldata does not tell {field!r}", where=str(self.data))
        return found.group(1)

    def tool(self, program: str, *arguments: str | Path) -> str:
        """Runs one of the server's tools; returns its output. ServerFailed when it fails."""
        done = account.run([self.binaries.path(program), *arguments])
        if done.returncode != 0:
            raise ServerFailed(f"{program} failed with status {done.returncode}", where=str(self.data))
        return done.stdout

    def sync(self) -> None:
        """Forces a stopped server's files to the disk, whatever it was run with."""
        self.tool("initdb", "--sync-only", "--pgdata", self.data)

    def _wait_ready(self) -> None:
        until = time.monotonic() + _PATIENCE
        while not postmaster.is_ready(self.data):
            if not self.running or time.monotonic() > until:
                raise ServerFailed(
                    "the server does not become ready", where=str(self.directory), hint=f"see {self.log}"
                )
            time.sleep(0.05)

    def _make_socket_dir(self) -> None:
        folder = self.socket_dir
        owner = account.server_account()
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            status = folder.lstat()
            ours = {os.geteuid(), owner.uid if owner else os.geteuid()}
            if not stat.S_ISDIR(status.st_mode) or status.st_uid not in ours:
                raise ServerFailed(
                    "somebody else has a file where the server's socket belongs",
                    where=str(folder),
                    hint="remove it",
                ) from None
        if owner:
            os.chown(folder, owner.uid, owner.gid, follow_symlinks=False)
        folder.chmod(0o700)
        # Only our server uses it, and that one does not run: what is there was left by a crash.
        files.empty(folder)

    def _complaint(self) -> str:
        lines = (
            self.log.read_text(encoding="utf-8", errors="replace").splitlines() if self.log.exists() else []
        )
        fatal = [line.split("FATAL:", 1)[1].strip() for line in lines[-50:] if "FATAL:" in line]
        return f": {fatal[-1][:200]}" if fatal else ""


def remove_cluster(directory: Path) -> None:
    """Stops the server of that directory and removes all of it, without binaries; nothing there is fine."""
    postmaster.stop_server(directory / "data", immediate=True)
    files.remove(socket_directory(directory))
    # First of all: a directory of which a part is gone must never become a server again.
    (directory / "data" / "PG_VERSION").unlink(missing_ok=True)
    files.remove(directory)


def create_cluster(
    directory: Path,
    binaries: Binaries,
    *,
    superuser: str = "postgres",
    settings: Mapping[str, configuration.Setting] | None = None,
    listen: str = "",
    port: int = 0,
    durable: bool = True,
) -> Cluster:
    """An ordinary server of ours (no clone) in `directory`: made when missing, started when stopped.

    `settings` adds to the configuration. With `listen` it also takes TCP connections from this host, with
    passwords; `port` 0 is any free one. `durable=False` risks the data for speed, as tests may.
    """
    cluster = Cluster(directory, binaries)
    if not cluster.data.exists():
        account.own(directory)
        _initialise(cluster, superuser, durable=durable)
    if cluster.config.exists():
        cluster.start()
        return cluster
    base = configuration.ordinary(
        binaries.major, listen=listen, port=port or configuration.SEALED_PORT, durable=durable
    )
    wanted = {**base, **(settings or {})}
    access = configuration.ordinary_access(superuser)
    if listen:
        cluster.start_listening(wanted, access, superuser, listen=listen, port=port)
    else:
        cluster.configure(wanted, access, superuser)
        cluster.start()
    return cluster


def _initialise(cluster: Cluster, superuser: str, *, durable: bool) -> None:
    partial = cluster.directory / "data.partial"
    files.remove(partial)
    for locale in ("C.UTF-8", "C"):
        options = ["--auth=peer", "--encoding=UTF8", f"--locale={locale}", "--no-instructions"]
        options += [] if durable else ["--no-sync"]
        done = account.run(
            [cluster.binaries.path("initdb"), "--pgdata", partial, "--username", superuser, *options]
        )
        if done.returncode == 0:
            partial.rename(cluster.data)
            return
        files.remove(partial)
    raise ServerFailed(f"initdb failed with status {done.returncode}", where=str(cluster.directory))
