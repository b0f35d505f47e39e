"""The values of objects that were just deleted: the server frees them a moment after its watch has shown the deletion.

Invariant: a value counts as freed only for ``SECONDS``, and never while another object is known to hold it.
Source: ``Store.finalizeDelete`` of the API server deletes from etcd first, and calls ``AfterDelete`` then; where the
garbage collector ends a foreground deletion, nobody else learns when that has returned.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any, Final

from cachetools import TTLCache

from genreconcile.apply.exclusive import held
from genreconcile.apply.holders import holder_of, may_be_held
from genreconcile.cache import Cache
from genreconcile.errors import ClusterError
from genreconcile.kinds.discovery import Resource
from genreconcile.objects import Object
from genreconcile.plan import Change

SECONDS: Final = 10.0
_MOST: Final = 10_000
"""A bound on the values kept; of more, a refusal is an outcome that the next reconcile mends."""


class Releases:
    """What the deletions of one process have freed; thread-safe."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._values: TTLCache[Any, None] = TTLCache(_MOST, SECONDS)
        self._lock = threading.Lock()

    def note(self, change: Change) -> None:
        """Remember the values of the live object of a deletion that is about to be sent, or that has just ended."""
        with self._lock:
            for value in _values(change, change.live or {}):
                self._values[value] = None

    def are_awaited(self, error: ClusterError, change: Change, resource: Resource) -> bool:
        """Whether a write was refused for a value that is about to be free."""
        if not may_be_held(error):
            return False
        with self._lock:
            is_freed = any(value in self._values for value in _values(change, change.expected or {}))
        return is_freed and holder_of(change, resource, self._cache) is None


def _values(change: Change, obj: Object) -> Iterator[tuple[Any, ...]]:
    for one in held(change.gvk, obj):
        yield change.key.group, change.key.kind, one.pool, one.value
