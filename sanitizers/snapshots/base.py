"""What a snapshot provider is: consistent copies of production, and copy-on-write clones of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Snapshot:
    """A consistent copy of the source that nothing runs on: base of clones and of the next increment."""

    provider: str
    label: str
    location: str
    """Data directory, or database name for a provider that works inside one server."""
    kind: str
    """`full` or `incremental`."""
    copy_on_write: bool
    """Whether clones of it share blocks with it; False means they are plain copies."""
    database: str
    superuser: str
    """The source's bootstrap superuser, by whose name the clone is entered."""
    system_identifier: str
    version: int
    """`server_version_num` of the source."""
    lsn: str
    """Where the copy is consistent."""
    taken_at: datetime
    bytes: int
    """Fetched from the source: the whole cluster, or the increment only."""
    parent: str = ""
    """Label of the snapshot an incremental one builds on."""
    session: tuple[tuple[str, str], ...] = ()
    """Settings of the source that decide how a session reads and writes values, for instance `TimeZone`."""


@dataclass(frozen=True)
class CloneRef:
    """A clone, by value: create, use and destroy happen in different processes."""

    provider: str
    label: str
    location: str
    """Data directory, or database name for a provider that works inside one server."""
    database: str
    user: str
    host: str
    """Directory of the Unix socket the runner connects through."""
    port: int
    version: int
    client_host: str = ""
    """Where clients connect once released; empty while sealed."""
    client_port: int = 0
    session: tuple[tuple[str, str], ...] = ()
    """The snapshot's, for every configuration the clone is given."""

    def dsn(self, database: str | None = None) -> str:
        """The runner's own connection string; no password, the socket's directory is the gate."""
        from psycopg.conninfo import make_conninfo

        return make_conninfo(
            host=self.host,
            port=self.port,
            user=self.user,
            dbname=database or self.database,
            application_name=f"understudy/{self.label}",
        )


class SnapshotProvider(Protocol):
    """One way to copy a source. Every call may be made again after a crash; `destroy` of nothing is fine."""

    database_marker: bool
    """True where clones are databases of one server that is not ours alone: their marker is the comment."""

    def create(self, label: str, previous: Snapshot | None, *, full: bool = False) -> Snapshot:
        """Takes the copy. `previous` is the last snapshot of this database that still exists, if any."""
        ...

    def clone(self, snapshot: Snapshot, label: str) -> CloneRef:
        """Makes a clone named `label` and starts it sealed. Idempotent: a half-made one is made anew."""
        ...

    def start(self, ref: CloneRef) -> None:
        """Starts a stopped clone in the state it was last in (sealed, or released). Running is fine."""
        ...

    def stop(self, ref: CloneRef) -> None:
        """Stops it cleanly; stopped is fine."""
        ...

    def cleanse(self, ref: CloneRef) -> tuple[str, ...]:
        """Removes what only a stopped server lets go of (WAL, logs, temporary files), and starts it again.

        Returns the kinds of files removed, for instance `pg_wal`.
        """
        ...

    def release(self, ref: CloneRef, listen: str, port: int, role: str) -> CloneRef:
        """Makes the clone durable and reachable for `role` at listen:port (0: any free port)."""
        ...

    def destroy(self, label: str) -> None:
        """Stops and removes the clone or half-made clone of that label."""
        ...

    def discard(self, label: str) -> None:
        """Removes the snapshot of that label, finished or not; nothing there is fine."""
        ...

    def find(self) -> list[str]:
        """Labels of all clones of this target that exist, half-made ones included."""
        ...

    def find_snapshots(self) -> list[str]:
        """Labels of all its snapshots that exist, half-made ones included."""
        ...
