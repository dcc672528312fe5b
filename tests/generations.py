"""Two databases that stand for two generations beside each other in one server, and the role of clients."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from sanitizers.endpoints.base import Destination
from sanitizers.postgres.cluster import Cluster

PASSWORD = 'it\'s @ "secret"; 100% / #1 {x}'


@contextmanager
def two_generations(cluster: Cluster) -> Iterator[list[Destination]]:
    """Databases as the snapshot provider `template` makes and marks them, and lets a role in."""
    mine = uuid.uuid4().hex[:8]
    role = f"client_{mine}"
    with psycopg.connect(cluster.dsn(), autocommit=True) as admin:
        login = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
        admin.execute(login.format(sql.Identifier(role), sql.Literal(PASSWORD)))
        made = []
        for label in (f"{mine}-001", f"{mine}-002"):
            name = f"understudy_clone_{mine}_{label}"
            _make(admin, name, label, role)
            made.append(Destination(label, "127.0.0.1", cluster.port, name, role))
        try:
            yield made
        finally:
            _remove(admin, mine, role)


def _make(admin: psycopg.Connection[tuple[object, ...]], name: str, label: str, role: str) -> None:
    for text in (
        "CREATE DATABASE {name}",
        "REVOKE ALL ON DATABASE {name} FROM PUBLIC",
        "GRANT CONNECT, TEMPORARY ON DATABASE {name} TO {role}",
        "COMMENT ON DATABASE {name} IS {comment}",
    ):
        values = {"name": sql.Identifier(name), "role": sql.Identifier(role)}
        admin.execute(sql.SQL(text).format(**values, comment=sql.Literal(f"understudy/{label}")))


def _remove(admin: psycopg.Connection[tuple[object, ...]], mine: str, role: str) -> None:
    names = "SELECT datname FROM pg_database WHERE shobj_description(oid, 'pg_database') LIKE %s"
    for (name,) in admin.execute(names, [f"understudy/{mine}-%"]).fetchall():
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(str(name))))
    admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def generation_of(dsn: str, **parameters: object) -> object:
    """The generation that a client with that connection string is on."""
    with psycopg.connect(make_conninfo(dsn, **parameters)) as client:
        comment = (
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
        )
        row = client.execute(comment).fetchone()
    return str(row[0]).removeprefix("understudy/") if row else None
