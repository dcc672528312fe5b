"""Plan: reads the clone's catalog, binds the policy to it, freezes what will be done."""

from __future__ import annotations

from sanitizers.policy.bind import compile_plan
from sanitizers.postgres.introspect import read_catalog
from sanitizers.results import PlanResult
from sanitizers.stages.base import Run

NAME = "plan"


def run(run: Run) -> PlanResult:
    """The frozen plan. PlanRefused lists everything that does not fit, before a single row is touched."""
    with run.clone() as connection:
        return PlanResult(compile_plan(run.policy, read_catalog(connection)))
