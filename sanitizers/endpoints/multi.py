"""Several endpoints that move together: all of them, or none, the first ones being led back.

The first leads: it moves first and is led back last, and where it points is where all are said to point. A
worker that dies in between is thus followed by one that moves the others after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from psycopg.conninfo import conninfo_to_dict

from sanitizers.endpoints.base import Destination, EndpointProvider
from sanitizers.errors import EndpointFailed, Problem, UnderstudyError


@dataclass(frozen=True)
class _Moved:
    """One that points elsewhere now, and what leads it back."""

    name: str
    endpoint: EndpointProvider
    previous: Destination | None
    password: str | None = field(repr=False)


class Multi:
    """Moves endpoints one after the other."""

    def __init__(self, endpoints: Sequence[tuple[str, EndpointProvider]]) -> None:
        """The endpoints in order, each with the name that errors call it."""
        self._endpoints = tuple(endpoints)

    def current(self) -> Destination | None:
        """Where the first points."""
        return self._first.current()

    def point_to(self, destination: Destination, password: str | None) -> Destination | None:
        """Moves them all. EndpointFailed says which one failed, and of each before it whether it is back."""
        moved: list[_Moved] = []
        for name, endpoint in self._endpoints:
            try:
                before = _password(endpoint)
                moved.append(_Moved(name, endpoint, endpoint.point_to(destination, password), before))
            except UnderstudyError as error:
                raise _failed(name, error, [_led_back(one, destination) for one in reversed(moved)]) from None
        return moved[0].previous

    def client_dsn(self) -> str:
        """How a program connects by the first."""
        return self._first.client_dsn()

    def describe(self) -> str:
        """How a person connects, by each of them."""
        return " or ".join(endpoint.describe() for _, endpoint in self._endpoints)

    @property
    def _first(self) -> EndpointProvider:
        return self._endpoints[0][1]


def _password(endpoint: EndpointProvider) -> str | None:
    """The one kept beside where it points now, without which it could not be led back."""
    if endpoint.current() is None:
        return None
    kept = conninfo_to_dict(endpoint.client_dsn()).get("password")
    return str(kept) if kept else None


def _led_back(moved: _Moved, destination: Destination) -> Problem:
    if moved.previous is None:
        return Problem(moved.name, f"points at {destination.generation}; it had pointed nowhere before")
    try:
        moved.endpoint.point_to(moved.previous, moved.password)
    except UnderstudyError as error:
        left = f"still points at {destination.generation}, it could not be led back: {error.what}"
        return Problem(moved.name, left, error.hint)
    return Problem(moved.name, f"points at {moved.previous.generation} again")


def _failed(name: str, error: UnderstudyError, others: list[Problem]) -> EndpointFailed:
    own = Problem(error.where or name, error.what, error.hint)
    return EndpointFailed(
        "not all of the endpoints could be moved",
        where=name,
        hint="correct what failed, and switch again: those that are moved already stay",
        problems=(own, *others),
    )
