"""The configuration of servers of ours, written from scratch: nothing of production's is kept."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from sanitizers.errors import ServerFailed, SettingsInvalid
from sanitizers.postgres.connection import marker

Setting = str | int | bool
Session = tuple[tuple[str, str], ...]
"""Settings by name that production's sessions start with, such as `TimeZone`, so that a clone's do too."""

MAP: Final = "understudy"
"""Name of the user map that lets the servers' user and the runner's user in as superuser."""

SEALED_PORT: Final = 5432
"""Names the socket only; every sealed server has a socket directory of its own."""

_LONGEST_MARKER: Final = 63

_MOST_ORIGINS: Final = 1000
"""More than any server follows; none costs anything."""

# Below the range from which systems take ports of outgoing connections.
_PORTS: Final = range(20000, 32000)


def render(settings: Mapping[str, Setting]) -> str:
    """The text of a `postgresql.conf`."""
    return "".join(f"{name} = {_literal(value)}\n" for name, value in settings.items())


def _literal(value: Setting) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return (
        str(value) if isinstance(value, int) else "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
    )


def _common(label: str, session: Session) -> dict[str, Setting]:
    """What sealed and released clones share. Log lines of a clone carry no statement and no row."""
    name = marker(label)
    if len(name.encode()) > _LONGEST_MARKER or not name.isascii():
        raise SettingsInvalid(
            f"{label!r} is too long for a clone's name, or not plain ASCII",
            hint="rename the target in the settings",
        )
    return {
        **dict(session),
        "cluster_name": name,
        "wal_level": "minimal",
        "max_wal_senders": 0,
        "archive_mode": False,
        "max_logical_replication_workers": 0,
        "shared_preload_libraries": "",
        "session_preload_libraries": "",
        "local_preload_libraries": "",
        "max_connections": 100,
        "max_locks_per_transaction": 1024,
        "password_encryption": "scram-sha-256",
        "logging_collector": False,
        "log_destination": "stderr",
        "log_min_messages": "fatal",
        "log_min_error_statement": "panic",
        "jit": False,
        "lc_messages": "C",
    }


def sealed(label: str, *, version: int, prepared: int, session: Session = ()) -> dict[str, Setting]:
    """A clone that only the runner reaches, fast because a crash merely means to make it anew.

    `prepared`: production's max_prepared_transactions, without which recovery would not start.
    """
    cores = os.cpu_count() or 1
    quiet: dict[str, Setting] = {"event_triggers": False} if version >= 170000 else {}
    origins = "max_active_replication_origins" if version >= 180000 else "max_replication_slots"
    return {
        **_common(label, session),
        **quiet,
        "listen_addresses": "",
        "port": SEALED_PORT,
        "fsync": False,
        # As fast, and what is committed outlives a crash of the server, if not of the machine.
        "synchronous_commit": True,
        "full_page_writes": False,
        "autovacuum": False,
        # A rewrite whose worker was killed must not go on by itself beside the second attempt.
        "client_connection_check_interval": "2s",
        "max_prepared_transactions": prepared,
        # Recovery of a copied subscriber does not end without room for what it has followed.
        origins: _MOST_ORIGINS,
        "shared_buffers": f"{_shared_buffers()}MB",
        "maintenance_work_mem": "256MB",
        "work_mem": "32MB",
        "max_wal_size": "8GB",
        "checkpoint_timeout": "1h",
        "max_worker_processes": cores + 4,
        "max_parallel_workers": cores,
        "max_parallel_maintenance_workers": min(2, cores),
    }


def _shared_buffers() -> int:
    quarter = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4 // 2**20
    return max(128, min(quarter, 1024))


def released(
    label: str, *, listen: str, port: int, prepared: int, session: Session = ()
) -> dict[str, Setting]:
    """A clone that test engineers use: durable, reachable at listen:port, still without any way out."""
    return {
        **_common(label, session),
        "listen_addresses": listen,
        "port": port,
        "fsync": True,
        "full_page_writes": True,
        "autovacuum": True,
        "max_prepared_transactions": prepared,
        "shared_buffers": "128MB",
    }


def ordinary(major: int, *, listen: str, port: int, durable: bool) -> dict[str, Setting]:
    """A server of our own that is no clone: the managed control database, the demo's production, tests'."""
    summaries: dict[str, Setting] = {"summarize_wal": True} if major >= 17 else {}
    return {
        **summaries,
        "listen_addresses": listen,
        "port": port,
        "wal_level": "replica",
        "max_wal_senders": 10,
        "fsync": durable,
        "full_page_writes": True,
        "shared_buffers": "64MB",
        "password_encryption": "scram-sha-256",
        "lc_messages": "C",
    }


def local_access(superuser: str) -> str:
    """`pg_hba.conf` of a sealed clone: the mapped users of this machine, as superuser, on the socket."""
    return f"local all {quoted(superuser)} peer map={MAP}\n"


def network_access(superuser: str, role: str, listen: str) -> str:
    """`pg_hba.conf` of a released clone: besides, one role with its password."""
    lines = [f"host all {quoted(role)} {network} scram-sha-256\n" for network in _networks(listen)]
    return local_access(superuser) + "".join(lines)


def ordinary_access(superuser: str) -> str:
    """`pg_hba.conf` of an ordinary server of ours: superuser by socket, others by password from here."""
    local = f"local replication {quoted(superuser)} peer map={MAP}\n"
    networks = _networks("localhost")
    doors = [f"local {kind} all" for kind in ("all", "replication")]
    doors += [f"host {kind} all {network}" for kind in ("all", "replication") for network in networks]
    return local_access(superuser) + local + "".join(f"{door} scram-sha-256\n" for door in doors)


def user_map(users: tuple[str, ...], superuser: str) -> str:
    """`pg_ident.conf` that lets these users of this machine in as superuser."""
    return "".join(f"{MAP} {quoted(user)} {quoted(superuser)}\n" for user in dict.fromkeys(users))


def quoted(name: str) -> str:
    """A name for pg_hba.conf and pg_ident.conf, where quoting also takes keywords their meaning."""
    return '"' + name.replace('"', '""') + '"'


def _networks(listen: str) -> tuple[str, ...]:
    return ("127.0.0.1/32", "::1/128") if is_loopback(listen) else ("all",)


def is_loopback(listen: str) -> bool:
    """Whether that address is reachable from this machine only."""
    try:
        return ip_address(listen).is_loopback
    except ValueError:
        return listen == "localhost"


def client_host(listen: str) -> str:
    """The host name by which clients reach a server that listens there."""
    return socket.gethostname() if listen in {"*", "0.0.0.0", "::"} else listen


def ports(listen: str, wanted: int, directory: Path) -> Iterator[int]:
    """Free ports to try: the wanted one, or (0) from a starting point that differs between directories.

    ServerFailed when the wanted one is taken.
    """
    if wanted:
        if not is_free(listen, wanted):
            raise ServerFailed(
                f"port {wanted} at {listen} is taken", hint="choose another port, or 0 for any"
            )
        yield wanted
        return
    start = int.from_bytes(hashlib.sha256(str(directory).encode()).digest()[:4]) % len(_PORTS)
    yield from (port for port in (*_PORTS[start:], *_PORTS[:start]) if is_free(listen, port))


def is_free(listen: str, port: int) -> bool:
    """Whether a server could listen there now."""
    host = "" if listen == "*" else listen
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
