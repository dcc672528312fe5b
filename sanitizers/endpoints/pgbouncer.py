"""A database of PgBouncer's: clients keep one address, and every new session goes where it points now.

The entry lies in a file of its own, which PgBouncer's configuration includes below `[databases]`:
`%include /etc/pgbouncer/hospital.ini`. Sessions that are open stay with their generation until they end.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import dict_row

from sanitizers.atomic import replace_file
from sanitizers.endpoints.base import Destination
from sanitizers.errors import EndpointFailed, SettingsInvalid
from sanitizers.settings import EndpointSettings, Source, resolve_dsn

_LABEL: Final = "; understudy generation="
_VALUE: Final = re.compile(r"(\w+)='((?:[^']|'')*)'")


class PgBouncer:
    """Keeps one entry in a file, and has PgBouncer read it."""

    def __init__(self, settings: EndpointSettings) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_.-]+", settings.service) or settings.service == "pgbouncer":
            raise SettingsInvalid(
                f"{settings.service!r} cannot name a database of PgBouncer's",
                hint="use letters, digits, '_', '-' or '.'; `pgbouncer` is its console",
            )
        if settings.console is None:
            raise SettingsInvalid(
                "PgBouncer has to be told of a switch", hint="give the endpoint a `console:` with a dsn"
            )
        self._name = settings.service
        self._file = settings.file
        self._console: Source = settings.console

    def current(self) -> Destination | None:
        """The destination in the file; None when there is none yet."""
        text = self._read()
        found = re.search(rf"^{re.escape(_LABEL)}(\S+)$", text, re.MULTILINE)
        if found is None:
            return None
        values = {key: value.replace("''", "'") for key, value in _VALUE.findall(text)}
        return Destination(found[1], values["host"], int(values["port"]), values["dbname"], values["user"])

    def point_to(self, destination: Destination, password: str | None) -> Destination | None:
        """Writes the entry, has it read, and asks whether it holds. EndpointFailed puts it all back."""
        previous, before = self.current(), self._read()
        self._write(_render(self._name, destination, password))
        try:
            self._check(destination)
        except EndpointFailed:
            self._write(before)
            with suppress(psycopg.Error):
                self._reload()
            raise
        return previous

    def client_dsn(self) -> str:
        """The console's own address, with the entry's name as the database."""
        host, port = self._address()
        return make_conninfo(host=host, port=port, dbname=self._name)

    def describe(self) -> str:
        """How a person connects."""
        host, port = self._address()
        return f"psql -h {host} -p {port} {self._name}"

    def _address(self) -> tuple[str, str]:
        console = conninfo_to_dict(resolve_dsn(Source(dsn=self._console.dsn)))
        return str(console.get("host", "")), str(console.get("port", 6432))

    def _check(self, destination: Destination) -> None:
        where = f"PgBouncer, database {self._name}"
        try:
            served = self._reload()
        except psycopg.Error:
            raise EndpointFailed(
                "PgBouncer's console does not take a RELOAD",
                where=where,
                hint="is it up, and is the user of `console:` one of its admin_users?",
            ) from None
        if served != (destination.host, str(destination.port), destination.database):
            raise EndpointFailed(
                "PgBouncer does not follow the file",
                where=where,
                hint=f"below [databases] its configuration needs: %include {self._file}",
            )

    def _reload(self) -> tuple[str, ...] | None:
        """Has PgBouncer read its files; returns host, port and database of the entry as it has it now."""
        with psycopg.connect(
            resolve_dsn(self._console), autocommit=True, connect_timeout=10, row_factory=dict_row
        ) as console:
            console.execute("RELOAD")
            rows = console.execute("SHOW DATABASES").fetchall()
        found = next((row for row in rows if row["name"] == self._name), None)
        return tuple(str(found[column]) for column in ("host", "port", "database")) if found else None

    def _read(self) -> str:
        try:
            return self._file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError):
            raise EndpointFailed("PgBouncer's file cannot be read", where=str(self._file)) from None

    def _write(self, text: str) -> None:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            replace_file(self._file, text.encode())
        except OSError as error:
            raise EndpointFailed(
                f"PgBouncer's file cannot be written: {error.strerror}",
                where=str(self._file),
                hint="give the user that runs Understudy the right to write the file and its directory",
            ) from None


def _render(name: str, destination: Destination, password: str | None) -> str:
    values = {
        "host": destination.host,
        "port": str(destination.port),
        "dbname": destination.database,
        "user": destination.role,
        **({"password": password} if password else {}),
    }
    for key, value in values.items():
        if "\n" in value or "\r" in value:
            raise EndpointFailed(f"the {key} cannot stand in PgBouncer's file", hint="no line breaks")
    entry = " ".join("{}='{}'".format(key, value.replace("'", "''")) for key, value in values.items())
    return f"{_LABEL}{destination.generation}\n{name} = {entry}\n"
