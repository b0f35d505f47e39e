"""What the controllers that are measured work on: parents of a custom kind, and five times as many Pods.

Invariant: pure but for ``fill``, and the same for the same arguments. One Pod in five is read by a parent.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from benchmarks.bare import MERGE_PATCH, Connection, Refused, Server
from benchmarks.populate import parallel
from benchmarks.workload import Object, encode

PODS: Final = 5
"""Pods for each parent; the first of them is read by it."""
NAMESPACES: Final = 10
SHARED: Final = "shared"
KIND: Final = "bench.genreconcile.dev/v1/Parent"
_DEFINITIONS: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_SERVED_WITHIN: Final = 30.0
_ANY: Final = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_CONDITION: Final = {
    "type": "object",
    "required": ["type", "status"],
    "properties": {
        **{name: {"type": "string"} for name in ("type", "status", "reason", "message", "lastTransitionTime")},
        "observedGeneration": {"type": "integer"},
    },
}
_STATUS: Final = {
    "type": "object",
    "properties": {
        "observedGeneration": {"type": "integer"},
        "pods": {"type": "array", "items": {"type": "string"}},
        "conditions": {
            "type": "array",
            "items": _CONDITION,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
        },
    },
}


def name_of(number: int) -> str:
    """The name of the parent number ``number``."""
    return f"parent-{number:06d}"


def place_of(number: int, namespaces: list[str]) -> str:
    """The namespace of the parent number ``number``."""
    return namespaces[number % len(namespaces)]


def definition() -> Object:
    """The kind of the parents."""
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": _ANY, "status": _STATUS}}},
    }
    names = {"kind": "Parent", "plural": "parents", "singular": "parent", "listKind": "ParentList"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "parents.bench.genreconcile.dev"},
        "spec": {
            "group": "bench.genreconcile.dev",
            "names": names,
            "scope": "Namespaced",
            "versions": [version],
        },
    }


def parents(count: int, namespaces: list[str]) -> Iterator[Object]:
    """The parents, with a spec as people write them."""
    for number in range(count):
        metadata = {"name": name_of(number), "namespace": place_of(number, namespaces), "labels": {"team": "shop"}}
        spec = {"image": f"registry.example.com/shop:{number}", "replicas": 3, "options": [f"o-{n}" for n in range(10)]}
        yield {"apiVersion": "bench.genreconcile.dev/v1", "kind": "Parent", "metadata": metadata, "spec": spec}


def pods(count: int, namespaces: list[str]) -> Iterator[Object]:
    """The Pods of ``count`` parents; those that a parent reads carry its name as the label ``app``."""
    for number in range(count):
        for pod in range(PODS):
            labels = {"app": name_of(number) if pod == 0 else f"other-{number}", "pod-template-hash": "5d4f8c7b9"}
            metadata = {"name": pod_of(number, pod), "namespace": place_of(number, namespaces), "labels": labels}
            container = {"name": "server", "image": "registry.example.com/shop:1.0"}
            spec = {"containers": [container], "automountServiceAccountToken": False}
            yield {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def pod_of(number: int, pod: int) -> str:
    """The name of a Pod of a parent."""
    return f"{name_of(number)}-{pod}"


def path_of(obj: Object) -> str:
    """The path of a collection on the server."""
    namespace = obj["metadata"]["namespace"]
    if obj["kind"] == "Parent":
        return f"/apis/bench.genreconcile.dev/v1/namespaces/{namespace}/parents"
    return f"/api/v1/namespaces/{namespace}/{obj['kind'].lower()}s"


def shared(value: str, namespace: str) -> Object:
    """The ConfigMap that all parents read."""
    metadata = {"name": SHARED, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"value": value}}


def define(server: Server) -> None:
    """Create the kind, where it is not there; returns once it is served."""
    connection = server.connect()
    name = definition()["metadata"]["name"]
    if name not in {found["metadata"]["name"] for found in connection.get(_DEFINITIONS)["items"]}:
        connection.request("POST", _DEFINITIONS, encode(definition()))
    _await_kind(connection)
    connection.close()


def create(server: Server, count: int, namespaces: list[str]) -> None:
    """Create the parents alone."""
    parallel(server, parents(count, namespaces), _create)


def fill(server: Server, count: int, namespaces: list[str]) -> None:
    """Create all of them."""
    define(server)
    parallel(server, [shared("first", namespaces[0])], _create)
    parallel(server, pods(count, namespaces), _create)
    create(server, count, namespaces)


def patch(connection: Connection, change: Object) -> None:
    """Send a change as a merge patch."""
    connection.request("PATCH", f"{path_of(change)}/{change['metadata']['name']}", encode(change), MERGE_PATCH)


def annotated(kind: str, name: str, namespace: str, value: str) -> Object:
    """A merge patch of an annotation."""
    annotations = {"bench.genreconcile.dev/change": value}
    return {"kind": kind, "metadata": {"name": name, "namespace": namespace, "annotations": annotations}}


def _await_kind(connection: Connection) -> None:
    deadline = time.monotonic() + _SERVED_WITHIN
    while True:
        try:
            connection.get("/apis/bench.genreconcile.dev/v1/parents")
        except Refused:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def _create(connection: Connection, obj: Object) -> None:
    connection.request("POST", path_of(obj), encode(obj))
