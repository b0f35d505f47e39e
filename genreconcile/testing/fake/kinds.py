"""The kinds that a scripted server serves: built-in ones from recorded OpenAPI documents, custom ones from their CRDs.

Invariant: no kind is known by name but the one that defines others.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_DATA = Path(__file__).parent / "data"
_RECORDED = _DATA / "openapi"
_VERBS = ("create", "delete", "get", "list", "patch", "update", "watch")
_PATH = re.compile(
    r"/apis?/(?:(?P<group>[^/]+)/)?(?P<version>[^/]+)(?P<namespaced>/namespaces/\{namespace\})?"
    r"/(?P<plural>[a-z]+)/\{name\}(?P<status>/status)?"
)
_META = "io.k8s.apimachinery.pkg.apis.meta.v1"

Place = tuple[str, str]
"""(group, plural): where objects are stored, whatever their version."""


def _places() -> Mapping[str, Place]:
    """The kinds that the server itself has a part in, by that part."""
    found = yaml.safe_load((_DATA / "places.yaml").read_text("utf-8"))
    return {part: (place["group"], place["plural"]) for part, place in found.items()}


_PLACES = _places()
DEFINITIONS = _PLACES["definitions"]
NAMESPACES = _PLACES["namespaces"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One version of a kind. ``defines`` is the name of the definition that it comes from, "" for built-in ones."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    has_status: bool
    defines: str = ""

    @property
    def place(self) -> Place:
        """Where its objects are stored."""
        return self.group, self.plural

    @property
    def api_version(self) -> str:
        """``version`` or ``group/version``."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def to_discovery(self) -> dict[str, Any]:
        """As in an APIGroupDiscoveryList."""
        own = {"group": self.group, "version": self.version, "kind": self.kind}
        entry: dict[str, Any] = {"resource": self.plural, "responseKind": own, "verbs": list(_VERBS)}
        entry |= {"scope": "Namespaced" if self.namespaced else "Cluster", "singularResource": self.kind.lower()}
        if self.has_status:
            entry["subresources"] = [{"subresource": "status", "responseKind": own, "verbs": ["get", "patch"]}]
        return entry


@functools.cache
def recorded() -> Mapping[str, Mapping[str, Any]]:
    """The recorded documents of built-in kinds by their path, such as ``apis/apps/v1``."""
    files = sorted(_RECORDED.glob("*.json"))
    return {file.stem.replace("_", "/"): json.loads(file.read_text("utf-8")) for file in files}


@functools.cache
def built_in() -> tuple[Kind, ...]:
    """The kinds that the recorded documents describe."""
    return tuple(kind for document in recorded().values() for kind in _described(document["paths"]))


def _described(paths: Mapping[str, Any]) -> Iterator[Kind]:
    for path, operations in paths.items():
        match = _PATH.fullmatch(path)
        if match is None or match["status"] or match["plural"] == "watch":
            continue
        name = next(iter(operations.values()))["x-kubernetes-group-version-kind"]["kind"]
        has_status = f"{path}/status" in paths
        namespaced = bool(match["namespaced"])
        yield Kind(match["group"] or "", match["version"], name, match["plural"], namespaced, has_status)


def defined_by(definition: Mapping[str, Any]) -> list[Kind]:
    """The kinds that a CustomResourceDefinition brings, one for each served version."""
    spec = definition["spec"]
    names, name = spec["names"], definition["metadata"]["name"]
    return [
        Kind(
            spec["group"],
            version["name"],
            names["kind"],
            names["plural"],
            spec["scope"] == "Namespaced",
            "status" in (version.get("subresources") or {}),
            name,
        )
        for version in spec["versions"]
        if version.get("served")
    ]


def document_of(definitions: list[Mapping[str, Any]], group: str, version: str) -> dict[str, Any]:
    """The OpenAPI document of one group and version of custom resources."""
    schemas = {}
    paths: dict[str, Any] = {}
    for definition in definitions:
        for kind in defined_by(definition):
            if (kind.group, kind.version) == (group, version):
                schemas[_schema_name(kind)] = _schema(definition, kind)
                paths |= _paths(kind)
    meta = recorded()["api/v1"]["components"]["schemas"]
    schemas |= {name: schema for name, schema in meta.items() if name.startswith(_META)}
    return {"openapi": "3.0.0", "components": {"schemas": schemas}, "paths": paths}


def _schema_name(kind: Kind) -> str:
    return ".".join([*reversed(kind.group.split(".")), kind.version, kind.kind])


def _schema(definition: Mapping[str, Any], kind: Kind) -> dict[str, Any]:
    versions = {version["name"]: version for version in definition["spec"]["versions"]}
    schema = dict((versions[kind.version].get("schema") or {}).get("openAPIV3Schema") or {"type": "object"})
    metadata = {"allOf": [{"$ref": f"#/components/schemas/{_META}.ObjectMeta"}]}
    head = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": metadata}
    schema["properties"] = {**(schema.get("properties") or {}), **head}
    own = {"group": kind.group, "version": kind.version, "kind": kind.kind}
    return {**schema, "x-kubernetes-group-version-kind": [own]}


def _paths(kind: Kind) -> dict[str, Any]:
    own = {"group": kind.group, "version": kind.version, "kind": kind.kind}
    scope = "/namespaces/{namespace}" if kind.namespaced else ""
    path = f"/apis/{kind.api_version}{scope}/{kind.plural}/{{name}}"
    names = [path, f"{path}/status"] if kind.has_status else [path]
    return {name: {"get": {"x-kubernetes-group-version-kind": own}} for name in names}


def digest(document: Mapping[str, Any]) -> str:
    """The content hash of a document."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest().upper()
