"""Approve: an optional human go or no-go between validation and switch."""

from __future__ import annotations

from sanitizers.errors import NotApproved
from sanitizers.results import ApproveResult
from sanitizers.stages.base import Run

NAME = "approve"


def run(run: Run) -> ApproveResult:
    """Nothing to ask unless the target says `approval: required`. NotApproved when nobody says yes."""
    if run.target.approval == "none":
        return ApproveResult(required=False)
    if run.approver is None:
        raise NotApproved(
            "this target wants a person's approval and nobody was there to give it",
            where=run.generation,
            hint="run it on a terminal, or give --approve-as NAME --reason TEXT",
        )
    by, reason = run.approver(run.database, run.generation)
    return ApproveResult(True, by, reason, run.clock())
