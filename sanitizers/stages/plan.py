"""Plan: reads the clone's catalog, binds the policy to it, freezes what will be done."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from psycopg import Connection, RawCursor

from sanitizers.catalog import Catalog
from sanitizers.errors import PlanRefused, Problem
from sanitizers.policy.bind import compile_plan
from sanitizers.policy.document import LoadedPolicy
from sanitizers.policy.plan import Plan
from sanitizers.postgres.introspect import read_catalog
from sanitizers.results import PlanResult
from sanitizers.stages.base import Run
from sanitizers.transformers.words import pool
from sanitizers.validators.suites import expectation_problems

NAME = "plan"


def run(run: Run) -> PlanResult:
    """The frozen plan. PlanRefused lists everything that does not fit, before a single row is touched."""
    with run.clone() as connection:
        plan = make_plan(run.policy, read_catalog(connection), run.clock().date())
        if problems := tuple(_unmet(connection, plan)):
            raise PlanRefused(
                "the policy does not fit the rows", where=str(run.policy.path), problems=problems
            )
    return PlanResult(plan)


def _unmet(connection: Connection[Any], plan: Plan) -> Iterator[Problem]:
    """What the plan demands of the rows and they do not satisfy."""
    for demand in plan.demands:
        holds = RawCursor(connection).execute(demand.holds.sql.encode()).fetchone()
        if holds is not None and holds[0] is False:
            yield Problem(demand.where, demand.otherwise, demand.hint)


def make_plan(policy: LoadedPolicy, catalog: Catalog, today: date) -> Plan:
    """What the policy means for this catalog on this day, its expectations and exemptions included."""
    if problems := (*expectation_problems(policy, catalog), *_expired(policy, today)):
        raise PlanRefused("the policy does not hold any more", where=str(policy.path), problems=problems)
    # A locale without word lists is to be known now, not in the middle of the scrub.
    pool("first_name", policy.policy.locale)
    return compile_plan(policy, catalog)


def _expired(policy: LoadedPolicy, today: date) -> Iterator[Problem]:
    for table, rule in policy.policy.tables.items():
        if rule.exempt and rule.exempt.expires and rule.exempt.expires < today:
            where = policy.where("tables", table, "exempt", "expires")
            what = f"{table}: the exemption expired on {rule.exempt.expires}"
            yield Problem(where, what, f"ask {rule.exempt.owner} whether it is still needed")
