"""Canaries: one value for each kind of place where an original can stay behind, and how it gets there."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Canary:
    """A kind of place. In `sql`, `%s` is its value as a literal, `%b` the same in base64."""

    kind: str
    place: str
    """A regular expression of the place at which a search has to find it."""
    until: str
    """The stage that takes it away."""
    sql: str = ""
    """What production does with it; `;;` separates what has to be done in transactions of its own."""
    inside: str = ""
    """What happens with it in the clone, before the purge."""
    file: str = ""
    """A file of the clone's that holds it, before the purge; `{database}` is the database's OID."""

    @property
    def value(self) -> str:
        return f"Kanari {self.kind} {hashlib.sha256(self.kind.encode()).hexdigest()[:12]}"

    def statements(self, text: str) -> list[str]:
        literal = f"'{self.value}'"
        coded = f"translate(encode({literal}, 'base64'), E'\\n', '')"
        return [part.replace("%b", coded).replace("%s", literal) for part in text.split(";;")]


SCHEMA = """
CREATE TABLE people (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, email text, note text, scan bytea,
    code text UNIQUE
);
CREATE INDEX people_email ON people (email);
CREATE STATISTICS people_pairs (mcv) ON name, email FROM people;
INSERT INTO people (name, email, note, code)
SELECT 'Person ' || i, 'person' || i || '@northlake-mail.net', 'note', 'C' || i
FROM generate_series(1, 200) i;
CREATE TABLE wards (id int PRIMARY KEY, label text, terms text[], detail text);
CREATE INDEX wards_label ON wards (label);
CREATE INDEX wards_terms ON wards USING gin (terms);
INSERT INTO wards SELECT i, 'Ward ' || i, ARRAY['bed ' || i] FROM generate_series(1, 500) i;
CREATE TABLE letters (id serial, note text);
CREATE TABLE beds (id int, label text);
CREATE TABLE rooms (id int, guest text, bed text);
CREATE TABLE stays (day date, guest text, bed text) PARTITION BY RANGE (day);
CREATE TABLE stays_2026 PARTITION OF stays FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
"""
POLICY = """\
policy: {database}
version: 1
large_objects: {treat: empty, reason: scans of letters}
tables:
  public.people:
    columns: {id: non_identifying, name: name.full, email: email, note: free_text, scan: binary,
              code: {category: account_number, treat: {kind: unique, format: digits}}, origin: free_text}
  public.wards: {columns: {id: non_identifying, label: non_identifying, terms: non_identifying,
              detail: non_identifying}}
  public.letters: {columns: {id: non_identifying, note: free_text}}
  public.beds: {columns: {id: non_identifying, label: non_identifying}}
  public.rooms: {columns: {id: non_identifying, bed: non_identifying}}
  public.stays: {columns: {day: non_identifying, bed: non_identifying}}
"""
SETTLE = "CREATE MATERIALIZED VIEW summary AS SELECT name, note FROM people; CREATE INDEX ON summary (name)"

_LONG = "repeat('It was a quiet night. ', 40) || %s || repeat(' Nothing was said.', 40)"
_LONGER = "(SELECT string_agg(md5(i::text), ' ') || ' ' || %s FROM generate_series(1, 400) i)"
_FOLDED = "(SELECT string_agg(repeat(md5(i::text), 3), ' ') || ' ' || %s FROM generate_series(1, 400) i)"

TREATED = (
    Canary("row", "table public.people", "scrub", "INSERT INTO people (name) VALUES (%s)"),
    Canary(
        "index", "index public.people_email .*", "scrub", "INSERT INTO people (name, email) VALUES ('x', %s)"
    ),
    Canary(
        "old version",
        "table public.letters",
        "scrub",
        "INSERT INTO letters (note) VALUES (%s);; UPDATE letters SET note = 'new'",
    ),
    Canary(
        "deleted index entry",
        "index public.people_email .*",
        "scrub",
        "INSERT INTO people (name, email) VALUES ('gone', %s);; DELETE FROM people WHERE name = 'gone'",
    ),
    Canary(
        "compressed", "table public.people", "scrub", f"INSERT INTO people (name, note) VALUES ('p', {_LONG})"
    ),
    Canary(
        "TOAST",
        "(TOAST of )?table public.people",
        "scrub",
        f"INSERT INTO people (name, note) VALUES ('t', {_LONGER})",
    ),
    Canary(
        "old TOAST",
        "TOAST of table public.people",
        "scrub",
        f"INSERT INTO people (name, note) VALUES ('o', {_FOLDED});; "
        "UPDATE people SET note = '' WHERE name = 'o'",
    ),
    Canary(
        "dropped column",
        "table public.rooms",
        "scrub",
        "INSERT INTO rooms VALUES (1, %s, 'A');; ALTER TABLE rooms DROP COLUMN guest",
    ),
    Canary(
        "dropped column of a partition",
        "table public.stays_2026",
        "scrub",
        "INSERT INTO stays VALUES ('2026-05-05', %s, 'A');; ALTER TABLE stays DROP COLUMN guest",
    ),
    Canary(
        "default of old rows",
        "catalog pg_attribute",
        "scrub",
        "ALTER TABLE people ADD origin text DEFAULT %s;; ALTER TABLE people ALTER origin DROP DEFAULT",
    ),
    Canary("large object", "large object", "scrub", "SELECT lo_from_bytea(0, convert_to(%s, 'UTF8'))"),
    Canary("base64", "table public.people", "scrub", "INSERT INTO people (name, note) VALUES ('b', %b)"),
    Canary(
        "hexadecimal",
        "table public.people",
        "scrub",
        "INSERT INTO people (name, note) VALUES ('h', 'x' || encode(%s, 'hex'))",
    ),
    Canary(
        "percent",
        "table public.people",
        "scrub",
        "INSERT INTO people (name, note) VALUES ('%', replace(%s, ' ', '%20'))",
    ),
    Canary(
        "utf-16",
        "table public.people",
        "scrub",
        r"INSERT INTO people (name, scan) VALUES ('u', (SELECT string_agg(convert_to(c, 'UTF8') || '\x00', "
        r"'') FROM regexp_split_to_table(%s, '') c))",
    ),
    Canary("binary", "table public.people", "scrub", "INSERT INTO people (name, scan) VALUES ('r', %s)"),
)
"""Where the rewrite of a table leaves nothing."""

LEFT = (
    Canary(
        "materialized view",
        "materialized view public.summary",
        "purge",
        "INSERT INTO people (name, note) VALUES ('m', %s)",
    ),
    Canary(
        "index of a materialized view",
        "index public.summary_name_idx .*",
        "purge",
        "INSERT INTO people (name) VALUES (%s)",
    ),
    Canary(
        "statistics",
        "statistics pg_stats",
        "purge",
        "INSERT INTO people (name) SELECT %s FROM generate_series(1, 90)",
    ),
    Canary(
        "extended statistics",
        "statistics pg_stats_ext",
        "purge",
        "INSERT INTO people (name, email) SELECT 'many', %s FROM generate_series(1, 90)",
    ),
    Canary("mapping", ".*understudy.*", "purge", "INSERT INTO people (name, code) VALUES ('c', %s)"),
    Canary(
        "old comment",
        ".*pg_description",
        "purge",
        "COMMENT ON TABLE wards IS %s;; COMMENT ON TABLE wards IS NULL",
    ),
    Canary(
        "old function",
        ".*pg_proc",
        "purge",
        "DO $do$ BEGIN EXECUTE format($$CREATE FUNCTION who() RETURNS text LANGUAGE sql AS %L$$, "
        "format($$SELECT %L$$, %s)); END $do$;; DROP FUNCTION who()",
    ),
    Canary(
        "name of a dropped schema",
        ".*pg_namespace",
        "purge",
        "DO $$ BEGIN EXECUTE format('CREATE SCHEMA %I', %s); END $$;; "
        "DO $$ BEGIN EXECUTE format('DROP SCHEMA %I', %s); END $$",
    ),
    Canary(
        "label of a dropped enum",
        ".*pg_enum",
        "purge",
        "CREATE TYPE visitor AS ENUM (%s);; DROP TYPE visitor",
    ),
    Canary(
        "old setting",
        ".*pg_db_role_setting",
        "purge",
        "ALTER DATABASE {database} SET app.who = %s;; ALTER DATABASE {database} RESET app.who",
    ),
    Canary(
        "comment on a large object",
        "catalog pg_description",
        "purge",
        "SELECT lo_create(4711);; COMMENT ON LARGE OBJECT 4711 IS %s",
    ),
    Canary(
        "old version in a kept table",
        "table public.beds",
        "purge",
        "INSERT INTO beds VALUES (900, %s);; UPDATE beds SET label = 'better'",
    ),
    Canary(
        "deleted entry of a kept index",
        "index public.wards_label .*",
        "purge",
        "INSERT INTO wards VALUES (901, %s);; DELETE FROM wards WHERE id = 901",
    ),
    Canary(
        "deleted entry of a GIN index",
        "index public.wards_terms .*",
        "purge",
        "INSERT INTO wards VALUES (902, 'z', ARRAY[%s]);; DELETE FROM wards WHERE id = 902",
    ),
    Canary(
        "free space of a kept table",
        "table public.wards",
        "purge",
        "INSERT INTO wards VALUES (903, %s);; DELETE FROM wards WHERE id = 903;; VACUUM wards",
    ),
    Canary(
        "deleted TOAST of a kept table",
        "TOAST of table public.wards",
        "purge",
        f"INSERT INTO wards (id, detail) VALUES (904, {_FOLDED});; DELETE FROM wards WHERE id = 904",
    ),
    Canary("WAL", "WAL", "purge", inside="SELECT pg_logical_emit_message(false, 'canary', %s)"),
    *(
        Canary(file.rpartition("/")[2], place, "purge", file=file)
        for file, place in {
            "server.log": "server log",
            "data/pg_wal/000000010000000A000000FF": "WAL",
            "data/pg_stat/pg_stat_statements.stat": ".*pg_stat_statements.*",
            "data/pg_stat_tmp/pgss_query_texts.stat": ".*pgss_query_texts.*",
            "data/pg_twophase/left.behind": "two-phase file",
            "data/pg_notify/queued": "notifications",
            "data/pg_replslot/state": "replication slot",
            "data/pg_logical/snapshots/left.snap": "logical decoding",
            "data/pg_logical/mappings/left.map": "logical decoding",
            "data/pg_snapshots/00000003-1": ".*00000003-1",
            "data/pg_dynshmem/mmap.77": ".*mmap.77",
            "data/base/pgsql_tmp/pgsql_tmp77.0": "temporary file",
            "data/base/{database}/9999901": "orphan file .*9999901",
            "data/base/{database}/t3_9999902": "orphan file .*9999902",
            "data/base/{database}/9999903.1": "orphan file .*9999903.1",
            "data/base/9999904/1259": "database 9999904/1259",
            "data/global/9999905": "orphan file .*9999905",
            "data/backup_label.old": ".*backup_label.old",
        }.items()
    ),
)
"""Where the scrub does not reach."""

CANARIES = (*TREATED, *LEFT)
