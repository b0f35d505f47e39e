"""What a reconcile would do.

Invariant: pure: a plan is data; making, printing or comparing one sends no request.
"""

from genreconcile.plan.change import OPERATIONS, Change, Plan
from genreconcile.plan.judgement import Terms, judge
from genreconcile.plan.pruning import Prune, prune, withheld

__all__ = ["OPERATIONS", "Change", "Plan", "Prune", "Terms", "judge", "prune", "withheld"]
