"""What the scrub costs: as multiples of VACUUM FULL of the same table, which rewrites it and does no more.

    python -m benchmarks.scrub [--rows 5000000] [--sizes 1000000,5000000,20000000]

A patients table of 13 columns and three indexes on a server configured as a sealed clone is. Everything is
measured in turns in one run, since machines differ and are noisy.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection, RawCursor

from benchmarks.figures import best, record, seconds
from sanitizers.catalog import Name
from sanitizers.keys import RunKey
from sanitizers.policy.bind import compile_plan
from sanitizers.policy.bindings import Bindings
from sanitizers.policy.document import LoadedPolicy, load_policy
from sanitizers.policy.plan import Plan
from sanitizers.postgres import configuration
from sanitizers.postgres.binaries import find_binaries
from sanitizers.postgres.cluster import create_cluster
from sanitizers.postgres.introspect import read_catalog
from sanitizers.postgres.statements import statement
from sanitizers.stages.scrub import prepare, rewrite_table

TABLE = Name("public", "patients")
# Values in no order, as production's are: sorted ones would make building an index look cheap.
SEED = """
CREATE TABLE patients (
    id bigint PRIMARY KEY, mrn text NOT NULL, ssn text NOT NULL, first_name varchar(60) NOT NULL,
    last_name varchar(60) NOT NULL, birth_date date, sex char(1), email text, phone text, street text,
    city text, notes text, created_at timestamptz NOT NULL
);
INSERT INTO patients
SELECT n, 'MRN' || lpad(n::text, 9, '0'),
       regexp_replace((100000000 + hash % 799999999)::text, '(...)(..)', '\\1-\\2-'),
       'First' || hash % 700, 'Last' || hash % 9000, date '1930-01-01' + (hash % 30000)::int, 'f',
       'user' || hash || '@mail.example.net', '617-' || 100 + hash % 899 || '-' || 1000 + hash % 8999,
       hash % 999 || ' Main Street', 'Springfield', repeat('a note about a visit ', 8), now()
FROM (SELECT n, abs(hashint8(n)::bigint) * 1000 + n % 1000 AS hash FROM generate_series(1, {rows}) AS n) AS s;
CREATE INDEX ON patients (ssn);
CREATE INDEX ON patients (email);
VACUUM (FREEZE, ANALYZE) patients;
CHECKPOINT;
"""
KEPT = dict.fromkeys(
    ("id", "mrn", "ssn", "first_name", "last_name", "birth_date", "sex", "email", "phone", "street", "city",
     "notes", "created_at"),
    "non_identifying",
)  # fmt: skip
TWO = KEPT | {"first_name": "name.first", "phone": "phone"}
SEVEN = TWO | {
    "last_name": "name.last",
    "ssn": "{category: ssn, treat: {kind: unique, format: ssn, by: id}}",
    "birth_date": "{category: quasi_identifier.birth_date, treat: {kind: date_shift}}",
    "email": "email",
    "street": "postal_address.street",
}


def policy(folder: Path, columns: dict[str, str]) -> LoadedPolicy:
    rules = "".join(f"      {name}: {rule}\n" for name, rule in columns.items())
    path = folder / "policy.yaml"
    path.write_text(
        f"policy: bench\nversion: 1\ntables:\n  public.patients:\n    subject: id\n    columns:\n{rules}"
    )
    return load_policy(path)


@contextmanager
def server(home: Path) -> Iterator[Connection[Any]]:
    """A session on a server that is configured as a sealed clone is."""
    binaries = find_binaries(18, home=home)
    sealed = configuration.sealed("bench", version=180000, prepared=0)
    settings = {name: value for name, value in sealed.items() if name not in {"listen_addresses", "port"}}
    cluster = create_cluster(home / "server", binaries, settings={**settings, "summarize_wal": False})
    try:
        with psycopg.connect(cluster.dsn(), autocommit=True, prepare_threshold=None) as connection:
            connection.execute(statement("scrub/prepare").encode())
            yield connection
    finally:
        cluster.stop(immediate=True)


def seed(connection: Connection[Any], rows: int) -> None:
    """Makes the patients; one command after the other, since VACUUM wants to be alone."""
    for command in SEED.format(rows=rows).split(";\n"):
        if command.strip():
            connection.execute(command.encode())


def scrub(connection: Connection[Any], folder: Path, columns: dict[str, str]) -> None:
    """What the scrub stage does, one heap after the other."""
    catalog, bindings = read_catalog(connection), new_bindings()
    plan = compile_plan(policy(folder, columns), catalog)
    prepare(connection, plan, bindings)
    for rewrite in plan.rewrites:
        with connection.transaction():
            rewrite_table(connection, catalog.tables[rewrite.heap], rewrite, bindings)


def new_bindings() -> Bindings:
    return Bindings(RunKey.draw(), "en_US", "staging")


class Bench:
    """One table of patients and what can be done to it."""

    def __init__(self, connection: Connection[Any], folder: Path, rows: int) -> None:
        self.connection, self.folder, self.rows = connection, folder, rows
        connection.execute("DROP TABLE IF EXISTS patients")
        seed(connection, rows)

    def vacuum_full(self) -> None:
        self.connection.execute("VACUUM FULL patients")

    def plan(self, columns: dict[str, str]) -> Plan:
        return compile_plan(policy(self.folder, columns), read_catalog(self.connection))

    def scrub(self, columns: dict[str, str]) -> None:
        scrub(self.connection, self.folder, columns)

    def update(self, columns: dict[str, str]) -> None:
        """The same expressions, row by row into the same heap, which then has to be cleaned."""
        [rewrite] = self.plan(columns).rewrites
        names = ", ".join(f"n{number}" for number in range(len(rewrite.insert)))
        sets = ", ".join(
            f'"{name}" = s.n{number}' for number, name in enumerate(rewrite.insert) if name in rewrite.treated
        )
        text = f"UPDATE patients SET {sets} FROM ({rewrite.select.sql}) AS s ({names}) WHERE id = s.n0"
        RawCursor(self.connection).execute(text.encode(), new_bindings().values(rewrite.select.bindings))
        self.vacuum_full()

    def faker(self, rows: int) -> None:
        """Row by row through Python, as tools that call Faker do."""
        from faker import Faker

        faker = Faker("en_US")
        change = (
            "UPDATE patients SET first_name = %s, last_name = %s, ssn = %s, birth_date = %s, email = %s, "
            "phone = %s, street = %s WHERE id = %s"
        )
        with self.connection.transaction():
            found = self.connection.execute("SELECT id FROM patients ORDER BY id LIMIT %s", [rows]).fetchall()
            for (row,) in found:
                values = (faker.first_name(), faker.last_name(), faker.ssn(), faker.date_of_birth(),
                          faker.email(), faker.phone_number(), faker.street_address())  # fmt: skip
                self.connection.execute(change, [*values, row])

    def expressions(self, columns: dict[str, str]) -> None:
        """The new values alone, computed by one process and thrown away."""
        [rewrite] = self.plan(columns).rewrites
        names = ", ".join(f"n{number}" for number in range(len(rewrite.insert)))
        counts = ", ".join(f"count(n{number})" for number in range(len(rewrite.insert)))
        self.connection.execute("SET max_parallel_workers_per_gather = 0")
        text = f"SELECT {counts} FROM ({rewrite.select.sql}) AS s ({names})"
        RawCursor(self.connection).execute(text.encode(), new_bindings().values(rewrite.select.bindings))
        self.connection.execute("RESET max_parallel_workers_per_gather")


def ratios(bench: Bench) -> float:
    """The scrub beside what else could be done, in turns; seconds of the fastest scrub."""
    bench.vacuum_full()
    floor, seven, two = [], [], []
    for _ in range(2):
        floor.append(seconds(bench.vacuum_full))
        seven.append(seconds(lambda: bench.scrub(SEVEN)))
        floor.append(seconds(bench.vacuum_full))
        two.append(seconds(lambda: bench.scrub(TWO)))
    vacuum = min(floor)
    updated = seconds(lambda: bench.update(SEVEN))
    some = min(20_000, bench.rows)
    faker = seconds(lambda: bench.faker(some)) * bench.rows / some
    record(
        scrub_7_of_13_vs_vacuum_full=round(min(seven) / vacuum, 2),
        scrub_2_of_13_vs_vacuum_full=round(min(two) / vacuum, 2),
        scrub_7_of_13_expressions_vs_vacuum_full=round(seconds(lambda: bench.expressions(SEVEN)) / vacuum, 2),
        update_vacuum_full_vs_scrub=round(updated / min(seven), 1),
        python_faker_vs_scrub=round(faker / min(seven), 1),
        scrub_rows=bench.rows,
        vacuum_full_seconds=round(vacuum, 2),
    )
    return min(seven)


def main() -> None:
    parser = argparse.ArgumentParser(description="What the scrub costs beside VACUUM FULL.")
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--sizes", default="1000000,5000000,20000000")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="understudy-bench-") as name:
        os.chmod(name, 0o755)
        with server(Path(name)) as connection:
            speed = {wanted.rows: wanted.rows / ratios(Bench(connection, Path(name), wanted.rows))}
            for rows in sorted({*map(int, wanted.sizes.split(","))} - {wanted.rows}):
                bench, runs = Bench(connection, Path(name), rows), 1 if rows > wanted.rows else 2
                speed[rows] = rows / best(lambda bench=bench: bench.scrub(SEVEN), runs)  # type: ignore[misc]
            record(
                rows_per_second={str(rows): round(speed[rows]) for rows in sorted(speed)},
                peak_python_mib=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
                cores=os.cpu_count(),
            )


if __name__ == "__main__":
    main()
