"""What a reconcile would do.

Invariant: pure: a plan is data; making, printing or comparing one sends no request.
"""

from genreconcile.plan.awaiting import awaiting, changes_schema, deferred, with_definitions
from genreconcile.plan.change import OPERATIONS, Change, OwnerPlan, Plan
from genreconcile.plan.judgement import judge
from genreconcile.plan.pruning import UNPROVEN, prune, withheld
from genreconcile.settings import OwnerRef, Prune

__all__ = [
    "OPERATIONS",
    "UNPROVEN",
    "Change",
    "OwnerPlan",
    "OwnerRef",
    "Plan",
    "Prune",
    "awaiting",
    "changes_schema",
    "deferred",
    "judge",
    "prune",
    "with_definitions",
    "withheld",
]
