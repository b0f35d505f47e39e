"""What the API server does to objects on their way into the store: uids, versions, owners of fields, status.

Invariants: a refused or a dry-run write changes nothing; a uid is never used twice.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from genreconcile.testing.fake import applying
from genreconcile.testing.fake import body as bodies
from genreconcile.testing.fake.copying import is_same
from genreconcile.testing.fake.creating import Creation
from genreconcile.testing.fake.documents import Documents
from genreconcile.testing.fake.kinds import Kind
from genreconcile.testing.fake.managing import APPLY, Writer, managed
from genreconcile.testing.fake.metadata import problems_of_change, problems_of_new
from genreconcile.testing.fake.options import Options
from genreconcile.testing.fake.patching import patched
from genreconcile.testing.fake.refusals import (
    already_exists,
    conflict,
    in_patch,
    invalid,
    strict,
)
from genreconcile.testing.fake.store import Key, Object, Store
from genreconcile.testing.fake.storing import Storing, lingers
from genreconcile.testing.fake.structural import Cause
from genreconcile.testing.fake.wire import Refusal

Entries = list[dict[str, Any]]

_SERVERS: Final = ("generation", "creationTimestamp", "resourceVersion", "selfLink")
"""Metadata of which what a client writes is passed over."""
_UNTOLD: Final = ("uid", "deletionGracePeriodSeconds")
"""Metadata that stays where a client does not write it."""


class Write(NamedTuple):
    """One write of an object; ``verb`` is create, update or patch."""

    kind: Kind
    key: Key
    verb: str
    options: Options
    subresource: str = ""


class Machinery(Storing):
    """Writes to a store; ``seed`` decides the uids, ``now`` the times. Callers hold the store's lock.

    Methods raise Refusal.
    """

    def __init__(
        self, store: Store, documents: Documents, seed: int, now: Callable[[], dt.datetime] | None = None
    ) -> None:
        super().__init__(store, documents, now)
        self._creation = Creation(store, random.Random(seed), self._now)  # noqa: S311 - no secret

    def create(self, kind: Kind, namespace: str, body: bytes, options: Options) -> Object:
        """Store a new object."""
        write = Write(kind, Key(*kind.place, namespace if kind.namespaced else "", ""), "create", options)
        return self._created(write, bodies.read(body, kind))

    def _created(self, write: Write, given: dict[str, Any], entries: Entries | None = None) -> Object:
        """``entries`` are the managedFields of an object that is applied."""
        kind, semantics = write.kind, self._documents.semantics(write.kind)
        obj = semantics.prepared(self._creation.begun(self._decoded(write, given), kind, write.key.namespace))
        obj = self._allotted.allot(self._creation.finished(semantics.defaulted(obj, is_new=True), kind), kind)
        key = write.key._replace(name=obj["metadata"]["name"])
        causes = semantics.problems(obj, None, list(problems_of_new(obj["metadata"], kind)))
        if causes:
            raise invalid(kind, key.name, list(dict.fromkeys(causes)))
        obj = self._admitted("create", obj)
        if self._store.get(key) is not None:
            raise already_exists(key)
        obj = _with_entries(obj, self._managed(write, None, obj) if entries is None else entries)
        return obj if write.options.dry_run else self._put(key, kind, obj)

    def update(self, write: Write, body: bytes) -> Object:
        """Replace an object by PUT."""
        kind, key = write.kind, write.key
        obj = self._decoded(write, bodies.read(body, kind))
        metadata = obj["metadata"]
        bodies.require_name(metadata, key.name)
        bodies.require_namespace(metadata, key.namespace)
        live = self.require(key)
        if not metadata.get("resourceVersion") and kind.defines:
            text = "Invalid value: 0: must be specified for an update"
            raise invalid(kind, key.name, [Cause("FieldValueInvalid", text, "metadata.resourceVersion")])
        uid = metadata.get("uid")
        if uid and uid != live["metadata"]["uid"]:
            text = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {live['metadata']['uid']}"
            raise conflict(key, text)
        return self._written(write, obj, live)

    def patch(self, write: Write, body: bytes, content_type: str) -> Object:
        """Apply a patch."""
        kind, key = write.kind, write.key
        live = self.require(key)
        strategy = None if kind.defines else self._documents.semantics(kind).shape
        found = patched(self._documents.shown(kind, live), body, content_type, strategy)
        if (found.get("apiVersion"), found.get("kind")) != (kind.api_version, kind.kind):
            raise Refusal(400, "the patch changes the apiVersion or the kind")
        try:
            obj = self._decoded(write, found)
        except Refusal as refusal:
            raise in_patch(refusal, kind, found) from None
        for name in ("name", "namespace"):
            if obj["metadata"].get(name) != live["metadata"].get(name):
                raise Refusal(400, f"the {name} of the object does not match the {name} on the URL")
        return self._written(write, obj, live)

    def apply(self, write: Write, body: bytes) -> tuple[Object, bool]:
        """Apply a configuration; returns the object, and whether it is new."""
        kind, key = write.kind, write.key
        config = bodies.of_kind(applying.read(body), kind, is_named=True)
        bodies.require_namespace(config["metadata"], key.namespace)
        bodies.require_name({"name": key.name, **config["metadata"]}, key.name)
        write = write._replace(options=write.options._replace(validation="Ignore"))  # This is stricter than strict:
        semantics = self._documents.semantics(kind)
        if wrong := semantics.mistyped(config):
            raise Refusal(500, f"failed to create typed patch object ({key.namespace}/{key.name}): {wrong}", reason="")
        live = self._store.get(key)
        if live is None and (uid := config["metadata"].get("uid")):
            raise conflict(
                key, f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            )
        if live is not None:
            self._require_current(config, live, key)
        shown = self._documents.shown(kind, live) if live is not None else None
        writer = self._writer(write)._replace(operation=APPLY)
        own = _of_endpoint(config, write)
        found = applying.applied(shown, own, semantics.shape, writer, force=write.options.force)
        if live is None:
            return self._created(
                write, {**found.obj, "metadata": {**found.obj["metadata"], "name": key.name}}, found.entries
            ), True
        return self._written(write, self._decoded(write, found.obj), live, found.entries), False

    def _decoded(self, write: Write, obj: Mapping[str, Any]) -> dict[str, Any]:
        """What the server knows of an object. Raises Refusal (400) where it cannot be read, or not strictly."""
        found, sentences = self._documents.semantics(write.kind).decoded(obj)
        if sentences and write.options.validation == "Strict":
            raise strict(write.kind, sentences)
        return found

    def _written(self, write: Write, obj: dict[str, Any], live: Object, entries: Entries | None = None) -> Object:
        """``entries`` are the managedFields after an apply."""
        kind, key = write.kind, write.key
        self._require_current(obj, live, key)
        shown = self._documents.shown(kind, live)
        cleared = entries is None and obj["metadata"].get("managedFields") in ([{}], [])
        metadata = {**_merged(obj["metadata"], live["metadata"]), "name": key.name}
        metadata |= {"namespace": key.namespace} if key.namespace else {}
        semantics = self._documents.semantics(kind)
        obj = semantics.updated({**obj, "metadata": metadata}, shown, write.subresource)
        obj = self._admitted(write.verb, self._checked(write, obj, shown))
        obj = semantics.updated(obj, shown, write.subresource)
        is_old = is_same(_comparable(obj), _comparable(shown))
        if is_old and not cleared and entries in (None, live["metadata"].get("managedFields")):
            return live
        if entries is None:
            old = {**shown, "metadata": {**shown["metadata"], "managedFields": []}} if cleared else shown
            entries = self._managed(write, old, obj)
        obj = _with_entries(obj, entries)
        if write.options.dry_run:
            return obj
        if "deletionTimestamp" in obj["metadata"] and not obj["metadata"].get("finalizers") and not lingers(obj):
            self.remove(key)
            return obj
        return self._put(key, kind, obj)

    def _require_current(self, obj: Mapping[str, Any], live: Object, key: Key) -> None:
        """Raise Refusal (409) for an object under another version than the live one."""
        version = obj["metadata"].get("resourceVersion")
        if version and version != live["metadata"]["resourceVersion"]:
            text = "the object has been modified; please apply your changes to the latest version and try again"
            raise conflict(key, text)

    def _checked(self, write: Write, obj: dict[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
        """The object with defaults. Raises Refusal (422)."""
        semantics = self._documents.semantics(write.kind)
        obj = self._allotted.allot(semantics.defaulted(obj), write.kind)
        of_metadata = list(problems_of_change(obj["metadata"], old["metadata"], write.kind))
        causes = semantics.problems(obj, old, of_metadata)
        if causes:
            raise invalid(write.kind, write.key.name, list(dict.fromkeys(causes)))
        return obj

    def _managed(self, write: Write, old: Mapping[str, Any] | None, obj: dict[str, Any]) -> Entries:
        return managed(old, obj, self._documents.semantics(write.kind).shape, self._writer(write))

    def _writer(self, write: Write) -> Writer:
        return Writer(write.options.manager, write.kind.api_version, write.subresource, self._now())


def _merged(metadata: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    """What a client writes, without what is the server's."""
    found = {name: value for name, value in metadata.items() if name not in _SERVERS}
    found |= {name: old[name] for name in (*_SERVERS, "deletionTimestamp") if name in old}
    found |= {name: old[name] for name in _UNTOLD if name in old and found.get(name) in (None, "")}
    return {**found, "managedFields": old.get("managedFields") or []}


def _comparable(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    """An object without what a write that changes nothing may leave otherwise."""
    metadata = {name: value for name, value in obj["metadata"].items() if name != "managedFields" and value != {}}
    return {**obj, "metadata": metadata}


def _with_entries(obj: dict[str, Any], entries: Entries) -> dict[str, Any]:
    metadata = {name: value for name, value in obj["metadata"].items() if name != "managedFields"}
    return {**obj, "metadata": metadata | ({"managedFields": entries} if entries else {})}


def _of_endpoint(config: Mapping[str, Any], write: Write) -> Mapping[str, Any]:
    """What of a configuration this endpoint writes."""
    if not write.kind.has_status:
        return config
    head = ("apiVersion", "kind", "metadata", "status")
    is_status = write.subresource == "status"
    return {name: value for name, value in config.items() if (name in head if is_status else name != "status")}
