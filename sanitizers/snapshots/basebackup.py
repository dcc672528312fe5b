"""Physical copies over the replication protocol: base backups, incremental where possible, and their clones.

Below `home`: `snapshots/<target>/<label>` are backups nothing runs on, `clones/<target>/<label>` are servers.
A directory that is not finished is called `<label>.partial`; only the servers' user can enter either folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from sanitizers.atomic import sync_folder
from sanitizers.errors import NotFound, ServerFailed, ServerMissing, SettingsInvalid, WrongState
from sanitizers.postgres import account, backup, configuration, files
from sanitizers.postgres.backup import MANIFEST, SourceServer
from sanitizers.postgres.binaries import Binaries, find_binaries
from sanitizers.postgres.cluster import Cluster, remove_cluster
from sanitizers.postgres.connection import open_clone
from sanitizers.postgres.residues import ask_stored, clear_free_space, remove_strays
from sanitizers.settings import Target, resolve_dsn
from sanitizers.snapshots.base import CloneRef, Snapshot

_PARTIAL: Final = ".partial"
_INCREMENT: Final = ".increment"

# What a server needs of a base backup. All else in there (configuration, logs, keys) stays behind.
_NEEDED: Final = (
    *("PG_VERSION", "backup_label", "base", "global", "pg_commit_ts", "pg_dynshmem", "pg_logical"),
    *("pg_multixact", "pg_notify", "pg_replslot", "pg_serial", "pg_snapshots", "pg_stat", "pg_stat_tmp"),
    *("pg_subtrans", "pg_tblspc", "pg_twophase", "pg_wal", "pg_xact"),
)

# Emptied once a clone is scrubbed: remnants of what the server did before. It makes anew what it needs.
_REMNANTS: Final = (
    *("pg_replslot", "pg_stat", "pg_stat_tmp", "pg_logical/snapshots", "pg_logical/mappings"),
    *("pg_notify", "pg_serial", "pg_snapshots", "pg_dynshmem", "pg_twophase"),
)
_LEFTOVERS: Final = ("backup_label.old", "tablespace_map.old", MANIFEST, "postmaster.opts")


class BaseBackup:
    """`pg_basebackup` of production's whole cluster; clones are servers of their own on copies of it."""

    database_marker = False

    def __init__(self, target: Target, name: str, home: Path, binaries: Sequence[Path] = ()) -> None:
        self._target = target
        self._home = home
        self._extra = binaries
        self._snapshots = home / "snapshots" / _checked(name)
        self._clones = home / "clones" / name

    def create(self, label: str, previous: Snapshot | None, *, full: bool = False) -> Snapshot:
        """Takes the copy: incremental on the previous one where server and settings allow it, else full."""
        source = backup.ask_source(resolve_dsn(self._target.source))
        backup.refuse_unfit(source)
        binaries = self._binaries(source.version)
        _require_extensions(source, binaries)
        shares = self._prepare_folder()
        files.require_room(self._snapshots, int(source.bytes * 1.1) * (1 if shares else 2))
        base = None if full else self._base(source, previous)
        fetched = self._take_increment(source, binaries, label, Path(base.location)) if base else None
        if fetched is None:
            base = None
            fetched = self._take_full(source, binaries, label)
        return self._settle(source, label, base, fetched, shares)

    def clone(self, snapshot: Snapshot, label: str) -> CloneRef:
        """Copies the snapshot, sharing blocks where possible, and starts a sealed server on the copy."""
        cluster = Cluster(_place(self._clones, label), self._binaries(snapshot.version))
        if cluster.config.exists() and cluster.listens:
            raise WrongState("a released clone of that name exists", where=label, hint="destroy it first")
        self.destroy(label)
        self._copy(Path(snapshot.location), self._clones / f"{label}{_PARTIAL}", cluster.directory)
        settings = configuration.sealed(
            label, version=snapshot.version, prepared=_prepared(cluster), session=snapshot.session
        )
        cluster.configure(settings, configuration.local_access(snapshot.superuser), snapshot.superuser)
        cluster.start()
        return CloneRef(
            provider="basebackup",
            label=label,
            location=str(cluster.data),
            database=snapshot.database,
            user=snapshot.superuser,
            host=str(cluster.socket_dir),
            port=cluster.port,
            version=snapshot.version,
            session=snapshot.session,
        )

    def start(self, ref: CloneRef) -> None:
        """Starts a stopped clone in the state it was last in; running is fine.

        WrongState for a sealed one whose server crashed: it ran without fsync, so nobody can tell what, say,
        a power cut has left of it.
        """
        cluster = self._cluster(ref)
        if not (cluster.running or cluster.listens or _in_order(cluster)):
            raise WrongState(
                "the sealed clone's server crashed, so what it holds may be incomplete",
                where=ref.label,
                hint="refresh again: a new clone is made",
            )
        cluster.start()

    def stop(self, ref: CloneRef) -> None:
        """Stops it cleanly; stopped is fine."""
        self._cluster(ref).stop()

    def cleanse(self, ref: CloneRef) -> tuple[str, ...]:
        """Throws away what no table holds: WAL, statistics, slots, log, strays, deleted rows inside pages.

        The server is stopped for it, and runs afterwards.
        """
        self.start(ref)
        stored = ask_stored(lambda name: open_clone(ref.dsn(name), ref.label), ref.database)
        cluster = self._stopped(ref)
        cluster.tool("pg_resetwal", "--pgdata", cluster.data)
        cleared = clear_free_space(cluster, stored)
        strays = remove_strays(cluster.data, stored)
        emptied = [folder for folder in _REMNANTS if files.empty(cluster.data / folder)]
        leftovers = [*(cluster.data / name for name in _LEFTOVERS), cluster.log]
        removed = [path.name for path in leftovers if path.exists()]
        for path in leftovers:
            path.unlink(missing_ok=True)
        cluster.start()
        found = {"strays": strays, "deleted rows in pages": cleared}
        return ("pg_wal", *emptied, *removed, *(kind for kind, count in found.items() if count))

    def release(self, ref: CloneRef, listen: str, port: int, role: str) -> CloneRef:
        """Puts everything on the disk, and opens the server to `role` at listen:port, with its password."""
        cluster = self._stopped(ref)
        cluster.sync()
        for folder in (cluster.directory, self._clones, self._clones.parent, self._home):
            sync_folder(folder)
        settings = configuration.released(
            ref.label, listen=listen, port=port, prepared=_prepared(cluster), session=ref.session
        )
        access = configuration.network_access(ref.user, role, listen)
        chosen = cluster.start_listening(settings, access, ref.user, listen=listen, port=port)
        return replace(ref, port=chosen, client_host=configuration.client_host(listen), client_port=chosen)

    def destroy(self, label: str) -> None:
        """Stops and removes the clone or half-made clone of that label; nothing there is fine."""
        for name in (label, f"{label}{_PARTIAL}"):
            remove_cluster(_place(self._clones, name))

    def discard(self, label: str) -> None:
        """Removes a snapshot, finished or not; nothing there is fine."""
        for ending in ("", _PARTIAL, _INCREMENT):
            files.remove(_place(self._snapshots, f"{label}{ending}"))

    def find(self) -> list[str]:
        """Labels of all clones of this target that exist, half-made ones included."""
        return _labels(self._clones)

    def find_snapshots(self) -> list[str]:
        """Labels of all snapshots of this target that exist, half-made ones included."""
        return _labels(self._snapshots)

    def _binaries(self, version: int) -> Binaries:
        return find_binaries(version // 10000, self._extra, home=self._home)

    def _prepare_folder(self) -> bool:
        """Makes the folder of snapshots, cleared of crashed runs; returns whether copies share blocks."""
        account.own(self._home / "snapshots")
        account.own(self._snapshots)
        for entry in self._snapshots.iterdir():
            if entry.name.endswith((_PARTIAL, _INCREMENT)):
                files.remove(entry)
        return files.shares_blocks(self._snapshots)

    def _base(self, source: SourceServer, previous: Snapshot | None) -> Snapshot | None:
        """The previous snapshot, if an incremental backup can build on it."""
        if previous is None or not self._target.snapshot.incremental or not source.summarizes:
            return None
        known = (previous.system_identifier, previous.version // 10000)
        same = known == (source.system_identifier, source.major)
        return previous if same and (Path(previous.location) / MANIFEST).exists() else None

    def _take_full(self, source: SourceServer, binaries: Binaries, label: str) -> int:
        target = _place(self._snapshots, f"{label}{_PARTIAL}")
        files.remove(target)
        with _removed_on_failure(target):
            backup.take_backup(source, target, binaries)
        return files.size(target)

    def _take_increment(self, source: SourceServer, binaries: Binaries, label: str, base: Path) -> int | None:
        """Takes an increment and combines it with its base; None when the server cannot give one."""
        increment = _place(self._snapshots, f"{label}{_INCREMENT}")
        target = _place(self._snapshots, f"{label}{_PARTIAL}")
        try:
            with _removed_on_failure(target):
                backup.take_backup(source, increment, binaries, increment_of=base)
                backup.combine(base, increment, target, binaries)
            return files.size(increment)
        except ServerFailed:
            # Summaries of WAL are kept for some days only; a full copy does what the increment could not.
            return None
        finally:
            files.remove(increment)

    def _settle(
        self, source: SourceServer, label: str, base: Snapshot | None, fetched: int, shares: bool
    ) -> Snapshot:
        partial = _place(self._snapshots, f"{label}{_PARTIAL}")
        lsn = backup.consistent_lsn(partial)
        location = _place(self._snapshots, label)
        files.remove(location)
        partial.rename(location)
        return Snapshot(
            provider="basebackup",
            label=label,
            location=str(location),
            kind="incremental" if base else "full",
            copy_on_write=shares,
            database=source.database,
            superuser=source.superuser,
            system_identifier=source.system_identifier,
            version=source.version,
            lsn=lsn,
            taken_at=source.asked_at,
            bytes=fetched,
            parent=base.label if base else "",
            session=source.session,
        )

    def _copy(self, snapshot: Path, partial: Path, directory: Path) -> None:
        """Copies what a server needs of the backup; the copy gets its name when it is complete."""
        if not (snapshot / "PG_VERSION").exists():
            raise NotFound("the snapshot is gone", where=str(snapshot), hint="take a new one")
        for folder in (self._home / "clones", self._clones, partial, partial / "data"):
            account.own(folder)
        entries = [entry for entry in sorted(snapshot.iterdir()) if entry.name in _NEEDED]
        with _removed_on_failure(partial):
            files.copy_entries(entries, partial / "data", share=files.shares_blocks(self._clones))
        partial.rename(directory)

    def _cluster(self, ref: CloneRef) -> Cluster:
        cluster = Cluster(_place(self._clones, ref.label), self._binaries(ref.version))
        if not cluster.data.is_dir():
            raise NotFound("the clone is gone", where=ref.label)
        return cluster

    def _stopped(self, ref: CloneRef) -> Cluster:
        """The clone, shut down cleanly even if its server crashed after the release."""
        cluster = self._cluster(ref)
        cluster.stop()
        if not _in_order(cluster):
            self.start(ref)
            cluster.stop()
        return cluster


def _in_order(cluster: Cluster) -> bool:
    return cluster.control("Database cluster state") == "shut down"


def _prepared(cluster: Cluster) -> int:
    return int(cluster.control("max_prepared_xacts setting"))


def _require_extensions(source: SourceServer, binaries: Binaries) -> None:
    missing = binaries.lacks(source.extensions)
    if missing:
        raise ServerMissing(
            f"extensions of the source are not installed here: {', '.join(missing)}",
            where=str(binaries.bin),
            hint=f"install their packages for PostgreSQL {source.major} on this machine",
        )


def _checked(name: str) -> str:
    """A name that may become a directory's; SettingsInvalid otherwise."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
        raise SettingsInvalid(
            f"{name!r} cannot name a directory",
            hint="name targets with letters, digits, '-', '_' and '.'",
        )
    return name


def _labels(folder: Path) -> list[str]:
    entries = folder.iterdir() if folder.is_dir() else ()
    return sorted({entry.name.removesuffix(_PARTIAL).removesuffix(_INCREMENT) for entry in entries})


def _place(folder: Path, name: str) -> Path:
    return folder / _checked(name)


@contextmanager
def _removed_on_failure(folder: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        files.remove(folder)
        raise
