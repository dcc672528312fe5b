"""Where databases live: source, snapshot provider, endpoint, migrations, artifacts. One YAML file.

No secret stands in the file: passwords are references, read when needed: `env:NAME`, `file:PATH`, or
`airflow:CONNECTION` (in Airflow's tasks: a connection of Airflow's, from whatever secrets backend it uses).
Relative paths are relative to the settings file.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Mapping
from datetime import datetime, time, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Protocol, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import croniter
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from sanitizers.errors import NotFound, SettingsInvalid
from sanitizers.yamlfile import read_model

DEFAULT_FILE = "understudy.yaml"


class Vault(Protocol):
    """Somewhere secrets are kept by name. Either call raises SettingsInvalid when there is no such name."""

    def secret(self, name: str) -> str:
        """One secret, for instance a password."""
        ...

    def dsn(self, name: str) -> str:
        """A whole libpq connection string."""
        ...


class _Environment:
    def secret(self, name: str) -> str:
        try:
            return os.environ[name]
        except KeyError:
            raise _missing(f"the environment variable {name} is not set", f"env:{name}") from None

    dsn = secret


class _File:
    def secret(self, name: str) -> str:
        try:
            return Path(name).read_text(encoding="utf-8").rstrip("\n")
        except OSError:
            raise _missing(f"cannot read {name}", f"file:{name}") from None

    dsn = secret


class _OutsideAirflow:
    def secret(self, name: str) -> str:
        hint = "run the command as a task of Airflow's, or refer to env: or file:"
        raise SettingsInvalid(
            "Airflow's connections can be read in its tasks only", where=f"airflow:{name}", hint=hint
        )

    dsn = secret


def _missing(what: str, where: str) -> SettingsInvalid:
    return SettingsInvalid(what, where=where, hint="set it for the user that runs Understudy")


VAULTS: dict[str, Vault] = {"env": _Environment(), "file": _File(), "airflow": _OutsideAirflow()}
"""By the word before the colon of a reference."""


def _is_reference(text: str) -> bool:
    kind, colon, _ = text.partition(":")
    return bool(colon) and kind in VAULTS


def _reference(text: str) -> str:
    if not _is_reference(text):
        raise ValueError("a secret is given by reference: env:NAME, file:PATH or airflow:CONNECTION")
    return text


def _no_password(dsn: str) -> str:
    try:
        # libpq knows the word in lower case only, so that most strings need not be taken apart; URIs do.
        apart = not _is_reference(dsn) and ("password" in dsn or "://" in dsn)
        given = conninfo_to_dict(dsn) if apart else {}
    except ProgrammingError:  # its words quote the string
        raise ValueError("not a libpq connection string") from None
    if given.get("password") or given.get("sslpassword"):
        raise ValueError("no passwords in the settings file: use password: env:NAME or file:PATH")
    return dsn


@cache
def _cron(expression: str) -> str:
    if not croniter.is_valid(expression):
        raise ValueError("not a cron expression, which has five fields: minute hour day month weekday")
    return expression


@cache
def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError("no such time zone; zones are called as in Europe/Vienna or UTC") from None
    return name


Secret = Annotated[str, AfterValidator(_reference)]
Dsn = Annotated[str, AfterValidator(_no_password)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Strict):
    """Production: a libpq connection string (or a reference to one) of a role with REPLICATION."""

    dsn: Dsn
    password: Secret | None = None


class SnapshotSettings(_Strict):
    provider: str = "basebackup"
    incremental: bool = True
    """Use an incremental base backup where server and last snapshot allow it."""


class EndpointSettings(_Strict):
    """The providers `service` and `pgbouncer`, whose entry stands in a file."""

    provider: str = "service"
    service: str
    """Name of the entry clients use: `psql service=NAME`."""
    file: Path
    """The `pg_service.conf` to keep the entry in, other entries left alone; or a file PgBouncer includes."""
    console: Source | None = None
    """PgBouncer's console, which is told to read its files anew."""

    @model_validator(mode="after")
    def _console_is_pgbouncers(self) -> Self:
        if self.console and self.provider != "pgbouncer":
            raise ValueError("only the provider pgbouncer has a console")
        return self


class RenameSettings(_Strict):
    provider: Literal["rename"]
    service: str
    """The database that clients ask for; its name goes from one generation to the next."""
    server: Source
    """The server of the clones, at an address that clients know too."""


class DnsSettings(_Strict):
    provider: Literal["dns"]
    service: str
    """The whole name of the host that clients ask for."""
    zone: str
    """The id of its hosted zone in Route 53."""
    port: int = Field(5432, ge=1, le=65535)
    """Where every generation listens: a name carries no port."""
    ttl: int = Field(60, ge=0, le=604800)
    """Seconds for which clients may go by what they have looked up."""
    wait_seconds: float = Field(180, gt=0)
    """How long Route 53's servers may take to know of a switch, which is taken back otherwise."""


class ParameterSettings(_Strict):
    provider: Literal["parameter"]
    service: str
    """Name of the parameter or secret that says how to connect."""
    store: Literal["ssm", "secretsmanager"] = "ssm"
    form: Literal["json", "dsn"] = "json"
    """An object with host, port, dbname, user, password and generation; or a `postgresql://` address."""
    region: str | None = None
    """Without one, the region that the environment or ~/.aws says."""


class CommandSettings(_Strict):
    provider: Literal["command"]
    service: str
    """What the program is told to move."""
    program: Path
    """What it is asked and has to answer: see `endpoints/command.py`."""
    arguments: tuple[str, ...] = ()
    """Come first; no secrets, since other users can see them."""
    environment: tuple[str, ...] = ()
    """Names of variables that it gets, besides PATH, HOME and LANG."""
    timeout_seconds: float = Field(60, gt=0)
    """How long one call may take."""


def _by_provider(kinds: Mapping[str, type[BaseModel]], data: Any) -> Any:
    """The settings of the provider that is named: mistakes are told of that one only."""
    if isinstance(data, BaseModel):
        return data
    named = str(data.get("provider", "service")) if isinstance(data, dict) else ""
    if named not in kinds:
        near = difflib.get_close_matches(named, kinds, 1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise ValueError(
            f"an endpoint has one of these as its provider, {hint}known: {', '.join(sorted(kinds))}"
        )
    return kinds[named].model_validate(data)


_SINGLE: Final[dict[str, type[BaseModel]]] = {
    "command": CommandSettings,
    "dns": DnsSettings,
    "parameter": ParameterSettings,
    "pgbouncer": EndpointSettings,
    "rename": RenameSettings,
    "service": EndpointSettings,
}
SingleEndpoint = Annotated[
    EndpointSettings | RenameSettings | DnsSettings | ParameterSettings | CommandSettings,
    BeforeValidator(partial(_by_provider, _SINGLE)),
]


class MultiSettings(_Strict):
    provider: Literal["multi"]
    service: str
    """What messages call them together."""
    endpoints: tuple[SingleEndpoint, ...] = Field(min_length=2)
    """Moved in this order, all or none; the first one leads."""


AnyEndpoint = Annotated[
    EndpointSettings | RenameSettings | DnsSettings | ParameterSettings | CommandSettings | MultiSettings,
    BeforeValidator(partial(_by_provider, {**_SINGLE, "multi": MultiSettings})),
]


class MigrationSettings(_Strict):
    provider: str
    directory: Path
    ledger: str | None = None
    """The table in which production records applied migrations, when not the tool's default."""


class Access(_Strict):
    """How test engineers reach a released generation."""

    role: str = "staging"
    password: Secret | None = None
    grants: tuple[str, ...] = ("pg_read_all_data", "pg_write_all_data")
    """Roles of the clone whose rights it gets, predefined ones or production's; it has no others."""
    listen: str = "127.0.0.1"
    port: int = Field(0, ge=0, le=65535)
    """0: any free port."""


class Schedule(_Strict):
    """When a scheduler refreshes the database by itself, and what is promised to those who use staging."""

    cron: Annotated[str, AfterValidator(_cron)]
    timezone: Annotated[str, AfterValidator(_zone)] = "UTC"
    fresh_by: time | None = None
    """From this time of day on, staging is to be what the last scheduled night made."""

    def promised(self, now: datetime) -> tuple[datetime, datetime] | None:
        """The latest scheduled night whose promise is due at `now`: when it was to begin, when it was due."""
        if self.fresh_by is None:
            return None
        nights = croniter(self.cron, now.astimezone(ZoneInfo(self.timezone)))
        while True:
            began: datetime = nights.get_prev(datetime)
            due = datetime.combine(began.date(), self.fresh_by, began.tzinfo)
            due += timedelta(days=1) if due <= began else timedelta()
            if due <= now:
                return began, due


class Target(_Strict):
    policy: Path
    source: Source
    snapshot: SnapshotSettings = SnapshotSettings()
    endpoint: AnyEndpoint
    migrations: MigrationSettings | None = None
    access: Access = Access()
    approval: Literal["none", "required"] = "none"
    approval_within_hours: float = Field(4, gt=0)
    """How long a scheduler waits for the decision before the night counts as refused."""
    schedule: Schedule | None = None
    """Without one, a refresh is started by hand only."""
    queue: str | None = None
    """The queue of the staging host's workers, where a scheduler has several hosts."""
    pool: str = "default_pool"
    """The scheduler's pool that bounds what runs on the host at once."""
    keep: int = Field(2, ge=1)
    """Generations kept, the live one included: the others are there for rollback."""
    parallel: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)
    """Tables scrubbed at the same time."""
    app_password: Secret | None = None
    """The password every login of the application gets (see the treatment `known_password`)."""

    @model_validator(mode="after")
    def _clients_know_the_password(self) -> Self:
        one = self.endpoint
        together = one.endpoints if isinstance(one, MultiSettings) else (one,)
        without = [each.provider for each in together if isinstance(each, DnsSettings | RenameSettings)]
        if without and self.access.password is None:
            raise ValueError(f"the endpoint {without[0]} keeps no password, so access needs a `password:`")
        return self


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
    settings = read_model(path, Settings, SettingsInvalid, called="settings", missing=hint)
    return _absolute(settings, path.absolute().parent)


def _absolute(settings: Settings, base: Path) -> Settings:
    def place(path: Path) -> Path:
        return base / path.expanduser()

    targets = {
        name: target.model_copy(
            update={
                "policy": place(target.policy),
                "endpoint": _placed(target.endpoint, place),
                "migrations": target.migrations
                and target.migrations.model_copy(update={"directory": place(target.migrations.directory)}),
            }
        )
        for name, target in settings.targets.items()
    }
    home = place(settings.home) if settings.home else None
    return settings.model_copy(update={"targets": targets, "home": home})


def _placed(endpoint: AnyEndpoint, place: Callable[[Path], Path]) -> AnyEndpoint:
    """The endpoint with its paths where `place` says they are."""
    if isinstance(endpoint, EndpointSettings):
        return endpoint.model_copy(update={"file": place(endpoint.file)})
    if isinstance(endpoint, CommandSettings):
        return endpoint.model_copy(update={"program": place(endpoint.program)})
    if isinstance(endpoint, MultiSettings):
        return endpoint.model_copy(
            update={"endpoints": tuple(_placed(one, place) for one in endpoint.endpoints)}
        )
    return endpoint


def resolve_secret(reference: str) -> str:
    """The secret behind a reference; SettingsInvalid when it is not there."""
    kind, _, name = reference.partition(":")
    return VAULTS[kind].secret(name)


def resolve_dsn(source: Source) -> str:
    """The complete libpq connection string of a source, password included; SettingsInvalid for none."""
    kind, _, name = source.dsn.partition(":")
    named = _is_reference(source.dsn)
    dsn = VAULTS[kind].dsn(name) if named else source.dsn
    secret = {"password": resolve_secret(source.password)} if source.password else {}
    try:
        return make_conninfo(dsn, **secret)
    except ProgrammingError:  # its words quote the string
        hint = "write host=... dbname=..., or postgresql://host/database"
        where = source.dsn if named else "dsn"
        raise SettingsInvalid("not a libpq connection string", where=where, hint=hint) from None
