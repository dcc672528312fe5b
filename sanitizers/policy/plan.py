"""The plan: what will be done to every column, frozen before anything is done, with a digest.

`plan` prints this very object, `scrub` executes it, and the evidence names its digest.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from pydantic import TypeAdapter

from sanitizers.catalog import Name
from sanitizers.policy.rows import Subset
from sanitizers.windows import Counter


@dataclass(frozen=True)
class ColumnPlan:
    """What happens to one column of one policy table."""

    name: str
    type: str
    category: str
    classification: str
    kind: str
    """The treatment's registered kind; `keep` leaves the column as it is."""
    summary: str
    """The treatment with its parameters, in words."""
    reason: str = ""
    domain: str = ""
    """Linkage domain: equal values in one domain become equal values."""
    must_differ: bool = False
    """No non-empty value may equal its original (direct identifiers, credentials, unstructured content)."""
    reserved: str = ""
    """A regular expression every value must match afterwards, exempt rows included."""
    erases_nulls: bool = False
    """Whether the treatment may change which values are NULL (suppression does)."""

    @property
    def treated(self) -> bool:
        return self.kind != "keep"


@dataclass(frozen=True)
class Statement:
    """SQL with numbered parameters ($1 is bindings[0]); the bindings are names, resolved when it runs.

    Binding names: `ipad:DOMAIN` and `opad:DOMAIN` (HMAC pads), `pool:NAME:LENGTH` (a list of surrogate
    words no longer than that), `ascii_pool:NAME:LENGTH` (the same as e-mail addresses spell them),
    `factor:SERIES`, `start:DOMAIN`, `multiplier:ROOM:DOMAIN`, `addend:ROOM:DOMAIN` (secret numbers of the run
    key), `password:FORMAT` (the known staging password, hashed), `as_of` (the day the run began).
    """

    sql: str
    bindings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mapping:
    """A bijection made before the rewrite: a table of original and replacement, gone after the scrub."""

    domain: str
    table: Name
    create: Statement


@dataclass(frozen=True)
class Function:
    """A column's results of a Python function, made before its heap's rewrite, gone after the scrub."""

    heap: Name
    column: str
    reads: tuple[str, ...]
    function: str
    source: str
    """SHA-256 of the source file of its module."""
    table: Name


@dataclass(frozen=True)
class Lookup:
    """Original columns of a table by its key, for rows that lead to it; made first, gone after the scrub."""

    table: Name
    create: Statement


@dataclass(frozen=True)
class Move:
    """All new rows of a partitioned table, made before its partitions are: each then takes those it holds."""

    table: Name
    rows: Name
    create: Statement
    astray: Statement
    """Counts the rows that no partition holds."""


@dataclass(frozen=True)
class Demand:
    """What the rows have to satisfy for the plan to be safe: `holds` gives true, or NULL for no rows."""

    where: str
    """The place in the policy that relies on it."""
    holds: Statement
    otherwise: str
    """The problem, in a sentence that names no value."""
    hint: str


@dataclass(frozen=True)
class IdPlan:
    """A key that no sequence feeds by itself, and who makes its values."""

    table: Name
    column: str
    made_by: Literal["counter", "sequence", "max", "application", "uuid", "unknown"]
    """Counters and sequences are moved, UUIDs need nothing, others go on where production stands."""
    reason: str = ""
    counter: Counter | None = None
    sequence: Name | None = None


@dataclass(frozen=True)
class TablePlan:
    """The rewrite of one heap: an ordinary table, or one leaf partition."""

    table: Name
    """The table the policy speaks of."""
    heap: Name
    why: str
    """`treated`, `dropped rows`, or `dropped columns`: originals can sit in columns nobody sees any more."""
    insert: tuple[str, ...]
    """Columns filled by `select`, in order; generated ones are left to the server."""
    select: Statement
    bytes: int = 0
    treated: tuple[str, ...] = ()
    """Columns whose values change."""
    ordered: bool = True
    """Whether rows stay in their physical order: where no kept key identifies them, it has to."""


@dataclass(frozen=True)
class TableRulePlan:
    """One policy table: its columns, and which rows are exempt."""

    table: Name
    columns: tuple[ColumnPlan, ...]
    key: tuple[str, ...]
    """Kept columns that identify a row before and after; empty when there are none."""
    exempt: str = ""
    """SQL condition of the exempt rows over the alias `t`."""
    exempt_reason: str = ""

    @property
    def treated(self) -> tuple[ColumnPlan, ...]:
        return tuple(column for column in self.columns if column.treated)


@dataclass(frozen=True)
class Plan:
    database: str
    policy_version: int
    policy_digest: str
    profile: str
    catalog_digest: str
    rules: tuple[TableRulePlan, ...]
    mappings: tuple[Mapping, ...]
    rewrites: tuple[TablePlan, ...]
    """Largest first, so that parallel workers end together."""
    demands: tuple[Demand, ...] = ()
    moves: tuple[Move, ...] = ()
    functions: tuple[Function, ...] = ()
    lookups: tuple[Lookup, ...] = ()
    epochs: tuple[tuple[str, int], ...] = ()
    """Linkage domains whose key is kept, with the days."""
    large_objects: str = ""
    """`empty` or `keep`, where there are any or might be."""
    subset: Subset | None = None
    """How rows are chosen, where not all of them arrive."""
    ids: tuple[IdPlan, ...] = ()

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON: same policy and catalog, same digest, whatever the sizes."""
        ordered = replace(self, rewrites=tuple(sorted(self.rewrites, key=lambda rewrite: rewrite.heap)))
        text = PLAN.dump_json(ordered, exclude={"rewrites": {"__all__": {"bytes"}}})
        return hashlib.sha256(text).hexdigest()

    def rule(self, table: Name) -> TableRulePlan:
        return next(rule for rule in self.rules if rule.table == table)


PLAN = TypeAdapter(Plan)
