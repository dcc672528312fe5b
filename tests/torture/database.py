"""The torture schema on a server: everything PostgreSQL lets people build around a column."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection, sql

from sanitizers.catalog import Catalog, Name, Sequence
from sanitizers.policy.document import LoadedPolicy, parse_policy
from sanitizers.policy.plan import Plan, TableRulePlan
from sanitizers.postgres.cluster import Cluster
from sanitizers.postgres.schema_dump import schema_text
from sanitizers.validators.gates import countable, row_counts

FOLDER = Path(__file__).parent
ROLES = ("torture_owner", "torture_clerk", "torture_auditor")
SPACE = "torture_space"
INDEXED_TABLES, WIDE_COLUMNS = 100, 1100
MARKS = r"q(ilda|vist|mail)|\+46 (70|8) |UWlsZG|UXZpc3|5176697374|51696c6461"
"""What every invented name, address and phone number holds, in plain text, base64 and hexadecimal."""

_NEEDS = {
    # Takes its time, and shows on one server what it shows on all.
    "50_many": "SELECT current_setting('server_version_num')::int >= 180000",
    "80_from_18": "SELECT current_setting('server_version_num')::int >= 180000",
    "81_xml": "SELECT xmlparse(CONTENT 'a') IS NOT NULL",
    "82_lz4": "SELECT 'lz4' = ANY (enumvals) FROM pg_settings WHERE name = 'default_toast_compression'",
    "83_contrib": "SELECT count(*) = 4 FROM pg_available_extensions"
    " WHERE name IN ('citext', 'hstore', 'btree_gist', 'pg_trgm')",
    "84_icu": "SELECT count(*) > 9 FROM pg_collation WHERE collprovider = 'i'",
}
"""Parts of the schema that not every server can have, and what tells."""

_INNER = "(SELECT oid FROM pg_class WHERE relnamespace = 'pg_toast'::regnamespace)"
_CATALOGS = {
    "pg_class": "relnamespace <> 'pg_toast'::regnamespace",
    "pg_attribute": f"attrelid NOT IN {_INNER}",
    "pg_index": f"indrelid NOT IN {_INNER}",
    "pg_depend": f"objid NOT IN {_INNER} AND refobjid NOT IN {_INNER}",
    **dict.fromkeys(
        (
            *(
                "pg_constraint",
                "pg_trigger",
                "pg_inherits",
                "pg_rewrite",
                "pg_policy",
                "pg_type",
                "pg_attrdef",
            ),
            *("pg_statistic_ext", "pg_shdepend", "pg_description", "pg_publication_rel", "pg_default_acl"),
            *("pg_sequence", "pg_partitioned_table", "pg_namespace", "pg_proc"),
        ),
        "true",
    ),
}
"""Which rows of which catalogs stay: TOAST tables are new, under the old ones' names."""
_PHYSICAL = (
    "{relfilenode,relpages,reltuples,relallvisible,relallfrozen,relfrozenxid,relminmxid,reltoastrelid"
    ",indcheckxmin,atthasmissing,attmissingval}"
)
"""Where rows are, what stands in for values that old ones lack, and what the planner believes."""


@contextmanager
def torture_database(cluster: Cluster, name: str = "torture") -> Iterator[str]:
    """A connection string, as superuser, of a new database with the schema."""
    database, space = sql.Identifier(name), sql.Identifier(SPACE)
    with torture_roles(cluster), psycopg.connect(cluster.dsn(), autocommit=True) as server:
        server.execute("SET allow_in_place_tablespaces = on")
        server.execute(sql.SQL("CREATE TABLESPACE {} LOCATION ''").format(space))
        server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(database))
        try:
            load(cluster.dsn(name))
            yield cluster.dsn(name)
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(database))
            server.execute(sql.SQL("DROP TABLESPACE {}").format(space))


@contextmanager
def torture_roles(cluster: Cluster) -> Iterator[None]:
    """The roles that the schema names, for as long as no database needs them."""
    with psycopg.connect(cluster.dsn(), autocommit=True) as server:
        for role in ROLES:
            server.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
        try:
            yield
        finally:
            for role in ROLES:
                server.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def load(dsn: str, space: str = SPACE, without: str = "") -> None:
    """The schema files in order; those for what this server cannot do are left out."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for file in sorted(FOLDER.glob("*.sql")):
            if file.stem != without and _can(connection, file.stem):
                text = file.read_text(encoding="utf-8").replace(SPACE, space)
                connection.execute(text.encode())
        connection.execute("ANALYZE")


def _can(connection: Connection[Any], part: str) -> bool:
    try:
        found = connection.execute(_NEEDS.get(part, "SELECT true").encode()).fetchone()
    except psycopg.errors.FeatureNotSupported:
        return False
    return bool(found and found[0])


def torture_policy() -> LoadedPolicy:
    """The policy with the rules of the tables that are many."""
    path = FOLDER / "policy.yaml"
    indexed = "columns: {id: non_identifying, name: name.full, mail: email, amount: financial_sensitive}"
    rules = [
        f"  many.indexed_{number}: {{pending: true, {indexed}}}" for number in range(1, INDEXED_TABLES + 1)
    ]
    rules += [
        "  many.wide:",
        "    pending: true",
        "    columns:",
        "      id: non_identifying",
        "      name: name.full",
    ]
    kept = [number for number in range(1, WIDE_COLUMNS + 1) if number not in (13, 900)]
    rules += [f"      column_{number}: non_identifying" for number in kept]
    return parse_policy("\n".join([path.read_text(encoding="utf-8"), *rules]), path)


@dataclass(frozen=True)
class State:
    """What is compared before and after."""

    dump: str
    catalogs: dict[str, set[str]]
    """Rows of the server's own catalogs, without what says where data lies."""
    counts: dict[Name, int]
    kept: dict[Name, str]
    """A digest of all kept values of a table, with the partition each row is in."""
    marked: dict[Name, int]
    """Rows that tell somebody's name, address or number, in tables, partitions and materialized views."""
    hidden: dict[tuple[Name, str], set[str]]
    """Values of the columns in which nobody may keep his own."""
    sequences: dict[Name, Sequence]


def state(connection: Connection[Any], dsn: str, catalog: Catalog, plan: Plan) -> State:
    """The state of the database now."""
    hidden = [(rule, item.name) for rule in plan.rules for item in rule.columns if item.must_differ]
    return State(
        schema_text(dsn, catalog.major),
        {name: _catalog_rows(connection, name) for name in _CATALOGS},
        row_counts(connection, countable(catalog)),
        {rule.table: _kept(connection, rule, plan) for rule in plan.rules},
        _marked(connection),
        {(rule.table, column): _values(connection, rule.table, column) for rule, column in hidden},
        catalog.sequences,
    )


def _catalog_rows(connection: Connection[Any], name: str) -> set[str]:
    query = f"SELECT (to_jsonb(c) - '{_PHYSICAL}'::text[])::text FROM {name} AS c WHERE {_CATALOGS[name]}"
    return {row[0] for row in connection.execute(query.encode()).fetchall()}


def _marked(connection: Connection[Any]) -> dict[Name, int]:
    relations = connection.execute(
        "SELECT n.nspname, relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace"
        " WHERE relkind IN ('r', 'm') AND relispopulated AND nspname !~ '^(pg_|information_schema)'"
    ).fetchall()
    one = sql.SQL("SELECT {}, {}, count(*) FROM ONLY {} AS row_ WHERE row_::text ~* {}")
    parts = [
        one.format(*map(sql.Literal, relation), sql.Identifier(*relation), sql.Literal(MARKS))
        for relation in relations
    ]
    found = connection.execute(sql.SQL(" UNION ALL ").join(parts)).fetchall()
    return {Name(schema, name): count for schema, name, count in found if count}


def _kept(connection: Connection[Any], rule: TableRulePlan, plan: Plan) -> str:
    kept = [sql.Identifier(item.name) for item in rule.columns if item.kind == "keep"]
    if rule.table not in {move.table for move in plan.moves}:
        kept.append(sql.Identifier("tableoid"))
    query = sql.SQL(
        "SELECT md5(string_agg(r, '' ORDER BY r)) FROM (SELECT ROW({})::text AS r FROM {} AS t_) AS rows"
    ).format(
        sql.SQL(", ").join(kept),
        sql.Identifier(rule.table.schema, rule.table.name),
    )
    found = connection.execute(query).fetchone()
    assert found
    return str(found[0])


def _values(connection: Connection[Any], table: Name, column: str) -> set[str]:
    query = sql.SQL("SELECT DISTINCT {0}::text FROM {1} WHERE {0}::text NOT IN ('', '{{}}')").format(
        sql.Identifier(column), sql.Identifier(table.schema, table.name)
    )
    return {row[0] for row in connection.execute(query).fetchall()}
