"""How long it takes to read the catalog of a thousand tables and to compile the plan for them.

python -m benchmarks.planning [--tables 1000]
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from benchmarks.figures import best, record
from benchmarks.scrub import server
from sanitizers.policy.bind import compile_plan
from sanitizers.policy.document import load_policy
from sanitizers.postgres.introspect import read_catalog

TABLE = """CREATE TABLE t{n} (id bigint PRIMARY KEY, parent bigint REFERENCES t{before}, email text UNIQUE,
    first_name text, last_name text, phone text, street text, born date, note text, amount numeric(12, 2));
    CREATE INDEX ON t{n} (parent)"""
RULE = """  public.t{n}:
    subject: id
    columns: {{id: non_identifying, parent: non_identifying, email: email, first_name: name.first,
      last_name: name.last, phone: phone, street: postal_address.street, born: quasi_identifier.birth_date,
      note: free_text, amount: financial_sensitive}}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="How long planning takes.")
    parser.add_argument("--tables", type=int, default=1000)
    tables = parser.parse_args().tables
    with tempfile.TemporaryDirectory(prefix="understudy-bench-") as name:
        os.chmod(name, 0o755)
        path = Path(name) / "policy.yaml"
        path.write_text(
            "policy: bench\nversion: 1\ntables:\n" + "".join(RULE.format(n=n) for n in range(tables))
        )
        with server(Path(name)) as connection:
            for n in range(tables):
                connection.execute(TABLE.format(n=n, before=max(n - 1, 0)).encode())
            reading = best(lambda: read_catalog(connection))
            catalog = read_catalog(connection)
            # A new policy every time: what the compiler remembers within one run is part of it.
            compiling = best(lambda: compile_plan(load_policy(path), catalog))
    record(
        plan_1000_tables_seconds=round((reading + compiling) * 1000 / tables, 2),
        catalog_1000_tables_seconds=round(reading * 1000 / tables, 2),
    )


if __name__ == "__main__":
    main()
