"""Binding a policy to a catalog: complete coverage and safe treatments, or all problems at once.

Pure: the same policy and catalog give the same plan, byte for byte.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError
from sqlglot import exp, parse_one

from sanitizers.catalog import Catalog, Column, ForeignKey, Name, Table, Unique
from sanitizers.errors import PlanRefused, Problem
from sanitizers.policy import plan as frozen
from sanitizers.policy.compile import Treatment, mapping, row_select, sql_text, treatment
from sanitizers.policy.document import CategoryRule, ColumnRule, LoadedPolicy, TableRule
from sanitizers.policy.exempt import exempt_condition
from sanitizers.policy.plan import ColumnPlan, Plan, TablePlan, TableRulePlan
from sanitizers.transformers import TRANSFORMERS

_UNSTRUCTURED = {"credential", "free_text", "json", "binary"}
"""Categories that must not survive although they are not direct identifiers themselves."""


def compile_plan(policy: LoadedPolicy, catalog: Catalog) -> Plan:
    """The plan of this policy for this catalog; PlanRefused with every problem there is."""
    return _bound(policy, catalog).plan()


def bound_treatments(policy: LoadedPolicy, catalog: Catalog) -> list[tuple[Table, dict[str, Treatment]]]:
    """The treated columns of every table and their treatments; PlanRefused like `compile_plan`."""
    bound = _bound(policy, catalog).bound
    return [(bound[name].table, bound[name].treatments) for name in sorted(bound) if bound[name].treatments]


def _bound(policy: LoadedPolicy, catalog: Catalog) -> _Binder:
    binder = _Binder(policy, catalog)
    binder.bind()
    if binder.problems:
        count = len(binder.problems)
        raise PlanRefused(
            f"the policy does not fit the database: {count} problem{'s' * (count > 1)}",
            where=str(policy.path),
            problems=tuple(binder.problems),
            hint="correct the policy and try again; nothing was changed, staging serves what it served",
        )
    return binder


def uncovered(policy: LoadedPolicy, catalog: Catalog) -> list[Problem]:
    """Tables and columns of the catalog that no rule covers."""
    binder = _Binder(policy, catalog)
    return [problem for table in _roots(catalog) for problem in binder.uncovered(table)]


def check_treatments(policy: LoadedPolicy) -> list[Problem]:
    """What is wrong with categories and treatments, found without a database."""
    binder = _Binder(policy, None)
    for table, rule in policy.policy.tables.items():
        for column, column_rule in rule.columns.items():
            binder.treatment(table, column, column_rule)
    return binder.problems


def _roots(catalog: Catalog) -> Iterator[Table]:
    # Foreign tables are wires: isolation cuts them before the plan is made.
    return (table for table in catalog.roots() if table.kind != "f")


@dataclass(frozen=True)
class _At:
    """A column, or a path inside it: its name in messages and its place in the policy file."""

    table: str
    column: str
    subject: str
    inside: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        return ("tables", self.table, "columns", self.column, "treat", *self.inside)

    def path(self, path: str) -> _At:
        return _At(self.table, self.column, f"{self.subject} path {path}", (*self.inside, "paths", path))


@dataclass
class _Bound:
    """One policy table bound to the catalog."""

    table: Table
    rule: TableRule
    treatments: dict[str, Treatment] = field(default_factory=dict)
    """Of the columns that are changed."""
    exempt: exp.Expression | None = None


@dataclass
class _Binder:
    policy: LoadedPolicy
    catalog: Catalog | None
    problems: list[Problem] = field(default_factory=list)
    bound: dict[Name, _Bound] = field(default_factory=dict)

    def bind(self) -> None:
        assert self.catalog is not None
        for table in _roots(self.catalog):
            self.problems += self.uncovered(table)
        for name, rule in self.policy.policy.tables.items():
            self._table(name, rule)
        for bound in self.bound.values():
            self._exemption(bound)
            self.problems += self._unsafe(bound)
        for bound in self.bound.values():
            self.problems += self._foreign_keys(bound)

    def uncovered(self, table: Table) -> Iterator[Problem]:
        rule = self.policy.policy.tables.get(str(table.name))
        if rule is None:
            where = self.policy.where("tables")
            yield Problem(
                where,
                f"no rule covers table {table.name} ({len(table.columns)} columns)",
                "add it under tables:",
            )
            return
        for column in table.columns:
            if column.name not in rule.columns and not column.generated:
                where = self.policy.where("tables", str(table.name), "columns")
                yield Problem(
                    where,
                    f"no rule covers column {table.name}.{column.name} ({column.type})",
                    "say what it is",
                )

    def _table(self, name: str, rule: TableRule) -> None:
        assert self.catalog is not None
        table = self.catalog.tables.get(Name.parse(name))
        where = self.policy.where("tables", name)
        if table is None:
            if not rule.pending:
                hint = _near(name, [str(root.name) for root in _roots(self.catalog)])
                self.problems.append(Problem(where, f"table {name} does not exist", hint))
            return
        if table.parent is not None:
            root = self.catalog.root_of(table.name)
            self.problems.append(
                Problem(where, f"table {name} is a partition of {root}", f"give the rules under {root}")
            )
            return
        if table.kind == "f":
            return
        bound = self.bound[table.name] = _Bound(table, rule)
        for column, column_rule in rule.columns.items():
            self._column(bound, name, column, column_rule)

    def _column(self, bound: _Bound, table: str, name: str, rule: ColumnRule) -> None:
        column = bound.table.by_name.get(name)
        if column is None:
            if not (rule.pending or bound.rule.pending):
                where = self.policy.where("tables", table, "columns", name)
                hint = _near(name, list(bound.table.by_name))
                self.problems.append(Problem(where, f"column {table}.{name} does not exist", hint))
            return
        found = self.treatment(table, name, rule)
        if found is not None and found.kind != "keep" and not column.generated:
            bound.treatments[name] = found

    def treatment(self, table: str, name: str, rule: ColumnRule) -> Treatment | None:
        """The treatment a column's rule asks for; None (and problems) when it makes no sense."""
        where, profile = self.policy.where("tables", table, "columns", name), self.policy.profile
        subject = f"{table}.{name}"
        if profile.rule(rule.category) is None:
            self._problem(
                where, f"{subject}: unknown category {rule.category!r}", profile.nearest(rule.category)
            )
            return None
        spec = rule.treat if rule.treat is not None else profile.treatment(rule.category)
        found = self._validated(_At(table, name, subject), spec, rule.category)
        if found is not None and found.kind == "keep" and not self._may_keep(rule):
            self._problem(where, f"{subject}: kept although it is {rule.category}", "say why: reason: ...")
        return found

    def _validated(self, at: _At, spec: Mapping[str, object], category: str) -> Treatment | None:
        kind, where = spec.get("kind"), self.policy.where(*at.keys, "kind")
        if not isinstance(kind, str) or kind not in TRANSFORMERS:
            hint = (
                'write kind: "null", in quotes'
                if kind is None and "kind" in spec
                else _near(str(kind), list(TRANSFORMERS))
            )
            self._problem(where, f"{at.subject}: unknown treatment {kind!r}", hint)
            return None
        resolved = self._resolved(at, spec)
        if resolved is None:
            return None
        try:
            return treatment(resolved, category)
        except ValidationError as error:
            fields = list(TRANSFORMERS[kind].params.model_fields)
            for item in error.errors(include_input=False, include_url=False):
                dotted = ".".join(str(part) for part in item["loc"])
                where = self.policy.where(*at.keys, *(str(part) for part in item["loc"]))
                hint = _near(dotted, fields) if item["type"] == "extra_forbidden" else ""
                self._problem(where, f"{at.subject}: {kind} {dotted}: {item['msg']}", hint)
            return None

    def _resolved(self, at: _At, spec: Mapping[str, object]) -> dict[str, object] | None:
        """Paths may name a category instead of a treatment: the profile decides, as it does for a column."""
        paths = spec.get("paths")
        if not isinstance(paths, Mapping):
            return dict(spec)
        parts = {str(path): self._part(at.path(str(path)), part) for path, part in paths.items()}
        return {**spec, "paths": parts} if None not in parts.values() else None

    def _part(self, at: _At, part: object) -> dict[str, object] | None:
        where, profile = self.policy.where(*at.keys), self.policy.profile
        if part == "keep":
            return {"kind": "keep"}
        if isinstance(part, str) and profile.rule(part) is None:
            self._problem(where, f"{at.subject}: unknown category {part!r}", profile.nearest(part))
            return None
        spec = profile.treatment(part) if isinstance(part, str) else part
        if not isinstance(spec, Mapping):
            self._problem(
                where, f"{at.subject}: neither a category nor a treatment", "write a category, or {kind: ...}"
            )
            return None
        found = self._validated(at, spec, part if isinstance(part, str) else "")
        if found is None:
            return None
        accepts = found.transformer.accepts
        if accepts and "text" not in accepts:
            self._problem(where, f"{at.subject}: {found.kind} does not fit the text inside a document", "")
            return None
        linked = isinstance(part, str) and "domain" in type(found.params).model_fields
        return {**spec, "domain": found.domain} if linked else dict(spec)

    def _problem(self, where: str, what: str, hint: str) -> None:
        self.problems.append(Problem(where, what, hint))

    def _may_keep(self, rule: ColumnRule) -> bool:
        category = self._category(rule)
        return (
            category.classification == "non_identifying"
            or bool(rule.reason)
            or (rule.treat is None and bool(category.reason))
        )

    def _category(self, rule: ColumnRule) -> CategoryRule:
        return self.policy.profile.categories[rule.category.partition(".")[0]]

    def _exemption(self, bound: _Bound) -> None:
        if bound.rule.exempt is None:
            return
        assert self.catalog is not None
        where = self.policy.where("tables", str(bound.table.name), "exempt")
        try:
            bound.exempt = exempt_condition(
                bound.table, self.policy.policy.tables, self.catalog, "t", self._treated_columns
            )
        except PlanRefused as error:
            self._problem(where, error.what, error.hint)

    def _treated_columns(self, name: Name) -> set[str]:
        return set(self.bound[name].treatments) if name in self.bound else set()

    def _unsafe(self, bound: _Bound) -> Iterator[Problem]:
        assert self.catalog is not None
        table, heaps = bound.table, [bound.table, *self.catalog.partitions(bound.table.name)]
        moving = {name for heap in heaps for name in heap.partition_key}
        for name, found in bound.treatments.items():
            where = self.policy.where("tables", str(table.name), "columns", name)
            for what in _unfit(table, table.by_name[name], found, moving):
                yield Problem(where, f"{table.name}.{name}: {what}")
            unique = next((u for heap in heaps for u in heap.uniques if _breaks(u, name, found)), None)
            if unique is not None:
                what = (
                    f"{table.name}.{name}: {found.kind} may repeat values, but index {unique.name} is unique"
                )
                yield Problem(where, what, "treat it with {kind: unique}")
        yield from self._generated(bound)

    def _generated(self, bound: _Bound) -> Iterator[Problem]:
        """Generated columns are computed again: they change only where their inputs change."""
        for column in bound.table.columns:
            rule = bound.rule.columns.get(column.name)
            if rule is None or not column.generated or self.policy.profile.rule(rule.category) is None:
                continue
            spec = rule.treat if rule.treat is not None else self.policy.profile.treatment(rule.category)
            if spec.get("kind") == "keep" or set(inputs(column)) & set(bound.treatments):
                continue
            where = self.policy.where("tables", str(bound.table.name), "columns", column.name)
            what = f"{bound.table.name}.{column.name}: generated from columns that are all kept"
            yield Problem(where, what, "treat a column that it is computed from")

    def _foreign_keys(self, bound: _Bound) -> Iterator[Problem]:
        assert self.catalog is not None
        heaps = [bound.table, *self.catalog.partitions(bound.table.name)]
        for key in dict.fromkeys(key for heap in heaps for key in heap.foreign_keys):
            target = self.bound.get(self.catalog.root_of(key.referenced))
            if target is not None:
                yield from self._key(bound, target, key)

    def _key(self, bound: _Bound, target: _Bound, key: ForeignKey) -> Iterator[Problem]:
        for mine, theirs in zip(key.columns, key.referenced_columns, strict=True):
            here, there = bound.treatments.get(mine), target.treatments.get(theirs)
            if here is not None and here.kind == "null":
                continue
            where = self.policy.where("tables", str(bound.table.name), "columns", mine)
            if here != there or (here is not None and not here.transformer.deterministic):
                what = (
                    f"{bound.table.name}.{mine} ({_said(here)}) references"
                    f" {target.table.name}.{theirs} ({_said(there)}) by foreign key {key.name}"
                )
                yield Problem(where, what, "give both sides the same category and treatment")
            elif here is not None and _parted(bound, target, key, here):
                what = f"exempt rows keep what foreign key {key.name} leads to, others do not"
                hint = "treat both sides with {kind: unique}, or exempt through this key"
                yield Problem(where, f"{bound.table.name}.{mine}: {what}", hint)

    def plan(self) -> Plan:
        assert self.catalog is not None
        rewrites = sorted(self._rewrites(), key=lambda rewrite: (-rewrite.bytes, rewrite.heap))
        return Plan(
            database=self.policy.policy.policy,
            policy_version=self.policy.policy.version,
            policy_digest=self.policy.digest,
            profile=self.policy.profile.profile,
            catalog_digest=self.catalog.digest,
            rules=tuple(self._rule(self.bound[name]) for name in sorted(self.bound)),
            mappings=tuple(self._mappings()),
            rewrites=tuple(rewrites),
        )

    def _rule(self, bound: _Bound) -> TableRulePlan:
        columns = tuple(self._column_plan(bound, column) for column in bound.table.columns)
        return TableRulePlan(
            bound.table.name,
            columns,
            _key(bound),
            sql_text(bound.exempt) if bound.exempt is not None else "",
            bound.rule.exempt.reason if bound.rule.exempt else "",
        )

    def _column_plan(self, bound: _Bound, column: Column) -> ColumnPlan:
        rule = bound.rule.columns.get(column.name)
        if rule is None or column.generated:
            return ColumnPlan(
                column.name,
                column.type,
                rule.category if rule else "",
                "",
                "generated",
                "computed again by the server",
            )
        category, found = self._category(rule), bound.treatments.get(column.name)
        must = (
            category.classification == "direct_identifier" or rule.category.partition(".")[0] in _UNSTRUCTURED
        )
        head = (column.name, column.type, rule.category, category.classification)
        if found is None:
            return ColumnPlan(*head, "keep", "kept", reason=rule.reason or category.reason)
        transformer = found.transformer
        return ColumnPlan(
            *head,
            found.kind,
            transformer.summary(found.params),
            reason=rule.reason or "",
            domain=found.domain if hasattr(found.params, "domain") else "",
            must_differ=must and found.kind not in _FIXED,
            reserved=transformer.reserved(found.params),
            erases_nulls=not transformer.keeps_empty,
        )

    def _mappings(self) -> Iterator[frozen.Mapping]:
        columns: dict[tuple[str, str], list[tuple[Name, Column]]] = {}
        for name in sorted(self.bound):
            for column, found in sorted(self.bound[name].treatments.items()):
                if _mapped(found):
                    format_ = getattr(found.params, "format", "")
                    entry = (name, self.bound[name].table.by_name[column])
                    columns.setdefault((found.domain, format_), []).append(entry)
        for (domain, format_), entries in columns.items():
            yield mapping(
                domain, format_, [(table, column, self.bound[table].exempt) for table, column in entries]
            )

    def _rewrites(self) -> Iterator[TablePlan]:
        assert self.catalog is not None
        for bound in self.bound.values():
            columns = tuple(column for column in bound.table.columns if not column.generated)
            select = row_select(columns, bound.treatments, bound.exempt)
            for heap in self.catalog.heaps(bound.table.name):
                if not bound.treatments and not heap.has_dropped_columns:
                    continue
                yield TablePlan(
                    bound.table.name,
                    heap.name,
                    "treated" if bound.treatments else "dropped columns",
                    tuple(column.name for column in columns),
                    select.of(heap.name),
                    heap.bytes,
                    tuple(bound.treatments),
                    ordered=not _key(bound),
                )


_FIXED = {"constant", "placeholder", "json"}
"""Treatments whose result does not depend on the value: an original may happen to be that very result."""


def inputs(column: Column) -> set[str]:
    """The columns a generated column is computed from."""
    tree = parse_one(column.default or "NULL", dialect="postgres")
    return {node.name for node in tree.find_all(exp.Column)}


def _breaks(unique: Unique, name: str, found: Treatment) -> bool:
    """Whether a treatment may make two rows equal to a unique index."""
    if name not in unique.touched:
        return False
    if found.kind == "null":
        return "NULLS NOT DISTINCT" in unique.definition
    return found.transformer.uniqueness(found.params) != "preserved"


def _mapped(found: Treatment) -> bool:
    """Whether exempt values stay in every row of the domain, not in exempt rows only."""
    return found.kind == "unique" and getattr(found.params, "format", "") != "token"


def _parted(bound: _Bound, target: _Bound, key: ForeignKey, found: Treatment) -> bool:
    """Whether a row may be exempt without the row its key leads to, or the other way round."""
    if _mapped(found) or (bound.rule.exempt is None and target.rule.exempt is None):
        return False
    return bound.rule.exempt is None or (bound.rule.exempt.through,) != key.columns


def _unfit(table: Table, column: Column, found: Treatment, moving: set[str]) -> Iterator[str]:
    transformer = found.transformer
    if transformer.accepts and column.base not in transformer.accepts:
        yield f"{found.kind} does not fit the type {column.type}"
        return
    if column.array and found.kind in {"unique", "known_password"}:
        yield f"{found.kind} does not work inside arrays"
    if transformer.may_null and column.not_null:
        yield f"{found.kind} would put NULL into a NOT NULL column: use constant or placeholder"
    if column.name in moving:
        yield f"{found.kind} would move rows between partitions: the partition key cannot be treated"
    by = getattr(found.params, "by", None)
    if by is not None and by not in table.by_name:
        yield f"{found.kind} by: column {by} does not exist"
    yield from transformer.problems(column, found.params)


def _key(bound: _Bound) -> tuple[str, ...]:
    for unique in bound.table.uniques:
        columns = [bound.table.by_name.get(name) for name in unique.columns]
        whole = all(column is not None and column.not_null for column in columns)
        if whole and not unique.partial and not set(unique.columns) & set(bound.treatments):
            return unique.columns
    return ()


def _said(found: Treatment | None) -> str:
    return f"{found.kind}, domain {found.domain}" if found else "kept"


def _near(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, 1)
    return f"did you mean {near[0]}?" if near else ""
