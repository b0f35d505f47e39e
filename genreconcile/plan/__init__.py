"""What a reconcile would do.

Invariant: making a plan sends no write; a plan is data, and printing or comparing one sends no request.
"""

from genreconcile.plan.awaiting import awaiting, changes_schema, deferred, with_definitions
from genreconcile.plan.change import OPERATIONS, Change, OwnerPlan, Plan
from genreconcile.plan.drift import change_for
from genreconcile.plan.pruning import UNPROVEN, deletions_among, withheld
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
    "change_for",
    "changes_schema",
    "deferred",
    "deletions_among",
    "with_definitions",
    "withheld",
]
