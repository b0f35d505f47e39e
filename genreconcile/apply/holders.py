"""Who holds a value that only one object may have.

Invariant: looks into the cache alone; of what is not watched nothing is known.
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
"""The key of an error's ``details``: the key of the object that holds what was asked for."""


class Holder(NamedTuple):
    """Another object, and what it holds that was asked for."""

    key: ObjectKey
    held: Held

    def __str__(self) -> str:
        return f"{self.key} holds {self.held.value!r} ({self.held.field})"


def holder_of(change: Change, resource: Resource, cache: Cache) -> Holder | None:
    """Another live object that holds what this one is to have, None where none is known."""
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
    """Whether a refusal may be because of what another object holds."""
    by = error.details.get(REFUSED_BY)
    return (isinstance(error, Invalid) and by == VALIDATION) or (isinstance(error, Forbidden) and by == PLUGIN)
