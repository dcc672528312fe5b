"""What would make a bound treatment unsafe: types, NOT NULL, unique indexes, foreign keys, partitions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from sanitizers.catalog import Column, ForeignKey, Name, Unique
from sanitizers.errors import Problem
from sanitizers.policy.compile import Treatment, treatment
from sanitizers.policy.document import LoadedPolicy
from sanitizers.policy.links import Bound, Links, declared
from sanitizers.transformers.base import INTEGER


@dataclass(frozen=True)
class Safety:
    """The rules that treatments have to keep, over a whole policy."""

    policy: LoadedPolicy
    links: Links

    def problems(self) -> Iterator[Problem]:
        yield from self._epochs()
        for bound in self.links.bound.values():
            yield from self._subject(bound)
            yield from self._stored(bound)
            yield from self._unsafe(bound)
            yield from self._generated(bound)
        for bound in self.links.bound.values():
            yield from self._declared(bound)
            for key in self.links.keys(bound):
                if (target := self.links.target(key)) is not None:
                    yield from self._key(bound, target, key)

    def _where(self, bound: Bound, *keys: str) -> str:
        return self.policy.where("tables", str(bound.table.name), *keys)

    def _epochs(self) -> Iterator[Problem]:
        treatments = [found for bound in self.links.bound.values() for found in bound.treatments.values()]
        known = {found.linked_by for found in treatments}
        for domain in self.policy.policy.epochs:
            where = self.policy.where("epochs", domain)
            if not self.policy.profile.epochs:
                yield Problem(where, f"epochs: {self.policy.profile.profile} lets no key outlive a run")
            elif domain not in known:
                yield Problem(where, f"epochs: no treatment has the linkage domain {domain!r}")
            elif any(mapped(found) for found in treatments if found.linked_by == domain):
                what = f"epochs: {domain}: a mapping is made anew every night, whatever the key"
                yield Problem(where, what, "treat its columns with {kind: unique, format: token}")

    def _subject(self, bound: Bound) -> Iterator[Problem]:
        name = bound.rule.subject
        if name is None:
            return
        column = bound.table.by_name.get(name)
        if column is None:
            what = f"{bound.table.name}: subject: column {name} does not exist"
            yield Problem(self._where(bound, "subject"), what)
        elif column.generated:
            what = f"{bound.table.name}: subject: column {name} is generated"
            yield Problem(self._where(bound, "subject"), what, "name a column that it is computed from")

    def _stored(self, bound: Bound) -> Iterator[Problem]:
        for heap in self.links.catalog.heaps(bound.table.name):
            if bound.treatments and heap.method != "heap":
                what = f"{heap.name}: stored by the access method {heap.method}, only heaps can be rewritten"
                hint = "ALTER TABLE ... SET ACCESS METHOD heap, in production"
                yield Problem(self._where(bound), what, hint)

    def _unsafe(self, bound: Bound) -> Iterator[Problem]:
        table = bound.table
        heaps = [table, *self.links.catalog.partitions(table.name)]
        numbered = self._numbered.get(table.name, set()) - set(bound.treatments)
        moving = {name for heap in heaps for name in heap.partition_key}
        for name, found in bound.treatments.items():
            for what in _unfit(bound, table.by_name[name], found):
                yield Problem(self._where(bound, "columns", name), f"{table.name}.{name}: {what}")
            yield from self._together(bound, name, found, moving)
            unique = next(
                (
                    u
                    for heap in heaps
                    for u in heap.uniques
                    if _breaks(u, name, found, numbered) and not _held(u, heap.uniques, bound)
                ),
                None,
            )
            if unique is not None:
                what = (
                    f"{table.name}.{name}: {found.kind} may repeat values, but index {unique.name} is unique"
                )
                where = self._where(bound, "columns", name)
                yield Problem(where, what, "treat it with {kind: unique}")

    @cached_property
    def _numbered(self) -> dict[Name, set[str]]:
        """Columns that a sequence fills, by table: kept, they tell rows apart whatever an index holds."""
        found = defaultdict[Name, set[str]](set)
        for sequence in self.links.catalog.sequences.values():
            for use in sequence.uses:
                found[use.table].add(use.column)
        return found

    def _together(self, bound: Bound, name: str, found: Treatment, moving: set[str]) -> Iterator[Problem]:
        """Of treatments that look at other rows."""
        subject = f"{bound.table.name}.{name}"
        group = found.transformer.one_heap(found.params)
        if group and not moving <= set(group):
            what = f"{subject}: rows of one {', '.join(group)} may lie in several partitions"
            hint = f"{found.kind} looks at them together: leave the group out"
            yield Problem(self._where(bound, "columns", name), what, hint)
        if found.transformer.real_values and self.policy.profile.must_go(bound.rule.columns[name].category):
            what = f"{subject}: {found.kind} deals out real values, which must not survive here"
            yield Problem(self._where(bound, "columns", name), what, "replace them, as the profile does")

    def _generated(self, bound: Bound) -> Iterator[Problem]:
        """Generated columns are computed again: they change only where their inputs change."""
        for column in bound.table.columns:
            rule = bound.rule.columns.get(column.name)
            if rule is None or not column.generated or self.policy.profile.rule(rule.category) is None:
                continue
            spec = rule.treat if rule.treat is not None else self.policy.profile.treatment(rule.category)
            if spec.get("kind") == "keep" or set(column.inputs) & set(bound.treatments):
                continue
            what = f"{bound.table.name}.{column.name}: generated from columns that are all kept"
            yield Problem(
                self._where(bound, "columns", column.name), what, "treat a column that it is computed from"
            )

    def _declared(self, bound: Bound) -> Iterator[Problem]:
        for key in declared(bound):
            target = self.links.target(key)
            if target is None or key.referenced_columns[0] not in target.table.by_name:
                where = self._where(bound, "columns", key.columns[0], "references")
                yield Problem(where, f"{bound.table.name}.{key.columns[0]}: {key.name}: no such column")

    def _key(self, bound: Bound, target: Bound, key: ForeignKey) -> Iterator[Problem]:
        for mine, theirs in zip(key.columns, key.referenced_columns, strict=True):
            here, there = bound.treatments.get(mine), target.treatments.get(theirs)
            if here is not None and here.kind == "null":
                continue
            if here != there or (here is not None and not here.transformer.deterministic):
                what = (
                    f"{bound.table.name}.{mine} ({_said(here)}) references"
                    f" {target.table.name}.{theirs} ({_said(there)}) by foreign key {key.name}"
                )
                where = self._where(bound, "columns", mine)
                yield Problem(where, what, "give both sides the same category and treatment")
            elif here is not None and _parted(bound, target, key, here):
                what = f"exempt rows keep what foreign key {key.name} leads to, others do not"
                hint = "treat both sides with {kind: unique}, or exempt through this key"
                where = self._where(bound, "columns", mine)
                yield Problem(where, f"{bound.table.name}.{mine}: {what}", hint)


def mapped(found: Treatment) -> bool:
    """Whether a mapping of the domain is made first, in which exempt values stay in every row."""
    return bool(getattr(found.params, "mapped", False))


def _breaks(unique: Unique, name: str, found: Treatment, numbered: set[str]) -> bool:
    """Whether a treatment may make two rows equal to a unique index."""
    if name not in unique.touched or numbered & set(unique.columns):
        return False
    if found.kind == "null":
        return "NULLS NOT DISTINCT" in unique.definition
    if found.subject is not None and not found.subject.unique:
        return True
    if found.transformer.real_values:
        return not set(unique.touched) <= {name, *found.transformer.reads(found.params)}
    return found.transformer.uniqueness(found.params) != "preserved"


def _held(unique: Unique, others: tuple[Unique, ...], bound: Bound) -> bool:
    """Whether a narrower index over kept columns already tells the rows apart."""
    return any(
        set(other.touched) < set(unique.columns)
        and not (other.partial or set(other.touched) & set(bound.treatments))
        for other in others
    )


def _parted(bound: Bound, target: Bound, key: ForeignKey, found: Treatment) -> bool:
    """Whether a row may be exempt without the row its key leads to, or the other way round."""
    if mapped(found) or (bound.rule.exempt is None and target.rule.exempt is None):
        return False
    return bound.rule.exempt is None or (bound.rule.exempt.through,) != key.columns


def _unfit(bound: Bound, column: Column, found: Treatment) -> Iterator[str]:
    transformer = found.transformer
    if transformer.accepts and column.base not in transformer.accepts:
        yield f"{found.kind} does not fit the type {column.type}"
        return
    if column.array and found.kind in {"unique", "known_password"}:
        yield f"{found.kind} does not work inside arrays"
    if transformer.may_null and column.not_null:
        yield f"{found.kind} would put NULL into a NOT NULL column: use constant or placeholder"
    by = getattr(found.params, "by", None)
    if by is not None and by not in bound.table.by_name:
        yield f"{found.kind} by: column {by} does not exist"
    elif by is not None and found.kind == "unique":
        yield from _numbers(bound, by)
    for name in sorted(transformer.reads(found.params)):
        if name != by and name not in bound.table.by_name:
            yield f"{found.kind}: column {name} does not exist"
    yield from _misread(bound, column, found)
    for name in transformer.combines(found.params):
        yield from _uncombined(bound, found, name)
    yield from transformer.problems(column, found.params)
    for field in column.fields:
        treat = getattr(found.params, "fields", {}).get(field.name)
        if treat is not None:
            part = treatment(treat, found.domain)
            yield from (f"field {field.name}: {what}" for what in _unfit(bound, field, part))


def _uncombined(bound: Bound, found: Treatment, name: str) -> Iterator[str]:
    column, treated = bound.table.by_name.get(name), bound.treatments.get(name)
    if column is None:
        yield f"{found.kind}: column {name} does not exist"
    elif column.array or column.base not in (found.transformer.combinable or found.transformer.accepts):
        yield f"{found.kind}: column {name} is {column.type}, which does not fit"
    elif column.generated:
        yield f"{found.kind}: column {name} is generated: name what it is computed from"
    elif treated is not None and treated.transformer.combines(treated.params):
        yield f"{found.kind}: column {name} is combined itself: name its parts"


def _misread(bound: Bound, column: Column, found: Treatment) -> Iterator[str]:
    carried = found.transformer.carries(found.params) - {column.name}
    for name in sorted(carried & set(bound.treatments)):
        yield (
            f"{found.kind} would carry the originals of column {name}, which is treated:"
            f" allow it with originals: [{name}]"
        )
    known = {key for key, _ in found.lookups}
    for key in sorted(set(getattr(found.params, "through", {})) & set(bound.table.by_name) - known):
        yield f"{found.kind} through {key}: no foreign key of that column alone leads to those columns"


def _numbers(bound: Bound, by: str) -> Iterator[str]:
    column = bound.table.by_name[by]
    if column.base not in INTEGER or column.array:
        yield f"unique by: column {by} is no integer"
    if by in bound.treatments:
        yield f"unique by: column {by} is treated itself"
    if not column.not_null or not bound.is_unique(by):
        yield f"unique by: column {by} is not unique, or may be NULL"


def _said(found: Treatment | None) -> str:
    return f"{found.kind}, domain {found.domain}" if found else "kept"
