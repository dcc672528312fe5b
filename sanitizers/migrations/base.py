"""What a migration adapter is: it knows one tool's file names and the ledger production records them in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from psycopg import Connection


@dataclass(frozen=True)
class Migration:
    """One file that may have to run."""

    version: str
    name: str
    path: Path


class MigrationAdapter(Protocol):
    def __init__(self, directory: Path, ledger: str | None) -> None: ...

    def available(self) -> list[Migration]:
        """Every migration of the directory, in the order of running."""
        ...

    def pending(self, connection: Connection[Any]) -> list[Migration]:
        """Those the database's ledger does not know. MigrationFailed when the ledger is dirty or missing."""
        ...

    def applied(self, connection: Connection[Any]) -> list[str]:
        """The versions in the database's ledger in the order of running, as `available` spells them.

        MigrationFailed as in `pending`.
        """
        ...

    def record(self, connection: Connection[Any], migration: Migration, milliseconds: int) -> None:
        """Writes the ledger entry the tool itself would have written, in the migration's transaction."""
        ...
