"""The scripted API server: requests in, answers out, over the store. As a backend it stands behind a front.

Invariant: what it answers depends on the requests and the seed alone; time only ends watches and paces bookmarks.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from faults.ground.documents import Documents
from faults.ground.kinds import DEFINITIONS, Kind
from faults.ground.machinery import Machinery
from faults.ground.store import Change, Key, Object, Store
from faults.ground.wire import Answer, Refusal, Request, Target, encode, json_answer

_PARTIAL = "as=PartialObjectMetadata"
_INITIAL_END = "k8s.io/initial-events-end"
_LOOK_ROUND = 0.1  # Seconds after which an idle watch looks whether its client is gone.
_LONGEST_WATCH = 1800.0

View = Callable[[Object], Mapping[str, Any]]


class Api:
    """``bookmarks`` are the seconds between them, None for a server that sends none.

    ``longest_watch`` ends watches before the client's ``timeoutSeconds``.
    """

    def __init__(self, seed: int = 0, *, bookmarks: float | None = 1.0, longest_watch: float = _LONGEST_WATCH) -> None:
        self.store = Store()
        self.documents = Documents(self.store)
        self.machinery = Machinery(self.store, seed)
        self.bookmarks = bookmarks
        self.longest_watch = longest_watch
        self._is_closing = False

    def answer(self, request: Request) -> Answer:
        """See ``Backend``."""
        try:
            return self.documents.answer(request) or self._resource(request)
        except Refusal as refusal:
            return refusal.answer()

    def close(self) -> None:
        """See ``Backend``."""
        with self.store.changed:
            self._is_closing = True
            self.store.changed.notify_all()

    def finish_namespace(self, name: str) -> None:
        """Do the namespace controller's work: what is in the namespace goes, and then the namespace."""
        with self.store.changed:
            for key in self.store.names():
                if key.namespace == name:
                    self.store.remove(key)
            self.store.remove(Key("", "namespaces", "", name))

    def _resource(self, request: Request) -> Answer:
        target = request.target
        kind = self.documents.find(target.group, target.version, target.resource)
        if target.subresource and not (target.subresource == "status" and kind.has_status):
            raise Refusal(404, "the server could not find the requested resource")
        reader: dict[str, Callable[[Request, Kind, Target], Answer]] = {
            "get": self._get,
            "list": self._list,
            "watch": self._watch,
            "create": self._create,
            "patch": self._patch,
            "delete": self._delete,
        }
        found = reader.get(request.verb)
        if found is None:
            raise Refusal(405, "the server does not allow this method on the requested resource")
        return found(request, kind, target)

    def _get(self, request: Request, kind: Kind, target: Target) -> Answer:
        return json_answer(_view(request, kind)(self.machinery.require(_key(kind, target))))

    def _create(self, request: Request, kind: Kind, target: Target) -> Answer:
        with self.store.changed:
            made = self.machinery.create(kind, target.namespace, request.body, dry_run=request.is_dry_run)
        return json_answer(_view(request, kind)(made), 201)

    def _patch(self, request: Request, kind: Kind, target: Target) -> Answer:
        if request.headers.get("content-type") != "application/json-patch+json":
            raise Refusal(415, "only JSON patches are scripted")
        with self.store.changed:
            found = self.machinery.patch(
                kind, _key(kind, target), request.body, target.subresource, dry_run=request.is_dry_run
            )
        return json_answer(_view(request, kind)(found))

    def _delete(self, request: Request, kind: Kind, target: Target) -> Answer:
        key = _key(kind, target)
        with self.store.changed:
            uid = self.machinery.require(key)["metadata"]["uid"]
            kept = self.machinery.delete(key, request.body, dry_run=request.is_dry_run)
        if kept is not None:
            return json_answer(_view(request, kind)(kept))
        details = {"name": key.name, "group": key.group, "kind": key.plural, "uid": uid}
        return json_answer({"apiVersion": "v1", "kind": "Status", "status": "Success", "details": details})

    def _list(self, request: Request, kind: Kind, target: Target) -> Answer:
        _require_plain(request)
        query, view = request.query, _view(request, kind)
        start: tuple[str, str] | None = None
        with self.store.changed:
            revision = self.store.revision
            if token := query.get("continue"):
                revision, start = _read_token(token)
            elif query.get("resourceVersionMatch") == "Exact":
                revision = int(query["resourceVersion"])
            self._require_reached(max(revision, int(query.get("resourceVersion") or 0)))
            exactly = None if revision == self.store.revision else revision
            found = self.store.list(kind.place, target.namespace, exactly)
        found = [(key, obj) for key, obj in found if start is None or (key.namespace, key.name) >= start]
        metadata: dict[str, Any] = {"resourceVersion": str(revision)}
        limit = int(query.get("limit") or 0)
        if limit and len(found) > limit:
            metadata |= {"continue": _token(revision, found[limit][0]), "remainingItemCount": len(found) - limit}
            found = found[:limit]
        items = [view(obj) if kind.defines else _without_head(view(obj)) for _, obj in found]
        return json_answer({**_list_head(request, kind), "metadata": metadata, "items": items})

    def _require_reached(self, revision: int) -> None:
        if revision > self.store.revision:
            causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
            message = f"Too large resource version: {revision}, current: {self.store.revision}"
            raise Refusal(504, message, details={"causes": causes, "retryAfterSeconds": 1})

    def _watch(self, request: Request, kind: Kind, target: Target) -> Answer:
        _require_plain(request)
        return Answer(200, self._events(request, kind, target), {"Content-Type": "application/json"})

    def _events(self, request: Request, kind: Kind, target: Target) -> Iterator[bytes]:
        """A watch from a revision: errors come as events, as from the real server."""
        view = _view(request, kind)
        position = int(request.query.get("resourceVersion") or 0)
        if not position:
            with self.store.changed:
                position, found = self.store.revision, self.store.list(kind.place, target.namespace)
            yield from (_event("ADDED", view(obj)) for _, obj in found)
            if request.query.get("sendInitialEvents") == "true" and self.bookmarks is not None:
                yield _event("BOOKMARK", _bookmark(request, kind, position, **{_INITIAL_END: "true"}))
        clock = _Clock(self._seconds(request), self.bookmarks)
        while not self._is_ended(clock, request):
            try:
                changes, newest = self._next(position, clock, request)
            except Refusal as refusal:
                yield _event("ERROR", refusal.status)
                return
            for change in changes:
                if change.key.is_in(kind.place, target.namespace):
                    yield _event(change.type, view(change.obj))
                if change.type == "DELETED" and change.key == (*DEFINITIONS, "", kind.defines):
                    return
            position = max(position, newest)
            if clock.takes_bookmark():
                yield _event("BOOKMARK", _bookmark(request, kind, position))

    def _next(self, position: int, clock: _Clock, request: Request) -> tuple[list[Change], int]:
        """Wait for changes, the end, or the next bookmark."""
        with self.store.changed:
            while True:
                changes = self.store.changes_after(position)
                if changes or clock.is_bookmark_due or self._is_ended(clock, request):
                    return list(changes), self.store.revision
                self.store.changed.wait(_LOOK_ROUND)

    def _is_ended(self, clock: _Clock, request: Request) -> bool:
        return self._is_closing or clock.is_over or request.is_gone()

    def _seconds(self, request: Request) -> float:
        return min(float(request.query.get("timeoutSeconds") or _LONGEST_WATCH), self.longest_watch)


class _Clock:
    """When a watch ends, and when its next bookmark is due; the last one comes at the end."""

    def __init__(self, seconds: float, bookmarks: float | None) -> None:
        self._end = time.monotonic() + seconds
        self._interval = bookmarks
        self._next = time.monotonic() + (bookmarks or 0.0)

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._end

    @property
    def is_bookmark_due(self) -> bool:
        return self._interval is not None and (self.is_over or time.monotonic() >= self._next)

    def takes_bookmark(self) -> bool:
        """Whether one is due; then the next is due an interval later."""
        due = self.is_bookmark_due
        if due:
            self._next = time.monotonic() + (self._interval or 0.0)
        return due


def _key(kind: Kind, target: Target) -> Key:
    return Key(*kind.place, target.namespace, target.name)


def _view(request: Request, kind: Kind) -> View:
    """How objects of this version are shown, in whole or their metadata alone."""
    if _PARTIAL in request.headers.get("accept", ""):
        head = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
        return lambda obj: {**head, "metadata": obj["metadata"]}
    return lambda obj: {**obj, "apiVersion": kind.api_version}


def _list_head(request: Request, kind: Kind) -> dict[str, str]:
    if _PARTIAL in request.headers.get("accept", ""):
        return {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1"}
    return {"kind": f"{kind.kind}List", "apiVersion": kind.api_version}


def _without_head(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    """The items of a built-in kind's list lack both."""
    return {name: value for name, value in obj.items() if name not in {"apiVersion", "kind"}}


def _bookmark(request: Request, kind: Kind, revision: int, **annotations: str) -> Mapping[str, Any]:
    head = _view(request, kind)({"kind": kind.kind, "metadata": {}})
    metadata = {"resourceVersion": str(revision), "creationTimestamp": None}
    return {**head, "metadata": metadata | ({"annotations": annotations} if annotations else {})}


def _event(event_type: str, obj: Mapping[str, Any]) -> bytes:
    return encode({"type": event_type, "object": obj}) + b"\n"


def _token(revision: int, key: Key) -> str:
    return base64.urlsafe_b64encode(json.dumps([revision, key.namespace, key.name]).encode()).decode()


def _read_token(token: str) -> tuple[int, tuple[str, str]]:
    try:
        revision, namespace, name = json.loads(base64.urlsafe_b64decode(token))
    except ValueError:
        raise Refusal(400, "continue key is not valid") from None
    return revision, (namespace, name)


def _require_plain(request: Request) -> None:
    for name in ("labelSelector", "fieldSelector"):
        if request.query.get(name):
            raise Refusal(400, f"{name} is not scripted")
    if request.query.get("sendInitialEvents") and request.verb != "watch":
        raise Refusal(422, "sendInitialEvents is forbidden for list")
