"""Keys of a run are seen by nobody: not in statements, the plan, what others see of a session, or the log."""

from __future__ import annotations

import threading
from pathlib import Path

import psycopg

from sanitizers.policy.bind import compile_plan
from sanitizers.policy.plan import PLAN
from sanitizers.postgres import configuration
from sanitizers.postgres.binaries import find_binaries
from sanitizers.postgres.cluster import create_cluster
from sanitizers.postgres.introspect import read_catalog
from tests.scrubbing import KEY, policy, scrub, session

RULES = """
  public.person:
    subject: id
    columns:
      id: non_identifying
      name: name.full
      email: {category: email, treat: {kind: surrogate, of: email, domain: email}}
      ssn: {category: ssn, treat: {kind: unique, format: ssn, by: id}}
      mrn: mrn
      amount: financial_sensitive
"""


def test_keys_show_up_nowhere(home: Path, tmp_path: Path) -> None:
    sealed = configuration.sealed("secrets", version=180000, prepared=0)
    wanted = {name: value for name, value in sealed.items() if name not in {"listen_addresses", "port"}}
    cluster = create_cluster(
        home / "clone", find_binaries(18, home=home), settings={**wanted, "summarize_wal": False}
    )
    seen: set[str] = set()
    over = threading.Event()

    def watch() -> None:
        with psycopg.connect(cluster.dsn(), autocommit=True) as watcher:
            while not over.is_set():
                seen.update(row[0] for row in watcher.execute("SELECT query FROM pg_stat_activity"))

    with session(cluster.dsn()) as connection:
        connection.execute(
            "CREATE TABLE person AS SELECT n AS id, 'Some Name' AS name, 'a' || n || '@b.org' AS email,"
            " '123-45-6789' AS ssn, 'M' || n AS mrn, n * 1.5 AS amount FROM generate_series(1, 30000) n"
        )
        connection.execute("ALTER TABLE person ADD PRIMARY KEY (id)")
        catalog = read_catalog(connection)
        plan = compile_plan(policy(tmp_path, RULES), catalog)
        watcher = threading.Thread(target=watch)
        watcher.start()
        scrub(connection, plan, catalog)
        over.set()
        watcher.join()
    cluster.stop()
    assert any("CREATE TABLE" in query and "heap_" in query for query in seen)
    secrets = [KEY.secret, *KEY.pads("domain:email"), *KEY.pads("domain:public.person.id")]
    fraction = str(round(0.5 + 0.45 * KEY.fraction("factor:financial_sensitive"), 12))
    shown = "\n".join([*seen, PLAN.dump_json(plan).decode(), cluster.log.read_text()]).lower()
    for secret in [*(found.hex() for found in secrets), fraction]:
        assert secret not in shown
