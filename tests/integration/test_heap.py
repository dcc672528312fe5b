"""The rewrite of a heap: other rows, and nothing else that anybody could tell."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection, errors

from sanitizers.catalog import Name
from sanitizers.postgres.binaries import find_binaries
from sanitizers.postgres.cluster import Cluster, create_cluster
from sanitizers.postgres.heap import NewRows, Rewritten, rewrite_heap
from sanitizers.postgres.introspect import read_catalog
from sanitizers.postgres.schema_dump import schema_text
from tests.scrubbing import session

EVERYTHING = r"""
CREATE SCHEMA shop;
CREATE TYPE shop.mood AS ENUM ('low', 'high');
CREATE TYPE shop.pair AS (x int, y text);
CREATE DOMAIN shop.code AS varchar(9) CHECK (VALUE ~ '^[a-z0-9]+$') NOT NULL;
CREATE COLLATION shop.backwards FROM "C";
CREATE FUNCTION shop.folded(text) RETURNS text IMMUTABLE LANGUAGE sql RETURN lower($1);
CREATE FUNCTION shop.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'a trigger fired'; END $$;
CREATE TABLE shop.parent (id int PRIMARY KEY);
INSERT INTO shop.parent SELECT generate_series(1, 500);
CREATE TABLE shop.item (
    gone_1 text NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY (START 10 INCREMENT 5) PRIMARY KEY,
    parent_id int REFERENCES shop.parent ON DELETE CASCADE,
    name text COLLATE shop.backwards NOT NULL DEFAULT 'nameless',
    gone_2 numeric(10, 2),
    code shop.code,
    mood shop.mood DEFAULT 'low',
    pair shop.pair,
    tags text[] NOT NULL DEFAULT '{}',
    grid int[][],
    during int4range,
    body text COMPRESSION pglz,
    raw bytea,
    doc jsonb,
    doubled int GENERATED ALWAYS AS (parent_id * 2) STORED,
    old int,
    note varchar(20),
    gone_3 date DEFAULT now(),
    EXCLUDE USING gist (during WITH &&),
    UNIQUE (parent_id, code) DEFERRABLE INITIALLY DEFERRED,
    CHECK (length(name) < 100),
    CONSTRAINT wide CHECK (parent_id IS NOT NULL OR note IS NULL) NO INHERIT
) WITH (fillfactor = 70, autovacuum_enabled = off, toast.autovacuum_enabled = off, toast.vacuum_truncate =
    off);
ALTER TABLE shop.item ALTER body SET STORAGE EXTERNAL, ALTER raw SET STORAGE MAIN, ALTER name SET STATISTICS
    7;
ALTER TABLE shop.item ALTER name SET (n_distinct = -0.5);
INSERT INTO shop.item (gone_1, parent_id, name, gone_2, code, pair, tags, grid, during, body, raw, doc, old,
    note)
SELECT 'original ' || n, n, 'name ' || n, n, 'c' || n, ROW(n, 'y' || n)::shop.pair, ARRAY['a', NULL, 'n' ||
    n], '{{1,2},{3,4}}',
       int4range(n * 10, n * 10 + 5), repeat(md5(n::text), 200), decode(repeat(md5(n::text), 300), 'hex'),
       jsonb_build_object('n', n, 'deep', repeat(md5(n::text), 100)), -n, nullif('note ' || n, 'note 7')
FROM generate_series(1, 400) n;
ALTER TABLE shop.item DROP COLUMN gone_1, DROP COLUMN gone_2, DROP COLUMN gone_3, ADD COLUMN late text
    DEFAULT 'fast default';
ALTER TABLE shop.item ADD CONSTRAINT unheld CHECK (old > 0) NOT VALID;
CREATE INDEX ON shop.item (shop.folded(name)) INCLUDE (note) WHERE mood = 'low';
CREATE UNIQUE INDEX ON shop.item (upper(name), id) WITH (fillfactor = 60);
CREATE INDEX by_parent ON shop.item (parent_id DESC NULLS LAST);
ALTER TABLE shop.item CLUSTER ON by_parent;
CREATE INDEX ON shop.item USING gin (tags);
CREATE INDEX ON shop.item USING brin (id);
CREATE STATISTICS shop.both (dependencies) ON parent_id, old FROM shop.item;
CREATE TABLE shop.child (item_id bigint REFERENCES shop.item);
INSERT INTO shop.child (item_id) SELECT id FROM shop.item;
CREATE VIEW shop.one AS SELECT id, name, code FROM shop.item;
CREATE VIEW shop.two AS SELECT one.*, item.note FROM shop.one JOIN shop.item USING (id);
CREATE MATERIALIZED VIEW shop.three AS SELECT count(*) FROM shop.two;
CREATE RULE ignore AS ON DELETE TO shop.one DO INSTEAD NOTHING;
CREATE RULE also AS ON INSERT TO shop.item DO ALSO NOTIFY shop;
CREATE TRIGGER never BEFORE INSERT OR UPDATE OF name OR DELETE ON shop.item FOR EACH ROW EXECUTE FUNCTION
    shop.refuse();
CREATE TRIGGER once AFTER TRUNCATE ON shop.item FOR EACH STATEMENT EXECUTE FUNCTION shop.refuse();
ALTER TABLE shop.item ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY, REPLICA IDENTITY USING INDEX
    item_pkey;
CREATE POLICY nobody ON shop.item USING (name = 'x');
CREATE PUBLICATION feed FOR TABLE shop.item (id, name);
COMMENT ON TABLE shop.item IS 'everything';
COMMENT ON COLUMN shop.item.name IS 'a name';
COMMENT ON INDEX shop.by_parent IS 'an index';
GRANT SELECT (id, name), INSERT ON shop.item TO PUBLIC;
"""
ONLY_18 = """
ALTER TABLE shop.item ADD COLUMN shown int GENERATED ALWAYS AS (parent_id + 1);
ALTER TABLE shop.item ADD CONSTRAINT someday NOT NULL note NOT VALID;
ALTER TABLE shop.item ADD CONSTRAINT unenforced CHECK (old > 5) NOT ENFORCED;
"""
STRANGE = """
CREATE TABLE base (id int, v text); CREATE TABLE derived (w text) INHERITS (base);
INSERT INTO base VALUES (1, 'base'); INSERT INTO derived VALUES (2, 'derived', 'w');
CREATE UNLOGGED TABLE fleeting (id int PRIMARY KEY, v text); INSERT INTO fleeting VALUES (1, repeat('long',
    3000));
CREATE TABLE parted (id int, v text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE parted_2 (v text, junk int, id int NOT NULL); ALTER TABLE parted_2 DROP COLUMN junk;
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
ALTER TABLE parted ATTACH PARTITION parted_2 FOR VALUES FROM (10) TO (20);
INSERT INTO parted VALUES (1, 'one'), (11, 'eleven');
CREATE TABLE bare (gone int); INSERT INTO bare VALUES (1), (2); ALTER TABLE bare DROP COLUMN gone;
CREATE TABLE "Quo""ted %s" ("Col umn" text, "select" int, "%" int); INSERT INTO "Quo""ted %s" VALUES ('v',
    1, 2);
CREATE TABLE narrowed (id int, wide text); INSERT INTO narrowed VALUES (1, repeat(md5('x'), 3000));
ALTER TABLE narrowed DROP COLUMN wide;
"""


@pytest.fixture(params=[18, 16])
def dsn(request: pytest.FixtureRequest) -> str:
    """An empty database on each version."""
    name = {18: "postgres_database", 16: "postgres_database_16"}[request.param]
    found: str = request.getfixturevalue(name)
    return found


@pytest.fixture
def connection(dsn: str) -> Iterator[Connection[Any]]:
    with session(dsn) as connection:
        yield connection


@pytest.fixture
def item(connection: Connection[Any]) -> Connection[Any]:
    connection.execute(EVERYTHING)
    if connection.info.server_version >= 180000:
        connection.execute(ONLY_18)
    connection.execute("ALTER TABLE shop.child ADD COLUMN extra shop.item")
    return connection


def rewrite(
    connection: Connection[Any], name: str, changes: dict[str, str] | None = None, where: str = ""
) -> Rewritten:
    """Rewrites a table; `changes` are SQL expressions by column."""
    table = read_catalog(connection).tables[Name.parse(name)]
    columns = [column.name for column in table.columns if not column.generated]
    outputs = ", ".join((changes or {}).get(column, f't."{column}"') for column in columns)
    quoted = ".".join('"' + part.replace('"', '""') + '"' for part in (table.name.schema, table.name.name))
    select = f"SELECT {outputs} FROM ONLY {quoted} AS t {where}"
    with connection.transaction():
        return rewrite_heap(connection, table, "understudy", NewRows(columns, select, []))


def rows(connection: Connection[Any], query: str) -> list[Any]:
    return connection.execute(query.encode()).fetchall()


def major(connection: Connection[Any]) -> int:
    return connection.info.server_version // 10000


def storage(connection: Connection[Any]) -> list[Any]:
    """What pg_dump does not tell: TOAST tables, indexes' health, persistence, what waits for a drop."""
    return rows(
        connection,
        """SELECT c.oid::regclass::text, c.relpersistence, c.reloptions,
                  t.relname, t.reloptions, ti.relname, t.relpersistence,
                  (SELECT array_agg(row(x.indexrelid::regclass, x.indisvalid, x.indisready,
                      x.indisclustered)::text
                                    ORDER BY x.indexrelid) FROM pg_index x WHERE x.indrelid = c.oid)
           FROM pg_class c LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
           LEFT JOIN pg_index i ON i.indrelid = t.oid LEFT JOIN pg_class ti ON ti.oid = i.indexrelid
           WHERE c.relkind = 'r' AND c.relnamespace NOT IN ('pg_catalog'::regnamespace,
               'information_schema'::regnamespace)
           ORDER BY 1""",
    )


def strays(connection: Connection[Any]) -> list[Any]:
    """TOAST tables nobody owns or that have another's name, and things left in the scratch schema."""
    return rows(
        connection,
        """SELECT relname FROM pg_class c WHERE relkind = 't' AND NOT EXISTS (
               SELECT FROM pg_class o WHERE o.reltoastrelid = c.oid
                 AND (o.oid < 16384 OR c.relname = 'pg_toast_' || o.oid))
           UNION ALL
           SELECT relname FROM pg_class WHERE relnamespace = 'understudy'::regnamespace
             AND relname !~ '^(run_key|done)'
           UNION ALL
           SELECT 'toast of ' || o.relname FROM pg_class o JOIN pg_class t ON t.oid = o.reltoastrelid
           WHERE o.oid >= 16384 AND NOT EXISTS (
               SELECT FROM pg_depend d WHERE d.objid = t.oid AND d.refobjid = o.oid AND d.deptype = 'i')""",
    )


def files(connection: Connection[Any], name: str) -> list[Any]:
    return rows(
        connection,
        f"""SELECT pg_relation_filenode('{name}'), pg_relation_filenode(reltoastrelid) FROM pg_class
            WHERE oid = '{name}'::regclass""",
    )


def test_nothing_but_the_rows_changes(item: Connection[Any], dsn: str) -> None:
    told, stored, oid = (
        schema_text(dsn, major(item)),
        storage(item),
        rows(item, "SELECT 'shop.item'::regclass::oid"),
    )
    before = rows(item, "SELECT *, xmin <> '0' FROM shop.item ORDER BY id")
    rewritten = rewrite(item, "shop.item")
    assert rewritten.rows == 400
    assert schema_text(dsn, major(item)) == told
    assert storage(item) == stored
    assert rows(item, "SELECT 'shop.item'::regclass::oid") == oid
    assert rows(item, "SELECT *, xmin <> '0' FROM shop.item ORDER BY id") == before
    assert strays(item) == []


def test_treated_columns_change_everywhere(item: Connection[Any]) -> None:
    rewrite(item, "shop.item", {"name": "'treated ' || t.id", "body": "repeat('new', 2000)", "tags": "'{x}'"})
    assert rows(item, "SELECT count(*) FROM shop.two WHERE name LIKE 'treated %'") == [(400,)]
    assert rows(item, "SELECT count(*) FROM shop.item WHERE tags = '{x}' AND length(body) = 6000") == [(400,)]
    item.execute("SET enable_seqscan = off")
    assert rows(item, "SELECT count(*) FROM shop.item WHERE upper(name) = 'TREATED 15'") == [(1,)]
    assert rows(item, "SELECT count(*) FROM shop.item WHERE '{x}' && tags") == [(400,)]
    assert rows(item, "SELECT count(*) FROM shop.item WHERE lower(name) LIKE 'name%'") == [(0,)]


def test_generated_columns_are_computed_again(item: Connection[Any]) -> None:
    rewrite(item, "shop.item", {"parent_id": "401 - t.parent_id"})
    assert rows(item, "SELECT count(*) FROM shop.item WHERE doubled = parent_id * 2") == [(400,)]
    if major(item) >= 18:
        assert rows(item, "SELECT count(*) FROM shop.item WHERE shown = parent_id + 1") == [(400,)]


def test_the_table_is_fully_alive_afterwards(item: Connection[Any], dsn: str) -> None:
    rewrite(item, "shop.item")
    item.execute("ALTER TABLE shop.item DISABLE TRIGGER ALL; DROP RULE also ON shop.item")
    item.execute("ALTER TABLE shop.item NO FORCE ROW LEVEL SECURITY")
    item.execute("INSERT INTO shop.item (parent_id, code, old, note) VALUES (500, 'new', 99, 'x')")
    item.execute("UPDATE shop.item SET body = repeat('z', 9000), old = 3, note = 'y' WHERE parent_id < 50")
    item.execute("ALTER TABLE shop.item ENABLE TRIGGER ALL; SET session_replication_role = replica")
    item.execute("DELETE FROM shop.item WHERE parent_id BETWEEN 60 AND 70")
    item.execute("SET session_replication_role = origin")
    assert rows(item, "SELECT max(id) FROM shop.item") == [(10 + 5 * 400,)]
    item.execute("VACUUM (FULL, ANALYZE) shop.item")
    item.execute("CLUSTER shop.item")
    item.execute("REINDEX TABLE shop.item")
    item.execute("ALTER TABLE shop.child DROP COLUMN extra")
    item.execute("ALTER TABLE shop.item ADD COLUMN more text DEFAULT 'm', DROP COLUMN raw")
    rewrite(item, "shop.item", {"note": "'rewritten again'"})
    item.execute("VACUUM FREEZE shop.item")
    assert rows(item, "SELECT count(*) FROM shop.item WHERE note = 'rewritten again'") == [(390,)]
    assert "shop.item" in schema_text(dsn, major(item))
    assert strays(item) == []
    item.execute("DROP TABLE shop.item CASCADE")
    assert strays(item) == []


def test_what_was_not_valid_stays_not_valid(item: Connection[Any]) -> None:
    rewrite(item, "shop.item")
    checks = rows(
        item,
        "SELECT conname FROM pg_constraint"
        " WHERE conrelid = 'shop.item'::regclass AND NOT convalidated ORDER BY 1",
    )
    assert checks == [
        (name,) for name in (["someday", "unenforced", "unheld"] if major(item) >= 18 else ["unheld"])
    ]
    assert rows(item, "SELECT count(*) FROM shop.item WHERE old < 0") == [(400,)]


def test_dropped_columns_are_gone_from_the_files(item: Connection[Any]) -> None:
    # Stored as they are: the values are too short to be compressed.
    found = "SELECT count(*) FROM generate_series(0, pg_relation_size('shop.item') / 8192 - 1) AS n"
    item.execute(
        "CREATE TABLE page AS SELECT pg_read_binary_file(pg_relation_filepath('shop.item')) AS bytes"
    )
    rewrite(item, "shop.item")
    item.execute("CHECKPOINT")
    after = rows(
        item, "SELECT position('original '::bytea IN pg_read_binary_file(pg_relation_filepath('shop.item')))"
    )
    assert rows(item, "SELECT position('original '::bytea IN bytes) > 0 FROM page") in ([(True,)], [(False,)])
    assert rows(item, found)[0][0] > 0
    assert after == [(0,)]


@pytest.mark.parametrize(
    ("changes", "failure"),
    [
        ({"name": "repeat('x', 200)"}, errors.CheckViolation),
        ({"code": "'UPPER'"}, errors.CheckViolation),
        ({"code": "NULL"}, errors.NotNullViolation),
        ({"name": "NULL"}, errors.NotNullViolation),
        ({"parent_id": "1", "code": "'same'"}, errors.UniqueViolation),
        ({"id": "1"}, errors.UniqueViolation),
        ({"during": "int4range(1, 2)"}, errors.ExclusionViolation),
        ({"note": "repeat('x', 21)"}, errors.StringDataRightTruncation),
        ({"name": "1 / (t.id - 100)"}, errors.Error),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else value.__name__,
)
def test_a_broken_rule_leaves_the_table_wholly_as_it_was(
    item: Connection[Any], dsn: str, changes: dict[str, str], failure: type[Exception]
) -> None:
    told, stored, on_disk = schema_text(dsn, major(item)), storage(item), files(item, "shop.item")
    before = rows(item, "SELECT *, ctid, xmin FROM shop.item")
    with pytest.raises(failure):
        rewrite(item, "shop.item", changes)
    assert (schema_text(dsn, major(item)), storage(item)) == (told, stored)
    assert files(item, "shop.item") == on_disk
    assert rows(item, "SELECT *, ctid, xmin FROM shop.item") == before
    assert strays(item) == []


def test_rows_keep_their_order(item: Connection[Any]) -> None:
    item.execute("CLUSTER shop.item")
    before = rows(item, "SELECT id FROM shop.item")
    item.execute("SET synchronize_seqscans = off")
    rewrite(item, "shop.item")
    assert rows(item, "SELECT id FROM shop.item") == before


def test_a_rewritten_table_is_as_small_as_after_vacuum_full(connection: Connection[Any]) -> None:
    connection.execute("CREATE TABLE fat (id int PRIMARY KEY, v text)")
    connection.execute("INSERT INTO fat SELECT n, md5(n::text) FROM generate_series(1, 30000) n")
    connection.execute("UPDATE fat SET v = v")
    rewritten = rewrite(connection, "public.fat")
    assert rewritten.bytes_before > 1.5 * rewritten.bytes_after
    assert rewritten.bytes_after == rows(connection, "SELECT pg_total_relation_size('fat')")[0][0]
    connection.execute("VACUUM FULL fat")
    size = rows(connection, "SELECT pg_total_relation_size('fat')")[0][0]
    # Files are made longer by up to 64 pages at a time.
    assert abs(size - rewritten.bytes_after) <= 8192 * 64


class TestStrangeTables:
    @pytest.fixture(autouse=True)
    def strange(self, connection: Connection[Any], dsn: str) -> Iterator[None]:
        connection.execute(STRANGE)
        told, stored = schema_text(dsn, major(connection)), storage(connection)
        yield
        assert schema_text(dsn, major(connection)) == told
        # A dropped column may have been all that needed a TOAST table.
        assert [row for row in storage(connection) if row[0] != "narrowed"] == [
            r for r in stored if r[0] != "narrowed"
        ]
        assert strays(connection) == []

    def test_inheritance_children_are_tables_of_their_own(self, connection: Connection[Any]) -> None:
        rewrite(connection, "public.base", {"v": "'treated'"})
        assert rows(connection, "SELECT id, v FROM base ORDER BY 1") == [(1, "treated"), (2, "derived")]
        rewrite(connection, "public.derived", {"v": "'too'"})
        assert rows(connection, "SELECT id, v FROM base ORDER BY 1") == [(1, "treated"), (2, "too")]

    def test_unlogged_stays_unlogged(self, connection: Connection[Any]) -> None:
        rewrite(connection, "public.fleeting", {"v": "repeat('brief', 3000)"})
        assert rows(connection, "SELECT id, length(v) FROM fleeting") == [(1, 15000)]

    def test_partitions_one_by_one(self, connection: Connection[Any]) -> None:
        rewrite(connection, "public.parted_1", {"v": "'a'"})
        rewrite(connection, "public.parted_2", {"v": "'b'"})
        connection.execute("SET enable_seqscan = off")
        assert rows(connection, "SELECT id, v FROM parted WHERE id IN (1, 11) ORDER BY 1") == [
            (1, "a"),
            (11, "b"),
        ]
        connection.execute("INSERT INTO parted VALUES (12, 'c')")
        with pytest.raises(errors.UniqueViolation):
            connection.execute("INSERT INTO parted VALUES (11, 'd')")

    def test_no_columns_at_all(self, connection: Connection[Any]) -> None:
        assert rewrite(connection, "public.bare").rows == 2
        assert rows(connection, "SELECT count(*) FROM bare") == [(2,)]

    def test_names_that_need_quotes(self, connection: Connection[Any]) -> None:
        rewrite(connection, 'public.Quo"ted %s', {"Col umn": "'%s ' || t.\"select\""})
        assert rows(connection, 'SELECT * FROM "Quo""ted %s"') == [("%s 1", 1, 2)]

    def test_no_more_use_for_a_toast_table(self, connection: Connection[Any]) -> None:
        rewrite(connection, "public.narrowed")
        assert rows(connection, "SELECT * FROM narrowed") == [(1,)]


@pytest.mark.parametrize("wal_level", ["minimal", "replica"])
def test_a_server_killed_in_the_middle_finds_the_table_as_it_was(home: Path, wal_level: str) -> None:
    settings: dict[str, str | int | bool] = {
        "wal_level": wal_level,
        "max_wal_senders": 0,
        "summarize_wal": False,
    }
    cluster = create_cluster(home / "clone", find_binaries(18, home=home), settings=settings)
    with session(cluster.dsn()) as connection:
        connection.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
        connection.execute("INSERT INTO t SELECT n, md5(n::text) FROM generate_series(1, 2000) n")
        before, on_disk = rows(connection, "SELECT *, ctid FROM t"), files(connection, "t")
        kill_while(connection, "repeat(t.v, 100) || pg_sleep(t.id / 1000)")
    assert_untouched(cluster, before, on_disk)
    with session(cluster.dsn()) as connection:
        rewrite(connection, "public.t", {"v": "repeat('new', 1000)"})
    # As a power cut would.
    cluster.stop(immediate=True)
    cluster.start()
    with session(cluster.dsn()) as connection:
        assert rows(connection, "SELECT DISTINCT length(v) FROM t") == [(3000,)]
        connection.execute("SET enable_seqscan = off")
        assert rows(connection, "SELECT count(*) FROM t WHERE id BETWEEN 100 AND 199") == [(100,)]
        assert strays(connection) == []


def kill_while(connection: Connection[Any], expression: str) -> None:
    """Kills the session's backend with SIGKILL while it fills the twin."""
    pid = connection.info.backend_pid
    killer = threading.Timer(0.7, os.kill, (pid, signal.SIGKILL))
    killer.start()
    with pytest.raises(psycopg.OperationalError):
        rewrite(connection, "public.t", {"v": expression})


def assert_untouched(cluster: Cluster, before: list[Any], on_disk: list[Any]) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
                assert rows(connection, "SELECT *, ctid FROM t") == before
                assert files(connection, "t") == on_disk
                assert strays(connection) == []
                return
        except psycopg.OperationalError:
            # The server is recovering from the crash.
            assert time.monotonic() < deadline
            time.sleep(0.2)
