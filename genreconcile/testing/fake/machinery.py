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
from typing import Any, Final, NamedTuple

from genreconcile.testing.fake import body as bodies
from genreconcile.testing.fake.documents import Documents
from genreconcile.testing.fake.kinds import DEFINITIONS, NAMESPACES, Kind
from genreconcile.testing.fake.managing import Writer, managed
from genreconcile.testing.fake.options import Options, finalizers_of
from genreconcile.testing.fake.patching import patched
from genreconcile.testing.fake.store import Key, Object, Store
from genreconcile.testing.fake.structural import Cause
from genreconcile.testing.fake.wire import Refusal

Admission = Callable[[str, dict[str, Any]], dict[str, Any] | None]
"""``admission(verb, obj)`` may return another object to store, and raise Refusal. Of a deletion it sees the object."""

_EPOCH: Final = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
_KEPT: Final = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation")
"""Metadata that no write of a client changes."""
_CHARACTERS: Final = "bcdfghjklmnpqrstvwxz2456789"
_MOST_TRIES: Final = 8


class Write(NamedTuple):
    """One write of an object; ``verb`` is create, update or patch; ``twice`` are fields that its body has twice."""

    kind: Kind
    key: Key
    verb: str
    options: Options
    subresource: str = ""
    twice: tuple[str, ...] = ()


class Machinery:
    """Writes to a store; ``seed`` decides the uids, ``now`` the times. Callers hold the store's lock.

    Methods raise Refusal.
    """

    def __init__(
        self, store: Store, documents: Documents, seed: int, now: Callable[[], dt.datetime] | None = None
    ) -> None:
        self._store = store
        self._documents = documents
        self._dice = random.Random(seed)  # noqa: S311 - no secret
        self._time = now or self._time_of_revision
        self.admission: list[Admission] = []

    def create(self, kind: Kind, namespace: str, body: bytes, options: Options) -> Object:
        """Store a new object."""
        obj, twice = bodies.read(body, kind)
        metadata = dict(obj.get("metadata") or {})
        bodies.require_namespace(metadata, namespace if kind.namespaced else metadata.get("namespace") or "")
        self._require_namespace(kind, namespace)
        if metadata.get("resourceVersion"):
            raise Refusal(500, "resourceVersion should not be set on objects to be created", reason="InternalError")
        metadata["name"] = name = metadata.get("name") or self._generated(kind, namespace, metadata)
        for system in (*_KEPT, "resourceVersion", "managedFields", "selfLink", "namespace"):
            metadata.pop(system, None)
        metadata |= {"namespace": namespace} if kind.namespaced else {}
        metadata |= {"uid": self._uid(), "creationTimestamp": self._now()}
        obj = self._completed({**obj, "metadata": metadata}, kind)
        key = Key(*kind.place, namespace if kind.namespaced else "", name)
        write = Write(kind, key, "create", options, twice=tuple(twice))
        obj = self._checked(write, obj, None)
        if self._documents.semantics(kind).has_generation:
            obj["metadata"]["generation"] = 1
        obj = self._admitted("create", obj)
        if self._store.get(key) is not None:
            raise Refusal(409, f'{_shown(kind)} "{name}" already exists', reason="AlreadyExists", details=_of(key))
        obj = self._managed(write, None, obj)
        return obj if options.dry_run else self._store.put(key, obj)

    def update(self, write: Write, body: bytes) -> Object:
        """Replace an object by PUT."""
        kind, key = write.kind, write.key
        obj, twice = bodies.read(body, kind)
        metadata = obj.get("metadata") or {}
        bodies.require_name(metadata, key.name)
        bodies.require_namespace(metadata, key.namespace)
        live = self.require(key)
        if not metadata.get("resourceVersion") and kind.defines:
            text = "Invalid value: 0: must be specified for an update"
            raise bodies.invalid(kind, key.name, [Cause("FieldValueInvalid", text, "metadata.resourceVersion")])
        uid = metadata.get("uid")
        if uid and uid != live["metadata"]["uid"]:
            text = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {live['metadata']['uid']}"
            raise _conflict(kind, key, text)
        return self._written(write._replace(twice=tuple(twice)), obj, live)

    def patch(self, write: Write, body: bytes, content_type: str) -> Object:
        """Apply a JSON patch or a merge patch."""
        kind, key = write.kind, write.key
        live = self.require(key)
        found = patched(self._documents.shown(kind, live), body, content_type)
        if not isinstance(found, dict) or not isinstance(found.get("metadata"), dict):
            raise Refusal(422, "the server rejected our request due to an error in our request")
        if (found.get("apiVersion"), found.get("kind")) != (kind.api_version, kind.kind):
            raise Refusal(400, "the patch changes the apiVersion or the kind")
        for name in ("name", "namespace"):
            if found["metadata"].get(name) != live["metadata"].get(name):
                raise Refusal(400, f"the {name} of the object does not match the {name} on the URL")
        if found["metadata"].get("uid", live["metadata"]["uid"]) != live["metadata"]["uid"]:
            cause = Cause("FieldValueInvalid", "Invalid value: field is immutable", "metadata.uid")
            raise bodies.invalid(kind, key.name, [cause])
        return self._written(write, found, live)

    def replace(self, key: Key, obj: dict[str, Any], live: Object) -> Object:
        """Store the new state of an object, for a controller of the server; nothing where it is the old."""
        if obj == live:
            return live
        if "deletionTimestamp" in obj["metadata"] and not obj["metadata"].get("finalizers"):
            return self._store.remove(key, obj)
        return self._store.put(key, obj)

    def delete(self, key: Key, body: bytes, query: Mapping[str, str] | None = None) -> Object | None:
        """Delete; returns the object where finalizers keep it, None where it is gone."""
        live = self.require(key)
        options = _deletion(body, query or {})
        for name, wanted in (options.get("preconditions") or {}).items():
            if wanted is not None and live["metadata"].get(name) != wanted:
                told = {"uid": "UID", "resourceVersion": "ResourceVersion"}[name]
                text = f"Precondition failed: {told} in precondition: {wanted}, {told} in object meta: "
                raise _conflict(self._documents.stored(key), key, text + str(live["metadata"].get(name)))
        self._admitted("delete", dict(live))
        finalizers = finalizers_of(live["metadata"].get("finalizers") or [], options)
        is_going = "deletionTimestamp" in live["metadata"]
        stays = bool(finalizers) or (key[:2] == NAMESPACES)
        if not stays:
            if options.get("dryRun") is None:
                self._removed(key, live)
            return None
        metadata: dict[str, Any] = {**live["metadata"], "finalizers": finalizers}
        if not finalizers:
            del metadata["finalizers"]
        if not is_going:
            metadata |= {"deletionTimestamp": self._now(), "deletionGracePeriodSeconds": 0}
            metadata |= {"generation": metadata["generation"] + 1} if "generation" in metadata else {}
        obj = {**live, "metadata": metadata}
        if key[:2] == NAMESPACES:
            obj["status"] = {"phase": "Terminating"}
        if options.get("dryRun") is not None or obj == live:
            return obj
        return self._store.put(key, obj)

    def require(self, key: Key) -> Object:
        """The object. Raises Refusal (404)."""
        live = self._store.get(key)
        if live is None:
            plural = f"{key.plural}.{key.group}" if key.group else key.plural
            raise Refusal(404, f'{plural} "{key.name}" not found', details=_of(key))
        return live

    def _written(self, write: Write, obj: dict[str, Any], live: Object) -> Object:
        kind, key = write.kind, write.key
        metadata = obj["metadata"]
        version = metadata.get("resourceVersion")
        if version and version != live["metadata"]["resourceVersion"]:
            text = "the object has been modified; please apply your changes to the latest version and try again"
            raise _conflict(kind, key, text)
        shown = self._documents.shown(kind, live)
        kept = {name: live["metadata"][name] for name in (*_KEPT, "resourceVersion") if name in live["metadata"]}
        metadata = {**{name: value for name, value in metadata.items() if name not in _KEPT}, **kept}
        metadata |= {"name": key.name} | ({"namespace": key.namespace} if kind.namespaced else {})
        cleared = metadata.get("managedFields") in ([{}], [])
        metadata["managedFields"] = live["metadata"].get("managedFields") or []
        obj = self._checked(write, {**obj, "metadata": metadata}, shown)
        obj = _kept_apart(obj, shown, write)
        _require_old_finalizers(kind, obj, live)
        obj = self._admitted(write.verb, obj)
        if self._documents.semantics(kind).is_new_generation(obj, shown):
            obj["metadata"]["generation"] = int(live["metadata"].get("generation") or 0) + 1
        if _comparable(obj) == _comparable(shown) and not cleared:
            return live
        old = {**shown, "metadata": {**shown["metadata"], "managedFields": []}} if cleared else shown
        obj = self._managed(write, old, obj)
        if write.options.dry_run:
            return obj
        return self.replace(key, self._documents.to_store(kind, obj), live)

    def _checked(self, write: Write, obj: Mapping[str, Any], old: Mapping[str, Any] | None) -> dict[str, Any]:
        """The object, decoded and with defaults. Raises Refusal where the schema does not take it."""
        semantics = self._documents.semantics(write.kind)
        found, unknown = semantics.decoded(obj)
        if (unknown or write.twice) and write.options.validation == "Strict":
            raise bodies.strict(write.kind, unknown, write.twice, is_patch=write.verb == "patch")
        found = semantics.defaulted(found)
        if causes := semantics.problems(found, old):
            raise bodies.invalid(write.kind, found["metadata"]["name"], causes)
        return found

    def _managed(self, write: Write, old: Mapping[str, Any] | None, obj: dict[str, Any]) -> dict[str, Any]:
        kind = write.kind
        writer = Writer(write.options.manager, kind.api_version, write.subresource, self._now())
        entries = managed(old, obj, self._documents.semantics(kind).shape, writer)
        metadata = {name: value for name, value in obj["metadata"].items() if name != "managedFields"}
        return {**obj, "metadata": metadata | ({"managedFields": entries} if entries else {})}

    def _removed(self, key: Key, live: Object) -> None:
        """Remove an object, and with a definition the objects of its kind."""
        self._store.remove(key)
        if key[:2] == DEFINITIONS:
            place = (live["spec"]["group"], live["spec"]["names"]["plural"])
            for other, _ in self._store.list(place, ""):
                self._store.remove(other)

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
            told = f"namespace {namespace} is being terminated"
            causes = [{"reason": "NamespaceTerminating", "message": told, "field": "metadata.namespace"}]
            message = f"unable to create new content in namespace {namespace} because it is being terminated"
            details = {"group": kind.group, "kind": kind.plural, "causes": causes}
            raise Refusal(403, message, details={key: value for key, value in details.items() if value})

    def _completed(self, obj: dict[str, Any], kind: Kind) -> dict[str, Any]:
        if kind.has_status and kind.place not in {NAMESPACES, DEFINITIONS}:
            obj.pop("status", None)
        if kind.place == NAMESPACES:
            labels = {**(obj["metadata"].get("labels") or {}), "kubernetes.io/metadata.name": obj["metadata"]["name"]}
            obj["metadata"] = {**obj["metadata"], "labels": labels}
            return {**obj, "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}
        if kind.place == DEFINITIONS:
            return {**obj, "status": _established(obj, self._now())}
        return obj

    def _generated(self, kind: Kind, namespace: str, metadata: Mapping[str, Any]) -> str:
        prefix = metadata.get("generateName")
        if not prefix:
            cause = Cause("FieldValueRequired", "Required value: name or generateName is required", "metadata.name")
            raise bodies.invalid(kind, "", [cause])
        for _ in range(_MOST_TRIES):
            name = prefix + "".join(self._dice.choice(_CHARACTERS) for _ in range(5))
            if self._store.get(Key(*kind.place, namespace if kind.namespaced else "", name)) is None:
                return str(name)
        raise Refusal(409, f"no name beginning with {prefix} is free", reason="AlreadyExists")

    def _uid(self) -> str:
        return str(uuid.UUID(int=self._dice.getrandbits(128), version=4))

    def _now(self) -> str:
        return self._time().strftime("%Y-%m-%dT%H:%M:%SZ")

    def _time_of_revision(self) -> dt.datetime:
        """A clock that only revisions move, so that a run with the same seed is the same run."""
        return _EPOCH + dt.timedelta(seconds=self._store.revision)


def _deletion(body: bytes, query: Mapping[str, str]) -> dict[str, Any]:
    """The DeleteOptions of a request."""
    try:
        options = json.loads(body) if body else {}
    except ValueError as error:
        raise Refusal(400, f"couldn't get version/kind; json parse error: {error}") from None
    given: dict[str, Any] = {name: query[name] for name in ("propagationPolicy",) if name in query}
    if query.get("dryRun"):
        given["dryRun"] = [query["dryRun"]]
    return {**options, **given}


def _conflict(kind: Kind, key: Key, text: str) -> Refusal:
    message = f'Operation cannot be fulfilled on {_shown(kind)} "{key.name}": {text}'
    return Refusal(409, message, details=_of(key))


def _kept_apart(obj: dict[str, Any], live: Mapping[str, Any], write: Write) -> dict[str, Any]:
    """Without what this endpoint does not write: the status, or everything else."""
    if write.subresource == "status":
        kept = {name: value for name, value in live.items() if name != "status"}
        return kept | {"metadata": dict(live["metadata"])} | ({"status": obj["status"]} if "status" in obj else {})
    if write.kind.has_status:
        obj = {name: value for name, value in obj.items() if name != "status"}
        return obj | ({"status": live["status"]} if "status" in live else {})
    return obj


def _require_old_finalizers(kind: Kind, obj: Mapping[str, Any], live: Object) -> None:
    before = live["metadata"].get("finalizers") or []
    new = [name for name in obj["metadata"].get("finalizers") or [] if name not in before]
    if new and "deletionTimestamp" in live["metadata"]:
        quoted = ", ".join(f'"{name}"' for name in new)
        text = "Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers "
        cause = Cause("FieldValueForbidden", f"{text}[]string{{{quoted}}}", "metadata.finalizers")
        raise bodies.invalid(kind, live["metadata"]["name"], [cause])


def _established(definition: Mapping[str, Any], now: str) -> dict[str, Any]:
    stored = [version["name"] for version in definition["spec"]["versions"] if version.get("storage")]
    conditions = [
        {"type": name, "status": "True", "reason": reason, "message": message, "lastTransitionTime": now}
        for name, reason, message in (
            ("NamesAccepted", "NoConflicts", "no conflicts found"),
            ("Established", "InitialNamesAccepted", "the initial names have been accepted"),
        )
    ]
    return {"conditions": conditions, "acceptedNames": definition["spec"]["names"], "storedVersions": stored}


def _comparable(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    """An object without what a write that changes nothing may leave otherwise."""
    metadata = {name: value for name, value in obj["metadata"].items() if name != "managedFields" and value != {}}
    return {**obj, "metadata": metadata}


def _shown(kind: Kind) -> str:
    return f"{kind.plural}.{kind.group}" if kind.group else kind.plural


def _of(key: Key) -> dict[str, Any]:
    found: dict[str, Any] = {"name": key.name, "group": key.group, "kind": key.plural}
    return {name: value for name, value in found.items() if value}
