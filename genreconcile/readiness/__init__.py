"""How live objects are, as their status says: data, and what goes through it.

Invariant: pure: dicts in, a Status out; no threads, no network, and no kind is known in code.
"""

from genreconcile.readiness.asking import NOT_FOUND, status, status_of
from genreconcile.readiness.profile import Difference, differences
from genreconcile.readiness.rules import UserRule, parse_readiness
from genreconcile.readiness.state import Status
from genreconcile.readiness.telling import schema_tells
from genreconcile.readiness.trials import Tried, tried

__all__ = [
    "NOT_FOUND",
    "Difference",
    "Status",
    "Tried",
    "UserRule",
    "differences",
    "parse_readiness",
    "schema_tells",
    "status",
    "status_of",
    "tried",
]
