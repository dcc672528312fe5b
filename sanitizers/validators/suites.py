"""Expectation suites: what the plan promises of every table, and what the policy's `expect:` adds.

Pure. Names are quoted here, because the tables are given to Great Expectations as queries: its own table
assets cannot reach mixed-case names. A column with a percent sign in its name cannot be checked there and is
left out; the mass gates cover it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from sanitizers.catalog import Catalog, Column, Name, Table
from sanitizers.errors import Problem
from sanitizers.policy.document import Expectation, LoadedPolicy
from sanitizers.policy.plan import Plan, TableRulePlan
from sanitizers.validators.base import Expected, Migrations, Suite, changed_columns

_NONE = Migrations()


def build_suites(
    plan: Plan, catalog: Catalog, expect: dict[str, list[Expectation]], migrations: Migrations = _NONE
) -> tuple[Suite, ...]:
    """A suite for every table with treated columns or written expectations.

    Columns and types are promised as the plan found them, unless a migration names the table: then as they
    are in `catalog`.
    """
    rules = {rule.table: rule for rule in plan.rules if changed_columns(rule)}
    written = {Name.parse(table): tuple(map(_written, items)) for table, items in expect.items()}
    return tuple(
        _suite(name, rules.get(name), catalog.tables.get(name), written.get(name, ()), migrations)
        for name in sorted({*rules, *written})
    )


def _written(item: Expectation) -> Expected:
    return Expected(item.type, item.kwargs, item.severity, "policy")


def _suite(
    name: Name,
    rule: TableRulePlan | None,
    table: Table | None,
    written: tuple[Expected, ...],
    migrations: Migrations,
) -> Suite:
    if table is None:
        # Gone after the migrations: the query fails, and with it the suite, which is what should be seen.
        return Suite(str(name), f"SELECT * FROM {_identifier(name.schema)}.{_identifier(name.name)}", written)
    generated = tuple(_generated(rule, table, migrations.mention(name))) if rule else ()
    return Suite(str(name), _query(table, _reserved(rule)), (*generated, *written))


def _reserved(rule: TableRulePlan | None) -> dict[str, str]:
    return {item.name: item.reserved for item in rule.columns if item.reserved} if rule else {}


def _visible(table: Table) -> list[Column]:
    return [item for item in table.columns if "%" not in item.name]


def _query(table: Table, reserved: dict[str, str]) -> str:
    columns = ", ".join(_selected(item, item.name in reserved) for item in _visible(table))
    only = "" if table.kind == "p" else "ONLY "
    return f"SELECT {columns} FROM {only}{_identifier(table.name.schema)}.{_identifier(table.name.name)} AS t"


def _selected(item: Column, as_text: bool) -> str:
    name = _identifier(item.name)
    if as_text and item.category != "S" and not item.array:
        return f"(t.{name})::text AS {name}"
    return f"t.{name}"


_SPECIAL = frozenset("\\:%{}")
"""Characters that SQLAlchemy, the driver or str.format would take for themselves."""


def _identifier(name: str) -> str:
    return _quoted(name, '"')


def _literal(text: str) -> str:
    return _quoted(text, "'")


def _quoted(text: str, mark: str) -> str:
    """A quoted identifier or literal, special characters as Unicode escapes."""
    doubled = text.replace(mark, mark * 2)
    if not _SPECIAL & set(text):
        return f"{mark}{doubled}{mark}"
    escaped = "".join(f"\\{ord(c):04x}" if c in _SPECIAL else c for c in doubled)
    return f"U&{mark}{escaped}{mark}"


def _generated(rule: TableRulePlan, table: Table, migrated: bool) -> Iterator[Expected]:
    promised = {item.name: item.type for item in (table.columns if migrated else rule.columns)}
    names = [name for name in promised if "%" not in name]
    yield Expected("expect_table_columns_to_match_ordered_list", {"column_list": names})
    yield _types(table.name, promised)
    single = {one.columns[0] for one in table.uniques if len(one.columns) == 1 and not one.partial}
    for plan in changed_columns(rule):
        item = table.by_name.get(plan.name)
        if item is not None and "%" not in item.name:
            yield from _of_column(item, plan.reserved)
    for name in sorted(single & {item.name for item in _visible(table)}):
        yield Expected("expect_column_values_to_be_unique", {"column": name})


def _of_column(item: Column, reserved: str) -> Iterator[Expected]:
    column = {"column": item.name}
    if item.not_null:
        yield Expected("expect_column_values_to_not_be_null", column)
    if item.array:
        return
    if reserved:
        # An empty value stays empty; it reaches nobody.
        yield Expected("expect_column_values_to_match_regex", {**column, "regex": f"^$|(?:{reserved})"})
    if item.max_length:
        longest = {**column, "max_value": item.max_length}
        yield Expected("expect_column_value_lengths_to_be_between", longest)


def _types(table: Name, promised: dict[str, str]) -> Expected:
    """Column types by the server's own names; the type expectations proper do not work on queries."""
    rows = ", ".join(f"({_literal(name)}, {_literal(type_)})" for name, type_ in promised.items())
    query = (
        f"SELECT e.name FROM (VALUES {rows}) AS e (name, type) WHERE NOT EXISTS ("
        "SELECT FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid"
        " JOIN pg_namespace AS n ON n.oid = c.relnamespace"
        f" WHERE n.nspname = {_literal(table.schema)} AND c.relname = {_literal(table.name)}"
        " AND a.attname = e.name AND NOT a.attisdropped AND format_type(a.atttypid, a.atttypmod) = e.type)"
    )
    said = "every column has the type that the plan found"
    return Expected("unexpected_rows_expectation", {"unexpected_rows_query": query, "description": said})


_COLUMN = "column* mostly row_condition condition_parser"
_BETWEEN = "column* min_value max_value strict_min strict_max row_condition condition_parser"
_PAIR = "column_A* column_B* mostly ignore_row_if row_condition condition_parser"
_LIST = "column_list* mostly ignore_row_if row_condition condition_parser"
_SET = "column* value_set* row_condition condition_parser"
VOCABULARY = {
    "expect_column_distinct_values_to_be_in_set": _SET,
    "expect_column_distinct_values_to_contain_set": _SET,
    "expect_column_distinct_values_to_equal_set": _SET,
    "expect_column_kl_divergence_to_be_less_than": "column* partition_object threshold bucketize_data"
    " internal_weight_holdout tail_weight_holdout min_value max_value row_condition condition_parser",
    "expect_column_max_to_be_between": _BETWEEN,
    "expect_column_mean_to_be_between": _BETWEEN,
    "expect_column_median_to_be_between": _BETWEEN,
    "expect_column_min_to_be_between": _BETWEEN,
    "expect_column_most_common_value_to_be_in_set": f"{_SET} ties_okay",
    "expect_column_pair_values_a_to_be_greater_than_b": f"{_PAIR} or_equal",
    "expect_column_pair_values_to_be_equal": _PAIR,
    "expect_column_pair_values_to_be_in_set": f"{_PAIR} value_pairs_set*",
    "expect_column_proportion_of_non_null_values_to_be_between": _BETWEEN,
    "expect_column_proportion_of_unique_values_to_be_between": _BETWEEN,
    "expect_column_quantile_values_to_be_between": "column* quantile_ranges* allow_relative_error"
    " row_condition condition_parser",
    "expect_column_stdev_to_be_between": _BETWEEN,
    "expect_column_sum_to_be_between": _BETWEEN,
    "expect_column_to_exist": "column* column_index",
    "expect_column_unique_value_count_to_be_between": _BETWEEN,
    "expect_column_value_lengths_to_be_between": f"{_BETWEEN} mostly",
    "expect_column_value_lengths_to_equal": f"{_COLUMN} value*",
    "expect_column_value_z_scores_to_be_less_than": f"{_COLUMN} threshold* double_sided*",
    "expect_column_values_to_be_between": f"{_BETWEEN} mostly",
    "expect_column_values_to_be_in_set": f"{_COLUMN} value_set*",
    "expect_column_values_to_be_null": _COLUMN,
    "expect_column_values_to_be_unique": _COLUMN,
    "expect_column_values_to_match_like_pattern": f"{_COLUMN} like_pattern* escape",
    "expect_column_values_to_match_like_pattern_list": f"{_COLUMN} like_pattern_list* match_on escape",
    "expect_column_values_to_match_regex": f"{_COLUMN} regex*",
    "expect_column_values_to_match_regex_list": f"{_COLUMN} regex_list* match_on",
    "expect_column_values_to_not_be_in_set": f"{_COLUMN} value_set*",
    "expect_column_values_to_not_be_null": _COLUMN,
    "expect_column_values_to_not_be_outliers": f"{_COLUMN} method multiplier",
    "expect_column_values_to_not_match_like_pattern": f"{_COLUMN} like_pattern* escape",
    "expect_column_values_to_not_match_like_pattern_list": f"{_COLUMN} like_pattern_list* escape",
    "expect_column_values_to_not_match_regex": f"{_COLUMN} regex*",
    "expect_column_values_to_not_match_regex_list": f"{_COLUMN} regex_list*",
    "expect_compound_columns_to_be_unique": _LIST,
    "expect_multicolumn_sum_to_equal": f"{_LIST} sum_total*",
    "expect_multicolumn_values_to_be_equal": _LIST,
    "expect_select_column_values_to_be_unique_within_record": _LIST,
    "expect_table_column_count_to_be_between": "min_value max_value",
    "expect_table_column_count_to_equal": "value*",
    "expect_table_columns_to_match_ordered_list": "column_list*",
    "expect_table_columns_to_match_set": "column_set* exact_match",
    "expect_table_row_count_to_be_between": _BETWEEN.removeprefix("column* "),
    "expect_table_row_count_to_equal": "value* row_condition condition_parser",
    "unexpected_rows_expectation": "unexpected_rows_query* description",
}
"""Great Expectations' core expectations that work on PostgreSQL queries, with their arguments (* the wanted
ones): a mistake is found in milliseconds, when the policy is read, and not after the scrub."""


def expectation_problems(policy: LoadedPolicy, catalog: Catalog | None = None) -> list[Problem]:
    """What is wrong with the policy's `expect:`; with a catalog, unknown tables and columns too."""
    return [problem for table in policy.policy.expect for problem in _table_problems(policy, table, catalog)]


def _table_problems(policy: LoadedPolicy, table: str, catalog: Catalog | None) -> Iterator[Problem]:
    known = _known_columns(policy, table, catalog)
    if known is not None and not known:
        assert catalog is not None
        tables = [str(root.name) for root in catalog.roots()]
        where = policy.where("expect", table)
        yield Problem(where, f"expect: table {table} does not exist", _near(table, tables))
    for number, item in enumerate(policy.policy.expect[table]):
        where = policy.where("expect", table, number, "type")
        yield from (Problem(where, f"{table}: {what}", hint) for what, hint in _mistakes(item, known))


def _known_columns(policy: LoadedPolicy, table: str, catalog: Catalog | None) -> set[str] | None:
    """The table's columns, those to come included; None when there is no catalog to tell."""
    if catalog is None:
        return None
    found, rule = catalog.tables.get(Name.parse(table)), policy.policy.tables.get(table)
    pending = {name for name, item in rule.columns.items() if item.pending or rule.pending} if rule else set()
    return pending | (set(found.by_name) if found else set())


def _mistakes(item: Expectation, known: set[str] | None) -> Iterator[tuple[str, str]]:
    arguments = VOCABULARY.get(item.type)
    if arguments is None:
        yield _unknown(item.type)
        return
    allowed = [argument.rstrip("*") for argument in arguments.split()]
    for name in item.kwargs:
        if name not in allowed:
            yield f"{item.type} has no argument {name}", _near(name, allowed)
    for argument in arguments.split():
        if argument.endswith("*") and argument.rstrip("*") not in item.kwargs:
            yield f"{item.type} wants the argument {argument.rstrip('*')}", ""
    for name in _columns_of(item) if known else ():
        if name not in (known or ()):
            yield f"{item.type}: column {name} does not exist", _near(name, list(known or ()))


_UNAVAILABLE = {
    **dict.fromkeys(
        (
            "expect_column_type_to_be",
            "expect_column_values_to_be_of_type",
            "expect_column_values_to_be_in_type_list",
        ),
        "types, too, are compared with production's schema",
    ),
    **dict.fromkeys(
        (
            "expect_column_values_to_be_dateutil_parseable",
            "expect_column_values_to_be_decreasing",
            "expect_column_values_to_be_increasing",
            "expect_column_values_to_be_json_parseable",
            "expect_column_values_to_match_json_schema",
            "expect_column_values_to_match_strftime_format",
            "expect_query_results_to_match_comparison",
            "expect_table_row_count_to_equal_other_table",
        ),
        "write it as unexpected_rows_expectation",
    ),
}
"""Core expectations that do not work on PostgreSQL queries, and what to do instead."""


def _unknown(type_: str) -> tuple[str, str]:
    if type_ in _UNAVAILABLE:
        return f"{type_} does not work on PostgreSQL queries", _UNAVAILABLE[type_]
    return f"unknown expectation {type_}", _near(type_, list(VOCABULARY))


def _columns_of(item: Expectation) -> Iterator[str]:
    if item.type == "expect_column_to_exist":
        return
    for argument in ("column", "column_A", "column_B"):
        if argument in item.kwargs:
            yield str(item.kwargs[argument])
    yield from map(str, item.kwargs.get("column_list", ()))


def _near(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, 1)
    return f"did you mean {near[0]}?" if near else ""
