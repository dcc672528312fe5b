"""An entry in a libpq service file: `psql service=NAME` and all libpq clients follow it as they connect."""

from __future__ import annotations

import fcntl
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from psycopg.conninfo import make_conninfo

from sanitizers.atomic import replace_file
from sanitizers.endpoints.base import Destination
from sanitizers.errors import EndpointFailed, SettingsInvalid
from sanitizers.settings import EndpointSettings

_LABEL: Final = "# understudy generation="
_HEADER: Final = re.compile(r"\s*\[([^\]]*)\]")


class Service:
    """Keeps one entry of a `pg_service.conf`; every other line of the file stays as it is."""

    def __init__(self, settings: EndpointSettings) -> None:
        if re.search(r"[\]\s\x00-\x1f]", settings.service) or not settings.service:
            raise SettingsInvalid(
                f"{settings.service!r} cannot name a service", hint="use letters, digits, '-' or '_'"
            )
        self._name = settings.service
        self._file = settings.file

    def current(self) -> Destination | None:
        """The destination of the entry; None when there is none, or one that we did not write."""
        return _parse(_split(self._read(), self._name)[1])

    def point_to(self, destination: Destination, password: str | None) -> Destination | None:
        """Replaces the entry, atomically; the previous destination comes back. EndpointFailed on refusal."""
        try:
            with self._locked():
                before, entry, after = _split(self._read(), self._name)
                lines = [*before, *_render(self._name, destination, password), *_apart(after)]
                replace_file(self._file, ("\n".join(lines) + "\n").encode())
                return _parse(entry)
        except OSError as error:
            raise EndpointFailed(
                f"the service file cannot be written: {error.strerror}",
                where=str(self._file),
                hint="give the user that runs Understudy the right to write the file and its directory",
            ) from None

    def client_dsn(self) -> str:
        """What the entry says, password included, as libpq reads it."""
        return make_conninfo(**_values(_split(self._read(), self._name)[1]))

    def describe(self) -> str:
        """How a person connects."""
        usual = self._file == Path.home() / ".pg_service.conf"
        prefix = "" if usual else f"PGSERVICEFILE={shlex.quote(str(self._file))} "
        return f"{prefix}psql service={shlex.quote(self._name)}"

    def _read(self) -> list[str]:
        try:
            return self._file.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError):
            raise EndpointFailed("the service file cannot be read", where=str(self._file)) from None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keeps other processes of ours out while the file is read, changed and replaced."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.with_name(f".{self._file.name}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _split(lines: list[str], name: str) -> tuple[list[str], list[str], list[str]]:
    """Lines before the entry, the entry, lines after it. Comments above a neighbour's header stay with it."""
    headers = {number: found.group(1) for number, line in enumerate(lines) if (found := _HEADER.match(line))}
    start = next((number for number, header in headers.items() if header == name), None)
    if start is None:
        return [*lines, ""] if lines and lines[-1].strip() else lines, [], []
    end = next((number for number in headers if number > start), len(lines))
    while end > start + 1 and _is_outside(lines[end - 1]):
        end -= 1
    return lines[:start], lines[start:end], lines[end:]


def _is_outside(line: str) -> bool:
    return not line.strip() or (line.startswith("#") and not line.startswith(_LABEL))


def _apart(after: list[str]) -> list[str]:
    return ["", *after] if after and after[0].strip() else after


def _render(name: str, destination: Destination, password: str | None) -> list[str]:
    values = {
        "host": destination.host,
        "port": str(destination.port),
        "dbname": destination.database,
        "user": destination.role,
        **({"password": password} if password else {}),
    }
    for key, value in values.items():
        # The format knows no quoting; libpq takes the rest of the line as it is, trailing blanks left out.
        if value != value.strip() or "\n" in value or "\r" in value:
            raise EndpointFailed(
                f"the {key} cannot stand in a service file", hint="no line breaks, no outer blanks"
            )
    label = f"{_LABEL}{destination.generation}"
    return [f"[{name}]", label, *(f"{key}={value}" for key, value in values.items())]


def _values(entry: list[str]) -> dict[str, str]:
    lines = (line.strip() for line in entry if "=" in line and not line.startswith("#"))
    return {key: value for key, _, value in (line.partition("=") for line in lines)}


def _parse(entry: list[str]) -> Destination | None:
    label = next((line.removeprefix(_LABEL) for line in entry if line.startswith(_LABEL)), None)
    values = _values(entry)
    try:
        host, port, database, role = (values[key] for key in ("host", "port", "dbname", "user"))
    except KeyError:
        return None
    return Destination(label.strip(), host, int(port), database, role) if label and port.isdigit() else None
