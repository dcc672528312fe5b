"""How long Airflow takes to read the DAGs of many databases, and of the one a task belongs to.

    python -m benchmarks.dag_parsing [--databases 200] [--columns 60]

Prints seconds (the smallest of several runs) and, since machines differ, multiples of what the same machine
takes to read the same policies with the YAML library alone.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from benchmarks.figures import best, record

_HOME = tempfile.TemporaryDirectory(prefix="understudy-benchmark-")
os.environ["AIRFLOW_HOME"] = _HOME.name  # before anything imports Airflow
os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "ERROR"

ROOT = Path(__file__).resolve().parents[1]
TARGET = """\
  {name}:
    policy: {name}.yaml
    source: {{dsn: "host=production user=copier dbname={name}", password: "env:NOT_SET"}}
    endpoint: {{provider: service, service: {name}_staging, file: pg_service.conf}}
    schedule: {{cron: "30 1 * * *", timezone: Europe/Vienna, fresh_by: "06:00"}}
"""


def write(folder: Path, databases: int, columns: int) -> None:
    """Settings with that many targets, and a policy of that many columns for each."""
    names = [f"db{number}" for number in range(databases)]
    rules = "".join(f"      c{number}: {{category: email, reason: none}}\n" for number in range(12))
    for name in names:
        tables = "".join(f"  public.t{number}:\n    columns:\n{rules}" for number in range(columns // 12))
        (folder / f"{name}.yaml").write_text(f"policy: {name}\nversion: 1\ntables:\n{tables}")
    settings = "targets:\n" + "".join(TARGET.format(name=name) for name in names)
    (folder / "understudy.yaml").write_text(settings)
    os.environ["UNDERSTUDY_SETTINGS"] = str(folder / "understudy.yaml")


def read_dags(expected: int) -> None:
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(str(ROOT / "dags" / "refresh.py"))
    assert not bag.import_errors
    assert len(bag.dags) == expected


def read_yaml(folder: Path) -> None:
    from ruamel.yaml import YAML

    for file in folder.glob("db*.yaml"):
        YAML(typ="safe").load(file)


def main() -> None:
    parser = argparse.ArgumentParser(description="How long Airflow takes to read the DAGs.")
    parser.add_argument("--databases", type=int, default=200)
    parser.add_argument("--columns", type=int, default=60)
    wanted = parser.parse_args()
    folder = Path(_HOME.name)
    write(folder, wanted.databases, wanted.columns)
    read_dags(wanted.databases)
    every = best(lambda: read_dags(wanted.databases))
    os.environ["_AIRFLOW_PARSING_CONTEXT_DAG_ID"] = "staging_db7"
    one = best(lambda: read_dags(1))
    yaml = best(lambda: read_yaml(folder))
    record(
        dag_parse_databases=wanted.databases,
        dag_parse_all_seconds=round(every, 3),
        dag_parse_all_vs_yaml=round(every / yaml, 2),
        dag_parse_one_seconds=round(one, 4),
        dag_parse_one_vs_all=round(one / every, 4),
    )


if __name__ == "__main__":
    main()
