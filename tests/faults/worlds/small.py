"""A small world: what is there at first, what is expected, and the writes that lead from one to the other.

Invariant: two worlds that differ in their suffix alone look the same once the suffix is taken out.
"""

import json

from support import objects
from support.objects import pod_template, workload

LABELS = {"app": "world"}
WRITES = 14
"""7 creates, 3 patches, 4 deletions."""
ROUNDS = 3
"""Reconciles within which nothing is left to do, and for which nothing is sent afterwards."""


def _labelled(api_version, kind, name, namespace, **rest):
    return objects.obj(api_version, kind, name, namespace, labels=LABELS, **rest)


def config(name, namespace, **data):
    return _labelled("v1", "ConfigMap", name, namespace, data=data)


def service(name, namespace, port):
    spec = {"selector": {"run": name}, "ports": [{"port": port, "protocol": "TCP", "targetPort": port}]}
    return _labelled("v1", "Service", name, namespace, spec=spec)


def deployment(name, namespace, replicas):
    spec = workload(pod_template({"run": name}, "i:1", "main"), replicas=replicas)
    return _labelled("apps/v1", "Deployment", name, namespace, spec=spec)


def definition(group):
    schema = objects.struct(spec=objects.struct(size={"type": "integer"}))
    names = {"listKind": "GadgetList", "singular": "gadget"}
    return objects.definition(group, objects.version("v1", schema), kind="Gadget", names=names)


class World:
    """``suffix`` is part of each cluster-scoped name."""

    def __init__(self, suffix):
        self.suffix = suffix
        self.namespace, self.brought = f"world-{suffix}", f"brought-{suffix}"
        self.group = f"{suffix}.example.com"
        self.settings = {"delete_from_namespace": self.namespace, "delete_selector": LABELS}

    def before(self):
        """What somebody has left in the namespace, which exists."""
        place = self.namespace
        return [
            config("same", place, k="v"),
            config("edited", place, k="other", more="x"),
            service("front", place, 80),
            deployment("web", place, 1),
            config("gone-1", place, k="v"),
            config("gone-2", place, k="v"),
            service("old", place, 80),
            deployment("old", place, 1),
        ]

    def expected(self):
        place = self.namespace
        gadget = _labelled(f"{self.group}/v1", "Gadget", "one", place, spec={"size": 3})
        return [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.brought}},
            definition(self.group),
            gadget,
            config("same", place, k="v"),
            config("edited", place, k="v"),
            config("new", place, k="v"),
            config("inner", self.brought, k="v"),
            service("front", place, 8080),
            service("new", place, 80),
            deployment("web", place, 2),
            deployment("new", place, 1),
        ]

    def collections(self):
        """Paths of all that is compared."""
        for place in (self.namespace, self.brought):
            yield f"/api/v1/namespaces/{place}/configmaps"
            yield f"/api/v1/namespaces/{place}/services"
            yield f"/apis/apps/v1/namespaces/{place}/deployments"
        yield f"/apis/{self.group}/v1/namespaces/{self.namespace}/gadgets"

    def prepare(self, send):
        """``send(method, path, obj)`` makes what is there at first."""
        for obj in self.before():
            send("POST", _collection(obj), obj)

    def state(self, read):
        """The end state as comparable JSON; ``read(path)`` gives an object, None where there is none."""
        names = (f"/api/v1/namespaces/{self.brought}", f"/apis/{_DEFINITIONS}/gadgets.{self.group}")
        found = {path: (read(path) or {}).get("spec") for path in names}
        for path in self.collections():
            listed = read(path) or {}
            found[path] = {item["metadata"]["name"]: _lasting(item) for item in listed.get("items", ())}
        return self.plain(found)

    def plain(self, data):
        """Without the suffix."""
        return json.loads(json.dumps(data).replace(self.suffix, "N"))


_DEFINITIONS = "apiextensions.k8s.io/v1/customresourcedefinitions"
_PLURALS = {"ConfigMap": "configmaps", "Service": "services", "Deployment": "deployments"}
_VOLATILE = {"uid", "resourceVersion", "creationTimestamp", "managedFields"}
_ALLOCATED = {"clusterIP", "clusterIPs"}


def _collection(obj):
    root = f"/apis/{obj['apiVersion']}" if "/" in obj["apiVersion"] else f"/api/{obj['apiVersion']}"
    return f"{root}/namespaces/{obj['metadata']['namespace']}/{_PLURALS[obj['kind']]}"


def _lasting(item):
    metadata = {name: value for name, value in item["metadata"].items() if name not in _VOLATILE}
    rest = {name: value for name, value in item.items() if name not in {"metadata", "status", "apiVersion", "kind"}}
    if "spec" in rest:
        rest["spec"] = {name: value for name, value in rest["spec"].items() if name not in _ALLOCATED}
    return {**rest, "metadata": metadata}
