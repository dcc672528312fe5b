"""Binding a policy to a catalog: complete coverage and safe treatments, or all problems at once.

Pure: the same policy and catalog give the same plan, byte for byte.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from pydantic import ValidationError

from sanitizers.catalog import Catalog, Column, Name, Table
from sanitizers.errors import PlanRefused, Problem
from sanitizers.policy import plan as frozen
from sanitizers.policy.compile import (
    PLACE,
    Treatment,
    function_table,
    row_select,
    sql_text,
    treatment,
)
from sanitizers.policy.document import CategoryRule, ColumnRule, LoadedPolicy, TableRule
from sanitizers.policy.exempt import exempt_condition
from sanitizers.policy.ids import id_demands, id_plans, id_problems
from sanitizers.policy.links import Bound, Links
from sanitizers.policy.mapping import mapping, room_demand
from sanitizers.policy.partitions import move, moved_rows
from sanitizers.policy.plan import ColumnPlan, Demand, Move, Plan, TablePlan, TableRulePlan
from sanitizers.policy.rows import Choice, Subset
from sanitizers.policy.safety import Safety, mapped
from sanitizers.policy.subset import choice, row_problems, subset
from sanitizers.transformers import TRANSFORMERS
from sanitizers.transformers.base import PARTS
from sanitizers.transformers.function import PythonParams, source_digest
from sanitizers.transformers.pseudonym import UniqueParams
from sanitizers.yamlfile import in_words


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


_INSIDE: dict[str, set[str]] = {"json": {"text", "numeric"}, "composite": set()}
"""Of which types the treatment of a part must take one: text, unless each part has a type of its own."""


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

    def part(self, of: str, name: str) -> _At:
        return _At(self.table, self.column, f"{self.subject} {PARTS[of]} {name}", (*self.inside, of, name))


@dataclass
class _Binder:
    policy: LoadedPolicy
    catalog: Catalog | None
    problems: list[Problem] = field(default_factory=list)
    bound: dict[Name, Bound] = field(default_factory=dict)
    lookups: list[frozen.Lookup] = field(default_factory=list)

    def bind(self) -> None:
        assert self.catalog is not None
        for table in _roots(self.catalog):
            self.problems += self.uncovered(table)
        for name, rule in self.policy.policy.tables.items():
            self._table(name, rule)
        links = Links(self.catalog, self.bound)
        links.propagate()
        links.follow_subjects()
        self.lookups = list(dict.fromkeys(links.look_up()))
        for bound in self.bound.values():
            self._exemption(bound)
        self.problems += Safety(self.policy, links).problems()
        self.problems += row_problems(self.policy, self.catalog)
        treated = {name for name, bound in self.bound.items() if bound.treatments}
        self.problems += id_problems(self.policy, self.catalog, treated)
        if self.catalog.large_objects and self.policy.policy.large_objects is None:
            what = "the database has large objects, which belong to no table and may hold anything"
            self._problem((), what, "say large_objects: {treat: empty, reason: ...}")

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
        if table is None:
            if not rule.pending:
                hint = _near(name, [str(root.name) for root in _roots(self.catalog)])
                self._problem(("tables", name), f"table {name} does not exist", hint)
            return
        if table.parent is not None:
            root = self.catalog.root_of(table.name)
            what = f"table {name} is a partition of {root}"
            self._problem(("tables", name), what, f"give the rules under {root}")
            return
        if table.kind == "f":
            return
        bound = self.bound[table.name] = Bound(table, rule)
        for column, column_rule in rule.columns.items():
            self._column(bound, name, column, column_rule)

    def _column(self, bound: Bound, table: str, name: str, rule: ColumnRule) -> None:
        column = bound.table.by_name.get(name)
        if column is None:
            if not (rule.pending or bound.rule.pending):
                at = ("tables", table, "columns", name)
                hint = _near(name, list(bound.table.by_name))
                self._problem(at, f"column {table}.{name} does not exist", hint)
            return
        found = self.treatment(table, name, rule)
        if found is not None and found.kind != "keep" and not column.generated:
            bound.treatments[name] = found

    def treatment(self, table: str, name: str, rule: ColumnRule) -> Treatment | None:
        """The treatment a column's rule asks for; None (and problems) when it makes no sense."""
        at, profile = ("tables", table, "columns", name), self.policy.profile
        subject = f"{table}.{name}"
        if profile.rule(rule.category) is None:
            self._problem(
                at, f"{subject}: unknown category {rule.category!r}", profile.nearest(rule.category)
            )
            return None
        spec = rule.treat if rule.treat is not None else profile.treatment(rule.category)
        found = self._validated(_At(table, name, subject), spec, rule.category)
        if found is not None and found.kind == "keep" and not self._may_keep(rule):
            self._problem(at, f"{subject}: kept although it is {rule.category}", "say why: reason: ...")
        return found

    def _validated(self, at: _At, spec: Mapping[str, object], category: str) -> Treatment | None:
        kind = spec.get("kind")
        if not isinstance(kind, str) or kind not in TRANSFORMERS:
            hint = (
                'write kind: "null", in quotes'
                if kind is None and "kind" in spec
                else _near(str(kind), list(TRANSFORMERS))
            )
            self._problem((*at.keys, "kind"), f"{at.subject}: unknown treatment {kind!r}", hint)
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
                keys = (*at.keys, *(str(part) for part in item["loc"]))
                hint = _near(dotted, fields) if item["type"] == "extra_forbidden" else ""
                named = f"{kind} {dotted}" if dotted else kind
                self._problem(keys, f"{at.subject}: {named}: {in_words(item)}", hint)
            return None

    def _resolved(self, at: _At, spec: Mapping[str, object]) -> dict[str, object] | None:
        """Parts may name a category instead of a treatment: the profile decides, as it does for a column."""
        resolved = dict(spec)
        for of in PARTS:
            listed = spec.get(of)
            if isinstance(listed, Mapping):
                fits = _INSIDE.get(str(spec["kind"]), {"text"})
                parts = {
                    str(name): self._part(at.part(of, str(name)), part, fits) for name, part in listed.items()
                }
                if None in parts.values():
                    return None
                resolved[of] = parts
        return resolved

    def _part(self, at: _At, part: object, fits: set[str]) -> dict[str, object] | None:
        profile = self.policy.profile
        if part == "keep":
            return {"kind": "keep"}
        if isinstance(part, str) and profile.rule(part) is None:
            self._problem(at.keys, f"{at.subject}: unknown category {part!r}", profile.nearest(part))
            return None
        spec = profile.treatment(part) if isinstance(part, str) else part
        if not isinstance(spec, Mapping):
            self._problem(
                at.keys,
                f"{at.subject}: neither a category nor a treatment",
                "write a category, or {kind: ...}",
            )
            return None
        found = self._validated(at, spec, part if isinstance(part, str) else "")
        if found is None:
            return None
        accepts, alone = found.transformer.accepts, not getattr(found.params, "through", None)
        if found.kind == "python" or not alone or (accepts and fits and not accepts & fits):
            self._problem(at.keys, f"{at.subject}: {found.kind} does not fit the text inside a document", "")
            return None
        linked = isinstance(part, str) and "domain" in type(found.params).model_fields
        return {**spec, "domain": found.domain} if linked else dict(spec)

    def _problem(self, at: Sequence[str], what: str, hint: str) -> None:
        # Looking for the line takes longer than all the rest: only once there is something to say of it.
        self.problems.append(Problem(self.policy.where(*at), what, hint))

    def _may_keep(self, rule: ColumnRule) -> bool:
        category = self._category(rule)
        return (
            category.classification == "non_identifying"
            or bool(rule.reason)
            or (rule.treat is None and bool(category.reason))
        )

    def _category(self, rule: ColumnRule) -> CategoryRule:
        return self.policy.profile.categories[rule.category.partition(".")[0]]

    def _exemption(self, bound: Bound) -> None:
        if bound.rule.exempt is None:
            return
        assert self.catalog is not None
        try:
            bound.exempt = exempt_condition(
                bound.table, self.policy.policy.tables, self.catalog, "t", self._treated_columns
            )
        except PlanRefused as error:
            self._problem(("tables", str(bound.table.name), "exempt"), error.what, error.hint)

    def _treated_columns(self, name: Name) -> set[str]:
        return set(self.bound[name].treatments) if name in self.bound else set()

    def plan(self) -> Plan:
        assert self.catalog is not None
        ids = tuple(id_plans(self.policy.policy, self.catalog))
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
            demands=(*self._demands(), *id_demands(self.policy, ids)),
            epochs=tuple((domain, epoch.days) for domain, epoch in self.policy.policy.epochs.items()),
            functions=tuple(self._functions()),
            lookups=tuple(self.lookups),
            moves=tuple(self._moves.values()),
            subset=self._subset,
            ids=ids,
            large_objects=objects.treat if (objects := self.policy.policy.large_objects) else "",
        )

    @cached_property
    def _subset(self) -> Subset | None:
        assert self.catalog is not None
        return subset(self.policy.policy, self.catalog)

    def _choices(self, bound: Bound) -> dict[Name, Choice]:
        found = self._subset.of(bound.table.name) if self._subset is not None else None
        return (
            {heap.name: choice(found, heap.name) for heap in self._heaps(bound)} if found is not None else {}
        )

    def _rule(self, bound: Bound) -> TableRulePlan:
        columns = tuple(self._column_plan(bound, column) for column in bound.table.columns)
        return TableRulePlan(
            bound.table.name,
            columns,
            bound.key,
            sql_text(bound.exempt) if bound.exempt is not None else "",
            bound.rule.exempt.reason if bound.rule.exempt else "",
        )

    def _column_plan(self, bound: Bound, column: Column) -> ColumnPlan:
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
        head = (column.name, column.type, rule.category, category.classification)
        reason = rule.reason or ""
        if found is None:
            return ColumnPlan(*head, "keep", "kept", reason=reason or category.reason)
        must = self.policy.profile.must_go(rule.category)
        if followed := bound.follows.get(column.name):
            origin, name = followed
            must = self.policy.profile.must_go(origin.rule.columns[name].category)
            reason = reason or f"as {origin.table.name}.{name}, which it references"
        transformer = found.transformer
        return ColumnPlan(
            *head,
            found.kind,
            transformer.summary(found.params),
            reason=reason,
            domain=found.linked_by,
            must_differ=must and not transformer.may_equal and transformer.family != "generalization",
            reserved=transformer.reserved(found.params),
            erases_nulls=not transformer.keeps_empty,
        )

    def _mappings(self) -> Iterator[frozen.Mapping]:
        columns: dict[tuple[str, str], list[tuple[Name, Column]]] = {}
        for name in sorted(self.bound):
            for column, found in sorted(self.bound[name].treatments.items()):
                if mapped(found):
                    format_ = getattr(found.params, "format", "")
                    entry = (name, self.bound[name].table.by_name[column])
                    columns.setdefault((found.domain, format_), []).append(entry)
        for (domain, format_), entries in columns.items():
            yield mapping(
                domain, format_, [(table, column, self.bound[table].exempt) for table, column in entries]
            )

    def _functions(self) -> Iterator[frozen.Function]:
        for bound in self.bound.values():
            for name, found in sorted(bound.treatments.items()):
                if isinstance(found.params, PythonParams):
                    called = found.params.function
                    reads = tuple(sorted(found.transformer.reads(found.params)))
                    for heap in self._heaps(bound):
                        table = function_table(heap.name, name)
                        yield frozen.Function(heap.name, name, reads, called, source_digest(called), table)

    def _rewrites(self) -> Iterator[TablePlan]:
        for bound in self.bound.values():
            choices, moved = self._choices(bound), self._moves.get(bound.table.name)
            select = row_select(_filled(bound), bound.treatments, bound.exempt, choices)
            for heap in self._heaps(bound):
                if not bound.treatments and not heap.has_dropped_columns and not choices:
                    continue
                ordered = not bound.key
                statement = (
                    moved_rows(moved.rows, _filled(bound), heap)
                    if moved
                    else select.of(heap.name, ordered=ordered)
                )
                yield TablePlan(
                    bound.table.name,
                    heap.name,
                    "treated" if bound.treatments else "dropped rows" if choices else "dropped columns",
                    tuple(column.name for column in _filled(bound)),
                    statement,
                    heap.bytes,
                    tuple({**bound.treatments, **dict(choices[heap.name].gaps if choices else ())}),
                    ordered=ordered or PLACE in statement.sql,
                )

    def _heaps(self, bound: Bound) -> tuple[Table, ...]:
        assert self.catalog is not None
        return self.catalog.heaps(bound.table.name)

    @cached_property
    def _moves(self) -> dict[Name, Move]:
        """How rows change partitions, where a column that decides about it is treated."""
        assert self.catalog is not None
        found = {}
        for name, bound in self.bound.items():
            parts = (bound.table, *self.catalog.partitions(name))
            if any(set(bound.treatments) & set(part.partition_key) for part in parts):
                columns = _filled(bound)
                select = row_select(columns, bound.treatments, bound.exempt, self._choices(bound))
                found[name] = move(name, columns, select, self._heaps(bound))
        return found

    def _demands(self) -> Iterator[Demand]:
        for bound in self.bound.values():
            for name, found in bound.treatments.items():
                if isinstance(found.params, UniqueParams) and found.params.by is not None:
                    where = self.policy.where("tables", str(bound.table.name), "columns", name)
                    yield room_demand(bound.table.name, name, found.params.by, where)


def _filled(bound: Bound) -> tuple[Column, ...]:
    """The columns that a rewrite fills; the server computes the others."""
    return tuple(column for column in bound.table.columns if not column.generated)


def _near(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, 1)
    return f"did you mean {near[0]}?" if near else ""
