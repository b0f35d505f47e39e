"""Writes: the only package that changes a cluster.

Invariant: each patch and deletion has preconditions; the answer to a write is in the cache before the write counts as
done; a fault of one object never stops the others.
"""

from genreconcile.apply.applier import Applier
from genreconcile.apply.rehearsal import Rehearsal
from genreconcile.apply.result import ApplyFailed, Outcome, Result
from genreconcile.apply.room import is_freed, is_short_of_quota
from genreconcile.apply.stages import is_withheld
from genreconcile.apply.verify import Verifier

__all__ = [
    "Applier",
    "ApplyFailed",
    "Outcome",
    "Rehearsal",
    "Result",
    "Verifier",
    "is_freed",
    "is_short_of_quota",
    "is_withheld",
]
