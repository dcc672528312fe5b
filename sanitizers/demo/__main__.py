"""`python -m sanitizers.demo`: the demo's hospital in an empty database, or a day passing in a filled one.

The database is the one that libpq's variables name (PGHOST, PGDATABASE, PGUSER, PGPASSWORD).
"""

from __future__ import annotations

import psycopg

from sanitizers.demo.session import fill
from sanitizers.postgres.connection import described

if __name__ == "__main__":
    with described("filling the hospital"), psycopg.connect("", autocommit=True) as connection:
        print(fill(connection, 1000))
