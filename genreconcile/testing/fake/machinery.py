"""What the API server does to objects on their way into the store: names, uids, preconditions, finalizers, status.

Invariants: a refused or a dry-run write changes nothing; an object that is deleted while it has finalizers stays, with
a deletionTimestamp, until the last one is gone; a uid is never used twice.
"""

from __future__ import annotations

import datetime as dt
import json
import random
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import jsonpatch
import jsonpointer

from genreconcile.testing.fake.kinds import DEFINITIONS, NAMESPACES, Kind
from genreconcile.testing.fake.store import Key, Object, Store
from genreconcile.testing.fake.wire import Refusal

Admission = Callable[[str, dict[str, Any]], dict[str, Any] | None]
"""``admission(verb, obj)`` may return another object to store, and raise Refusal. Of a deletion it sees the object."""

_EPOCH = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
_IMMUTABLE = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "name", "namespace")


class Machinery:
    """Creates, patches and deletes in a store; ``seed`` decides the uids. Methods raise Refusal."""

    def __init__(self, store: Store, seed: int) -> None:
        self._store = store
        self._dice = random.Random(seed)  # noqa: S311 - no secret
        self.admission: list[Admission] = []
        self.collects_garbage = True

    def create(self, kind: Kind, namespace: str, body: bytes, *, dry_run: bool = False) -> Object:
        """Store a new object. Caller holds the store's lock."""
        obj = _object(body, kind)
        metadata = dict(obj.get("metadata") or {})
        name = metadata.get("name") or self._generated(metadata)
        if metadata.get("namespace", namespace) != namespace:
            raise Refusal(400, "the namespace of the provided object does not match the namespace sent on the request")
        self._require_namespace(kind, namespace)
        metadata |= {"name": name, "uid": self._uid(), "creationTimestamp": self._now(), "generation": 1}
        metadata |= {"namespace": namespace} if kind.namespaced else {}
        for system in ("resourceVersion", "deletionTimestamp", "managedFields", "selfLink"):
            metadata.pop(system, None)
        obj = self._admitted("create", _completed({**obj, "metadata": metadata}, kind))
        key = Key(*kind.place, namespace, name)
        if self._store.get(key) is not None:
            raise Refusal(409, f'{kind.plural} "{name}" already exists', reason="AlreadyExists", details=_of(key))
        return obj if dry_run else self._store.put(key, obj)

    def patch(self, kind: Kind, key: Key, body: bytes, subresource: str, *, dry_run: bool = False) -> Object:
        """Apply a JSON patch. Caller holds the store's lock."""
        live = self.require(key)
        patched = _patched({**live, "apiVersion": kind.api_version}, body)
        metadata = patched["metadata"]
        if metadata.get("resourceVersion") not in {None, "", live["metadata"]["resourceVersion"]}:
            raise Refusal(
                409, f'Operation cannot be fulfilled on {key.plural} "{key.name}": the object has been modified'
            )
        if any(metadata.get(name) != live["metadata"].get(name) for name in _IMMUTABLE):
            raise Refusal(422, "metadata: Invalid value: field is immutable", details=_cause("metadata"))
        patched = _kept_apart(patched, live, kind, subresource)
        return self.replace(key, self._admitted("patch", patched), live, dry_run=dry_run)

    def replace(self, key: Key, obj: dict[str, Any], live: Object, *, dry_run: bool = False) -> Object:
        """Store the new state of an object; nothing happens where it is the old one."""
        metadata = {**obj["metadata"], "resourceVersion": live["metadata"]["resourceVersion"]}
        obj = {**obj, "metadata": metadata}
        if {**obj, "apiVersion": live["apiVersion"]} == live:
            return live
        if _spec(obj) != _spec(live):
            metadata["generation"] = int(live["metadata"].get("generation") or 0) + 1
        if dry_run:
            return obj
        if "deletionTimestamp" in metadata and not metadata.get("finalizers"):
            return self._remove(key)
        return self._store.put(key, obj)

    def delete(self, key: Key, body: bytes, *, dry_run: bool = False) -> Object | None:
        """Delete; returns the object where finalizers keep it, None where it is gone."""
        live = self.require(key)
        options = json.loads(body) if body else {}
        for name, wanted in (options.get("preconditions") or {}).items():
            if live["metadata"].get(name) != wanted:
                raise Refusal(409, f"Precondition failed: {name} in precondition: {wanted}", details=_of(key))
        self._admitted("delete", dict(live))
        if dry_run or "deletionTimestamp" in live["metadata"]:
            return live
        if not live["metadata"].get("finalizers") and key[:2] != NAMESPACES:
            self._remove(key)
            return None
        metadata = {**live["metadata"], "deletionTimestamp": self._now(), "deletionGracePeriodSeconds": 0}
        obj = {**live, "metadata": metadata}
        if key[:2] == NAMESPACES:
            obj["status"] = {"phase": "Terminating"}
        return self._store.put(key, obj)

    def require(self, key: Key) -> Object:
        """The object. Raises Refusal (404)."""
        live = self._store.get(key)
        if live is None:
            raise Refusal(404, f'{key.plural} "{key.name}" not found', details=_of(key))
        return live

    def _remove(self, key: Key) -> Object:
        """Remove an object and what belongs to it, as the controllers of a whole cluster would at once."""
        last = self._store.remove(key)
        if key[:2] == DEFINITIONS:
            names = last["spec"]["names"]["plural"]
            for other in self._store.names():
                if other[:2] == (last["spec"]["group"], names):
                    self._store.remove(other)
        if self.collects_garbage:
            self._collect(last["metadata"]["uid"])
        return last

    def _collect(self, uid: str) -> None:
        for key in self._store.names():
            obj = self._store.get(key)
            owners = (obj or {}).get("metadata", {}).get("ownerReferences") or ()
            if obj is not None and owners and all(owner["uid"] == uid for owner in owners):
                self.delete(key, b"")

    def _admitted(self, verb: str, obj: dict[str, Any]) -> dict[str, Any]:
        for admission in self.admission:
            obj = admission(verb, json.loads(json.dumps(obj))) or obj
        return obj

    def _require_namespace(self, kind: Kind, namespace: str) -> None:
        if not kind.namespaced:
            return
        found = self._store.get(Key(*NAMESPACES, "", namespace))
        if found is None:
            raise Refusal(404, f'namespaces "{namespace}" not found', details={"name": namespace, "kind": "namespaces"})
        if "deletionTimestamp" in found["metadata"]:
            causes = [
                {"reason": "NamespaceTerminating", "message": "it is being terminated", "field": "metadata.namespace"}
            ]
            message = f"unable to create new content in namespace {namespace} because it is being terminated"
            raise Refusal(403, message, details={"causes": causes})

    def _generated(self, metadata: Mapping[str, Any]) -> str:
        if not metadata.get("generateName"):
            raise Refusal(422, "metadata.name: Required value: name or generateName is required")
        return f"{metadata['generateName']}{self._dice.randrange(36**5):05x}"

    def _uid(self) -> str:
        return str(uuid.UUID(int=self._dice.getrandbits(128), version=4))

    def _now(self) -> str:
        """A clock that only revisions move, so that a run with the same seed is the same run."""
        return (_EPOCH + dt.timedelta(seconds=self._store.revision)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _object(body: bytes, kind: Kind) -> dict[str, Any]:
    try:
        obj = json.loads(body)
    except ValueError as error:
        raise Refusal(400, f"the body is no JSON: {error}") from None
    named = (obj.get("apiVersion", kind.api_version), obj.get("kind", kind.kind))
    if named != (kind.api_version, kind.kind):
        raise Refusal(400, f"the API version in the data {named} does not match the expected one")
    return {"apiVersion": kind.api_version, "kind": kind.kind, **obj}


def _completed(obj: dict[str, Any], kind: Kind) -> dict[str, Any]:
    if kind.has_status and kind.place != NAMESPACES:
        obj.pop("status", None)
    if kind.place == NAMESPACES:
        labels = {**(obj["metadata"].get("labels") or {}), "kubernetes.io/metadata.name": obj["metadata"]["name"]}
        obj["metadata"] = {**obj["metadata"], "labels": labels}
        return {**obj, "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}
    if kind.place == DEFINITIONS:
        conditions = [{"type": name, "status": "True"} for name in ("NamesAccepted", "Established")]
        return {**obj, "status": {"conditions": conditions}}
    return obj


def _patched(live: Mapping[str, Any], body: bytes) -> dict[str, Any]:
    message = "the server rejected our request due to an error in our request"
    try:
        patched: dict[str, Any] = jsonpatch.apply_patch(live, json.loads(body))
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException):
        raise Refusal(422, message) from None
    return patched


def _kept_apart(patched: dict[str, Any], live: Object, kind: Kind, subresource: str) -> dict[str, Any]:
    """Without what this endpoint does not write: the status, or everything else."""
    if subresource == "status":
        return {**live, "status": patched.get("status")}
    if kind.has_status and "status" in live:
        return {**patched, "status": live["status"]}
    if kind.has_status:
        patched.pop("status", None)
    return patched


def _spec(obj: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in obj.items() if name not in {"apiVersion", "metadata", "status"}}


def _of(key: Key) -> dict[str, Any]:
    return {"name": key.name, "group": key.group, "kind": key.plural}


def _cause(field: str) -> dict[str, Any]:
    return {"causes": [{"reason": "FieldValueInvalid", "message": "Invalid value: field is immutable", "field": field}]}
