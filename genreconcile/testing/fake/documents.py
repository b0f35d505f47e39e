"""What a server says of itself: aggregated discovery and OpenAPI v3.

Invariant: both follow the definitions in the store at once; a group version in ``stale`` is served as an aggregated API
that does not answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from genreconcile.testing.fake.kinds import DEFINITIONS, Kind, built_in, defined_by, digest, document_of, recorded
from genreconcile.testing.fake.store import Store
from genreconcile.testing.fake.wire import Answer, Refusal, Request, json_answer

_RECORDED_DIGESTS: dict[str, str] = {}


class Documents:
    """The kinds of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.stale: set[tuple[str, str]] = set()
        """(group, version) of APIs that do not answer: discovery knows none of their kinds."""

    def kinds(self) -> list[Kind]:
        """All kinds, those of definitions included."""
        return [*built_in(), *(kind for definition in self._definitions() for kind in defined_by(definition))]

    def find(self, group: str, version: str, plural: str) -> Kind:
        """The kind that a path names. Raises Refusal: 404, or 503 for an API that does not answer."""
        if (group, version) in self.stale:
            raise Refusal(503, "the server is currently unable to handle the request")
        for kind in self.kinds():
            if (kind.group, kind.version, kind.plural) == (group, version, plural):
                return kind
        raise Refusal(404, "the server could not find the requested resource")

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
        for path, document in recorded().items():
            _RECORDED_DIGESTS.setdefault(path, digest(document))
        digests = dict(_RECORDED_DIGESTS)
        digests |= {path: digest(self._document(path)) for path in self._custom()}
        return {path: f"/openapi/v3/{path}?hash={value}" for path, value in digests.items()}

    def _document(self, path: str) -> Mapping[str, Any]:
        if path in recorded():
            return recorded()[path]
        place = self._custom().get(path)
        if place is None:
            raise Refusal(404, "404 page not found")
        return document_of(list(self._definitions()), *place)
