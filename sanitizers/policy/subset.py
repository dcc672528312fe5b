"""Which rows of a database arrive: a selection closed under foreign keys.

Rules choose rows (`keep`, `sample`), and whatever a chosen row refers to is chosen with it, however far that
leads. All other rows of a table that chooses are dropped, and all rows of a table that says `drop`. A row
that refers to a dropped row is dropped with it, chosen or not, but for keys in `set_null`: those become NULL.
Of a table that says `referenced`, only rows that another kept row refers to are left, and rows that `follow`
keys are left where the rows these lead to are. All else is kept; a key that is NULL or leads nowhere asks for
nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from sqlglot import exp

from sanitizers.catalog import Catalog, Name
from sanitizers.errors import PlanRefused, Problem
from sanitizers.policy.closure import Key, Selection, gaps_of, gone_of, listed, rows_of
from sanitizers.policy.compile import relation, sql_text
from sanitizers.policy.document import LoadedPolicy, Policy, RowRule
from sanitizers.policy.exempt import row_condition
from sanitizers.policy.rows import Choice, Emptied, Subset, TableSubset


def subset(policy: Policy, catalog: Catalog) -> Subset | None:
    """How rows are chosen, and what that means for each table; None when every row arrives.

    For a policy of which `row_problems` finds none.
    """
    selection = Selection(policy, catalog)
    roots = catalog.roots() if selection.rules else ()
    tables = tuple(found for table in roots if (found := _table(selection, table.name)) is not None)
    if not tables:
        return None
    steps = tuple(selection.steps())
    lists = {fill.into for step in steps for fill in step.fills}
    lists |= {found.scratch for found in tables if found.scratch is not None}
    return Subset(tables, tuple(sorted(lists)), steps, _counts(tables, catalog))


def choice(found: TableSubset, heap: Name) -> Choice:
    """What the selection means for one heap of the table."""
    gaps: dict[str, list[str]] = {}
    for one in found.emptied:
        for column in one.columns:
            gaps.setdefault(column, []).append(sql_text(listed(one.scratch, "t", heap)))
    return Choice(_where(found, heap), tuple((column, " OR ".join(lists)) for column, lists in gaps.items()))


def _where(found: TableSubset, heap: Name) -> str:
    if found.scratch is None:
        return "" if found.arrive == "all" else "FALSE"
    text = sql_text(listed(found.scratch, "t", heap))
    return text if found.arrive == "listed" else f"NOT {text}"


def row_problems(policy: LoadedPolicy, catalog: Catalog) -> Iterator[Problem]:
    """What is wrong with the `rows:` of a policy."""
    selection = Selection(policy.policy, catalog)
    for name, rule in selection.rules.items():
        for key, what, hint in _problems(selection, name, rule):
            yield Problem(policy.where("tables", str(name), "rows", key), f"{name}: rows {what}", hint)


def _problems(selection: Selection, name: Name, rule: RowRule) -> Iterator[tuple[str, str, str]]:
    table = selection.catalog.tables[name]
    if rule.keep is not None:
        try:
            row_condition(table, rule.keep, "t", "keep", None)
        except PlanRefused as error:
            yield "keep", error.what, error.hint
    mine = selection.keys_of(name)
    for said, words in (("follow", rule.follow), ("set_null", rule.set_null)):
        for word in words:
            if not any(key.called([word]) for key in mine):
                near = difflib.get_close_matches(word, [key.name for key in mine], 1)
                hint = f"did you mean {near[0]}?" if near else "name a foreign key, or its only column"
                yield said, f"{said}: no foreign key {word}", hint
    for key in mine:
        if selection.follows(key) and key.parent == name:
            hint = "leave it out: a kept row's own key is followed to the end"
            yield "follow", f"follow: {key.name} leads to the table itself", hint
        if selection.emptying(key) and not _nullable(selection, key):
            hint = "leave it out, so that rows fall with the row they lead to"
            yield "set_null", f"set_null: no column of key {key.name} can become NULL", hint


def _nullable(selection: Selection, key: Key) -> tuple[str, ...]:
    """Columns whose NULL makes the key lead nowhere; those that no other key has, where there are any."""
    catalog = selection.catalog
    heaps = [catalog.tables[key.child], *catalog.partitions(key.child)]
    fixed = {column.name for heap in heaps for column in heap.columns if column.not_null or column.generated}
    fixed |= {name for heap in heaps for name in heap.partition_key}
    free = tuple(name for name in key.columns if name not in fixed)
    mine = [other for other in selection.keys_of(key.child) if not selection.emptying(other)]
    others = {name for other in mine for name in other.columns}
    return tuple(name for name in free if name not in others) or free


def _table(selection: Selection, name: Name) -> TableSubset | None:
    arrive = selection.arrive(name)
    gapped = [key for key in selection.keys_of(name) if selection.gapped(key)]
    if arrive == "all" and not gapped:
        return None
    lists = {"listed": rows_of(name), "unlisted": gone_of(name)}
    emptied = tuple(Emptied(_nullable(selection, key), gaps_of(key)) for key in gapped)
    said = "; ".join(_said(selection, name, gapped))
    return TableSubset(name, arrive, lists.get(arrive), emptied, said)


def _said(selection: Selection, name: Name, gapped: list[Key]) -> Iterator[str]:
    rule = selection.rules.get(name, RowRule())
    if rule.drop:
        yield "no row arrives"
    if rule.chooses:
        pulled = name in selection.pulled and selection.pulling(name)
        yield _chosen(rule) + (", and rows that chosen rows refer to" if pulled else "")
    if rule.referenced:
        yield f"rows that kept rows of {_names(key.child for key in selection.needing(name))} refer to"
    elif name in selection.needed:
        followed = (key.parent for key in selection.followed(name))
        yield f"rows that go with those kept of {_names(followed)}"
    if name in selection.falling:
        lost = selection.falling | selection.dropped | selection.judged
        mine = [key for key in selection.keys_of(name) if not selection.emptying(key)]
        parents = (key.parent for key in mine if key.parent in lost)
        yield f"no row that refers to a dropped one of {_names(parents)}"
    if gapped:
        columns = sorted({column for key in gapped for column in _nullable(selection, key)})
        yield f"{', '.join(columns)} NULL where the row referred to is dropped"


def _chosen(rule: RowRule) -> str:
    if rule.sample is None:
        return f"rows where {rule.keep}"
    share = f"a keyed share of {rule.sample * 100:g} %"
    return f"{share} of the rows" + (f" where {rule.keep}" if rule.keep is not None else "")


def _names(tables: Iterable[Name]) -> str:
    return ", ".join(sorted({str(table) for table in tables})) or "no other table"


def _counts(tables: tuple[TableSubset, ...], catalog: Catalog) -> str:
    return " UNION ALL ".join(_count(found, catalog) for found in tables)


def _count(found: TableSubset, catalog: Catalog) -> str:
    name = found.table
    rows = sql_text(relation(name, only=catalog.tables[name].kind != "p"))
    kept = "0" if found.arrive == "none" else "count(*)"
    if found.scratch is not None:
        named = f"(SELECT count(*) FROM {sql_text(relation(found.scratch))})"
        kept = named if found.arrive == "listed" else f"count(*) - {named}"
    schema, table = (sql_text(exp.Literal.string(part)) for part in (name.schema, name.name))
    return f"SELECT {schema}::text, {table}::text, count(*), {kept}::bigint FROM {rows}"
