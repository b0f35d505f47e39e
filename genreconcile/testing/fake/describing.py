"""The OpenAPI documents of custom kinds.

Invariant: pure.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from genreconcile.testing.fake.kinds import Kind, defined_by, recorded, schema_of

_META: Final = "io.k8s.apimachinery.pkg.apis.meta.v1"


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
    schema = dict(schema_of(definition, kind.version))
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
