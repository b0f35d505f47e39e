"""Verdicts on objects at the time when each is read: of ten thousand, each is out of the processor's cache later.

Invariant: sends no request, and finds an object in sync only where ``DraftComparer.change`` would; of any other object
it says nothing, and neither is an error raised. What an earlier plan has not brought into the cache is not looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from genreconcile.cache import Store
from genreconcile.engine import Engine
from genreconcile.errors import CacheError
from genreconcile.kinds.discovery import Resource
from genreconcile.objects import GVK
from genreconcile.plan.comparing import DraftComparer
from genreconcile.plan.draft import Draft
from genreconcile.plan.entries import InSync
from genreconcile.plan.fresh import Fresh
from genreconcile.plan.kinds import Kinds
from genreconcile.plan.locate import put


class _Place(NamedTuple):
    """Where the objects of one kind in one namespace are."""

    gvk: GVK
    resource: Resource
    store: Store


_Where = tuple[tuple[str, str], str]
"""((apiVersion, kind), namespace)"""


class Early:
    """The verdicts of one call without an owner set; ``namespace`` is for objects that name none."""

    def __init__(self, engine: Engine, kinds: Kinds, draft: Draft, namespace: str) -> None:
        self._engine = engine
        self._kinds = kinds
        self._draft = draft
        self._namespace = namespace
        self._comparer: DraftComparer | None = None
        self._places: dict[_Where, _Place | None] = {}

    def in_sync(self, entry: Fresh) -> InSync | None:
        """The entry in place of ``entry`` for an object that surely is in sync, None for any other."""
        where = entry.kind, entry.namespace or self._namespace
        if where not in self._places:
            self._places[where] = self._place(entry, where[1])
        place = self._places[where]
        if place is None or entry.has_status:  # The server drops the status of most kinds, which is told later.
            return None
        if self._comparer is None:
            self._comparer = DraftComparer(self._engine, self._kinds, self._draft)
        put(entry, self._namespace, place.gvk, place.resource)
        return self._comparer.early(entry, place.resource, place.store)

    @property
    def found(self) -> Sequence[InSync]:
        """The objects that were found in sync, to be remembered."""
        return self._comparer.in_sync if self._comparer is not None else ()

    def _place(self, entry: Fresh, namespace: str) -> _Place | None:
        """None also for a kind without namespaces: that the server drops one from an object is told later."""
        gvk = GVK.of(entry.obj)
        resource = self._engine.catalog.discovery.get(gvk)
        if resource is None or not resource.namespaced or not self._kinds.has_brought(resource, namespace):
            return None
        try:
            return _Place(gvk, resource, self._engine.cache.store(resource, namespace))
        except CacheError:
            return None
