"""Which rows are exempt: a condition on a row's own kept columns, or the row a foreign key leads to."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from sanitizers.catalog import Catalog, ForeignKey, Name, Table
from sanitizers.errors import PlanRefused
from sanitizers.policy.compile import column_of, relation
from sanitizers.policy.document import TableRule

_ALLOWED_FUNCTIONS = (exp.Connector, exp.Cast)


def exempt_condition(
    table: Table, rules: Mapping[str, TableRule], catalog: Catalog, alias: str, treated: Callable[[Name], set[str]]
) -> exp.Expression:
    """The condition over `alias`; PlanRefused (one sentence) when it cannot be decided from kept columns."""
    rule = rules[str(table.name)].exempt
    if rule is None:
        raise PlanRefused(f"{table.name} has no exemption to follow", hint=f"give {table.name} an exempt: of its own")
    if rule.where is not None:
        return _own(table, rule.where, alias, treated(table.name))
    key = _key(table, rule.through or "")
    target = catalog.tables[key.referenced]
    inner = f"{alias}_"
    joins = [
        exp.EQ(this=column_of(inner, theirs), expression=column_of(alias, mine))
        for mine, theirs in zip(key.columns, key.referenced_columns, strict=True)
    ]
    condition = exempt_condition(target, rules, catalog, inner, treated)
    found = exp.select(exp.Literal.number(1)).from_(relation(target.name, alias=inner)).where(*joins, condition)
    return exp.Exists(this=found)


def _own(table: Table, text: str, alias: str, treated: set[str]) -> exp.Expression:
    try:
        tree = parse_one(text, dialect="postgres")
    except SqlglotError:
        raise PlanRefused(f"exempt where: not a condition PostgreSQL could read: {text}") from None
    if any(_reaches_out(node) for node in tree.walk()):
        raise PlanRefused("exempt where: only a condition on the row's own columns, without functions or subqueries")
    for column in tree.find_all(exp.Column):
        if column.name not in table.by_name:
            raise PlanRefused(f"exempt where: column {column.name} does not exist in {table.name}")
        if column.name in treated:
            raise PlanRefused(f"exempt where: column {column.name} is treated, the condition would change its mind")

    def bind(node: exp.Expression) -> exp.Expression:
        return column_of(alias, node.name) if isinstance(node, exp.Column) else node

    return exp.paren(tree.transform(bind))


def _reaches_out(node: exp.Expression) -> bool:
    called = isinstance(node, exp.Func) and not isinstance(node, _ALLOWED_FUNCTIONS)
    return called or isinstance(node, exp.Query | exp.Command | exp.Parameter | exp.Placeholder)


def _key(table: Table, column: str) -> ForeignKey:
    for key in table.foreign_keys:
        if key.columns == (column,):
            return key
    raise PlanRefused(f"exempt through {column}: no foreign key of that column alone", hint="name a foreign-key column")
