"""The store as the API server writes to it: with what it allots, and with a time and an end for what is deleted.

Invariants: an object that is deleted while it has finalizers stays, with a deletionTimestamp, until the last one is
gone; what an object was allotted is free when it is gone.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from genreconcile.testing.fake.builtin.allocation import Allocations
from genreconcile.testing.fake.documents import Documents
from genreconcile.testing.fake.kinds import Kind
from genreconcile.testing.fake.options import Deletion
from genreconcile.testing.fake.places import DEFINITIONS, NAMESPACES, data
from genreconcile.testing.fake.refusals import conflict, details_of, not_found
from genreconcile.testing.fake.store import Key, Object, Store
from genreconcile.testing.fake.wire import Refusal, encode

Admission = Callable[[str, dict[str, Any]], dict[str, Any] | None]
"""``admission(verb, obj)`` may return another object to store, and raise Refusal. Of a deletion it sees the object."""

_EPOCH: Final = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
_LARGEST_STORED: Final = 1_572_864


class Storing:
    """Writes to a store as it is; ``now`` gives the times. Callers hold the store's lock. Methods raise Refusal."""

    def __init__(self, store: Store, documents: Documents, now: Callable[[], dt.datetime] | None = None) -> None:
        self._store = store
        self._documents = documents
        self._time = now or self._time_of_revision
        self._allocations = Allocations()
        self._restores = store.restores
        self.admission: list[Admission] = []

    def require(self, key: Key) -> Object:
        """The object. Raises Refusal (404)."""
        live = self._store.get(key)
        if live is None:
            raise not_found(key)
        return live

    def replace(self, key: Key, obj: dict[str, Any], live: Object) -> Object:
        """Store the new state of an object, for a controller of the server; nothing where it is the old."""
        if obj == live:
            return live
        if "deletionTimestamp" in obj["metadata"] and self._may_go(key, obj):
            self.remove(key)
            return obj
        return self._store.put(key, obj)

    @staticmethod
    def _may_go(key: Key, obj: Object) -> bool:
        """Whether nothing holds an object that is deleted; a namespace goes when it is empty."""
        return not obj["metadata"].get("finalizers") and not lingers(obj) and key[:2] != NAMESPACES

    def remove(self, key: Key) -> None:
        """Remove an object, and free what it was allotted."""
        self._allotted.free(self._store.remove(key), self._documents.stored(key))

    def delete(self, key: Key, options: Deletion) -> tuple[Object, bool]:
        """Delete; returns the object, and whether it is gone."""
        live = self.require(key)
        for name, wanted in options.preconditions.items():
            if wanted is not None and live["metadata"].get(name) != wanted:
                told = {"uid": "UID", "resourceVersion": "ResourceVersion"}[name]
                text = f"Precondition failed: {told} in precondition: {wanted}, {told} in object meta: "
                raise conflict(key, text + str(live["metadata"].get(name)))
        if key[:2] == NAMESPACES and key.name in data("deletion")["immortal"]:
            text = f'namespaces "{key.name}" is forbidden: this namespace may not be deleted'
            raise Refusal(403, text, details=details_of(key))
        self._admitted("delete", dict(live))
        kind = self._documents.stored(key)
        grace = self._documents.semantics(kind).grace_seconds(live, options.grace_seconds)
        obj = self._marked(live, self._finalizers(key, live, options), grace, is_namespace=key[:2] == NAMESPACES)
        if self._may_go(key, obj):
            if not options.dry_run:
                self.remove(key)
            return live, True
        if options.dry_run or obj == live:
            return obj, False
        return self._store.put(key, obj), False

    def _put(self, key: Key, kind: Kind, obj: dict[str, Any]) -> Object:
        obj = self._documents.to_store(kind, obj)
        if len(encode(obj)) > _LARGEST_STORED:
            raise Refusal(500, "etcdserver: request is too large", reason="")
        self._allotted.take(obj, kind)
        return self._store.put(key, obj)

    def _finalizers(self, key: Key, live: Object, options: Deletion) -> list[str]:
        """Those that an object has once its deletion has begun."""
        found = options.finalizers(live["metadata"].get("finalizers") or [])
        if key[:2] == DEFINITIONS and "deletionTimestamp" not in live["metadata"]:
            return list(dict.fromkeys([*found, data("deletion")["of_definitions"]]))
        return found

    def _marked(self, live: Object, finalizers: list[str], grace: int, *, is_namespace: bool) -> dict[str, Any]:
        """An object whose deletion has begun; one that has less time already keeps it."""
        metadata: dict[str, Any] = {**live["metadata"], "finalizers": finalizers}
        if not finalizers:
            del metadata["finalizers"]
        is_new = "deletionTimestamp" not in metadata
        if is_new or grace < metadata.get("deletionGracePeriodSeconds", 0):
            metadata["deletionTimestamp"] = self._now(grace)
            metadata |= {} if is_namespace else {"deletionGracePeriodSeconds": grace}
        if is_new and "generation" in metadata:
            metadata["generation"] += 1
        return {**live, "metadata": metadata, **({"status": {"phase": "Terminating"}} if is_namespace else {})}

    @property
    def _allotted(self) -> Allocations:
        """What is allotted to the objects that are stored, also after the store went back to a backup."""
        if self._restores != self._store.restores:
            self._allocations, self._restores = Allocations(), self._store.restores
            for key in self._store.names():
                self._allocations.take(self.require(key), self._documents.stored(key))
        return self._allocations

    def _admitted(self, verb: str, obj: dict[str, Any]) -> dict[str, Any]:
        for admission in self.admission:
            obj = admission(verb, json.loads(json.dumps(obj))) or obj
        return obj

    def _now(self, later: int = 0) -> str:
        return (self._time() + dt.timedelta(seconds=later)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _time_of_revision(self) -> dt.datetime:
        """A clock that only revisions move, so that a run with the same seed is the same run."""
        return _EPOCH + dt.timedelta(seconds=self._store.revision)


def lingers(obj: Mapping[str, Any]) -> bool:
    """Whether a node still has to end what is deleted."""
    return bool(obj["metadata"].get("deletionGracePeriodSeconds"))
