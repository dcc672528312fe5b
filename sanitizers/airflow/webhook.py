"""A JSON document to a webhook that an Airflow connection of type HTTP names; nothing here ever raises."""

from __future__ import annotations

import time
from typing import Any, Final

import httpx
from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException

_PAUSES: Final = (0, 1, 3)
"""Seconds before each try."""
_TIMEOUT: Final = 5.0
"""Seconds for connecting, and for each part of the answer."""


def post(conn_id: str, document: dict[str, Any]) -> str:
    """Posts the document, trying again where that may help. Returns why it was not delivered, or nothing.

    The address is the connection's host (with `https://`, or the schema field before it), its port, and at
    the end its password: whoever knows a webhook's whole address can post there, and Airflow masks passwords.
    """
    try:
        return _post(_address(Connection.get(conn_id)), document)
    except AirflowNotFoundException:
        return "there is no such connection"
    except Exception as raised:  # its text may hold the address
        return type(raised).__name__


def _address(connection: Connection) -> str:
    host = connection.host or ""
    base = host if "://" in host else f"{connection.schema or 'https'}://{host}"
    port = f":{connection.port}" if connection.port else ""
    return f"{base}{port}/{connection.password or ''}"


def _post(address: str, document: dict[str, Any]) -> str:
    problem = ""
    for pause in _PAUSES:
        time.sleep(pause)
        try:
            status = httpx.post(address, json=document, timeout=_TIMEOUT).status_code
        except httpx.TransportError as raised:
            problem = type(raised).__name__
            continue
        problem = "" if status < 300 else f"status {status}"
        if status < 500 and status != 429:
            break
    return problem
