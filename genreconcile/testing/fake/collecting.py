"""The garbage collector and the namespace controller, as far as tests of operators meet them.

Invariants: an object goes only when none of its owners is there; each step is a write like others, with a revision of
its own. Source: https://kubernetes.io/docs/concepts/architecture/garbage-collection/
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from genreconcile.testing.fake.documents import Documents
from genreconcile.testing.fake.options import FOREGROUND, ORPHAN, Deletion
from genreconcile.testing.fake.places import DEFINITIONS, NAMESPACES, data
from genreconcile.testing.fake.store import Change, Key, Object, Store
from genreconcile.testing.fake.wire import Refusal


class Writes(Protocol):
    """What the controllers may do; the caller holds the store's lock."""

    def delete(self, key: Key, options: Deletion) -> tuple[Object, bool]:
        """Delete an object."""

    def replace(self, key: Key, obj: dict[str, Any], live: Object) -> Object:
        """Store the new state of an object."""

    def remove(self, key: Key) -> None:
        """Remove an object, whatever holds it."""


class Controllers:
    """Both controllers. ``finishes_namespaces``: namespaces that are deleted become empty, and go."""

    def __init__(
        self, store: Store, documents: Documents, writes: Writes, *, finishes_namespaces: bool = False
    ) -> None:
        self._store = store
        self._documents = documents
        self._writes = writes
        self._seen = store.revision
        self.collects_garbage = True
        self.finishes_namespaces = finishes_namespaces

    def run(self) -> None:
        """Do what the changes since the last call ask for, and what follows. Caller holds the store's lock."""
        while changes := self._changes():
            for change in changes:
                self._finish_definition(change.key)
                if self.collects_garbage:
                    self._follow(change)
                if self.finishes_namespaces:
                    self._finish_namespace(change.key)

    def _changes(self) -> Sequence[Change]:
        try:
            changes = self._store.changes_after(self._seen)
        except Refusal:  # The history is gone; what it asked for is found at the next change of those objects.
            changes = ()
        self._seen = self._store.revision
        return changes

    def _follow(self, change: Change) -> None:
        uid = change.obj["metadata"]["uid"]
        is_gone = change.type == "DELETED"
        if is_gone or _is_going(change.obj):
            for key, dependent in self._store.dependents(uid):
                self._collect(key, dependent)
        live = None if is_gone else self._store.get(change.key)
        if live is not None:
            self._collect(change.key, live)
            self._finish(change.key)
        for owner in change.obj["metadata"].get("ownerReferences") or () if is_gone or live is None else ():
            self._finish_owner(owner, change.key)

    def _finish_owner(self, owner: Mapping[str, Any], child: Key) -> None:
        if place := self._place(owner, child):
            self._finish(place)

    def _collect(self, key: Key, obj: Object) -> None:
        """Delete a dependent none of whose owners is there; else drop its references to those that are not."""
        owners = obj["metadata"].get("ownerReferences") or ()
        states = [self._state(owner, key) for owner in owners]
        if not owners or None in states or _is_going(obj):
            return
        left = [owner for owner, state in zip(owners, states, strict=True) if state == "there"]
        if not left:
            self._delete(key, "Foreground" if "foreground" in states else "")
        elif len(left) < len(owners):
            self._set(key, obj, ownerReferences=left)

    def _delete(self, key: Key, policy: str = "") -> None:
        with contextlib.suppress(Refusal):  # As the real ones would, they try again when something changes.
            self._writes.delete(key, Deletion(dry_run=False, policy=policy, preconditions={}))

    def _place(self, owner: Mapping[str, Any], child: Key) -> Key | None:
        """Where an owner is, None where nobody can say."""
        kind = self._documents.named(owner["apiVersion"], owner["kind"])
        if kind is None or (kind.namespaced and not child.namespace):
            return None
        return Key(*kind.place, child.namespace if kind.namespaced else "", owner["name"])

    def _state(self, owner: Mapping[str, Any], child: Key) -> str | None:
        """``there``, ``absent``, ``foreground`` for one that waits for its dependents, None where nobody can say."""
        place = self._place(owner, child)
        if place is None:
            return None
        live = self._store.get(place)
        if live is None or live["metadata"]["uid"] != owner["uid"]:
            return "absent"
        waits = _is_going(live) and FOREGROUND in (live["metadata"].get("finalizers") or ())
        return "foreground" if waits else "there"

    def _finish(self, key: Key) -> None:
        """Take off the finalizers that controllers of Kubernetes answer for, once they may go."""
        obj = self._store.get(key)
        finalizers = (obj or {}).get("metadata", {}).get("finalizers") or []
        if obj is None or not _is_going(obj):
            return
        uid = obj["metadata"]["uid"]
        dependents = self._store.dependents(uid)
        if ORPHAN in finalizers:
            for place, dependent in dependents:
                references = [one for one in dependent["metadata"]["ownerReferences"] if one["uid"] != uid]
                self._set(place, dependent, ownerReferences=references)
            self._set(key, obj, finalizers=[one for one in finalizers if one != ORPHAN])
        elif FOREGROUND in finalizers and not any(_blocks(dependent, uid) for _, dependent in dependents):
            self._set(key, obj, finalizers=[one for one in finalizers if one != FOREGROUND])
        elif not set(finalizers).isdisjoint(released := data("deletion")["released"]):
            self._set(key, obj, finalizers=[one for one in finalizers if one not in released])

    def _set(self, key: Key, obj: Object, **fields: list[Any]) -> None:
        metadata = {**obj["metadata"], **fields}
        kept = {name: value for name, value in metadata.items() if name not in fields or value}
        self._writes.replace(key, {**obj, "metadata": kept}, obj)

    def finish_namespace(self, name: str) -> None:
        """Delete what is in a namespace, and it, whatever finalizers say."""
        with self._store.changed:
            for key in self._store.names(name):
                self._writes.remove(key)
            self._writes.remove(Key(*NAMESPACES, "", name))

    def _finish_namespace(self, changed: Key) -> None:
        name = changed.name if changed[:2] == NAMESPACES else changed.namespace
        key = Key(*NAMESPACES, "", name)
        namespace = self._store.get(key) if name else None
        if namespace is None or not _is_going(namespace):
            return
        for found in self._store.names(name):
            live = self._store.get(found)
            if live is not None and not _is_going(live):
                self._delete(found)
        if not self._store.names(name):
            self._writes.remove(key)

    def _finish_definition(self, changed: Key) -> None:
        """A definition that is deleted goes when none of its objects is left, which are deleted."""
        key = changed if changed[:2] == DEFINITIONS else self._documents.definition_of(changed[:2])
        definition = self._store.get(key) if key else None
        if key is None or definition is None or not _is_going(definition):
            return
        place = (definition["spec"]["group"], definition["spec"]["names"]["plural"])
        for found, obj in self._store.list(place, ""):
            if not _is_going(obj):
                self._delete(found)
        if not self._store.list(place, ""):
            mark = data("deletion")["of_definitions"]
            self._set(key, definition, finalizers=[one for one in definition["metadata"]["finalizers"] if one != mark])


def _is_going(obj: Object) -> bool:
    return "deletionTimestamp" in obj["metadata"]


def _blocks(obj: Object, uid: str) -> bool:
    return any(owner["uid"] == uid and owner.get("blockOwnerDeletion") for owner in obj["metadata"]["ownerReferences"])
