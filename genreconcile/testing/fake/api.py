"""The API server: requests in, answers out, over the store; what it cannot do it refuses.

Invariant: what it answers depends on the requests, the seed and the clock alone; real time only ends watches and paces
bookmarks.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from genreconcile.testing.fake.body import require_json
from genreconcile.testing.fake.collecting import Controllers
from genreconcile.testing.fake.discovery import Discovery
from genreconcile.testing.fake.documents import Documents
from genreconcile.testing.fake.kinds import Kind, Scale
from genreconcile.testing.fake.listing import Lists, listed
from genreconcile.testing.fake.machinery import Machinery, Write
from genreconcile.testing.fake.options import Deletion, Options, require_list_options
from genreconcile.testing.fake.patching import is_apply, patched
from genreconcile.testing.fake.places import Place, data, places_of
from genreconcile.testing.fake.refusals import not_found
from genreconcile.testing.fake.reviews import Reviews
from genreconcile.testing.fake.scaling import scale_of, scaled
from genreconcile.testing.fake.selecting import selection_of
from genreconcile.testing.fake.store import Key, Store
from genreconcile.testing.fake.views import View, view_of
from genreconcile.testing.fake.watching import LONGEST_WATCH, Watches
from genreconcile.testing.fake.wire import (
    WRITES,
    Answer,
    Refusal,
    Request,
    Target,
    Unsupported,
    encode,
    json_answer,
)

Verb = Callable[[Request, Kind, Target], Answer]
_LARGEST_BODY: Final = 3 * 1024 * 1024
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
        self.discovery = Discovery(self.documents)
        self.reviews = Reviews()
        self.unsupported: list[str] = []
        """The requests that were refused because nobody can answer them here, with the reason."""
        self.lists = Lists(self.store, self.documents)
        self.watches = Watches(self.store, self.documents, bookmarks, longest_watch)

    def answer(self, request: Request) -> Answer:
        """See ``Backend``."""
        try:
            return self.discovery.answer(request) or self.reviews.answer(request) or self._resource(request)
        except Unsupported as refusal:
            return self._unsupported(request, refusal)
        except Refusal as refusal:
            return refusal.answer()
        except RecursionError:  # A real API server takes objects that are nested by up to 10,000 levels.
            return self._unsupported(request, Unsupported("objects that are nested so deeply; give flatter ones"))

    def _unsupported(self, request: Request, refusal: Unsupported) -> Answer:
        self.unsupported.append(f"{request.method} {request.path}: {refusal}")
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
        if len(request.body) > _LARGEST_BODY:
            raise Refusal(413, f"Request entity too large: limit is {_LARGEST_BODY}")
        with self.store.changed:
            found = self._verbs(target, kind).get(verb)
            if found is None:
                raise Refusal(405, "the server does not allow this method on the requested resource")
            if verb in {"create", "update"}:
                require_json(request)
            answer = found(request, kind, target)
            if verb in WRITES or verb == "deletecollection":
                self.controllers.run()
        return answer

    def _verbs(self, target: Target, kind: Kind) -> Mapping[str, Verb]:
        """What can be done at a path, by verb. Raises Refusal (404)."""
        if not target.subresource:
            return self._of_object(target, kind) if target.name else self._of_list(target, kind)
        if target.subresource == "status" and kind.has_status:
            return {"get": self._get, "update": self._update, "patch": self._patch}
        if target.subresource == "scale" and kind.scale is not None:
            return {"get": self._scale, "update": self._rescale, "patch": self._rescale}
        if kind.defines:
            raise not_found(_key(kind, target))
        if target.subresource in data("subresources").get(kind.plural, ()):
            raise Unsupported(f"the subresource {target.subresource} of {kind.plural}")
        raise Refusal(404, _NOT_FOUND)

    def _of_list(self, target: Target, kind: Kind) -> Mapping[str, Verb]:
        if kind.namespaced and not target.namespace:
            return {"list": self._list, "watch": self._watch}
        found: dict[str, Verb] = {"list": self._list, "watch": self._watch, "create": self._create}
        return found | ({"deletecollection": self._delete_collection} if "deletecollection" in kind.verbs else {})

    def _of_object(self, target: Target, kind: Kind) -> Mapping[str, Verb]:
        if kind.namespaced and not target.namespace:
            raise Refusal(404, _NOT_FOUND)
        return {
            "get": self._get,
            "watch": self._watch,
            "update": self._update,
            "patch": self._patch,
            "delete": self._delete,
        }

    def _view(self, request: Request, kind: Kind) -> View:
        return view_of(request, kind, self.documents.shown)

    def _get(self, request: Request, kind: Kind, target: Target) -> Answer:
        return json_answer(self._view(request, kind)(self.machinery.require(_key(kind, target))))

    def _create(self, request: Request, kind: Kind, target: Target) -> Answer:
        made = self.machinery.create(kind, target.namespace, request.body, Options.of(request))
        return json_answer(self._view(request, kind)(made), 201)

    def _update(self, request: Request, kind: Kind, target: Target) -> Answer:
        found = self.machinery.update(_write(request, kind, target), request.body)
        return json_answer(self._view(request, kind)(found))

    def _patch(self, request: Request, kind: Kind, target: Target) -> Answer:
        content_type = request.headers.get("content-type", "")
        if is_apply(content_type):
            obj, is_new = self.machinery.apply(_write(request, kind, target), request.body)
            return json_answer(self._view(request, kind)(obj), 201 if is_new else 200)
        found = self.machinery.patch(_write(request, kind, target), request.body, content_type)
        return json_answer(self._view(request, kind)(found))

    def _delete(self, request: Request, kind: Kind, target: Target) -> Answer:
        key = _key(kind, target)
        obj, is_gone = self.machinery.delete(key, Deletion.of(request.body, request.query))
        if not is_gone or kind.place in _answered():
            return json_answer(self._view(request, kind)(obj))
        details = {"name": key.name, "group": key.group, "kind": key.plural, "uid": obj["metadata"]["uid"]}
        details = {name: value for name, value in details.items() if value}
        return json_answer({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details,
        })  # fmt: skip

    def _delete_collection(self, request: Request, kind: Kind, target: Target) -> Answer:
        require_list_options(request.query)
        selection, options = selection_of(request, kind), Deletion.of(request.body, request.query)
        found = [
            (key, obj)
            for key, obj in self.store.list(kind.place, target.namespace)
            if selection.takes(self.documents.shown(kind, obj))
        ]
        for key, _ in found:
            self.machinery.delete(key, options)
        return json_answer(listed(request, kind, self._view(request, kind), found, self.store.revision))

    def _list(self, request: Request, kind: Kind, target: Target) -> Answer:
        return self.lists.answer(request, kind, target)

    def _watch(self, request: Request, kind: Kind, target: Target) -> Answer:
        return Answer(200, self.watches.events(request, kind, target), {"Content-Type": "application/json"})

    def _scale(self, request: Request, kind: Kind, target: Target) -> Answer:
        del request
        return json_answer(scale_of(self._live(kind, target), _scale_of(kind)))

    def _rescale(self, request: Request, kind: Kind, target: Target) -> Answer:
        live, scale = self._live(kind, target), _scale_of(kind)
        if request.verb == "patch":
            wished = patched(scale_of(live, scale, is_new=True), request.body, request.headers.get("content-type", ""))
        else:
            wished = request.json()
        body = scaled(live, scale, wished)
        self.machinery.update(_write(request, kind, target), encode(body))
        return json_answer(scale_of(self._live(kind, target), scale))

    def _live(self, kind: Kind, target: Target) -> Mapping[str, Any]:
        return self.documents.shown(kind, self.machinery.require(_key(kind, target)))


def _scale_of(kind: Kind) -> Scale:
    if kind.scale is None:
        raise Refusal(404, _NOT_FOUND)
    return kind.scale


@functools.cache
def _answered() -> frozenset[Place]:
    return frozenset(places_of(data("deletion")["answered"]))


def _write(request: Request, kind: Kind, target: Target) -> Write:
    return Write(kind, _key(kind, target), request.verb, Options.of(request), target.subresource)


def _key(kind: Kind, target: Target) -> Key:
    return Key(*kind.place, target.namespace if kind.namespaced else "", target.name)
