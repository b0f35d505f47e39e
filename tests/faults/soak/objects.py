"""What the Reconcilers of a soak keep, and how two states are compared."""

import base64

from support.objects import obj, pod_template, workload

LABELS = {"app": "soak"}
FOUGHT = "fought"
"""An object of each Reconciler that somebody does not leave to it."""
KEYS = 10
"""Entries of each ConfigMap."""
_ALLOCATED = {"clusterIP", "clusterIPs"}
KINDS = ("v1/ConfigMap", "v1/Secret", "v1/Service", "apps/v1/Deployment")


def collections(namespace):
    """Paths of all that is kept in a namespace."""
    core = f"/api/v1/namespaces/{namespace}"
    return [
        f"{core}/configmaps",
        f"{core}/secrets",
        f"{core}/services",
        f"/apis/apps/v1/namespaces/{namespace}/deployments",
    ]


def config(namespace, name):
    data = {f"k{number}": "v" for number in range(KEYS)}
    return _object("v1", "ConfigMap", namespace, name, data={**data, "long": "x" * 200})


def expected(namespace, count):
    """``count`` objects: mostly ConfigMaps, and a few of each other kind; and the one that is fought over."""
    return [*(_one(namespace, number) for number in range(count)), config(namespace, FOUGHT)]


def _one(namespace, number):
    name, rest = f"o-{number}", number % 10
    if rest == 0:
        return _object("v1", "Secret", namespace, name, data={"k": base64.b64encode(b"v").decode()}, type="Opaque")
    if rest == 1:
        spec = {"selector": {"run": name}, "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}]}
        return _object("v1", "Service", namespace, name, spec=spec)
    if rest in {2, 3}:
        spec = workload(pod_template({"run": name}, "i:1", "main"), replicas=2)
        return _object("apps/v1", "Deployment", namespace, name, spec=spec)
    return config(namespace, name)


def _object(api_version, kind, namespace, name, **rest):
    return obj(api_version, kind, name, namespace, labels=LABELS, **rest)


def lasting(item):
    """Without what each write changes, or the server allocates."""
    metadata = {name: item["metadata"].get(name) for name in ("name", "namespace", "labels", "annotations")}
    found = {name: value for name, value in item.items() if name not in {"metadata", "status", "apiVersion", "kind"}}
    if "spec" in found:
        found["spec"] = {name: value for name, value in found["spec"].items() if name not in _ALLOCATED}
    metadata["annotations"] = {
        name: value
        for name, value in (metadata["annotations"] or {}).items()
        if not name.startswith("deployment.kubernetes.io/")
    }
    return {**found, "metadata": metadata}
