"""Which parents an object belongs to: by the mark of a set, or because they have stated it.

Invariant: no event makes a call look at all parents, but for the loss of a kind; of a parent that is gone nothing is
kept. Not thread-safe.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from genreconcile.cache import CacheEvent
from genreconcile.cache.scope import Scope
from genreconcile.objects import GVK, ObjectKey
from genreconcile.ownership import PART_OF

Stated = tuple[tuple[ObjectKey, GVK], ...]


class Belonging:
    """The parents of one controller."""

    def __init__(self) -> None:
        self._of_sets: dict[str, ObjectKey] = {}
        self._sets: dict[ObjectKey, str] = {}
        self._of_children: dict[ObjectKey, tuple[ObjectKey, ...]] = {}
        self._stated: dict[ObjectKey, Stated] = {}

    def note_set(self, parent: ObjectKey, set_id: str) -> None:
        """Note the id of a parent's set."""
        self._of_sets[set_id] = parent
        self._sets[parent] = set_id

    def note_stated(self, parent: ObjectKey, stated: Stated) -> None:
        """Note the children that a parent has stated last; several parents may have stated one."""
        before = self._stated.get(parent, ())
        if before == stated:
            return
        self._leave(parent, before)
        self._stated[parent] = stated
        for key, _ in stated:
            self._of_children[key] = (*self._of_children.get(key, ()), parent)

    def stated(self, parent: ObjectKey) -> Stated:
        """The children that a parent has stated last."""
        return self._stated.get(parent, ())

    def parents_of(self, event: CacheEvent) -> Sequence[ObjectKey]:
        """The parents that a change of an object concerns."""
        ids = {record.labels.get(PART_OF, "") for record in (event.before, event.record) if record is not None}
        found = [parent for set_id in ids if (parent := self._of_sets.get(set_id)) is not None]
        return [*found, *self._of_children.get(event.key, ())]

    def parents_in(self, group: str, kind: str, scope: Scope) -> Collection[ObjectKey]:
        """The parents that have stated a child in a part of a kind, in whatever version."""
        found = (
            parents
            for key, parents in self._of_children.items()
            if (key.group, key.kind) == (group, kind) and scope.holds(key.namespace, key.name)
        )
        return {parent for parents in found for parent in parents}

    def forget(self, parent: ObjectKey) -> None:
        """Drop what is known of a parent that is gone."""
        self._leave(parent, self._stated.pop(parent, ()))
        set_id = self._sets.pop(parent, None)
        if set_id is not None:
            self._of_sets.pop(set_id, None)

    def _leave(self, parent: ObjectKey, stated: Stated) -> None:
        for key, _ in stated:
            left = tuple(one for one in self._of_children.get(key, ()) if one != parent)
            if left:
                self._of_children[key] = left
            else:
                self._of_children.pop(key, None)
