"""Originals against clone, whole columns: no treated value may have survived, no row may have got lost.

Keys and hashes of the treated columns flow out of the clone into a temporary table beside the sealed
original, never the other way, and one aggregate SELECT there compares them. Values that are equal have equal
hashes, so nothing that survived is missed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, sql

from sanitizers.catalog import Catalog, Column, Table
from sanitizers.policy.plan import ColumnPlan, TableRulePlan
from sanitizers.policy.rows import TableRows
from sanitizers.results import ColumnCounts, Gate
from sanitizers.validators.base import Migrations, changed_columns, column, relation

_BLOCK = 1 << 18
"""Bytes gathered before they are passed on: one message a row would cost more than the rows."""
_PUNCTUATION = " \t\r\n!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
"""A value of nothing else counts as empty: it tells nothing, and a pseudonym in its shape is itself."""


@dataclass(frozen=True)
class Comparison:
    """One policy table before and after."""

    rule: TableRulePlan
    paired_by: str
    originals: int
    scrubbed: int
    paired: int
    exempt: int
    exempt_altered: int
    """Values of exempt rows that are not what they were."""
    columns: tuple[ColumnCounts, ...]
    missing: tuple[str, ...] = ()
    """Treated columns that the clone has no more."""
    rows: TableRows | None = None
    """What was chosen of the rows, where not all of them arrive as they are."""
    in_groups: bool = False
    """Whether only rows are paired of whose likes none was dropped."""


@dataclass(frozen=True)
class _Pair:
    """How one table is read on both sides."""

    rule: TableRulePlan
    before: Table
    after: Table
    key: tuple[str, ...]
    kept: tuple[str, ...]
    """Columns equal on both sides, which pair the rows of a table without a usable key."""
    treated: tuple[ColumnPlan, ...]
    rows: TableRows | None

    @property
    def in_groups(self) -> bool:
        """Without a key, nothing tells a kept row from a dropped one that is like it."""
        return self.rows is not None and self.rows.kept < self.rows.before and not self.key

    def emptied(self, item: ColumnPlan) -> bool:
        return self.rows is not None and item.name in self.rows.emptied

    @property
    def paired_by(self) -> str:
        if self.key:
            return f"key ({', '.join(self.key)})"
        return f"{'kept columns and ' if self.kept else ''}physical order"


def compare(
    clone: Connection[Any],
    original: Connection[Any],
    rule: TableRulePlan,
    after: Catalog,
    before: Catalog,
    rows: TableRows | None = None,
) -> Comparison | None:
    """Counts of every treated column, row against row; None when the clone has the table no more.

    `rows` says what was chosen of the table's rows, where not all of them arrive as they are.
    Both sessions are settled and in autocommit mode; the one on the clone only reads.
    """
    if rule.table not in after.tables:
        return None
    pair = _pair(rule, after.tables[rule.table], before.tables[rule.table], rows)
    original.execute(_receiver(pair))
    try:
        _copy(clone, original, pair)
        original.execute("ANALYZE pg_temp.understudy_scrubbed")
        counts = original.execute(_counts(pair)).fetchone()
    finally:
        if not original.broken:
            original.execute("DROP TABLE IF EXISTS pg_temp.understudy_scrubbed")
    assert counts is not None
    return _comparison(pair, counts)


def _pair(rule: TableRulePlan, after: Table, before: Table, rows: TableRows | None) -> _Pair:
    here = {name for name in after.by_name if name in before.by_name}
    key = rule.key if set(rule.key) <= here else ()
    alike = here - set(rows.emptied if rows else ())
    kept = tuple(item.name for item in rule.columns if item.kind == "keep" and item.name in alike)
    treated = tuple(item for item in changed_columns(rule) if item.name in here)
    return _Pair(rule, before, after, key, () if key else kept, treated, rows)


def _hash(expression: sql.Composable) -> sql.Composed:
    return sql.SQL('hashtextextended(({})::text COLLATE "C", 0)').format(expression)


def _keys(pair: _Pair) -> list[sql.Composable]:
    """What identifies a row: its key, or its place among the rows with equal kept columns."""
    if pair.key:
        return [column(name) for name in pair.key]
    alike = _hash(_record(pair.kept))
    # Rows with equal kept columns are exempt together: those are paired by content, whatever their order.
    exempt = sql.SQL("CASE WHEN t.understudy_exempt THEN {} END, ").format(_record(_names_of(pair.treated)))
    place = sql.SQL("row_number() OVER (PARTITION BY {} ORDER BY {}t.tableoid::regclass::text, t.ctid)")
    placed: list[sql.Composable] = [alike, place.format(alike, exempt if pair.rule.exempt else sql.SQL(""))]
    group = sql.SQL("count(*) OVER (PARTITION BY {})").format(alike)
    return [*placed, group] if pair.in_groups else placed


def _names_of(columns: Sequence[ColumnPlan]) -> list[str]:
    return [item.name for item in columns]


def _record(names: Sequence[str]) -> sql.Composed:
    return sql.SQL("ROW({})::text").format(sql.SQL(", ").join(map(column, names)))


def _names(letter: str, count: int) -> list[sql.Identifier]:
    return [sql.Identifier(f"{letter}{number}") for number in range(count)]


def _row(pair: _Pair) -> list[sql.Composable]:
    keys, hashes = _keys(pair), [_hash(column(item.name)) for item in pair.treated]
    return [*_named("k", keys), *_named("h", hashes)]


def _named(letter: str, values: Sequence[sql.Composable]) -> list[sql.Composable]:
    names = _names(letter, len(values))
    return [sql.SQL("{} AS {}").format(value, name) for value, name in zip(values, names, strict=True)]


def _select(pair: _Pair, values: Sequence[sql.Composable], table: Table) -> sql.Composed:
    told = pair.rule.exempt and (table is pair.before or not pair.key)
    source = _with_exempt(pair, table) if told else relation(table)
    return sql.SQL("SELECT {} FROM {}").format(sql.SQL(", ").join(values), source)


def _with_exempt(pair: _Pair, table: Table) -> sql.Composed:
    # OFFSET 0: the condition may be a subquery, which must not be pulled up into every count.
    condition = sql.SQL(f"coalesce(({pair.rule.exempt}), false)")
    return sql.SQL("(SELECT t.*, t.tableoid, t.ctid, {} AS understudy_exempt FROM {} OFFSET 0) AS t").format(
        condition, relation(table)
    )


def _receiver(pair: _Pair) -> sql.Composed:
    # The original's own types, so that keys meet on equal terms and their indexes' equality applies.
    empty = _select(pair, _row(pair), pair.before)
    return sql.SQL("CREATE TEMP TABLE understudy_scrubbed AS {} WITH NO DATA").format(empty)


def _copy(clone: Connection[Any], original: Connection[Any], pair: _Pair) -> None:
    """Pipes the clone's rows to the original's server in blocks."""
    out = sql.SQL("COPY ({}) TO STDOUT").format(_select(pair, _row(pair), pair.after))
    into = "COPY pg_temp.understudy_scrubbed FROM STDIN"
    with clone.cursor().copy(out) as source, original.cursor().copy(into) as sink:
        block = bytearray()
        while data := source.read():
            block += data
            if len(block) >= _BLOCK:
                sink.write(bytes(block))
                block.clear()
        sink.write(bytes(block))


def _telling(item: Column) -> sql.Composed:
    """Whether a value says anything: not NULL, and more than punctuation or an empty document."""
    value = column(item.name)
    if item.base in {"json", "jsonb"} and not item.array:
        return sql.SQL("({})::text NOT IN ('{{}}', '[]', 'null', '\"\"')").format(value)
    if item.base == "bytea" and not item.array:
        return sql.SQL("octet_length({}) > 0").format(value)
    if item.category != "S" and not item.array:
        return sql.SQL("{} IS NOT NULL").format(value)
    text = sql.SQL("array_to_string({}, '')" if item.array else "({})::text").format(value)
    # The first character decides for nearly all: trimming every value would cost twice as much as its hash.
    codes = sql.Literal([0, *map(ord, _PUNCTUATION)])
    return sql.SQL(
        "CASE WHEN ascii({text}) = ANY ({codes}) THEN ltrim({text}, {marks}) <> ''"
        " ELSE {text} IS NOT NULL END"
    ).format(text=text, codes=codes, marks=sql.Literal(_PUNCTUATION))


_COLUMN = (
    "count(o.{h})",
    "count(s.{h})",
    "count(o.{f})",
    "count(*) FILTER (WHERE o.{h} = s.{h} AND o.{f} IS NOT NULL)",
    "count(*) FILTER (WHERE o.exempt AND o.{h} IS DISTINCT FROM s.{h}{but})",
)
"""Values before and after, of those before the ones that must not be exempt or empty, unchanged, altered."""
_BUT_EMPTIED = " AND s.{h} IS NOT NULL"


def _counts(pair: _Pair) -> sql.Composed:
    counts = ["count(*)", "count(*) FILTER (WHERE o.exempt)"]
    for n, item in enumerate(pair.treated):
        but = _BUT_EMPTIED.format(h=f"h{n}") if pair.emptied(item) else ""
        counts += [text.format(h=f"h{n}", f=f"f{n}", but=but) for text in _COLUMN]
    return sql.SQL(
        "SELECT (SELECT count(*) FROM {table}), (SELECT count(*) FROM pg_temp.understudy_scrubbed), {counts}"
        " FROM ({original}) AS o JOIN pg_temp.understudy_scrubbed AS s USING ({keys})"
    ).format(
        table=relation(pair.before),
        counts=sql.SQL(", ").join(map(sql.SQL, counts)),
        original=_original(pair),
        keys=sql.SQL(", ").join(_names("k", len(_keys(pair)))),
    )


def _original(pair: _Pair) -> sql.Composed:
    flags = [_flag(pair, item) for item in pair.treated]
    exempt = sql.SQL("t.understudy_exempt AS exempt" if pair.rule.exempt else "false AS exempt")
    values = [*_row(pair), *_named("f", flags), exempt]
    return _select(pair, values, pair.before)


def _flag(pair: _Pair, item: ColumnPlan) -> sql.Composed:
    telling = _telling(pair.before.by_name[item.name])
    unless = sql.SQL(" AND NOT t.understudy_exempt" if pair.rule.exempt else "")
    return sql.SQL("CASE WHEN {}{} THEN 1 END").format(telling, unless)


def _comparison(pair: _Pair, counts: Sequence[int]) -> Comparison:
    originals, scrubbed, paired, exempt, *rest = counts
    width = len(_COLUMN)
    each = [rest[start : start + width] for start in range(0, len(rest), width)]
    return Comparison(
        rule=pair.rule,
        paired_by=pair.paired_by,
        originals=originals,
        scrubbed=scrubbed,
        paired=paired,
        exempt=exempt,
        exempt_altered=sum(numbers[-1] for numbers in each),
        columns=tuple(
            ColumnCounts(
                f"{pair.rule.table}.{item.name}",
                paired,
                paired - before,
                paired - after,
                telling - unchanged,
                unchanged,
                exempt,
            )
            for item, (before, after, telling, unchanged, _) in zip(pair.treated, each, strict=True)
        ),
        missing=tuple(item.name for item in changed_columns(pair.rule) if item not in pair.treated),
        rows=pair.rows,
        in_groups=pair.in_groups,
    )


def comparison_gates(found: Comparison, migrations: Migrations) -> Iterator[Gate]:
    """The gates of one compared table. Where a migration may have had a hand in it, the gate says so."""
    rule, theirs = found.rule, migrations.mention(found.rule.table)
    by_name = {f"{rule.table}.{item.name}": item for item in rule.columns}
    yield _paired(found, theirs, bool(migrations))
    for counts in found.columns:
        item = by_name[counts.column]
        if not item.erases_nulls:
            yield _nulls(counts, theirs, found.rows is not None and item.name in found.rows.emptied)
        if item.must_differ:
            yield _differs(counts)
    for name in found.missing:
        observed = "column is gone" + _NAMED * theirs
        yield Gate("differs from original", f"{rule.table}.{name}", theirs, observed, "0 unchanged")
    if rule.exempt:
        yield _exempt(found, theirs)


_NAMED = " (a migration names the table)"


def _paired(found: Comparison, theirs: bool, migrated: bool) -> Gate:
    wanted = found.rows.kept if found.rows else found.originals
    lost, new = wanted - found.paired, found.scrubbed - found.paired
    observed = f"{found.paired} of {wanted}, by {found.paired_by}"
    if found.in_groups and (alike := min(lost, new)) > 0:
        lost, new = lost - alike, new - alike
        observed += f"; {alike} like dropped ones"
    if lost or new:
        observed += f"; {lost} without a partner, {new} not in production"
    passed = (lost == 0 or theirs) and (new == 0 or migrated)
    expected = f"{wanted} of {wanted}"
    return Gate("rows paired with originals", str(found.rule.table), passed, observed, expected)


def _nulls(counts: ColumnCounts, theirs: bool, emptied: bool) -> Gate:
    more = counts.nulls_after - counts.nulls_before
    same = more == 0 or (emptied and more > 0)
    observed = f"{counts.nulls_after}{_NAMED * (theirs and not same)}"
    expected = f"{counts.nulls_before}{' or more' * emptied}"
    return Gate("null count", counts.column, same or theirs, observed, expected)


def _differs(counts: ColumnCounts) -> Gate:
    observed = f"{counts.unchanged} unchanged, {counts.changed} changed"
    return Gate("differs from original", counts.column, counts.unchanged == 0, observed, "0 unchanged")


def _exempt(found: Comparison, theirs: bool) -> Gate:
    altered = found.exempt_altered
    observed = f"{altered} values altered in {found.exempt} rows{_NAMED * (theirs and altered > 0)}"
    passed = altered == 0 or theirs
    return Gate("exempt rows unchanged", str(found.rule.table), passed, observed, "0 values altered")
