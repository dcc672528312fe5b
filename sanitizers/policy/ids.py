"""Keys that no sequence of their table feeds: who makes their values, and whether staging's can be moved."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Set

from sqlglot import exp

from sanitizers.catalog import Catalog, Column, Name, Table
from sanitizers.errors import PlanRefused, Problem
from sanitizers.policy.compile import column_of, relation, sql_text
from sanitizers.policy.document import IdRule, LoadedPolicy, Policy, TableRule
from sanitizers.policy.exempt import row_condition
from sanitizers.policy.plan import Demand, IdPlan, Statement
from sanitizers.windows import Counter

_INTEGERS = {"int2", "int4", "int8"}
_NUMBERS = {*_INTEGERS, "numeric"}


def id_plans(policy: Policy, catalog: Catalog) -> Iterator[IdPlan]:
    """One entry for each key that no sequence feeds. For a policy of which `id_problems` finds none."""
    for table in sorted(catalog.roots(), key=lambda table: table.name):
        rule = policy.tables.get(str(table.name))
        if rule is None or table.kind == "f":
            continue
        if rule.ids is not None:
            yield _ruled(catalog, table, rule.ids)
        elif (column := _key(catalog, table, rule)) is not None:
            yield IdPlan(table.name, column.name, "uuid" if column.base == "uuid" else "unknown")


def _ruled(catalog: Catalog, table: Table, rule: IdRule) -> IdPlan:
    column = _column(table, rule)
    if rule.counter is not None:
        return IdPlan(table.name, column, "counter", counter=_counter(catalog, rule))
    if rule.sequence is not None:
        return IdPlan(table.name, column, "sequence", sequence=Name.parse(rule.sequence))
    return IdPlan(table.name, column, rule.by or "application", reason=rule.reason)


def _counter(catalog: Catalog, rule: IdRule) -> Counter:
    table, _, column = (rule.counter or "").rpartition(".")
    found = catalog.tables[Name.parse(table)]
    condition = sql_text(row_condition(found, rule.where, "t", "where", None)) if rule.where else "true"
    return Counter(found.name, column, rule.where or "", condition, rule.block)


def _key(catalog: Catalog, table: Table, rule: TableRule) -> Column | None:
    """The key of a table whose values somebody has to make: not a sequence, the server, or another table."""
    led = {name for key in table.foreign_keys for name in key.columns}
    led |= {name for name, column in rule.columns.items() if column.references is not None}
    key = table.primary_key
    own = key if len(key) == 1 else tuple(name for name in key if name not in table.partition_key)
    if len(own) != 1 or own[0] in led or own[0] in _fed(catalog, table):
        return None
    column = table.by_name[own[0]]
    return column if column.base in {*_INTEGERS, "uuid"} and not column.generated else None


def _fed(catalog: Catalog, table: Table) -> set[str]:
    heaps = {table.name, *(part.name for part in catalog.partitions(table.name))}
    return {
        use.column for sequence in catalog.sequences.values() for use in sequence.uses if use.table in heaps
    }


def _column(table: Table, rule: IdRule) -> str:
    return rule.column or (table.primary_key[0] if table.primary_key else "")


def id_demands(policy: LoadedPolicy, plans: Iterable[IdPlan]) -> Iterator[Demand]:
    """A counter has to be one row, with a number in it."""
    for plan in plans:
        if (counter := plan.counter) is not None:
            counts = (exp.Count(this=counted) for counted in (exp.Star(), column_of("t", counter.column)))
            one = exp.and_(*(exp.EQ(this=count, expression=exp.Literal.number(1)) for count in counts))
            holds = exp.select(one).from_(relation(counter.table, alias="t"))
            yield Demand(
                policy.where("tables", str(plan.table), "ids"),
                Statement(sql_text(holds.where(counter.condition, dialect="postgres"))),
                f"{plan.table}: ids: the counter {counter.name} is not one row with a number",
                "narrow it with where:",
            )


def id_problems(policy: LoadedPolicy, catalog: Catalog, treated: Set[Name]) -> Iterator[Problem]:
    """What is wrong with the `ids:` of a policy; `treated` are the tables with treated columns."""
    for name, rule in policy.policy.tables.items():
        table = catalog.tables.get(Name.parse(name))
        if rule.ids is None or table is None:
            continue
        for what, hint in _problems(catalog, table, rule.ids, treated):
            yield Problem(policy.where("tables", name, "ids"), f"{name}: ids: {what}", hint)


def _problems(catalog: Catalog, table: Table, rule: IdRule, treated: Set[Name]) -> Iterator[tuple[str, str]]:
    column = table.by_name.get(_column(table, rule))
    if column is None or column.base not in _NUMBERS or (rule.column is None and len(table.primary_key) > 1):
        yield "no single key column that holds numbers", "name it: column: ..."
    elif column.name in _fed(catalog, table):
        yield f"{column.name} takes its values from a sequence of the table's own", "leave `ids` out"
    if rule.sequence is not None and Name.parse(rule.sequence) not in catalog.sequences:
        near = difflib.get_close_matches(rule.sequence, map(str, catalog.sequences), 1)
        yield f"no sequence {rule.sequence}", f"did you mean {near[0]}?" if near else ""
    if rule.counter is not None:
        yield from _counter_problems(catalog, rule.counter, rule.where, treated)


def _counter_problems(
    catalog: Catalog, counter: str, where: str | None, treated: Set[Name]
) -> Iterator[tuple[str, str]]:
    table, _, name = counter.rpartition(".")
    found = catalog.tables.get(Name.parse(table))
    column = found.by_name.get(name) if found is not None and found.kind == "r" else None
    if found is None or column is None or column.base not in _NUMBERS or column.array:
        yield f"no column {counter} that holds a number", "write it as schema.table.column"
        return
    if found.name in treated or name in found.primary_key:
        hint = "rows are compared with production by what is kept of them"
        yield f"the counter {counter} is of a table with treated columns, or part of its key", hint
    try:
        row_condition(found, where or "true", "t", "where", None)
    except PlanRefused as error:
        yield error.what, error.hint
