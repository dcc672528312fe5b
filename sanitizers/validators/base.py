"""What all gates share: sessions that print alike on both sides, quoted relations, suites as values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, sql

from sanitizers.catalog import Name, Table
from sanitizers.policy.plan import ColumnPlan, TableRulePlan
from sanitizers.postgres.statements import statement


@dataclass(frozen=True)
class Expected:
    """One expectation with where it comes from: `plan` or `policy`."""

    type: str
    kwargs: dict[str, Any]
    severity: str = "critical"
    source: str = "plan"


@dataclass(frozen=True)
class Suite:
    """The expectations of one table, and the query by which the table is read."""

    name: str
    query: str
    expectations: tuple[Expected, ...]


@dataclass(frozen=True)
class Migrations:
    """The text of the migrations that ran between scrub and validation."""

    texts: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.texts)

    def mention(self, table: Name) -> bool:
        """Whether a migration names the table: only then may the table's values differ from the scrub's."""
        word = re.compile(rf"(?<!\w){re.escape(table.name)}(?!\w)", re.IGNORECASE)
        return any(word.search(text) for text in self.texts)


def settle(connection: Connection[Any], *, read_only: bool = False) -> None:
    """Prepares an autocommit session for comparing; `read_only` for every session on the clone."""
    connection.execute(statement("validate/session").encode())
    if read_only:
        connection.execute("SET default_transaction_read_only = on")


def relation(table: Table, alias: str = "t") -> sql.Composed:
    """The table under an alias: with its partitions when it has any, without inheritance children."""
    only = sql.SQL("" if table.kind == "p" else "ONLY ")
    name = sql.Identifier(table.name.schema, table.name.name)
    return sql.SQL("{}{} AS {}").format(only, name, sql.Identifier(alias))


def column(name: str, alias: str = "t") -> sql.Identifier:
    return sql.Identifier(alias, name)


def changed_columns(rule: TableRulePlan) -> tuple[ColumnPlan, ...]:
    """The columns the scrub wrote itself: neither kept nor computed by the server."""
    return tuple(item for item in rule.columns if item.kind not in {"keep", "generated"})
