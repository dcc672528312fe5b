"""Airflow's connections as a vault for settings: `airflow:CONNECTION`, from any secrets backend."""

from __future__ import annotations

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowException
from psycopg.conninfo import make_conninfo

from sanitizers.errors import SettingsInvalid


class Connections:
    """Passwords and connection strings out of connections of the type Postgres."""

    def secret(self, name: str) -> str:
        """The connection's password."""
        if password := _connection(name).password:
            return str(password)
        raise _refused("the Airflow connection has no password", name)

    def dsn(self, name: str) -> str:
        """Host, port, login, password and database (the schema field); the extra field has libpq's others."""
        found = _connection(name)
        return make_conninfo(
            host=found.host,
            port=found.port,
            user=found.login,
            password=found.password,
            dbname=found.schema,
            **found.extra_dejson,
        )


def _connection(name: str) -> Connection:
    try:
        found: Connection = Connection.get(name)
        return found
    except AirflowException:
        raise _refused("there is no such Airflow connection", name) from None


def _refused(what: str, name: str) -> SettingsInvalid:
    return SettingsInvalid(
        what, where=f"airflow:{name}", hint="see `airflow connections` or the secrets backend"
    )
