"""What a reconcile would do.

Invariant: pure: a plan is data; making, printing or comparing one sends no request.
"""

from genreconcile.plan.change import OPERATIONS, Change, Plan
from genreconcile.plan.judge import judge
from genreconcile.plan.prune import Prune, prune, withheld

__all__ = ["OPERATIONS", "Change", "Plan", "Prune", "judge", "prune", "withheld"]
