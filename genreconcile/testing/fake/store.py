"""What etcd is to an API server: objects under revisions, with the history that watches read.

Invariants: each change has a revision of its own, larger than all before; what has been handed out is never changed;
history before the compaction is refused, never guessed. Thread-safe.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from genreconcile.testing.fake.places import Place
from genreconcile.testing.fake.wire import Refusal

Object = Mapping[str, Any]


class Key(NamedTuple):
    """What an object is stored under; ``namespace`` is "" where the kind has none."""

    group: str
    plural: str
    namespace: str
    name: str

    def is_in(self, place: Place, namespace: str) -> bool:
        """Whether a list of this kind, and of this namespace ("" for all), shows it."""
        return (self.group, self.plural) == place and namespace in {"", self.namespace}


class Change(NamedTuple):
    """``type`` is ADDED, MODIFIED or DELETED; ``obj`` the new object, of DELETED the last one under a new revision."""

    revision: int
    type: str
    key: Key
    obj: Object
    before: Object | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A backup."""

    revision: int
    objects: Mapping[Key, Object]


class Store:
    """``changed`` is notified after each change, and guards every use of the other members.

    ``restores`` counts how often it went back to a backup.
    """

    def __init__(self, revision: int = 1000) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.revision = revision
        self.compacted = revision
        self.restores = 0
        self._objects: dict[Key, Object] = {}
        self._places: dict[Place, dict[Key, Object]] = {}  # The same, for lists of one kind among many objects.
        self._dependents: dict[str, dict[Key, None]] = {}  # By the uid of the owner.
        self._revisions: dict[Place, int] = {}
        self._last: dict[Place, Change] = {}
        self._history: list[Change] = []

    def get(self, key: Key) -> Object | None:
        """The object as it is."""
        with self.changed:
            return self._objects.get(key)

    def names(self, namespace: str = "") -> list[Key]:
        """The keys of all objects, or of those in a namespace."""
        with self.changed:
            return [key for key in self._objects if not namespace or key.namespace == namespace]

    def dependents(self, uid: str) -> list[tuple[Key, Object]]:
        """The objects that refer to an owner."""
        with self.changed:
            return [(key, self._objects[key]) for key in self._dependents.get(uid, ())]

    def last_change(self, place: Place, namespace: str = "", name: str = "") -> Change | None:
        """The last change of a kind's objects, in a namespace or of one name, None where history has none."""
        with self.changed:
            if not namespace and not name:
                return self._last.get(place)
            changes = (one for one in reversed(self._history) if one.key.is_in(place, namespace))
            return next((one for one in changes if name in {"", one.key.name}), None)

    def revision_of(self, place: Place) -> int:
        """The revision of the last change of a kind's objects; another one after each change, and after a restore."""
        with self.changed:
            return self._revisions.get(place, 0)

    def put(self, key: Key, obj: Mapping[str, Any]) -> Object:
        """Store under the next revision, which the returned object has."""
        with self.changed:
            before = self._objects.get(key)
            self.revision += 1
            kept = _at(obj, self.revision)
            self._objects[key] = self._places.setdefault(key[:2], {})[key] = kept
            self._index(key, before, kept)
            self._note("MODIFIED" if before else "ADDED", key, kept, before)
            return kept

    def remove(self, key: Key, last: Mapping[str, Any] | None = None) -> Object:
        """Delete; returns the last state, by default the one that is stored, under the revision of the deletion."""
        with self.changed:
            before = self._objects.pop(key)
            del self._places[key[:2]][key]
            self._index(key, before, None)
            self.revision += 1
            gone = _at(last if last is not None else before, self.revision)
            self._note("DELETED", key, gone, before)
            return gone

    def list(self, place: Place, namespace: str, revision: int | None = None) -> list[tuple[Key, Object]]:
        """The objects of one kind, sorted; as they were at an older revision if one is given. Raises Refusal (410)."""
        with self.changed:
            objects = self._places.get(place, {}) if revision is None else self._state_at(revision)
            found = [(key, obj) for key, obj in objects.items() if key.is_in(place, namespace)]
        return sorted(found, key=lambda pair: pair[0])

    def changes_after(self, revision: int) -> Sequence[Change]:
        """History; Refusal (410) where a part of it is compacted."""
        with self.changed:
            self._require_kept(revision)
            # From the end: mostly there is little that is new.
            first = len(self._history)
            while first and self._history[first - 1].revision > revision:
                first -= 1
            return self._history[first:]

    def compact(self) -> None:
        """Forget all history: watches and pages from before are refused with 410."""
        with self.changed:
            self.compacted = self.revision
            self._history.clear()
            self.changed.notify_all()

    def backup(self) -> Snapshot:
        """Everything as it is now."""
        with self.changed:
            return Snapshot(self.revision, dict(self._objects))

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a backup, its revision included; there is no history from before it."""
        with self.changed:
            self._objects = dict(snapshot.objects)
            self._places = {}
            self._dependents.clear()
            self._last.clear()
            self._revisions = dict.fromkeys(self._revisions, -self.revision)
            for key, obj in snapshot.objects.items():
                self._places.setdefault(key[:2], {})[key] = obj
                self._index(key, None, obj)
            self.revision = self.compacted = snapshot.revision
            self.restores += 1
            self._history.clear()
            self.changed.notify_all()

    def _index(self, key: Key, before: Object | None, after: Object | None) -> None:
        for uid in _owners(before):
            self._dependents[uid].pop(key, None)
            if not self._dependents[uid]:
                del self._dependents[uid]
        for uid in _owners(after):
            self._dependents.setdefault(uid, {})[key] = None

    def _note(self, event_type: str, key: Key, obj: Object, before: Object | None) -> None:
        self._history.append(Change(self.revision, event_type, key, obj, before))
        self._revisions[key[:2]] = self.revision
        self._last[key[:2]] = self._history[-1]
        self.changed.notify_all()

    def _state_at(self, revision: int) -> Mapping[Key, Object]:
        self._require_kept(revision)
        objects = dict(self._objects)
        for change in self._undone(revision):
            if change.before is None:
                objects.pop(change.key, None)
            else:
                objects[change.key] = change.before
        return objects

    def _undone(self, revision: int) -> Iterator[Change]:
        return (change for change in reversed(self._history) if change.revision > revision)

    def _require_kept(self, revision: int) -> None:
        if revision < self.compacted:
            message = f"too old resource version: {revision} ({self.compacted})"
            raise Refusal(410, message, reason="Expired")


def _owners(obj: Object | None) -> set[str]:
    references = obj["metadata"].get("ownerReferences") if obj is not None else None
    return {owner["uid"] for owner in references or ()}


def _at(obj: Mapping[str, Any], revision: int) -> dict[str, Any]:
    return {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(revision)}}
