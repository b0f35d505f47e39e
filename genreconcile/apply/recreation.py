"""Recreation: whether the server would take the new object, asked before the old one is deleted; then the creation.

Invariant: an old object is deleted only where nothing but itself is in the way of the new one: its existence, values
that it holds alone, its part of a quota.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from typing import Final

from genreconcile.apply.exclusive import without_shared
from genreconcile.apply.holders import HELD_BY, holder_of
from genreconcile.apply.quota import Excess
from genreconcile.cache import Cache
from genreconcile.catalog import Catalog
from genreconcile.errors import ClusterError, Conflict, Forbidden, Invalid
from genreconcile.kinds.discovery import Resource
from genreconcile.normalize.prepare import without_system
from genreconcile.objects import Object, metadata_of
from genreconcile.plan import Change

_PAUSE: Final = 0.25
_LIVE_ONLY: Final = frozenset(
    {"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink", "ownerReferences"}
)


class Recreation:
    """One object that is to be deleted and created again. ``rehearse`` posts an object by dry run."""

    def __init__(
        self, change: Change, resource: Resource, catalog: Catalog, cache: Cache, rehearse: Callable[[Object], object]
    ) -> None:
        self._cache = cache
        self._change = change
        self._resource = resource
        self._catalog = catalog
        self._rehearse = rehearse

    def require_creatable(self) -> None:
        """Raise the server's refusal of the new object, unless nothing but the old one is in its way."""
        change = self._change
        live = change.live or {}
        try:
            self._rehearse(self._sendable(without_shared(change.gvk, change.expected or {}, live)))
        except Conflict as error:
            if error.reason != "AlreadyExists":
                raise self._told(error) from error
        except Forbidden as error:
            excess = Excess.of(error)
            if excess is None or not excess.has_room_without(self._resource, live, self._part_of(live)):
                raise self._told(error) from error
        except ClusterError as error:
            raise self._told(error) from error
        # A dry run does not check every value that only one object may hold.
        if holder := holder_of(change, self._resource, self._cache):
            raise self._told(
                Invalid(str(holder), status=422, reason="Invalid", details={HELD_BY: holder.key}, code="GR436")
            )

    def _part_of(self, live: Object) -> Excess | None:
        """The quota's excess for a second object like the live one, None where there is none."""
        metadata = {key: value for key, value in metadata_of(live).items() if key not in _LIVE_ONLY}
        second = {key: value for key, value in live.items() if key != "status"} | {"metadata": metadata}
        try:
            self._rehearse(self._sendable(without_shared(self._change.gvk, second, live)))
        except ClusterError as error:
            return Excess.of(error)
        return None

    def _sendable(self, obj: Object) -> Object:
        node, _ = self._catalog.node(self._resource, obj)
        return without_system(obj, node)

    @staticmethod
    def _told(error: ClusterError) -> ClusterError:
        """The error, saying that the object is not recreated."""
        text = f"an immutable field differs, and the object is not recreated, for the server would refuse it: {error}"
        return _saying(error, text)


def create_again(create: Callable[[], object], deadline: float) -> None:
    """Create an object again that was just deleted; until ``deadline``, a quota may count it. Raises ClusterError."""
    while True:
        try:
            create()
        except Forbidden as error:
            if Excess.of(error) is None or time.monotonic() >= deadline:
                raise _gone(error) from error
            time.sleep(_PAUSE)
        except Conflict:
            raise
        except ClusterError as error:
            raise _gone(error) from error
        else:
            return


def _gone(error: ClusterError) -> ClusterError:
    text = f"deleted, and not created again yet: {error}; the next reconcile tries to create it"
    return _saying(error, text)


def _saying(error: ClusterError, text: str) -> ClusterError:
    told = copy.copy(error)  # The copy keeps the other attributes.
    told.args = (text,)
    return told
