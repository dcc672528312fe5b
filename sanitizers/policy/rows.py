"""Which rows arrive, as values: what the plan carries, the scrub does and the validation compares with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sanitizers.catalog import Name


@dataclass(frozen=True)
class Fill:
    """A statement that adds rows to a scratch table; parameters as in `plan.Statement`."""

    into: Name
    sql: str
    bindings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """Statements in order."""

    fills: tuple[Fill, ...]
    repeats: bool = False
    """Until none of them adds a row: their tables refer to each other in a circle."""


@dataclass(frozen=True)
class Emptied:
    """Columns that become NULL in some rows, because the rows they lead to are dropped."""

    columns: tuple[str, ...]
    scratch: Name
    """Holds those rows."""


@dataclass(frozen=True)
class TableSubset:
    """One policy table of which rows may be dropped or emptied."""

    table: Name
    arrive: Literal["none", "listed", "unlisted", "all"]
    """Which rows do: none, those in the scratch table, all but those, or all."""
    scratch: Name | None
    emptied: tuple[Emptied, ...]
    said: str
    """The rule in words."""


@dataclass(frozen=True)
class Choice:
    """What the selection makes of one heap's rows, as SQL over the alias `t`."""

    where: str = ""
    """The rows that arrive; empty when all do."""
    gaps: tuple[tuple[str, str], ...] = ()
    """Columns, and the rows in which each becomes NULL."""


@dataclass(frozen=True)
class Subset:
    """A selection of rows that is closed under foreign keys."""

    tables: tuple[TableSubset, ...]
    lists: tuple[Name, ...]
    """Scratch tables to make first, of rows by heap and place."""
    steps: tuple[Step, ...]
    counts: str
    """SQL that gives schema, name, rows before and rows kept of each table, when all steps are done."""

    def of(self, table: Name) -> TableSubset | None:
        return next((found for found in self.tables if found.table == table), None)


@dataclass(frozen=True)
class TableRows:
    """How many rows of one policy table were kept, of how many."""

    table: Name
    before: int
    kept: int
    emptied: tuple[str, ...] = ()
    """Columns that became NULL in some rows."""
