"""Verdicts on objects while they are read: once all have been, each is out of the processor's cache.

Invariant: sends no request and raises nothing. An object is found in sync only where ``DraftComparer.change`` would
find it so; of any other object nothing is said, and its entry stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from genreconcile.cache import Store
from genreconcile.engine import Engine
from genreconcile.kinds.discovery import Resource
from genreconcile.objects import GVK
from genreconcile.plan.comparing import DraftComparer
from genreconcile.plan.draft import Draft
from genreconcile.plan.entries import InSync
from genreconcile.plan.fresh import Fresh
from genreconcile.plan.kinds import Kinds
from genreconcile.plan.locate import in_namespace, key_of


class _Where(NamedTuple):
    """Where the objects of one kind are, in one namespace or in all."""

    gvk: GVK
    resource: Resource
    store: Store


class EarlyComparer:
    """The verdicts of one call, whose draft has no owner set; ``namespace`` is for objects that name none."""

    def __init__(self, engine: Engine, kinds: Kinds, draft: Draft, namespace: str) -> None:
        self._engine = engine
        self._kinds = kinds
        self._draft = draft
        self._namespace = namespace
        self._is_spread = engine.cache.namespaces is not None
        self._comparer: DraftComparer | None = None
        self._known: dict[tuple[str, str, str], _Where | None] = {}

    def verdict(self, entry: Fresh) -> InSync | None:
        """What to remember of an object that surely is in sync, None for any other."""
        if entry.has_status:  # The server drops it for most kinds, and a plan tells that.
            return None
        namespace = entry.namespace or self._namespace
        place = (*entry.kind, namespace if self._is_spread else "")
        if place not in self._known:
            self._known[place] = self._find(entry, namespace)
        where = self._known[place]
        if where is None:
            return None
        if self._comparer is None:
            self._comparer = DraftComparer(self._engine, self._kinds, self._draft)
        obj, gvk = entry.obj, where.gvk
        if not entry.namespace:
            obj = in_namespace(obj, namespace)
        key = key_of(gvk, namespace, entry.name)
        return self._comparer.verdict(obj, entry.content, key, where.resource, where.store)

    @property
    def found(self) -> Sequence[InSync]:
        """The objects that were found in sync, to be remembered."""
        return self._comparer.in_sync if self._comparer is not None else ()

    def _find(self, entry: Fresh, namespace: str) -> _Where | None:
        """None also for a kind without namespaces: the server drops one from its objects, and a plan tells that."""
        gvk = GVK.of(entry.obj)
        found = self._kinds.brought.find(gvk, namespace)
        return _Where(gvk, *found) if found is not None and found[0].namespaced else None
