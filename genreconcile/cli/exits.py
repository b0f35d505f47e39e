"""Exit codes.

Invariant: one rule for all commands: 0 converged, 1 differences remain, 2 and more: could not tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from genreconcile.errors import ClusterError, NotSynced, PlanRefused, ReconcileError

if TYPE_CHECKING:
    from genreconcile.apply.result import Result
    from genreconcile.plan import Plan

CONVERGED = 0
DIFFERENCES = 1
UNKNOWN = 2
UNREACHABLE = 3
REFUSED = 4
INTERRUPTED = 130


def of_plan(plan: Plan) -> int:
    """An object that could not be judged outweighs a guard's refusal, which outweighs differences."""
    if any(change.error is not None for change in plan.changes):
        return UNKNOWN
    if plan.refusals:
        return REFUSED
    differs = any(change.operation != "none" or change.skipped for change in plan.changes)
    return DIFFERENCES if differs else CONVERGED


def of_result(result: Result) -> int:
    """What failed or was skipped still differs."""
    differs = any(outcome.status in {"failed", "skipped"} for outcome in result.outcomes)
    return DIFFERENCES if differs else CONVERGED


def of_error(error: ReconcileError) -> int:
    """The exit code for an error that ended the command."""
    if isinstance(error, PlanRefused):
        return REFUSED
    return UNREACHABLE if isinstance(error, ClusterError | NotSynced) else UNKNOWN
