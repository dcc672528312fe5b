"""Treatments and plans on a real server: invented rows in, the plan's own SQL, rows out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection, RawCursor, sql

from sanitizers.catalog import Catalog, Name, Table
from sanitizers.keys import RunKey
from sanitizers.policy.bind import compile_plan
from sanitizers.policy.bindings import Bindings
from sanitizers.policy.compile import Treatment, function_table, heap_select, treatment
from sanitizers.policy.document import LoadedPolicy, load_policy
from sanitizers.policy.mapping import mapping
from sanitizers.policy.plan import Function, Mapping, Plan, Statement
from sanitizers.postgres.cluster import Cluster
from sanitizers.postgres.introspect import read_catalog
from sanitizers.postgres.statements import statement
from sanitizers.stages.scrub import compute, prepare, results_of, rewrite_table
from sanitizers.transformers.function import PythonParams

KEY = RunKey(b"one key".ljust(32, b"."))
OTHER_KEY = RunKey(b"another key".ljust(32, b"."))
HEAD = "policy: test\nversion: 1\nprofile: hipaa-lds\ntables:\n"


@contextmanager
def session(dsn: str) -> Iterator[Connection[Any]]:
    """A session with the scratch schema that a scrub begins with."""
    # Tables come and go under the same names, so nothing may stay prepared.
    with psycopg.connect(dsn, autocommit=True, prepare_threshold=None) as connection:
        connection.execute(statement("clone/session").encode())
        connection.execute(statement("scrub/prepare").encode())
        yield connection


@contextmanager
def shared_session(cluster: Cluster, name: str) -> Iterator[Connection[Any]]:
    """A session on a new database that the tests of one module share."""
    database = sql.Identifier(name)
    with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(database))
        with session(cluster.dsn(name)) as work:
            yield work
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(database))


def bindings(key: RunKey = KEY) -> Bindings:
    return Bindings(key, "en_US", "staging")


def run(connection: Connection[Any], select: Statement, key: RunKey = KEY) -> list[Any]:
    """The rows of a compiled statement."""
    values = bindings(key).values(select.bindings)
    return RawCursor(connection).execute(select.sql.encode(), values or None).fetchall()


def table(connection: Connection[Any], name: str = "public.t") -> Table:
    return read_catalog(connection).tables[Name.parse(name)]


def fill(connection: Connection[Any], type_: str, values: Iterable[object], name: str = "t") -> Table:
    """A new table of that name: `id`, in the order of the values, and `v` of the type, given as text."""
    quoted = sql.Identifier(name)
    connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(quoted))
    create = f"CREATE TABLE {{}} (id int PRIMARY KEY, v {type_})"
    connection.execute(sql.SQL(create).format(quoted))
    insert = sql.SQL("INSERT INTO {} VALUES (%s, %s)").format(quoted)
    with connection.cursor() as cursor:
        cursor.executemany(insert, list(enumerate(values)))
    return table(connection, f"public.{name}")


def make_mapping(connection: Connection[Any], made: Mapping, key: RunKey = KEY) -> None:
    """Makes a mapping's table anew, constrained as a scrub constrains it."""
    name = sql.Identifier(made.table.schema, made.table.name)
    connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(name))
    columns = 'original text COLLATE "C" PRIMARY KEY, replacement text COLLATE "C" NOT NULL UNIQUE'
    connection.execute(sql.SQL(f"CREATE UNLOGGED TABLE {{}} ({columns})").format(name))
    insert = sql.SQL("INSERT INTO {} {}").format(name, sql.SQL(made.create.sql))
    RawCursor(connection).execute(insert, bindings(key).values(made.create.bindings))


def select_of(heap: Table, found: Treatment) -> Statement:
    """The statement that gives `id` and the treated `v`."""
    return heap_select(heap, heap.columns, {"v": found}, None)


def treat(
    connection: Connection[Any],
    type_: str,
    values: Sequence[object],
    spec: dict[str, Any],
    category: str = "email",
    key: RunKey = KEY,
) -> list[Any]:
    """What a treatment makes of the values of a column of that type; the results went into such a column."""
    heap, found = fill(connection, type_, values), treatment(spec, category)
    if found.kind == "unique" and found.params.format != "token":  # type: ignore[attr-defined]
        format_ = found.params.format  # type: ignore[attr-defined]
        make_mapping(connection, mapping(found.domain, format_, [(heap.name, heap.by_name["v"], None)]), key)
    if isinstance(found.params, PythonParams):
        results = Function(heap.name, "v", (), found.params.function, "", function_table(heap.name, "v"))
        connection.execute(f"DROP TABLE IF EXISTS {results.table}".encode())
        with psycopg.connect(connection.info.dsn, autocommit=True) as reader:
            results_of(reader, connection, results, heap)
    select = select_of(heap, found)
    connection.execute("DROP TABLE IF EXISTS result")
    connection.execute("CREATE TEMP TABLE result (LIKE t)")
    insert = f"INSERT INTO result {select.sql}".encode()
    RawCursor(connection).execute(insert, bindings(key).values(select.bindings) or None)
    rows = connection.execute("SELECT v::text FROM result ORDER BY id").fetchall()
    return [text for (text,) in rows]


def same(values: Any) -> Any:
    """A function for `{kind: python}` that changes nothing."""
    return values


def policy(folder: Path, tables: str, head: str = HEAD) -> LoadedPolicy:
    """A policy whose `tables:` are these lines, indented by two at least."""
    path = folder / "policy.yaml"
    path.write_text(head + tables, encoding="utf-8")
    return load_policy(path)


def scrub(connection: Connection[Any], plan: Plan, catalog: Catalog, key: RunKey = KEY) -> None:
    """What the scrub stage does with a plan, one heap after the other."""
    if plan.functions:
        with psycopg.connect(connection.info.dsn, autocommit=True) as reader:
            compute(reader, connection, plan)
    prepare(connection, plan, bindings(key))
    for rewrite in plan.rewrites:
        with connection.transaction():
            rewrite_table(connection, catalog.tables[rewrite.heap], rewrite, bindings(key))


def scrubbed(connection: Connection[Any], loaded: LoadedPolicy, key: RunKey = KEY) -> Plan:
    """Reads the catalog, compiles the plan and carries it out."""
    catalog = read_catalog(connection)
    plan = compile_plan(loaded, catalog)
    scrub(connection, plan, catalog, key)
    return plan
