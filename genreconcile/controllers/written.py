"""What was stated of objects that were then as stated: what differs although the same is stated is drift.

Invariant: a digest alone is kept, no values. Thread-safe.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable
from typing import Final, Generic, NamedTuple, TypeVar

from genreconcile.apply.result import Outcome, Result
from genreconcile.gojson import dumps_sorted
from genreconcile.objects import Object, ObjectKey

Owner = TypeVar("Owner")

Stated = tuple[ObjectKey, Object]
"""An object as it was stated, and its key."""
_CHANGED: Final = frozenset({"created", "configured"})


class _Digest(NamedTuple):
    """``is_now``: the object was so in the last run; else in an earlier one."""

    of: bytes
    is_now: bool


class Written(Generic[Owner]):
    """By owner, of each of its objects that was as it is stated, in the last run or before, the digest of that."""

    def __init__(self) -> None:
        self._of: dict[Owner, dict[ObjectKey, _Digest]] = {}
        self._lock = threading.Lock()

    def note(self, owner: Owner, stated: Iterable[Stated], result: Result) -> list[Outcome]:
        """Note which objects are as stated now. Returns the outcomes of those that had drifted: somebody else had
        changed or deleted them, for the same was stated, and written, before.
        """
        done = {outcome.key: outcome for outcome in result if outcome.is_converged}
        digests = {key: digest(obj) for key, obj in stated}
        with self._lock:
            before = {key: found.of for key, found in self._of.get(owner, {}).items()}
            same = {key for key, found in digests.items() if before.get(key) == found}
            # What is not repaired now, as in a fight, is drift still when it is.
            self._of[owner] = {
                key: _Digest(found, key in done) for key, found in digests.items() if key in done or key in same
            }
        return [done[key] for key in digests if key in same and key in done and done[key].status in _CHANGED]

    def has(self, owner: Owner, key: ObjectKey, stated: Object) -> bool:
        """Whether the object was as it is stated in the last run."""
        with self._lock:
            return self._of.get(owner, {}).get(key) == _Digest(digest(stated), is_now=True)

    def forget(self, owner: Owner) -> None:
        """Drop what is known of an owner that is gone."""
        with self._lock:
            self._of.pop(owner, None)


def digest(stated: Object) -> bytes:
    """Equal for equal objects."""
    return hashlib.blake2b(dumps_sorted(stated), digest_size=16).digest()
