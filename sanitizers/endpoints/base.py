"""What an endpoint provider is: a name that clients of staging connect to, pointing at one generation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Destination:
    """Where an endpoint points."""

    generation: str
    host: str
    port: int
    database: str
    role: str


class EndpointProvider(Protocol):
    def current(self) -> Destination | None:
        """Where clients are sent now; None before the first switch."""
        ...

    def point_to(self, destination: Destination, password: str | None) -> Destination | None:
        """Sends clients there, atomically; the previous destination comes back. Idempotent."""
        ...

    def client_dsn(self) -> str:
        """How a program connects: a libpq connection string, with role and password where they are kept."""
        ...

    def describe(self) -> str:
        """How a person connects, in one line, for instance `psql service=hospital_staging`."""
        ...
