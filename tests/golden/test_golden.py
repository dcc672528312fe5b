"""Policy and schema in, SQL out, word for word: a change of what the scrub runs shows up in a diff.

Each folder beside this file is a case. After a wanted change, write the expected files anew and review them:
`REGENERATE=1 pytest tests/golden`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlglot import parse_one

from sanitizers.policy.bind import compile_plan
from sanitizers.policy.document import load_policy
from sanitizers.policy.plan import Plan, Statement
from sanitizers.postgres.introspect import read_catalog
from tests.scrubbing import scrub, session

CASES = sorted(folder for folder in Path(__file__).parent.iterdir() if (folder / "policy.yaml").is_file())


def written(plan: Plan) -> str:
    """A plan's statements, laid out to be read, with the names of their parameters."""
    return "\n".join(_lines(plan))


def _lines(plan: Plan) -> Iterator[str]:
    if plan.subset is not None:
        yield from (f"-- {found.table}: {found.said}" for found in plan.subset.tables)
        for step in plan.subset.steps:
            for fill in step.fills:
                title = f"rows {fill.into}{', until there are no more' * step.repeats}"
                yield from _statement(title, Statement(fill.sql, fill.bindings))
    for made in plan.mappings:
        yield from _statement(f"mapping {made.table} of domain {made.domain}", made.create)
    for rewrite in sorted(plan.rewrites, key=lambda rewrite: rewrite.heap):
        yield from _statement(f"{rewrite.heap} ({', '.join(rewrite.insert)}): {rewrite.why}", rewrite.select)


def _statement(title: str, statement: Statement) -> Iterator[str]:
    yield f"-- {title}"
    yield from (f"-- ${number}: {name}" for number, name in enumerate(statement.bindings, 1))
    tree = parse_one(statement.sql, dialect="postgres")
    yield tree.sql(dialect="postgres", pretty=True, normalize_functions=False) + ";\n"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_golden(case: Path, postgres_database: str) -> None:
    with session(postgres_database) as connection:
        connection.execute((case / "schema.sql").read_bytes())
        catalog = read_catalog(connection)
        plan = compile_plan(load_policy(case / "policy.yaml"), catalog)
        if os.environ.get("REGENERATE"):
            (case / "expected.sql").write_text(written(plan), encoding="utf-8")
        assert written(plan) == (case / "expected.sql").read_text(encoding="utf-8")
        scrub(connection, plan, catalog)
