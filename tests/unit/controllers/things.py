"""A custom kind for tests of controllers, a cluster that has it, and what tests ask of a parent."""

import genreconcile as gr
from genreconcile.testing import FakeCluster

THING = "example.com/v1/Thing"
MAP = "v1/ConfigMap"
ANY = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
CONDITION = {
    "type": "object",
    "required": ["type", "status"],
    "properties": {
        **{name: {"type": "string"} for name in ("type", "status", "reason", "message", "lastTransitionTime")},
        "observedGeneration": {"type": "integer"},
    },
}
CONDITIONS = {
    "type": "array",
    "items": CONDITION,
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["type"],
}
STATUS = {**ANY, "properties": {"conditions": CONDITIONS, "observedGeneration": {"type": "integer"}}}
SCHEMA = {"type": "object", "properties": {"spec": ANY, "status": STATUS}}


def definition(kind="Thing", scope="Namespaced"):
    plural = f"{kind.lower()}s"
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": SCHEMA}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.example.com"},
        "spec": {
            "group": "example.com",
            "scope": scope,
            "names": {"kind": kind, "plural": plural},
            "versions": [{**version, "subresources": {"status": {}}}],
        },
    }


def thing(name="one", kind="Thing", namespace="shop", **spec):
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": "example.com/v1", "kind": kind, "metadata": metadata, "spec": spec}


def config(name, namespace="", **data):
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data or {"k": "v"}}


def cluster(*objects):
    return FakeCluster([definition(), *objects], namespace="shop")


def controller(function, **settings):
    return gr.controller(THING, **{"name": "things", **settings})(function)


def names(fake, kind=MAP, namespace="shop"):
    return [obj["metadata"]["name"] for obj in fake.find(kind, namespace=namespace)]


def condition(fake, kind, name="one"):
    """Its (status, reason), None where there is none."""
    status = fake.get(THING, name).get("status") or {}
    found = {one["type"]: (one["status"], one["reason"]) for one in status.get("conditions") or ()}
    return found.get(kind)


def edit(fake, name="one", **spec):
    operations = [{"op": "add", "path": f"/spec/{key}", "value": value} for key, value in spec.items()]
    fake.patch(THING, name, *operations)
