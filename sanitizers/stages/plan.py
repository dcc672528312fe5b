"""Plan: reads the clone's catalog, binds the policy to it, freezes what will be done."""

from __future__ import annotations

from sanitizers.catalog import Catalog
from sanitizers.errors import PlanRefused
from sanitizers.policy.bind import compile_plan
from sanitizers.policy.document import LoadedPolicy
from sanitizers.policy.plan import Plan
from sanitizers.postgres.introspect import read_catalog
from sanitizers.results import PlanResult
from sanitizers.stages.base import Run
from sanitizers.validators.suites import expectation_problems

NAME = "plan"


def run(run: Run) -> PlanResult:
    """The frozen plan. PlanRefused lists everything that does not fit, before a single row is touched."""
    with run.clone() as connection:
        catalog = read_catalog(connection)
    return PlanResult(make_plan(run.policy, catalog))


def make_plan(policy: LoadedPolicy, catalog: Catalog) -> Plan:
    """What the policy means for this catalog, its expectations included."""
    if problems := expectation_problems(policy, catalog):
        raise PlanRefused(
            "the expectations do not fit the database", where=str(policy.path), problems=tuple(problems)
        )
    return compile_plan(policy, catalog)
