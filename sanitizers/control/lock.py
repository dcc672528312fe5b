"""The refresh lock of one database: it belongs to a session, and ends with it, also when its holder dies."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg import Connection

from sanitizers.postgres.statements import statement


class Lock:
    """An advisory lock and the session that holds it. Threads may share it."""

    def __init__(self, open_session: Callable[[], Connection[Any]], key: int, *, shared: bool) -> None:
        self._open = open_session
        self._values = {"key": key, "shared": shared}
        self._turn = threading.Lock()
        self._session = open_session()
        self._ours = False

    def take(self) -> bool:
        """Whether it was free, and is ours now."""
        take = statement("control/take_lock").encode()
        self._ours = self._session.execute(take, self._values).fetchone() == (True,)
        return self._ours

    def held(self) -> bool:
        """Whether it is ours still. Where the session was cut it is taken again, unless somebody else has it.

        Who has had it in between left its mark on runs and generations, whose states are looked at anyway.
        Once somebody else had it when we came back, it is lost for good.
        """
        with self._turn:
            try:
                self._session.execute("SELECT 1")
            except psycopg.OperationalError:
                self.free()
                self._session = self._open()
                return self._ours and self.take()
        return self._ours

    def free(self) -> None:
        self._session.close()
