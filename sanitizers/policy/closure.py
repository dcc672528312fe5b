"""Rows closed under foreign keys: which tables a policy's row rules reach, and the statements that list rows.

Every statement adds the rows that follow from those listed so far, tables in the order of their keys, so that
one pass will do; tables in a circle are repeated until nothing follows any more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Literal

from sqlglot import exp

from sanitizers.catalog import Catalog, Name, Table
from sanitizers.policy.compile import SCRATCH, column_of, digest, numbered, relation, sql_text
from sanitizers.policy.document import Policy, RowRule
from sanitizers.policy.exempt import exempt_condition, row_condition
from sanitizers.policy.rows import Fill, Step
from sanitizers.transformers.base import cast, fragment

_Edges = Collection[tuple[Name, Name]]


@dataclass(frozen=True)
class Key:
    """A foreign key, declared or virtual. Its tables may be partitions; `child` and `parent` are roots."""

    name: str
    table: Name
    columns: tuple[str, ...]
    referenced: Name
    referenced_columns: tuple[str, ...]
    child: Name
    parent: Name

    def called(self, names: Iterable[str]) -> bool:
        """Whether one of the names is the key's, or its only column's."""
        return any(name == self.name or (name,) == self.columns for name in names)


@dataclass(frozen=True)
class Selection:
    """A policy's row rules over a catalog. Tables are told by their roots."""

    policy: Policy
    catalog: Catalog

    @cached_property
    def rules(self) -> dict[Name, RowRule]:
        named = ((Name.parse(text), rule.rows) for text, rule in self.policy.tables.items())
        return {
            name: rule
            for name, rule in named
            if rule is not None and name in self.catalog.tables and self.catalog.tables[name].parent is None
        }

    @cached_property
    def every_key(self) -> tuple[Key, ...]:
        return (*self._declared(), *self._virtual())

    def keys_of(self, name: Name) -> list[Key]:
        """All keys of a table."""
        return self._by_child.get(name, [])

    def leading_to(self, name: Name) -> list[Key]:
        """The keys that bind rows of other tables, and its own, to a table's rows."""
        return self._by_parent.get(name, [])

    @cached_property
    def _by_child(self) -> dict[Name, list[Key]]:
        found: dict[Name, list[Key]] = {}
        for key in self.every_key:
            found.setdefault(key.child, []).append(key)
        return found

    @cached_property
    def _by_parent(self) -> dict[Name, list[Key]]:
        found: dict[Name, list[Key]] = {}
        for key in self.keys:
            found.setdefault(key.parent, []).append(key)
        return found

    def _declared(self) -> Iterator[Key]:
        for table in self.catalog.tables.values():
            for key in table.foreign_keys:
                roots = self.catalog.root_of(key.table), self.catalog.root_of(key.referenced)
                yield Key(key.name, key.table, key.columns, key.referenced, key.referenced_columns, *roots)

    def _virtual(self) -> Iterator[Key]:
        for text, rule in self.policy.tables.items():
            child = Name.parse(text)
            for column, said in rule.columns.items():
                table, _, theirs = (said.references or "").rpartition(".")
                parent = Name.parse(table)
                if child in self.catalog.tables and parent in self.catalog.tables:
                    yield Key(column, child, (column,), parent, (theirs,), child, parent)

    def emptying(self, key: Key) -> bool:
        """Whether the key becomes NULL where it leads to a dropped row."""
        return key.child in self.rules and key.called(self.rules[key.child].set_null)

    def follows(self, key: Key) -> bool:
        """Whether rows come along with the rows this key leads to."""
        return key.child in self.rules and key.called(self.rules[key.child].follow)

    @cached_property
    def keys(self) -> tuple[Key, ...]:
        """Those that bind rows to each other."""
        return tuple(key for key in self.every_key if not self.emptying(key))

    @cached_property
    def _down(self) -> set[tuple[Name, Name]]:
        return {(key.parent, key.child) for key in self.keys}

    @cached_property
    def _up(self) -> set[tuple[Name, Name]]:
        return {(key.child, key.parent) for key in self.keys}

    @cached_property
    def dropped(self) -> set[Name]:
        return {name for name, rule in self.rules.items() if rule.drop}

    @cached_property
    def choosing(self) -> set[Name]:
        return {name for name, rule in self.rules.items() if rule.chooses}

    @cached_property
    def judged(self) -> set[Name]:
        """Tables whose rows are dropped where they are not chosen."""
        return {name for name in self.choosing if not self.rules[name].referenced}

    @cached_property
    def doomed(self) -> set[Name]:
        """Tables below a dropped one and above or at one that chooses: what falls there cannot be chosen."""
        return (_reached(self.dropped, self._down) & _reached(self.choosing, self._up)) - self.dropped

    @cached_property
    def pulled(self) -> set[Name]:
        """Tables on the way from chosen rows to rows that have to be chosen with them."""
        up = {(child, parent) for child, parent in self._up if not {child, parent} & self.dropped}
        return _reached(self.choosing, up) & _reached(self.judged, {edge[::-1] for edge in up})

    @cached_property
    def falling(self) -> set[Name]:
        """Tables whose rows may lead to a dropped row."""
        lost = self.dropped | self.judged
        return _reached(lost, self._down) - lost

    @cached_property
    def needed(self) -> set[Name]:
        """Tables of which only needed rows are left: `referenced` ones, and those that follow them."""
        asked = {name for name, rule in self.rules.items() if rule.referenced}
        return _reached(asked, {(key.parent, key.child) for key in self.keys if self.follows(key)})

    def arrive(self, name: Name) -> Literal["none", "listed", "unlisted", "all"]:
        """Which of a table's rows arrive, of those that its list names."""
        if name in self.dropped:
            return "none"
        if name in self.judged | self.needed:
            return "listed"
        return "unlisted" if name in self.falling else "all"

    def kept(self, name: Name, alias: str) -> exp.Expression:
        """The condition of the rows that arrive, once they are listed."""
        match self.arrive(name):
            case "listed":
                return listed(rows_of(name), alias)
            case "unlisted":
                return exp.Not(this=listed(gone_of(name), alias))
            case arrive:
                return exp.true() if arrive == "all" else exp.false()

    def steps(self) -> Iterator[Step]:
        """The lists, in the order in which they have to be made."""
        yield from self._fall(self.doomed, self.dropped)
        yield from (Step((self._choose(name),)) for name in sorted(self.choosing))
        yield from self._pull()
        yield from self._fall(self.falling, self.dropped | self.judged)
        yield from self._need()
        yield from (Step((self._gap(key),)) for key in self.every_key if self.gapped(key))

    def _fall(self, tables: set[Name], lost: set[Name]) -> Iterator[Step]:
        """Rows that lead to a dropped row, by way of these tables."""
        sources = tables | lost

        def keys(name: Name) -> list[Key]:
            return [key for key in self.keys_of(name) if key.parent in sources and not self.emptying(key)]

        def fills(name: Name) -> Iterator[Fill]:
            mine = keys(name)
            found = [self._child(key, self._lost(key.parent, lost)) for key in mine if key.parent != name]
            return _fills(
                gone_of(name), found, [self._chain(key, "p", "c") for key in mine if key.parent == name]
            )

        return _in_steps(tables, [(key.parent, name) for name in tables for key in keys(name)], fills)

    def _lost(self, name: Name, lost: set[Name]) -> exp.Expression:
        if name not in lost:
            return listed(gone_of(name), "p")
        return exp.true() if name in self.dropped else exp.Not(this=listed(rows_of(name), "p"))

    def _choose(self, name: Name) -> Fill:
        """Rows that the table's own rule chooses; exempt rows are in every sample."""
        table, rule = self.catalog.tables[name], self.rules[name]
        chosen = [row_condition(table, rule.keep, "t", "keep", None)] if rule.keep is not None else []
        if rule.sample is not None:
            chosen.append(_drawn(table, rule.sample))
        condition = exp.and_(*chosen, copy=False)
        if rule.sample is not None and self.policy.tables[str(name)].exempt is not None:
            exempt = exempt_condition(table, self.policy.tables, self.catalog, "t", lambda _: set())
            condition = exp.paren(exp.or_(condition, exempt, copy=False))
        if name in self.doomed:
            condition = exp.and_(condition, exp.Not(this=listed(gone_of(name), "t")), copy=False)
        rows = fragment(
            "SELECT t.tableoid, t.ctid FROM :t WHERE :c", t=self._relation(name, "t"), c=condition
        )
        return _fill(rows_of(name), sql_text(rows))

    def _pull(self) -> Iterator[Step]:
        """What chosen rows lead to, as far as it would be dropped otherwise."""

        def fills(name: Name) -> Iterator[Fill]:
            mine = self.pulling(name)
            found = [self._parent(key, listed(rows_of(key.child), "c")) for key in mine if key.child != name]
            return _fills(
                rows_of(name), found, [self._chain(key, "c", "p") for key in mine if key.child == name]
            )

        order = [(key.child, name) for name in self.pulled for key in self.pulling(name)]
        return _in_steps(self.pulled, order, fills)

    def pulling(self, name: Name) -> list[Key]:
        """The keys by which rows of a table are chosen together with others."""
        starts = self.choosing | self.pulled
        return [key for key in self.leading_to(name) if key.child in starts]

    def needing(self, name: Name) -> list[Key]:
        """The keys by which rows of a table are needed: not those that are followed for no other reason."""
        return [key for key in self.leading_to(name) if not self._needless(key)]

    def followed(self, name: Name) -> list[Key]:
        """The keys that rows of a table come along with."""
        return [key for key in self.keys_of(name) if self.follows(key) and key.parent in self.needed]

    def _needless(self, key: Key) -> bool:
        anyway = self.follows(key) and not self.leading_to(key.child)
        return key.child in self.dropped or anyway

    def _need(self) -> Iterator[Step]:
        """Rows that kept rows lead to, and rows that follow those."""

        def fills(name: Name) -> Iterator[Fill]:
            needing, followed = self.needing(name), self.followed(name)
            found = [self._parent(key, self.kept(key.child, "c")) for key in needing if key.child != name]
            found += [self._follower(name, followed)] if followed else []
            return _fills(
                rows_of(name), found, [self._chain(key, "c", "p") for key in needing if key.child == name]
            )

        order = [(key.child, name) for name in self.needed for key in self.needing(name)]
        order += [(key.parent, name) for name in self.needed for key in self.followed(name)]
        return _in_steps(self.needed, order, fills)

    def _follower(self, name: Name, keys: list[Key]) -> exp.Expression:
        """Rows that have not fallen and of which no key leads to a row that is not needed."""
        conditions = [
            exp.Not(this=self._leads(key, exp.Not(this=self.kept(key.parent, "p")))) for key in keys
        ]
        if name in self.falling:
            conditions.append(exp.Not(this=listed(gone_of(name), "c")))
        rows = self._relation(name, "c")
        return fragment(
            "SELECT c.tableoid, c.ctid FROM :c WHERE :all", c=rows, all=exp.and_(*conditions, copy=False)
        )

    def gapped(self, key: Key) -> bool:
        """Whether the key becomes NULL in some rows."""
        return self.emptying(key) and key.child not in self.dropped and self.arrive(key.parent) != "all"

    def _gap(self, key: Key) -> Fill:
        rows = self._child(key, exp.Not(this=self.kept(key.parent, "p")))
        return _fill(gaps_of(key), sql_text(rows))

    def _child(self, key: Key, condition: exp.Expression) -> exp.Expression:
        """Rows that lead to such a row `p`."""
        rows, leads = self._relation(key.table, "c"), self._leads(key, condition)
        return fragment("SELECT c.tableoid, c.ctid FROM :c WHERE :leads", c=rows, leads=leads)

    def _leads(self, key: Key, condition: exp.Expression) -> exp.Expression:
        return fragment(
            "EXISTS (SELECT 1 FROM :p WHERE :equal AND :condition)",
            p=self._relation(key.referenced, "p"),
            equal=self._equal(key),
            condition=condition,
        )

    def _parent(self, key: Key, condition: exp.Expression) -> exp.Expression:
        """Rows that such a row `c` leads to."""
        return fragment(
            "SELECT p.tableoid, p.ctid FROM :p WHERE EXISTS (SELECT 1 FROM :c WHERE :equal AND :condition)",
            p=self._relation(key.referenced, "p"),
            c=self._relation(key.table, "c"),
            equal=self._equal(key),
            condition=condition,
        )

    def _chain(self, key: Key, known: str, next_: str) -> exp.Expression:
        """Rows that a key from a table to itself leads to from `found` ones: up, `c` to `p`, or down."""
        tables = {"c": self._relation(key.table, "c"), "p": self._relation(key.referenced, "p")}
        return fragment(
            "SELECT :heap, :place FROM found AS f JOIN :known ON :found JOIN :next ON :equal",
            heap=exp.column("tableoid", table=next_),
            place=exp.column("ctid", table=next_),
            known=tables[known],
            found=fragment(f"{known}.tableoid = f.heap AND {known}.ctid = f.place"),
            next=tables[next_],
            equal=self._equal(key),
        )

    def _equal(self, key: Key) -> exp.Expression:
        table = self.catalog.tables[key.table]
        pairs = [
            # A key over periods leads to every row that overlaps.
            (exp.ArrayOverlaps if table.by_name[mine].category == "R" else exp.EQ)(
                this=column_of("p", theirs), expression=column_of("c", mine)
            )
            for mine, theirs in zip(key.columns, key.referenced_columns, strict=True)
        ]
        return exp.paren(exp.and_(*pairs, copy=False), copy=False)

    def _relation(self, name: Name, alias: str) -> exp.Table:
        return relation(name, only=self.catalog.tables[name].kind != "p", alias=alias)


def rows_of(table: Name) -> Name:
    """The list of a table's rows that are kept."""
    return _scratch("rows", str(table))


def gone_of(table: Name) -> Name:
    """The list of a table's rows that fell with others."""
    return _scratch("gone", str(table))


def gaps_of(key: Key) -> Name:
    """The list of the rows in which a key becomes NULL."""
    return _scratch("gaps", f"{key.table} {key.name}")


def _scratch(kind: str, text: str) -> Name:
    readable = "".join(c if c.isascii() and c.isalnum() else "_" for c in text.lower())[:40]
    return Name(SCRATCH, f"{kind}_{readable}_{sha256(text.encode()).hexdigest()[:8]}")


def listed(scratch: Name, alias: str, heap: Name | None = None) -> exp.Expression:
    """Whether a list names the row; `heap` when all rows asked for are of that one."""
    quoted = sql_text(exp.table_(heap.name, heap.schema, quoted=True)) if heap else ""
    return fragment(
        "EXISTS (SELECT 1 FROM :list WHERE k.heap = :heap AND k.place = :place)",
        list=relation(scratch, alias="k"),
        heap=cast(exp.Literal.string(quoted), "regclass") if heap else exp.column("tableoid", table=alias),
        place=exp.column("ctid", table=alias),
    )


def _drawn(table: Table, share: float) -> exp.Expression:
    """Whether the digest of a row's key, as a number, is in that share of all numbers."""
    key = [column_of("t", name) for name in table.primary_key]
    place = [exp.column(name, table="t") for name in ("tableoid", "ctid")]
    row = cast(exp.Anonymous(this="ROW", expressions=key or place), "text")
    limit = exp.Literal.string(rf"\x{int(share * 2**64).to_bytes(8).hex()}")
    return fragment(":h < :limit", h=digest(f"rows {table.name}", row), limit=cast(limit, "bytea"))


def _fills(into: Name, rows: Collection[exp.Expression], chains: Iterable[exp.Expression]) -> Iterator[Fill]:
    """What adds rows to a list: these, and then whatever a chain leads to from any of them."""
    if rows:
        yield _fill(into, " UNION ".join(map(sql_text, rows)))
    for chain in chains:
        start = f"SELECT k.heap, k.place FROM {sql_text(relation(into, alias='k'))}"
        steps = f"WITH RECURSIVE found(heap, place) AS ({start} UNION {sql_text(chain)})"
        yield _fill(into, f"{steps} SELECT * FROM found")


def _fill(into: Name, rows: str) -> Fill:
    known = sql_text(relation(into, alias="k"))
    statement = numbered(
        f"INSERT INTO {known.removesuffix(' AS k')} SELECT n.heap, n.place FROM ({rows}) AS n (heap, place)"
        f" WHERE NOT EXISTS (SELECT 1 FROM {known} WHERE k.heap = n.heap AND k.place = n.place)"
    )
    return Fill(into, statement.sql, statement.bindings)


def _reached(starts: Collection[Name], edges: _Edges) -> set[Name]:
    """These tables and all that edges lead to from them."""
    return set(_finished(sorted(starts), _ahead(edges), set()))


def _in_steps(
    tables: Collection[Name], before: _Edges, fills: Callable[[Name], Iterator[Fill]]
) -> Iterator[Step]:
    """The fills of all tables, each after those that come `before` it; tables in a circle share a step."""
    inside = [(one, other) for one, other in before if one in tables and other in tables]
    loops = Counter(one for one, other in inside if one == other)
    back, seen = _ahead((other, one) for one, other in inside), set[Name]()
    # Kosaraju's algorithm: what still leads back to the table that finished last is in a circle with it.
    for name in reversed(_finished(sorted(tables), _ahead(inside), set())):
        if circle := _finished([name], back, seen):
            # One chain goes as far as there is to go; several lead on from each other's ends.
            repeats = len(circle) > 1 or loops[name] > 1
            if together := tuple(fill for one in circle for fill in fills(one)):
                yield Step(together, repeats)


def _ahead(edges: Iterable[tuple[Name, Name]]) -> dict[Name, list[Name]]:
    ahead: dict[Name, list[Name]] = {}
    for one, other in sorted(edges):
        ahead.setdefault(one, []).append(other)
    return ahead


def _finished(starts: Iterable[Name], ahead: Mapping[Name, list[Name]], seen: set[Name]) -> list[Name]:
    """All unseen tables that can be reached, each after those that were reached from it."""
    finished: list[Name] = []
    waiting = [(start, True) for start in starts][::-1]
    while waiting:
        name, entering = waiting.pop()
        if not entering:
            finished.append(name)
        elif name not in seen:
            seen.add(name)
            waiting.append((name, False))
            waiting += [(other, True) for other in ahead.get(name, ())]
    return finished
