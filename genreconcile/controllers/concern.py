"""Which changes in the cluster concern a set: those of its objects, of what it would delete, and of its parent.

Invariant: a change that would let a run do something concerns the set, whoever made it; in doubt it does.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from genreconcile.cache import CacheEvent, Loss, Record
from genreconcile.controllers.news import is_news
from genreconcile.kinds.discovery import Resource
from genreconcile.objects import Object, ObjectKey
from genreconcile.ownership import PART_OF, Parent
from genreconcile.plan.owners import find_parent
from genreconcile.settings import OwnerRef, Prune

_METADATA: Final = ("/metadata",)
"""What decides whether an object that is not expected is deleted."""


class Concern:
    """Of one set. ``namespace`` is that of objects that name none and need one, and of the set's parent."""

    def __init__(self, prune: Prune, namespace: str) -> None:
        self._prune = prune
        self._namespace = namespace
        self._keys: frozenset[ObjectKey] = frozenset()
        self._parent: Parent | None = None

    def expect(self, objects: Iterable[Object], resources: Iterable[Resource]) -> None:
        """Take what the set holds now; ``resources`` are those that the server has. Raises LoadError for a parent of
        a kind that is not among them.
        """
        found = [ObjectKey.of(obj) for obj in objects]
        # Whether a kind has namespaces is not asked here, so an object without one may be in either place.
        defaulted = [key._replace(namespace=key.namespace or self._namespace) for key in found]
        self._keys = frozenset([*found, *defaulted])
        owner = self._prune.owner
        if isinstance(owner, OwnerRef):
            self._parent = self._found(owner, resources)

    def _found(self, owner: OwnerRef, resources: Iterable[Resource]) -> Parent:
        resource, name = find_parent(owner, resources)
        where = self._namespace if resource.namespaced else ""
        return Parent(resource.gvk, ObjectKey(resource.gvk.group, resource.gvk.kind, where, name), owner.tool)

    def is_about(self, event: CacheEvent) -> bool:
        """Whether a run may find something to do after this change."""
        before, after = event.before, event.after
        if event.key in self._keys:
            return is_news(before, after)
        was, now = self._holds(event.key, before), self._holds(event.key, after)
        return was is not now or ((was or self._is_parent(event.key)) and is_news(before, after, _METADATA))

    def is_about_loss(self, loss: Loss) -> bool:
        """Whether an object of the set is in a part of a kind that was lost, or is known again."""
        gvk = loss.resource.gvk
        return any(
            (key.group, key.kind) == (gvk.group, gvk.kind) and loss.scope.holds(key.namespace, key.name)
            for key in self._keys
        )

    def _is_parent(self, key: ObjectKey) -> bool:
        return self._parent is not None and key == self._parent.key

    def _holds(self, key: ObjectKey, record: Record | None) -> bool:
        """Whether the selector or the owner set holds an object as it is, or was."""
        if record is None:
            return False
        if self._parent is not None:
            return record.labels.get(PART_OF) == self._parent.id
        selector = self._prune.selector
        return selector is not None and key.namespace == self._prune.namespace and selector.matches(record.labels)
