"""Where databases live: source, snapshot provider, endpoint, migrations, artifacts. One YAML file.

No secret stands in the file: passwords are references, `env:NAME` or `file:PATH`, read when needed.
Relative paths are relative to the settings file.
"""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Annotated, Literal

from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from sanitizers.errors import NotFound, SettingsInvalid
from sanitizers.yamlfile import read_model

DEFAULT_FILE = "understudy.yaml"


def _reference(text: str) -> str:
    if not text.startswith(("env:", "file:")):
        raise ValueError("a secret is given by reference: env:NAME or file:PATH")
    return text


def _no_password(dsn: str) -> str:
    if not dsn.startswith("env:") and conninfo_to_dict(dsn).get("password"):
        raise ValueError("no passwords in the settings file: use password: env:NAME or file:PATH")
    return dsn


Secret = Annotated[str, AfterValidator(_reference)]
Dsn = Annotated[str, AfterValidator(_no_password)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Strict):
    """Production: a libpq connection string (or `env:NAME` holding one) of a role with REPLICATION."""

    dsn: Dsn
    password: Secret | None = None


class SnapshotSettings(_Strict):
    provider: str = "basebackup"
    incremental: bool = True
    """Use an incremental base backup where server and last snapshot allow it."""


class EndpointSettings(_Strict):
    provider: str = "service"
    service: str
    """Name of the entry clients use: `psql service=NAME`."""
    file: Path
    """The `pg_service.conf` to keep the entry in; other entries are left alone."""


class MigrationSettings(_Strict):
    provider: str
    directory: Path
    ledger: str | None = None
    """The table in which production records applied migrations, when not the tool's default."""


class Access(_Strict):
    """How test engineers reach a released generation."""

    role: str = "staging"
    password: Secret | None = None
    listen: str = "127.0.0.1"
    port: int = Field(0, ge=0, le=65535)
    """0: any free port."""


class Target(_Strict):
    policy: Path
    source: Source
    snapshot: SnapshotSettings = SnapshotSettings()
    endpoint: EndpointSettings
    migrations: MigrationSettings | None = None
    access: Access = Access()
    approval: Literal["none", "required"] = "none"
    keep: int = Field(2, ge=1)
    """Generations kept, the live one included: the others are there for rollback."""
    parallel: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)
    """Tables scrubbed at the same time."""
    app_password: Secret | None = None
    """The password every login of the application gets (see the treatment `known_password`)."""


class Settings(_Strict):
    targets: dict[str, Target]
    home: Path | None = None
    """Where snapshots, clones, reports and the managed control database live."""
    control: Source | None = None
    """The control database; without it Understudy keeps a small server of its own under `home`."""
    binaries: tuple[Path, ...] = ()
    """Further `bin` directories of PostgreSQL servers to look in."""

    def target(self, name: str) -> Target:
        """The target of that name; NotFound with the nearest spelling otherwise."""
        if name in self.targets:
            return self.targets[name]
        near = difflib.get_close_matches(name, self.targets, 1)
        known = ", ".join(sorted(self.targets)) or "none"
        hint = f"did you mean {near[0]}?" if near else f"known targets: {known}"
        raise NotFound(f"no target named {name!r} in the settings", hint=hint)


def default_home() -> Path:
    """`UNDERSTUDY_HOME`, else /var/lib/understudy for root, else the user's state directory."""
    if named := os.environ.get("UNDERSTUDY_HOME"):
        return Path(named).absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/understudy")
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "understudy"


def load_settings(path: Path) -> Settings:
    """Reads the settings file; every problem in one SettingsInvalid, with file and line."""
    hint = "name one with --settings, or run `understudy demo`"
    settings, _, _ = read_model(path, Settings, SettingsInvalid, called="settings", missing=hint)
    return _absolute(settings, path.absolute().parent)


def _absolute(settings: Settings, base: Path) -> Settings:
    def place(path: Path) -> Path:
        return base / path.expanduser()

    targets = {
        name: target.model_copy(
            update={
                "policy": place(target.policy),
                "endpoint": target.endpoint.model_copy(update={"file": place(target.endpoint.file)}),
                "migrations": target.migrations
                and target.migrations.model_copy(update={"directory": place(target.migrations.directory)}),
            }
        )
        for name, target in settings.targets.items()
    }
    home = place(settings.home) if settings.home else None
    return settings.model_copy(update={"targets": targets, "home": home})


def resolve_secret(reference: str) -> str:
    """The secret behind `env:NAME` or `file:PATH`; SettingsInvalid when it is not there."""
    kind, _, name = reference.partition(":")
    try:
        return os.environ[name] if kind == "env" else Path(name).read_text(encoding="utf-8").rstrip("\n")
    except (KeyError, OSError):
        what = f"the environment variable {name} is not set" if kind == "env" else f"cannot read {name}"
        raise SettingsInvalid(
            what, where=reference, hint="set it for the user that runs Understudy"
        ) from None


def resolve_dsn(source: Source) -> str:
    """The complete libpq connection string of a source, password included."""
    dsn = resolve_secret(source.dsn) if source.dsn.startswith("env:") else source.dsn
    return make_conninfo(dsn, password=resolve_secret(source.password)) if source.password else dsn
