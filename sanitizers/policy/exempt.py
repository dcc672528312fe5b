"""Which rows are exempt: a condition on a row's own kept columns, or the row a foreign key leads to."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from sanitizers.catalog import Catalog, ForeignKey, Name, Table
from sanitizers.errors import PlanRefused
from sanitizers.policy.compile import column_of, relation
from sanitizers.policy.document import TableRule

_CONDITIONS = (
    exp.Predicate,
    exp.Connector,
    exp.Not,
    exp.Paren,
    exp.Column,
    exp.Boolean,
    exp.Cast,
    exp.Escape,
)
_PARTS = (
    *_CONDITIONS, exp.Identifier, exp.Literal, exp.Null, exp.DataType, exp.DataTypeParam, exp.Neg, exp.Tuple,
)  # fmt: skip
"""What a condition may be made of: comparisons of columns and literals, nothing that is called."""


def exempt_condition(
    table: Table,
    rules: Mapping[str, TableRule],
    catalog: Catalog,
    alias: str,
    treated: Callable[[Name], set[str]],
    above: tuple[Name, ...] = (),
) -> exp.Expression:
    """The condition over `alias`; PlanRefused (one sentence) when it cannot be decided from kept columns."""
    if table.name in above:
        ring = " -> ".join(str(name) for name in (*above, table.name))
        raise PlanRefused(f"exempt through goes in a ring: {ring}", hint="say where: on one of them")
    found_rule = rules.get(str(table.name))
    rule = found_rule.exempt if found_rule is not None else None
    if rule is None:
        raise PlanRefused(
            f"{table.name} has no exemption to follow", hint=f"give {table.name} an exempt: of its own"
        )
    if rule.where is not None:
        return row_condition(table, rule.where, alias, "exempt where", treated(table.name))
    key = _key(table, rule.through or "")
    target = catalog.tables[catalog.root_of(key.referenced)]
    inner = f"{alias}_"
    joins = [
        exp.EQ(this=column_of(inner, theirs), expression=column_of(alias, mine))
        for mine, theirs in zip(key.columns, key.referenced_columns, strict=True)
    ]
    condition = exempt_condition(target, rules, catalog, inner, treated, (*above, table.name))
    found = (
        exp.select(exp.Literal.number(1)).from_(relation(target.name, alias=inner)).where(*joins, condition)
    )
    return exp.Exists(this=found)


def row_condition(table: Table, text: str, alias: str, said: str, treated: set[str] | None) -> exp.Expression:
    """A condition on a row's own columns, over `alias`; PlanRefused (one sentence that begins with `said`).

    `treated` are columns it must not lean on, because it is asked of treated rows too; None where it is not.
    """
    try:
        tree = parse_one(text, dialect="postgres")
    except SqlglotError:
        raise PlanRefused(f"{said}: not a condition PostgreSQL could read: {text}") from None
    if not isinstance(tree, _CONDITIONS) or not all(isinstance(node, _PARTS) for node in tree.walk()):
        raise PlanRefused(
            f"{said}: only a condition on the row's own columns, without functions or subqueries"
        )
    for column in tree.find_all(exp.Column):
        _check(table, column, said, treated)

    def bind(node: exp.Expression) -> exp.Expression:
        return column_of(alias, node.name) if isinstance(node, exp.Column) else node

    return exp.paren(tree.transform(bind))


def _check(table: Table, column: exp.Column, said: str, treated: set[str] | None) -> None:
    name = column.name
    if name not in table.by_name or column.table not in ("", table.name.name):
        raise PlanRefused(f"{said}: column {column.sql()} does not exist in {table.name}")
    if treated is None:
        return
    if name in treated:
        raise PlanRefused(f"{said}: column {name} is treated, the condition would change its mind")
    if table.by_name[name].generated:
        raise PlanRefused(f"{said}: column {name} is generated", hint="name the columns it is computed from")


def _key(table: Table, column: str) -> ForeignKey:
    for key in table.foreign_keys:
        if key.columns == (column,):
            return key
    raise PlanRefused(
        f"exempt through {column}: no foreign key of that column alone", hint="name a foreign-key column"
    )
