"""Which columns go together: keys and what they reference, persons and the rows about them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

from sqlglot import exp

from sanitizers.catalog import Catalog, Column, ForeignKey, Name, Table
from sanitizers.policy.compile import Subject, Treatment, lookup
from sanitizers.policy.document import TableRule
from sanitizers.policy.plan import Lookup
from sanitizers.transformers.base import INTEGER


@dataclass
class Bound:
    """One policy table bound to the catalog."""

    table: Table
    rule: TableRule
    treatments: dict[str, Treatment] = field(default_factory=dict)
    """Of the columns that are changed."""
    exempt: exp.Expression | None = None
    follows: dict[str, tuple[Bound, str]] = field(default_factory=dict)
    """Columns treated because what they reference is: the table and column that decided it."""

    @property
    def key(self) -> tuple[str, ...]:
        """Kept columns that identify a row before and after; empty when there are none."""
        for unique in self.table.uniques:
            columns = [self.table.by_name.get(name) for name in unique.columns]
            whole = all(column is not None and column.not_null for column in columns)
            if whole and not unique.partial and not set(unique.columns) & set(self.treatments):
                return unique.columns
        return ()

    def is_unique(self, column: str) -> bool:
        """Whether no two rows have the same value in it."""
        return any(unique.columns == (column,) and not unique.partial for unique in self.table.uniques)


@dataclass(frozen=True)
class Links:
    """The foreign keys between the policy's tables, those the policy declares included."""

    catalog: Catalog
    bound: dict[Name, Bound]

    def keys(self, bound: Bound) -> list[ForeignKey]:
        """The keys of a table and its partitions, then those that only the policy knows."""
        return self._keys[bound.table.name]

    @cached_property
    def _keys(self) -> dict[Name, list[ForeignKey]]:
        found = dict[Name, list[ForeignKey]]()
        for name, bound in self.bound.items():
            heaps = [bound.table, *self.catalog.partitions(name)]
            keys = dict.fromkeys(key for heap in heaps for key in heap.foreign_keys)
            found[name] = [*keys, *declared(bound)]
        return found

    def target(self, key: ForeignKey) -> Bound | None:
        """The policy's table that a key leads to."""
        if key.referenced not in self.catalog.tables:
            return None
        return self.bound.get(self.catalog.root_of(key.referenced))

    def propagate(self) -> None:
        """Treats every column that references a treated one as that one, unless it says otherwise itself."""
        while sum(self._follow(bound, key) for bound in self.bound.values() for key in self.keys(bound)):
            pass

    def _follow(self, bound: Bound, key: ForeignKey) -> bool:
        target, changed = self.target(key), False
        for mine, theirs in zip(key.columns, key.referenced_columns, strict=True):
            there = target.treatments.get(theirs) if target else None
            rule = bound.rule.columns.get(mine)
            if target and there and rule and rule.treat is None and mine not in bound.treatments:
                bound.treatments[mine], changed = there, True
                bound.follows[mine] = target.follows.get(theirs, (target, theirs))
        return changed

    def follow_subjects(self) -> None:
        """Gives the treatments that may follow a table's subject that subject."""
        linked = defaultdict[Name, set[str]](set)
        for bound in self.bound.values():
            for table, column in self._ends(bound):
                linked[table.name].add(column)
        for name, bound in self.bound.items():
            if bound.rule.subject in bound.table.by_name:
                self._follow_subject(bound, bound.table.by_name[bound.rule.subject or ""], linked[name])

    def look_up(self) -> Iterator[Lookup]:
        """Gives the treatments that read other rows through a key the lookups they need."""
        for bound in self.bound.values():
            for name, found in bound.treatments.items():
                through = getattr(found.params, "through", {}).items()
                made = {key: self._lookup(bound, key, columns) for key, columns in through}
                known = {key: lookup for key, lookup in made.items() if lookup is not None}
                if known:
                    names = tuple((key, lookup.table) for key, lookup in known.items())
                    bound.treatments[name] = replace(found, lookups=names)
                    yield from known.values()

    def _lookup(self, bound: Bound, column: str, columns: tuple[str, ...]) -> Lookup | None:
        for key in self.keys(bound):
            target = self.target(key)
            if key.columns == (column,) and target is not None and set(columns) <= set(target.table.by_name):
                (theirs,) = key.referenced_columns
                return lookup(target.table.name, theirs, columns, unique=target.is_unique(theirs))
        return None

    def _ends(self, bound: Bound) -> Iterator[tuple[Table, str]]:
        for key in self.keys(bound):
            yield from ((bound.table, column) for column in key.columns)
            if (target := self.target(key)) is not None:
                yield from ((target.table, column) for column in key.referenced_columns)

    def _follow_subject(self, bound: Bound, person: Column, apart: set[str]) -> None:
        subject = Subject(
            person.name,
            self._person(bound, person.name),
            number=person.base in INTEGER,
            nullable=not person.not_null,
            unique=bound.is_unique(person.name),
        )
        seen = Counter[tuple[str, str]]()
        for name in sorted(bound.treatments, key=lambda name: bound.table.by_name[name].position):
            found = bound.treatments[name]
            if name in apart or bound.table.by_name[name].array or not _may_follow(found, subject):
                continue
            same = found.kind, str(getattr(found.params, "of", ""))
            # All dates of a person move alike; two phone numbers of his differ.
            nth = 0 if found.transformer.first_byte else seen[same]
            bound.treatments[name] = replace(found, subject=replace(subject, nth=nth))
            seen[same] += 1

    def _person(self, bound: Bound, column: str) -> str:
        """Where the person is at home: the far end of the foreign keys that lead on from the column."""
        passed = {(bound.table.name, column)}
        while True:
            for key in self.keys(bound):
                if key.columns == (column,) and (target := self.target(key)) is not None:
                    bound, column = target, key.referenced_columns[0]
                    break
            else:
                return f"{bound.table.name}.{column}"
            if (bound.table.name, column) in passed:
                return f"{bound.table.name}.{column}"
            passed.add((bound.table.name, column))


def declared(bound: Bound) -> Iterator[ForeignKey]:
    """The references that the policy declares and the database does not."""
    for name, rule in bound.rule.columns.items():
        if rule.references is not None and name in bound.table.by_name:
            table, _, column = rule.references.rpartition(".")
            said = f"references: {rule.references}"
            yield ForeignKey(said, bound.table.name, (name,), Name.parse(table), (column,), validated=False)


def _may_follow(found: Treatment, subject: Subject) -> bool:
    transformer, params = found.transformer, found.params
    if getattr(params, "domain", None) is not None:
        return False
    by = getattr(params, "by", None)
    if by is not None and by != subject.column:
        return False
    return transformer.follows_subject == "always" or (
        transformer.follows_subject == "one_row" and subject.unique
    )
