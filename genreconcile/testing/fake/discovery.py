"""What a server says of itself: discovery, in one answer or in many, and OpenAPI v3.

Invariant: it follows the definitions in the store at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from genreconcile.testing.fake.describing import digest, document_of
from genreconcile.testing.fake.documents import Documents
from genreconcile.testing.fake.kinds import Kind, defined_by
from genreconcile.testing.fake.wire import Answer, NoSuchPath, Refusal, Request, Unsupported, json_answer

_AGGREGATED: Final = "as=APIGroupDiscoveryList"
_VERBS: Final = ("get", "patch", "update")
_SCALE: Final = {"group": "autoscaling", "version": "v1", "kind": "Scale"}
_OPENAPI: Final = "/openapi/v3"
_NOT_HERE: Final = ("/healthz", "/livez", "/readyz", "/metrics", "/logs", "/openapi/v2", "/.well-known", "/debug")


class Discovery:
    """Answers about the kinds of one server."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def answer(self, request: Request) -> Answer | None:
        """The answer to a request for discovery or documents, None for other paths. Raises Refusal."""
        path = request.path
        if path.startswith(("/api", "/apis")):
            return self._of_kinds(path, is_aggregated=_AGGREGATED in request.headers.get("accept", ""))
        if path == "/version":
            return json_answer({"major": "1", "minor": "37", "gitVersion": "v1.37.2"})
        if path == _OPENAPI:
            urls = {name: f"{_OPENAPI}/{name}?hash={value}" for name, value in self._digests()}
            return json_answer({"paths": {name: {"serverRelativeURL": url} for name, url in urls.items()}})
        if path.startswith(f"{_OPENAPI}/"):
            return self._document(path.removeprefix(f"{_OPENAPI}/"), request.query.get("hash", ""))
        if path.startswith(_NOT_HERE):
            raise Unsupported(f"the path {path}")
        return None

    def _of_kinds(self, path: str, *, is_aggregated: bool) -> Answer | None:
        parts = path.strip("/").split("/")
        if len(parts) == 1:
            core = parts[0] == "api"
            if is_aggregated:
                return json_answer(self._in_one(core=core))
            return json_answer({"kind": "APIVersions", "versions": ["v1"]} if core else self._groups())
        if parts[0] == "apis" and len(parts) == 2:
            return json_answer(self._group(parts[1]))
        if len(parts) == (2 if parts[0] == "api" else 3):
            return json_answer(self._resources("" if parts[0] == "api" else parts[1], parts[-1]))
        return None

    def _by_group(self) -> dict[str, dict[str, list[Kind]]]:
        groups: dict[str, dict[str, list[Kind]]] = {}
        for kind in self._documents.kinds():
            groups.setdefault(kind.group, {}).setdefault(kind.version, []).append(kind)
        for group, version in self._documents.stale:
            groups.setdefault(group, {})[version] = []
        return groups

    def _in_one(self, *, core: bool) -> dict[str, Any]:
        items = [
            {"metadata": {"name": group} if group else {}, "versions": self._versions(group, found)}
            for group, found in self._by_group().items()
            if (group == "") == core
        ]
        return {"apiVersion": "apidiscovery.k8s.io/v2", "kind": "APIGroupDiscoveryList", "metadata": {}, "items": items}

    def _versions(self, group: str, found: Mapping[str, list[Kind]]) -> list[dict[str, Any]]:
        return [
            {
                "version": version,
                "freshness": "Stale" if (group, version) in self._documents.stale else "Current",
                "resources": [_entry(kind) for kind in kinds],
            }
            for version, kinds in found.items()
        ]

    def _groups(self) -> dict[str, Any]:
        groups = [_group(name, versions) for name, versions in self._by_group().items() if name]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}

    def _group(self, name: str) -> dict[str, Any]:
        versions = self._by_group().get(name)
        if versions is None:
            raise NoSuchPath
        return {"kind": "APIGroup", "apiVersion": "v1", **_group(name, versions)}

    def _resources(self, group: str, version: str) -> dict[str, Any]:
        if (group, version) in self._documents.stale:
            raise Refusal(503, "the server is currently unable to handle the request")
        kinds = self._by_group().get(group, {}).get(version)
        if kinds is None:
            raise NoSuchPath
        found = [entry for kind in kinds for entry in _entries(kind)]
        name = f"{group}/{version}" if group else version
        return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": name, "resources": found}

    def _custom(self) -> dict[str, tuple[str, str]]:
        kinds = [kind for definition in self._documents.definitions() for kind in defined_by(definition)]
        return {f"apis/{kind.group}/{kind.version}": (kind.group, kind.version) for kind in kinds}

    def _digests(self) -> Iterator[tuple[str, str]]:
        for path, document in self._documents.recorded.items():
            yield path, _digest(document)
        for path in self._custom():
            yield path, digest(self._content(path))

    def _document(self, path: str, wanted: str) -> Answer:
        """One document; under another hash than its own a redirect."""
        document = self._content(path)
        found = _digest(document) if path in self._documents.recorded else digest(document)
        if wanted and wanted != found:
            return Answer(301, b"", {"Location": f"{_OPENAPI}/{path}?hash={found}"})
        return json_answer(document)

    def _content(self, path: str) -> Mapping[str, Any]:
        if path in self._documents.recorded:
            return self._documents.recorded[path]
        place = self._custom().get(path)
        if place is None:
            raise NoSuchPath
        return document_of(list(self._documents.definitions()), *place)


def _own(kind: Kind) -> dict[str, str]:
    return {"group": kind.group, "version": kind.version, "kind": kind.kind}


def _group(name: str, versions: Iterable[str]) -> dict[str, Any]:
    found = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": found, "preferredVersion": found[0]}


def _named(kind: Kind) -> dict[str, Any]:
    short, categories = list(kind.names.short), list(kind.names.categories)
    return ({"shortNames": short} if short else {}) | ({"categories": categories} if categories else {})


def _entry(kind: Kind) -> dict[str, Any]:
    """A kind in an APIGroupDiscoveryList."""
    own = _own(kind) if kind.defines else {"group": "", "version": "", "kind": kind.kind}
    entry: dict[str, Any] = {"resource": kind.plural, "responseKind": own, "verbs": list(kind.verbs)}
    entry["scope"] = "Namespaced" if kind.namespaced else "Cluster"
    entry |= {"singularResource": kind.names.singular or kind.kind.lower(), **_named(kind)}
    subresources = [{"subresource": "status", "responseKind": own, "verbs": list(_VERBS)}] if kind.has_status else []
    if kind.scale is not None:
        subresources.append({"subresource": "scale", "responseKind": _SCALE, "verbs": list(_VERBS)})
    return entry | ({"subresources": subresources} if subresources else {})


def _entries(kind: Kind) -> Iterator[dict[str, Any]]:
    """A kind and its subresources in an APIResourceList."""
    own = {"singularName": kind.names.singular or kind.kind.lower(), "namespaced": kind.namespaced, "kind": kind.kind}
    yield {"name": kind.plural, **own, "verbs": list(kind.verbs), **_named(kind)}
    below = {"singularName": "", "namespaced": kind.namespaced, "verbs": list(_VERBS)}
    if kind.has_status:
        yield {"name": f"{kind.plural}/status", "kind": kind.kind, **below}
    if kind.scale is not None:
        yield {"name": f"{kind.plural}/scale", **below, **_SCALE}


_DIGESTS: dict[int, str] = {}


def _digest(document: Mapping[str, Any]) -> str:
    """The digest of a document that lives as long as the process."""
    if id(document) not in _DIGESTS:
        _DIGESTS[id(document)] = digest(document)
    return _DIGESTS[id(document)]
