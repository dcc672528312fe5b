"""Mass gates on the clone as a whole: rows, reserved ranges, keys, indexes, sequences, schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from psycopg import Connection, sql

from sanitizers.catalog import Catalog, Column, ForeignKey, Name, Table
from sanitizers.catalog import Sequence as CatalogSequence
from sanitizers.policy.plan import Plan, TableRulePlan
from sanitizers.policy.rows import TableRows
from sanitizers.postgres.statements import statement
from sanitizers.results import Gate, TableScrub, Window
from sanitizers.validators.base import Migrations, column, relation

_SEQUENCE = "sequence beyond production"
_ALL: Mapping[Name, TableRows] = {}
"""Where no rows were chosen, all arrive."""


def row_counts(connection: Connection[Any], tables: Sequence[Table]) -> dict[Name, int]:
    """Rows of every table, in one statement."""
    if not tables:
        return {}
    one = sql.SQL("SELECT {}::int, count(*) FROM {}")
    parts = [one.format(sql.Literal(number), relation(table)) for number, table in enumerate(tables)]
    found = connection.execute(sql.SQL(" UNION ALL ").join(parts)).fetchall()
    return {tables[number].name: rows for number, rows in found}


def countable(catalog: Catalog) -> list[Table]:
    """Tables with rows of their own or of their partitions; foreign tables lead outside."""
    return [table for table in catalog.roots() if table.kind != "f"]


def row_count_gates(
    before: dict[Name, int],
    after: dict[Name, int],
    scrubbed: dict[Name, int],
    migrations: Migrations,
    chosen: Mapping[Name, TableRows] = _ALL,
) -> Iterator[Gate]:
    """As many rows as production, or as were chosen of them. The scrub's count is exact; what changed since
    is the migrations'."""
    for name, production in before.items():
        rows = chosen.get(name, TableRows(name, production, production))
        found, own = after.get(name), scrubbed.get(name, rows.kept)
        observed = "table is gone" if found is None else str(found)
        if found != rows.kept and migrations:
            observed = f"{own} scrubbed, {observed} after the migrations"
        passed = own == rows.kept and (found == rows.kept or bool(migrations))
        expected = str(production)
        if name in chosen:
            observed, expected = f"{observed} of {production}", f"{rows.kept} of {rows.before}"
        yield Gate("row count", str(name), passed and rows.before == production, observed, expected)


def scrubbed_rows(scrubs: Sequence[TableScrub], catalog: Catalog) -> dict[Name, int]:
    """Rows the scrub wrote, by policy table; tables it rewrote in part or not at all are left out."""
    by_heap = {scrub.heap: scrub.rows for scrub in scrubs}
    whole = {table.name: [heap.name for heap in catalog.heaps(table.name)] for table in countable(catalog)}
    return {
        name: sum(by_heap[heap] for heap in heaps)
        for name, heaps in whole.items()
        if heaps and all(heap in by_heap for heap in heaps)
    }


def reserved_gates(connection: Connection[Any], rule: TableRulePlan, table: Table) -> Iterator[Gate]:
    """Contact data lies in ranges that reach nobody, exempt rows included."""
    items = [item for item in rule.columns if item.reserved and item.name in table.by_name]
    if not items:
        return
    counts = [_outside(table.by_name[item.name], item.reserved) for item in items]
    query = sql.SQL("SELECT {} FROM {}").format(sql.SQL(", ").join(counts), relation(table))
    found = connection.execute(query).fetchone()
    for item, outside in zip(items, found or (), strict=True):
        subject = f"{rule.table}.{item.name}"
        yield Gate("reserved range", subject, outside == 0, f"{outside} outside", "0 outside")


def _outside(item: Column, pattern: str) -> sql.Composed:
    text = sql.SQL("e::text") if item.array else sql.SQL("({})::text").format(column(item.name))
    broken = sql.SQL("{text} <> '' AND {text} !~ {pattern}").format(text=text, pattern=sql.Literal(pattern))
    if item.array:
        broken = sql.SQL("EXISTS (SELECT FROM unnest({}) AS e WHERE {})").format(column(item.name), broken)
    return sql.SQL("count(*) FILTER (WHERE {})").format(broken)


def touched_keys(
    plan: Plan, catalog: Catalog, chosen: Mapping[Name, TableRows] = _ALL
) -> Iterator[ForeignKey]:
    """Validated foreign keys with a treated column on either side, or to a table that rows were chosen of."""
    treated = {(rule.table, item.name) for rule in plan.rules for item in rule.treated}
    for table in catalog.tables.values():
        for key in table.foreign_keys:
            mine = {(catalog.root_of(key.table), name) for name in key.columns}
            theirs = {(catalog.root_of(key.referenced), name) for name in key.referenced_columns}
            thinned = catalog.root_of(key.referenced) in chosen
            if key.validated and (thinned or (mine | theirs) & treated):
                yield key


def foreign_key_gate(
    clone: Connection[Any], key: ForeignKey, catalog: Catalog, original: Connection[Any] | None = None
) -> Gate:
    """Every referencing row finds its referenced row, apart from as many as find none in production."""
    orphans, allowed = _orphans(clone, key, catalog), 0
    if orphans and original is not None:
        allowed = _orphans(original, key, catalog)
    expected = f"{allowed} orphans{', as in production' if allowed else ''}"
    return Gate("foreign key", f"{key.table}.{key.name}", orphans <= allowed, f"{orphans} orphans", expected)


def _orphans(connection: Connection[Any], key: ForeignKey, catalog: Catalog) -> int:
    set_ = [sql.SQL("{} IS NOT NULL").format(column(name, "c")) for name in key.columns]
    equal = [
        sql.SQL("{} = {}").format(column(theirs, "p"), column(mine, "c"))
        for mine, theirs in zip(key.columns, key.referenced_columns, strict=True)
    ]
    query = sql.SQL("SELECT count(*) FROM {} WHERE {} AND NOT EXISTS (SELECT FROM {} WHERE {})").format(
        relation(catalog.tables[key.table], "c"),
        sql.SQL(" AND ").join(set_),
        relation(catalog.tables[key.referenced], "p"),
        sql.SQL(" AND ").join(equal),
    )
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def index_gate(clone: Connection[Any], original: Connection[Any], database: str) -> Gate:
    """Every index is valid that is valid in production."""
    found, known = (_invalid_indexes(side) for side in (clone, original))
    broken = sorted(found - known)
    return Gate("indexes valid", database, not broken, _listed(broken, "invalid"), "none invalid")


def _invalid_indexes(connection: Connection[Any]) -> set[Name]:
    return {Name(*row) for row in connection.execute(statement("validate/indexes").encode())}


def constraint_gate(clone: Connection[Any], original: Connection[Any], database: str) -> Gate:
    """No constraint is left unchecked that production has checked."""
    found, known = (_constraints(side) for side in (clone, original))
    broken = sorted(".".join(key) for key, valid in found.items() if not valid and known.get(key))
    return Gate("constraints valid", database, not broken, _listed(broken, "not valid"), "none not valid")


def _constraints(connection: Connection[Any]) -> dict[tuple[str, str, str], bool]:
    rows = connection.execute(statement("validate/constraints").encode())
    return {(schema, table, name): valid for schema, table, name, valid in rows}


def _listed(names: Sequence[object], what: str) -> str:
    return f"{what}: {', '.join(map(str, names))}" if names else f"none {what}"


def sequence_gates(catalog: Catalog, windows: Sequence[Window], migrations: Migrations) -> Iterator[Gate]:
    """Every sequence stands at the start of its window; only migrations may have drawn from it."""
    by_name = {window.sequence: window for window in windows}
    for name, sequence in sorted(catalog.sequences.items()):
        window = by_name.pop(name, None)
        if window is None:
            yield Gate(_SEQUENCE, str(name), False, "no window", "a window of its own")
        else:
            yield _window_gate(sequence, window, migrations)
    for name in sorted(by_name):
        yield Gate(_SEQUENCE, str(name), bool(migrations), "sequence is gone", "in its window")


def _window_gate(sequence: CatalogSequence, window: Window, migrations: Migrations) -> Gate:
    following = sequence.last_value + (window.increment if sequence.is_called else 0)
    low, high = sorted((window.first, window.last))
    direction = 1 if window.increment > 0 else -1
    beyond = low <= following <= high and (following - window.production) * direction > 0
    unused = following == window.first
    observed = f"next {following}" + ("" if unused else ", used")
    expected = f"next {window.first} in {window.first}..{window.last}, production at {window.production}"
    passed = beyond and (unused or bool(migrations))
    return Gate(_SEQUENCE, str(sequence.name), passed, observed, expected)


def schema_gates(production: str, scrubbed: str, before_migrations: str, database: str) -> Iterator[Gate]:
    """The schema is production's own up to the first migration, by digest of the schema dump."""
    for moment, digest in (("after the scrub", scrubbed), ("before the migrations", before_migrations)):
        yield Gate(
            "schema equal to production", f"{database} {moment}", digest == production, digest, production
        )
