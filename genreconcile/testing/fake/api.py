"""The API server: requests in, answers out, over the store; what it cannot do it refuses.

Invariant: what it answers depends on the requests, the seed and the clock alone; real time only ends watches and paces
bookmarks.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from genreconcile.testing.fake.collecting import Controllers
from genreconcile.testing.fake.documents import Documents
from genreconcile.testing.fake.kinds import Kind
from genreconcile.testing.fake.listing import Lists, listed
from genreconcile.testing.fake.machinery import Machinery, Write
from genreconcile.testing.fake.options import Options
from genreconcile.testing.fake.patching import patched
from genreconcile.testing.fake.scaling import scale_of, scaled
from genreconcile.testing.fake.selecting import selection_of
from genreconcile.testing.fake.store import Key, Object, Store
from genreconcile.testing.fake.views import View, view_of
from genreconcile.testing.fake.watching import LONGEST_WATCH, Watches
from genreconcile.testing.fake.wire import WRITES, Answer, Refusal, Request, Target, encode, json_answer

_NOT_FOUND: Final = "the server could not find the requested resource"


class Api:
    """``bookmarks`` are the seconds between them, None for a server that sends none.

    ``longest_watch`` ends watches before the client's ``timeoutSeconds``. ``now`` gives the times of objects, by
    default one that only revisions move. ``finishes_namespaces``: deleted namespaces become empty, and go.
    ``documents`` is a folder of OpenAPI v3 documents of further built-in kinds.
    """

    def __init__(  # noqa: PLR0913 - keyword-only settings, each with a default
        self,
        seed: int = 0,
        *,
        bookmarks: float | None = 1.0,
        longest_watch: float = LONGEST_WATCH,
        now: Callable[[], dt.datetime] | None = None,
        finishes_namespaces: bool = False,
        documents: Path | None = None,
    ) -> None:
        self.store = Store()
        self.documents = Documents(self.store, documents)
        self.machinery = Machinery(self.store, self.documents, seed, now)
        self.controllers = Controllers(
            self.store, self.documents, self.machinery, finishes_namespaces=finishes_namespaces
        )
        self.lists = Lists(self.store, self.documents)
        self.watches = Watches(self.store, self.documents, bookmarks, longest_watch)

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
        self.controllers.finish_namespace(name)

    def _resource(self, request: Request) -> Answer:
        target = request.target
        kind = self.documents.find(target.group, target.version, target.resource)
        verb = "deletecollection" if request.verb == "delete" and not target.name else request.verb
        found = self._subresources(target, kind).get(verb)
        if found is None:
            raise Refusal(405, "the server does not allow this method on the requested resource")
        with self.store.changed:
            answer = found(request, kind, target)
            if verb in WRITES or verb == "deletecollection":
                self.controllers.run()
        return answer

    def _subresources(self, target: Target, kind: Kind) -> Mapping[str, Callable[[Request, Kind, Target], Answer]]:
        """What can be done at a path, by verb. Raises Refusal (404)."""
        if target.subresource == "status" and kind.has_status:
            return {"get": self._get, "update": self._update, "patch": self._patch}
        if target.subresource == "scale" and kind.scale is not None:
            return {"get": self._scale, "update": self._rescale, "patch": self._rescale}
        if target.subresource:
            raise Refusal(404, _NOT_FOUND)
        return {
            "get": self._get,
            "list": self._list,
            "watch": self._watch,
            "create": self._create,
            "update": self._update,
            "patch": self._patch,
            "delete": self._delete,
            "deletecollection": self._delete_collection,
        }

    def _view(self, request: Request, kind: Kind) -> View:
        return view_of(request, kind, self.documents.shown)

    def _get(self, request: Request, kind: Kind, target: Target) -> Answer:
        return json_answer(self._view(request, kind)(self.machinery.require(_key(kind, target))))

    def _create(self, request: Request, kind: Kind, target: Target) -> Answer:
        if target.name:
            raise Refusal(405, "the server does not allow this method on the requested resource")
        made = self.machinery.create(kind, target.namespace, request.body, Options.of(request))
        return json_answer(self._view(request, kind)(made), 201)

    def _update(self, request: Request, kind: Kind, target: Target) -> Answer:
        found = self.machinery.update(_write(request, kind, target), request.body)
        return json_answer(self._view(request, kind)(found))

    def _patch(self, request: Request, kind: Kind, target: Target) -> Answer:
        content_type = request.headers.get("content-type", "")
        found = self.machinery.patch(_write(request, kind, target), request.body, content_type)
        return json_answer(self._view(request, kind)(found))

    def _delete(self, request: Request, kind: Kind, target: Target) -> Answer:
        key = _key(kind, target)
        uid = self.machinery.require(key)["metadata"]["uid"]
        kept = self.machinery.delete(key, request.body, request.query)
        if kept is not None:
            return json_answer(self._view(request, kind)(kept))
        details = {"name": key.name, "group": key.group, "kind": key.plural, "uid": uid}
        details = {name: value for name, value in details.items() if value}
        return json_answer({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details,
        })  # fmt: skip

    def _delete_collection(self, request: Request, kind: Kind, target: Target) -> Answer:
        selection = selection_of(request, kind)
        found = [
            (key, obj)
            for key, obj in self.store.list(kind.place, target.namespace)
            if selection.takes(self.documents.shown(kind, obj))
        ]
        for key, _ in found:
            self.machinery.delete(key, request.body, request.query)
        return json_answer(listed(request, kind, self._view(request, kind), found, self.store.revision))

    def _list(self, request: Request, kind: Kind, target: Target) -> Answer:
        return self.lists.answer(request, kind, target)

    def _watch(self, request: Request, kind: Kind, target: Target) -> Answer:
        return Answer(200, self.watches.events(request, kind, target), {"Content-Type": "application/json"})

    def _scale(self, request: Request, kind: Kind, target: Target) -> Answer:
        del request
        return json_answer(self._scale_at(kind, _key(kind, target)))

    def _scale_at(self, kind: Kind, key: Key) -> dict[str, Any]:
        if kind.scale is None:
            raise Refusal(404, _NOT_FOUND)
        return scale_of(self.documents.shown(kind, self.machinery.require(key)), kind.scale)

    def _rescale(self, request: Request, kind: Kind, target: Target) -> Answer:
        key = _key(kind, target)
        before = self._scale_at(kind, key)
        if request.verb == "patch":
            wished = patched(before, request.body, request.headers.get("content-type", ""))
        else:
            wished = request.json()
        live: Object = self.documents.shown(kind, self.machinery.require(key))
        replicas = ((wished or {}).get("spec") or {}).get("replicas", 0)
        if kind.scale is None:
            raise Refusal(404, _NOT_FOUND)
        version = (wished.get("metadata") or {}).get("resourceVersion")
        body = {**scaled(live, kind.scale, replicas)}
        metadata = {**body["metadata"], "resourceVersion": version or live["metadata"]["resourceVersion"]}
        self.machinery.update(_write(request, kind, target), encode({**body, "metadata": metadata}))
        return json_answer(self._scale_at(kind, key))


def _write(request: Request, kind: Kind, target: Target) -> Write:
    return Write(kind, _key(kind, target), request.verb, Options.of(request), target.subresource)


def _key(kind: Kind, target: Target) -> Key:
    return Key(*kind.place, target.namespace if kind.namespaced else "", target.name)
