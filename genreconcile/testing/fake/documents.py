"""What a server says of itself: aggregated discovery and OpenAPI v3.

Invariant: both follow the definitions in the store at once; a group version in ``stale`` is served as an aggregated API
that does not answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from genreconcile.testing.fake.kinds import (
    DEFINITIONS,
    Kind,
    defined_by,
    described,
    digest,
    document_of,
    recorded,
    schema_of,
)
from genreconcile.testing.fake.semantics import BuiltIn, Custom, Semantics
from genreconcile.testing.fake.store import Key, Object, Store
from genreconcile.testing.fake.wire import Answer, Refusal, Request, json_answer


class Documents:
    """The kinds of one store."""

    def __init__(self, store: Store, folder: Path | None = None) -> None:
        self._store = store
        self._recorded = {**recorded(), **(recorded(folder) if folder is not None else {})}
        self._built_in = tuple(described(self._recorded))
        self._semantics_of_built_in: dict[Kind, Semantics] = {}
        self._semantics: dict[tuple[Kind, str], Semantics] = {}
        self._semantics_revision = -1
        self._known: tuple[int, Sequence[Kind]] | None = None
        self.stale: set[tuple[str, str]] = set()
        """(group, version) of APIs that do not answer: discovery knows none of their kinds."""

    def kinds(self) -> Sequence[Kind]:
        """All kinds, those of definitions included."""
        revision = self._store.revision_of(DEFINITIONS)
        if self._known is None or self._known[0] != revision:
            custom = [kind for definition in self._definitions() for kind in defined_by(definition)]
            self._known = (revision, [*self._built_in, *custom])
        return self._known[1]

    def find(self, group: str, version: str, plural: str) -> Kind:
        """The kind that a path names. Raises Refusal: 404, or 503 for an API that does not answer."""
        if (group, version) in self.stale:
            raise Refusal(503, "the server is currently unable to handle the request")
        found = (one for one in self.kinds() if (one.group, one.version, one.plural) == (group, version, plural))
        if kind := next(found, None):
            return kind
        raise Refusal(404, "the server could not find the requested resource")

    def named(self, api_version: str, kind: str) -> Kind | None:
        """The kind that an object or a reference names, None where it is not served."""
        found = (one for one in self.kinds() if (one.api_version, one.kind) == (api_version, kind))
        return next(found, None)

    def stored(self, key: Key) -> Kind:
        """The version in which an object is stored; any of a kind that is served no more."""
        found = [one for one in self.kinds() if one.place == key[:2]]
        return next((one for one in found if one.version == one.storage), found[0])

    def semantics(self, kind: Kind, version: str = "") -> Semantics:
        """What the schema of a kind does, of one ``version`` of it."""
        if not kind.defines:
            return self._of_built_in(kind)
        revision = self._store.revision_of(DEFINITIONS)
        if self._semantics_revision != revision:
            self._semantics, self._semantics_revision = {}, revision
        place = (kind, version or kind.version)
        if place not in self._semantics:
            definition = self._store.get(Key(*DEFINITIONS, "", kind.defines)) or {}
            self._semantics[place] = Custom(kind, schema_of(definition, place[1]))
        return self._semantics[place]

    def _of_built_in(self, kind: Kind) -> Semantics:
        if kind not in self._semantics_of_built_in:
            path = f"apis/{kind.api_version}" if kind.group else f"api/{kind.version}"
            self._semantics_of_built_in[kind] = BuiltIn(kind, self._recorded[path]["components"]["schemas"])
        return self._semantics_of_built_in[kind]

    def shown(self, kind: Kind, live: Object) -> dict[str, Any]:
        """A stored object in a version of its kind: what is stored gets the defaults of the version it is stored in."""
        if not kind.defines:
            return {**live, "apiVersion": kind.api_version}
        stored = self.semantics(kind, kind.storage)
        found = stored.defaulted(stored.decoded(live)[0])
        if kind.version != kind.storage:
            found, _ = self.semantics(kind).decoded(found)
        return {**found, "apiVersion": kind.api_version}

    def to_store(self, kind: Kind, obj: dict[str, Any]) -> dict[str, Any]:
        """An object as it is stored."""
        if not kind.defines or kind.version == kind.storage:
            return obj
        found, _ = self.semantics(kind, kind.storage).decoded(obj)
        return {**found, "apiVersion": f"{kind.group}/{kind.storage}"}

    def answer(self, request: Request) -> Answer | None:
        """The answer to a request for discovery or documents, None for other paths. Raises Refusal (404)."""
        if request.path == "/version":
            return json_answer({"major": "1", "minor": "37", "gitVersion": "v1.37.2"})
        if request.path in {"/api", "/apis"}:
            return json_answer(self._discovery(core=request.path == "/api"))
        if request.path == "/openapi/v3":
            return json_answer({"paths": {path: {"serverRelativeURL": url} for path, url in self._urls().items()}})
        if request.path.startswith("/openapi/v3/"):
            return json_answer(self._document(request.path.removeprefix("/openapi/v3/")))
        return None

    def _definitions(self) -> Sequence[Mapping[str, Any]]:
        return [obj for _, obj in self._store.list(DEFINITIONS, "")]

    def _discovery(self, *, core: bool) -> dict[str, Any]:
        groups: dict[str, dict[str, list[Kind]]] = {}
        for kind in self.kinds():
            if (kind.group == "") == core:
                groups.setdefault(kind.group, {}).setdefault(kind.version, []).append(kind)
        for group, version in self.stale:
            if (group == "") == core:
                groups.setdefault(group, {})[version] = []
        items = [
            {"metadata": {"name": group}, "versions": self._versions(group, found)} for group, found in groups.items()
        ]
        return {"apiVersion": "apidiscovery.k8s.io/v2", "kind": "APIGroupDiscoveryList", "metadata": {}, "items": items}

    def _versions(self, group: str, found: Mapping[str, list[Kind]]) -> list[dict[str, Any]]:
        return [
            {
                "version": version,
                "freshness": "Stale" if (group, version) in self.stale else "Current",
                "resources": [kind.to_discovery() for kind in kinds],
            }
            for version, kinds in found.items()
        ]

    def _custom(self) -> dict[str, tuple[str, str]]:
        kinds = [kind for definition in self._definitions() for kind in defined_by(definition)]
        return {f"apis/{kind.group}/{kind.version}": (kind.group, kind.version) for kind in kinds}

    def _urls(self) -> dict[str, str]:
        digests = {path: _digest(document) for path, document in self._recorded.items()}
        digests |= {path: digest(self._document(path)) for path in self._custom()}
        return {path: f"/openapi/v3/{path}?hash={value}" for path, value in digests.items()}

    def _document(self, path: str) -> Mapping[str, Any]:
        if path in self._recorded:
            return self._recorded[path]
        place = self._custom().get(path)
        if place is None:
            raise Refusal(404, "404 page not found")
        return document_of(list(self._definitions()), *place)


_DIGESTS: dict[int, str] = {}


def _digest(document: Mapping[str, Any]) -> str:
    """The digest of a document that lives as long as the process."""
    if id(document) not in _DIGESTS:
        _DIGESTS[id(document)] = digest(document)
    return _DIGESTS[id(document)]
