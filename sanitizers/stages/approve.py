"""Approve: an optional human go or no-go between validation and switch."""

from __future__ import annotations

from sanitizers.errors import NotApproved
from sanitizers.results import ApproveResult
from sanitizers.stages.base import Run

NAME = "approve"


def run(run: Run) -> ApproveResult:
    """Nothing to ask unless the target says `approval: required`. NotApproved when nobody says yes.

    A refusal's `result` says who refused, when and why.
    """
    if run.target.approval == "none":
        return ApproveResult(required=False)
    if run.approver is None:
        raise NotApproved(
            "this target wants a person's approval and nobody was there to give it",
            where=run.generation,
            hint="run it on a terminal, or give --approve-as NAME --reason TEXT",
        )
    decision = run.approver(run.database, run.generation)
    result = ApproveResult(True, decision.granted, decision.by, decision.reason, decision.at or run.clock())
    if not decision.granted:
        refused = NotApproved(
            f"{decision.by} did not approve the release",
            where=run.generation,
            hint="staging serves what it served",
        )
        refused.result = result
        raise refused
    return result
