"""Which originals are searched for: a secret random sample of identifiers, held in memory only."""

from __future__ import annotations

import re
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Any, TypeAlias

from psycopg import Connection, sql

from sanitizers.catalog import Catalog, Column, Table
from sanitizers.forensics.needles import Needle, Needles, specific
from sanitizers.policy.plan import ColumnPlan, Plan, TableRulePlan
from sanitizers.postgres.statements import statement
from sanitizers.transformers.words import ascii_pool, pool

PER_COLUMN = 300
"""Of so many people's values one is found with a probability of 95 % when a leak holds those of 1 %."""
AT_MOST = 20_000
_DRAWN = 3
"""Rows drawn for each value wanted: some are too short, too common, or mean nothing alone."""
_PAGES = 2000
"""Pages looked into for them, of a table that has more."""
_WHOLE = 48
"""Longer values are searched for by a piece."""
_PIECE = 24
_PRINTED = {"uuid", "macaddr", "macaddr8", "inet", "cidr", "int2", "int4", "int8", "numeric", "bytea"}
"""Types beside those of strings that are searched for, as they print."""
PARTS_STAY = frozenset({"redact"})
"""Treatments that take out what they recognise, and leave what stands around it."""
_ANYTHING = {"credential", "free_text", "binary"}
"""Categories beside those of direct identifiers that may hold one, or a secret."""
_ESCAPED = re.compile(r'[\x00-\x1f\x7f"\\]+')
"""Characters that are not written as they are everywhere."""
_WORDS = re.compile(r"[^\W\d_]+")
# Cut on the server: nobody needs a document of 100 MB to find a piece of it.
_TEXT = "CASE WHEN length(:v) > 400 THEN substr(:v, length(:v) / 2 - 200, 400) ELSE :v END"
_BYTES = "CASE WHEN length(:v) > 48 THEN substr(:v, length(:v) / 2 - 11, 24) ELSE :v END"

_MAKERS: dict[str, Callable[[str, str], Sequence[str]]] = {"pool": pool, "ascii_pool": ascii_pool}
Values: TypeAlias = Sequence[str | bytes]


@dataclass(frozen=True)
class Sample:
    needles: Needles = field(repr=False)
    left_out: tuple[tuple[str, str], ...]
    """Columns of which not every value drawn is searched for, and why."""


@dataclass(frozen=True)
class _Wanted:
    rule: TableRulePlan
    table: Table
    column: Column
    parts_stay: bool = False
    beside: Column | None = None
    """Searched for together with it, a blank between: each by itself is somebody else's, too."""

    @property
    def name(self) -> str:
        beside = f" with {self.beside.name}" if self.beside else ""
        return f"{self.rule.table}.{self.column.name}{beside}"


def draw(session: Connection[Any], plan: Plan, catalog: Catalog, locale: str) -> Sample:
    """Draws from the sealed original. No statement holds a value, and nobody can foretell which are drawn."""
    session.execute(statement("forensics/session").encode())
    wanted = list(_wanted(plan, catalog))
    share = min(PER_COLUMN, max(1, AT_MOST // max(1, len(wanted))))
    dealt = Pools(plan, locale)
    needles: list[Needle] = []
    left_out: list[tuple[str, str]] = []
    for one in wanted:
        taken, why = _taken(one, session, catalog, share, dealt)
        needles += [_needle(one.name, value) for value in taken]
        left_out += [(one.name, why)] if why else []
    return Sample(Needles(needles), tuple(left_out))


def own_list(values: Iterable[str]) -> Sample:
    """A list of somebody's own instead of a sample."""
    return Sample(Needles(Needle("", value.encode()) for value in values), ())


def _wanted(plan: Plan, catalog: Catalog) -> Iterator[_Wanted]:
    """Treated columns whose originals must be gone, as far as the database still has them."""
    for rule in plan.rules:
        table = catalog.tables.get(rule.table)
        for item in rule.treated if table else ():
            if table and item.name in table.by_name and item.kind != "generated" and _must_go(item):
                yield _Wanted(rule, table, table.by_name[item.name], item.kind in PARTS_STAY)
        if table:
            yield from _full_names(rule, table)


def _full_names(rule: TableRulePlan, table: Table) -> Iterator[_Wanted]:
    """A person's first and last name, where they stand in columns of their own."""
    treated = [(item.category, table.by_name.get(item.name)) for item in rule.treated]
    first, last = (
        [column for category, column in treated if category == part and column and column.category == "S"]
        for part in ("name.first", "name.last")
    )
    if len(first) == len(last) == 1 and not (first[0].array or last[0].array):
        yield _Wanted(rule, table, first[0], beside=last[0])


def _must_go(item: ColumnPlan) -> bool:
    category = item.category.partition(".")[0]
    return item.must_differ or item.classification == "direct_identifier" or category in _ANYTHING


def _needle(column: str, value: str | bytes) -> Needle:
    return Needle(column, value, True) if isinstance(value, bytes) else Needle(column, value.encode())


def _taken(
    one: _Wanted, session: Connection[Any], catalog: Catalog, share: int, dealt: Pools
) -> tuple[Values, str]:
    """The values to search for, and why others are not."""
    if one.column.category != "S" and one.column.base not in _PRINTED:
        return (), f"values of type {one.column.type} are compared row by row only"
    if one.parts_stay:
        return (), "the policy lets parts of its values stay"
    drawn = list(_drawn(one, session, catalog, share * _DRAWN))
    if not drawn:
        return (), "it holds no values"
    pieces = [piece(value) for value in drawn]
    counts = Counter(pieces)
    reasons: Counter[str] = Counter()
    taken: dict[str | bytes, None] = {}
    for value, part in zip(drawn, pieces, strict=True):
        if why := _unfit(part, counts[part], len(drawn), part != value, dealt):
            reasons[why] += 1
        elif len(taken) < share:
            taken[part] = None
    said = "; ".join(f"{count} of {len(drawn)} {why}" for why, count in reasons.most_common())
    return tuple(taken), said


def _unfit(part: str | bytes, count: int, drawn: int, cut: bool, dealt: Pools) -> str:
    """Why a value would be found where nobody's data have leaked; empty when it would not."""
    telling = len(set(part)) >= 6 if isinstance(part, bytes) else specific(part)
    if not telling:
        return "too short to be told from chance"
    if count > (1 if cut else max(2, drawn // 50)):
        return "the same as others, so nobody's own"
    if isinstance(part, str) and not dealt.lack(part):
        return "made of words that surrogates are made of too"
    return ""


def piece(value: str | bytes) -> str | bytes:
    """What of a value is searched for: all of it, or 24 characters from its middle where it is long."""
    if isinstance(value, bytes):
        return value
    longest = max(_ESCAPED.split(value), key=len)
    if len(longest) <= _WHOLE:
        return longest
    begin = (len(longest) - _PIECE) // 2
    return longest[begin : begin + _PIECE]


def _drawn(one: _Wanted, session: Connection[Any], catalog: Catalog, count: int) -> Iterator[str | bytes]:
    heaps = catalog.heaps(one.table.name)
    size = sum(heap.bytes for heap in heaps) or 1
    for heap in heaps:
        part = max(1, round(count * heap.bytes / size)) if len(heaps) > 1 else count
        for (value,) in session.execute(_select(one, heap, part)):
            yield value


def _select(one: _Wanted, heap: Table, count: int) -> sql.Composed:
    """Rows of pages chosen at random, of them some chosen at random again: neighbours know each other."""
    seed, share = secrets.randbelow(1 << 31), 100 * _PAGES * 8192 / max(1, heap.bytes)
    sampled = sql.SQL("TABLESAMPLE SYSTEM ({}) REPEATABLE ({})").format(share, seed)
    exempt = f"AND NOT coalesce(({one.rule.exempt}), false)" if one.rule.exempt else ""
    return sql.SQL(
        "SELECT {value} FROM (SELECT {column} AS v FROM ONLY {heap} AS t {sampled}"
        " WHERE ({column}) IS NOT NULL {exempt}"
        " ORDER BY hashtextextended(t.ctid::text, {seed}) LIMIT {count}) AS drawn {elements}"
    ).format(
        value=sql.SQL(_printed(one.column).replace(":v", "e" if one.column.array else "v")),
        column=_column(one),
        heap=sql.Identifier(heap.name.schema, heap.name.name),
        sampled=sampled if share < 100 else sql.SQL(""),
        exempt=sql.SQL(exempt),
        seed=seed,
        count=count,
        elements=sql.SQL(
            ", LATERAL unnest(v) AS e WHERE e IS NOT NULL LIMIT {}" if one.column.array else ""
        ).format(*([count] if one.column.array else [])),
    )


def _column(one: _Wanted) -> sql.Composable:
    columns = [sql.Identifier("t", column.name) for column in (one.column, one.beside) if column]
    return columns[0] if one.beside is None else sql.SQL("{}::text || ' ' || {}::text").format(*columns)


def _printed(column: Column) -> str:
    if column.base == "bytea":
        return _BYTES
    text = "host(:v)" if column.base in {"inet", "cidr"} else "(:v)::text"
    return _TEXT.replace(":v", text)


@dataclass(frozen=True)
class Pools:
    """The words that a plan's surrogates are made of: its clones are full of them."""

    plan: Plan
    locale: str

    @cached_property
    def words(self) -> frozenset[str]:
        plan = self.plan
        made = (
            *(rewrite.select for rewrite in plan.rewrites),
            *(mapping.create for mapping in plan.mappings),
        )
        statements = (*made, *(move.create for move in plan.moves))
        named = {tuple(name.split(":")[:2]) for one in statements for name in one.bindings}
        found = (_MAKERS[kind](name, self.locale) for kind, name in named if kind in _MAKERS)
        return frozenset(word for text in chain(*found) for word in _WORDS.findall(text.lower()))

    def lack(self, value: str) -> bool:
        """Whether a value tells even without the words that a surrogate may have."""
        words = _WORDS.findall(value.lower())
        if any(len(word) >= 5 and word not in self.words for word in words):
            return True
        return specific(_WORDS.sub(lambda word: "" if word[0].lower() in self.words else word[0], value))
