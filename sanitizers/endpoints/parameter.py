"""A parameter of Systems Manager's or a secret of Secrets Manager's that holds how to connect.

As JSON, `{"host": ..., "port": ..., "dbname": ..., "user": ..., "password": ..., "generation": ...}`, or as a
`postgresql://` address whose application_name is the generation. Programs follow it when they next read it.
Takes the rights to get and to put: of parameters ssm:GetParameter and ssm:PutParameter, of secrets
secretsmanager:GetSecretValue, PutSecretValue and CreateSecret.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from typing import Any, Final, Protocol
from urllib.parse import quote

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from sanitizers import aws
from sanitizers.endpoints.base import Destination
from sanitizers.settings import ParameterSettings

_KEYS: Final = ("host", "port", "dbname", "user", "password")


class _Store(Protocol):
    command: str
    """How a person reads it, but for its name."""

    def read(self, name: str) -> str | None:
        """What is there; None for nothing."""
        ...

    def write(self, name: str, text: str) -> None: ...


class _Parameters:
    command = "aws ssm get-parameter --with-decryption --name"

    def __init__(self, region: str | None) -> None:
        self._client = aws.client("ssm", region)

    def read(self, name: str) -> str | None:
        try:
            found = self._client.get_parameter(Name=name, WithDecryption=True)
        except self._client.exceptions.ParameterNotFound:
            return None
        return str(found["Parameter"]["Value"])

    def write(self, name: str, text: str) -> None:
        self._client.put_parameter(Name=name, Value=text, Type="SecureString", Overwrite=True)


class _Secrets:
    command = "aws secretsmanager get-secret-value --secret-id"

    def __init__(self, region: str | None) -> None:
        self._client = aws.client("secretsmanager", region)

    def read(self, name: str) -> str | None:
        try:
            found = self._client.get_secret_value(SecretId=name)
        except self._client.exceptions.ResourceNotFoundException:
            return None
        return str(found.get("SecretString", ""))

    def write(self, name: str, text: str) -> None:
        try:
            self._client.put_secret_value(SecretId=name, SecretString=text)
        except self._client.exceptions.ResourceNotFoundException:
            self._client.create_secret(Name=name, SecretString=text)


_STORES: Final[dict[str, Callable[[str | None], _Store]]] = {"ssm": _Parameters, "secretsmanager": _Secrets}


class Parameter:
    """Keeps one value, which is replaced as a whole."""

    def __init__(self, settings: ParameterSettings) -> None:
        self._name = settings.service
        self._form = settings.form
        self._store = _STORES[settings.store](settings.region)

    def current(self) -> Destination | None:
        """The destination in the value; None when there is no value, or one that we did not write."""
        return _destination(_values(self._read()))

    def point_to(self, destination: Destination, password: str | None) -> Destination | None:
        """Replaces the value, unless it is that already. EndpointFailed leaves the old one."""
        before, text = self._read(), _render(destination, password, self._form)
        if text != before:
            with aws.answering("writing it", self._name):
                self._store.write(self._name, text)
        return _destination(_values(before))

    def client_dsn(self) -> str:
        """What the value says, password included."""
        values = _values(self._read())
        return make_conninfo(**{key: values[key] for key in _KEYS if key in values})

    def describe(self) -> str:
        """How a person reads it."""
        return f"{self._store.command} {shlex.quote(self._name)}"

    def _read(self) -> str | None:
        with aws.answering("reading it", self._name):
            return self._store.read(self._name)


def _render(destination: Destination, password: str | None, form: str) -> str:
    values = {
        "host": destination.host,
        "port": destination.port,
        "dbname": destination.database,
        "user": destination.role,
        **({"password": password} if password else {}),
    }
    if form == "json":
        return json.dumps({**values, "generation": destination.generation})
    encoded = {key: quote(str(value), safe="") for key, value in values.items()}
    secret = f":{encoded['password']}" if password else ""
    # An IPv6 address stands in brackets.
    host = f"[{destination.host}]" if ":" in destination.host else encoded["host"]
    where = f"{encoded['user']}{secret}@{host}:{destination.port}/{encoded['dbname']}"
    return f"postgresql://{where}?application_name={quote(destination.generation, safe='')}"


def _values(text: str | None) -> dict[str, str]:
    """The keys of a value; none of one that is neither JSON nor a connection string."""
    try:
        found: Any = json.loads(text or "{}")
    except ValueError:
        found = _of_address(text or "")
    return {key: str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def _of_address(text: str) -> dict[str, Any]:
    try:
        values = dict(conninfo_to_dict(text))
    except ProgrammingError:
        return {}
    return {**values, "generation": values.get("application_name", "")}


def _destination(values: dict[str, str]) -> Destination | None:
    keys = ("generation", "host", "port", "dbname", "user")
    generation, host, port, database, role = (values.get(key, "") for key in keys)
    known = generation and host and database and role and port.isdigit()
    return Destination(generation, host, int(port), database, role) if known else None
