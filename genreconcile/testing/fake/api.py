"""The API server: requests in, answers out, over the store; what it cannot do it refuses.

Invariant: what it answers depends on the requests and the seed alone; time only ends watches and paces bookmarks.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from genreconcile.testing.fake.documents import Documents
from genreconcile.testing.fake.kinds import Kind
from genreconcile.testing.fake.machinery import Machinery
from genreconcile.testing.fake.store import Key, Store
from genreconcile.testing.fake.views import item_of, list_head, view_of
from genreconcile.testing.fake.watching import LONGEST_WATCH, Watches
from genreconcile.testing.fake.wire import Answer, Refusal, Request, Target, json_answer


class Api:
    """``bookmarks`` are the seconds between them, None for a server that sends none.

    ``longest_watch`` ends watches before the client's ``timeoutSeconds``.
    """

    def __init__(self, seed: int = 0, *, bookmarks: float | None = 1.0, longest_watch: float = LONGEST_WATCH) -> None:
        self.store = Store()
        self.documents = Documents(self.store)
        self.machinery = Machinery(self.store, seed)
        self.watches = Watches(self.store, bookmarks, longest_watch)

    def answer(self, request: Request) -> Answer:
        """See ``Backend``."""
        try:
            return self.documents.answer(request) or self._resource(request)
        except Refusal as refusal:
            return refusal.answer()

    @property
    def bookmarks(self) -> float | None:
        """The seconds between bookmarks of watches that begin now; may be set."""
        return self.watches.bookmarks

    @bookmarks.setter
    def bookmarks(self, seconds: float | None) -> None:
        self.watches.bookmarks = seconds

    def close(self) -> None:
        """See ``Backend``."""
        self.watches.close()

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
        return json_answer(view_of(request, kind)(self.machinery.require(_key(kind, target))))

    def _create(self, request: Request, kind: Kind, target: Target) -> Answer:
        with self.store.changed:
            made = self.machinery.create(kind, target.namespace, request.body, dry_run=request.is_dry_run)
        return json_answer(view_of(request, kind)(made), 201)

    def _patch(self, request: Request, kind: Kind, target: Target) -> Answer:
        if request.headers.get("content-type") != "application/json-patch+json":
            raise Refusal(415, "only JSON patches are scripted")
        with self.store.changed:
            found = self.machinery.patch(
                kind, _key(kind, target), request.body, target.subresource, dry_run=request.is_dry_run
            )
        return json_answer(view_of(request, kind)(found))

    def _delete(self, request: Request, kind: Kind, target: Target) -> Answer:
        key = _key(kind, target)
        with self.store.changed:
            uid = self.machinery.require(key)["metadata"]["uid"]
            kept = self.machinery.delete(key, request.body, dry_run=request.is_dry_run)
        if kept is not None:
            return json_answer(view_of(request, kind)(kept))
        details = {"name": key.name, "group": key.group, "kind": key.plural, "uid": uid}
        return json_answer({"apiVersion": "v1", "kind": "Status", "status": "Success", "details": details})

    def _list(self, request: Request, kind: Kind, target: Target) -> Answer:
        _require_plain(request)
        query, view = request.query, view_of(request, kind)
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
        items = [item_of(view(obj), kind) for _, obj in found]
        return json_answer({**list_head(request, kind), "metadata": metadata, "items": items})

    def _require_reached(self, revision: int) -> None:
        if revision > self.store.revision:
            causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
            message = f"Too large resource version: {revision}, current: {self.store.revision}"
            raise Refusal(504, message, details={"causes": causes, "retryAfterSeconds": 1})

    def _watch(self, request: Request, kind: Kind, target: Target) -> Answer:
        _require_plain(request)
        return Answer(200, self.watches.events(request, kind, target), {"Content-Type": "application/json"})


def _key(kind: Kind, target: Target) -> Key:
    return Key(*kind.place, target.namespace, target.name)


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
