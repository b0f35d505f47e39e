"""Exit codes.

Invariant: one rule for all commands: 0 converged, 1 differences remain, 2 and more: the command could not tell.
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
    """The code of a plan: an object that could not be judged outweighs a guard's refusal, and that differences."""
    if any(change.error is not None for change in plan.changes):
        return UNKNOWN
    if plan.refusals:
        return REFUSED
    differs = any(change.operation != "none" or change.skipped for change in plan.changes)
    return DIFFERENCES if differs else CONVERGED


def of_result(result: Result) -> int:
    """The code of a result: objects that failed or were skipped still differ."""
    differs = any(outcome.status in {"failed", "skipped"} for outcome in result.outcomes)
    return DIFFERENCES if differs else CONVERGED


def of_error(error: ReconcileError) -> int:
    """The code of an error that ended the command."""
    if isinstance(error, PlanRefused):
        return REFUSED
    return UNREACHABLE if isinstance(error, ClusterError | NotSynced) else UNKNOWN
