"""What a caller decides: ``Options`` of a Reconciler, for its life, and ``Settings`` of one call.

Invariant: each of them is checked when it is made.
"""

from genreconcile.settings.call import CHILDREN, NotOlderThan, Selector, Settings
from genreconcile.settings.options import FollowDefinitions, Options
from genreconcile.settings.prune import EVERY_KIND, OwnerRef, Prune

__all__ = [
    "CHILDREN",
    "EVERY_KIND",
    "FollowDefinitions",
    "NotOlderThan",
    "Options",
    "OwnerRef",
    "Prune",
    "Selector",
    "Settings",
]
