"""The object that holds a value which only one object may have.

Invariant: only the cache is read; of a kind that is not watched no holder is known.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from genreconcile.apply.exclusive import Held, held, shared
from genreconcile.cache import Cache
from genreconcile.cluster.refusal import PLUGIN, REFUSED_BY, VALIDATION
from genreconcile.errors import CacheError, ClusterError, Forbidden, Invalid
from genreconcile.kinds.discovery import Resource
from genreconcile.objects import ObjectKey, namespace_of
from genreconcile.plan import Change

HELD_BY: Final = "heldBy"
"""The name in an error's ``details`` of the ObjectKey of the object that holds the value asked for."""
_INTERNAL: Final = 500
_ALLOCATED: Final = "is already allocated"


class Holder(NamedTuple):
    """Another object, and the value asked for that it holds."""

    key: ObjectKey
    held: Held

    def __str__(self) -> str:
        return f"{self.key} holds {self.held.value!r} ({self.held.field})"


def holder_of(change: Change, resource: Resource, cache: Cache) -> Holder | None:
    """Another live object that holds a value which the change asks for, None where none is known."""
    expected = change.expected or {}
    if not held(change.gvk, expected):
        return None
    try:
        found = cache.list(resource)
    except CacheError:
        return None
    for other in found:
        key = ObjectKey(change.key.group, change.key.kind, namespace_of(other), other["metadata"]["name"])
        if key != change.key and (values := shared(change.gvk, expected, other)):
            return Holder(key, values[0])
    return None


def may_be_held(error: ClusterError) -> bool:
    """Whether a refusal may come of a value that another object holds.

    For the port of a health check the server answers with an internal error: ``allocHealthCheckNodePort`` of its
    ``registry/core/service/storage``.
    """
    by = error.details.get(REFUSED_BY)
    return (
        (isinstance(error, Invalid) and by == VALIDATION)
        or (isinstance(error, Forbidden) and by == PLUGIN)
        or (error.status == _INTERNAL and _ALLOCATED in str(error))
    )
