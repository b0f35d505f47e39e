"""Objects as tests expect, post and compare them.

Invariant: each call makes a new object, which its caller may change.
"""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]


def obj(
    api_version: str,
    kind: str,
    name: str,
    namespace: str = "",
    *,
    labels: Object | None = None,
    metadata: Object | None = None,
    **content: Any,
) -> Object:
    """``metadata`` are further members of it."""
    own: Object = {"name": name}
    own |= {"namespace": namespace} if namespace else {}
    own |= {} if labels is None else {"labels": dict(labels)}
    return {"apiVersion": api_version, "kind": kind, "metadata": own | (metadata or {}), **content}


def config_map(
    name: str, namespace: str = "", *, labels: Object | None = None, metadata: Object | None = None, **data: Any
) -> Object:
    """``data`` is there even where it is empty."""
    return obj("v1", "ConfigMap", name, namespace, labels=labels, metadata=metadata, data=data)


def service(name: str, namespace: str = "", *, labels: Object | None = None, **spec: Any) -> Object:
    """Of port 80 unless ``ports`` are given."""
    return obj("v1", "Service", name, namespace, labels=labels, spec={"ports": [{"port": 80}], **spec})


def pod_template(labels: Object, image: str = "i", container: str = "c") -> Object:
    """One container."""
    return {"metadata": {"labels": labels}, "spec": {"containers": [{"name": container, "image": image}]}}


def workload(pod: Object, **spec: Any) -> Object:
    """The ``spec`` of a Deployment: its Pods, which it selects by their labels."""
    return {"selector": {"matchLabels": dict(pod["metadata"]["labels"])}, "template": pod, **spec}


def struct(**properties: Object) -> Object:
    """The schema of an object with these fields."""
    return {"type": "object", "properties": properties}


def version(
    name: str = "v1", schema: Object | None = None, *, storage: bool = True, served: bool = True, **more: Any
) -> Object:
    """A version in a CustomResourceDefinition; nothing is known of its fields unless ``schema`` says it."""
    found = {"openAPIV3Schema": {"type": "object"} if schema is None else schema}
    return {"name": name, "served": served, "storage": storage, "schema": found, **more}


def definition(
    group: str,
    *versions: Object,
    kind: str = "Thing",
    scope: str = "Namespaced",
    names: Object | None = None,
    **more: Any,
) -> Object:
    """A CustomResourceDefinition. ``names``: those beside the kind, whose plural has an s unless given."""
    found = {"kind": kind, "plural": f"{kind.lower()}s"} | (names or {})
    spec = {"group": group, "scope": scope, "names": found, "versions": list(versions), **more}
    return obj("apiextensions.k8s.io/v1", "CustomResourceDefinition", f"{found['plural']}.{group}", spec=spec)


def rule_set(*rules: Object) -> Object:
    """A file of rules."""
    return {"apiVersion": "genreconcile.dev/v1alpha1", "kind": "RuleSet", "rules": list(rules)}


def available(replicas: int, generation: int) -> Object:
    """The status of a Deployment whose rollout is over."""
    counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    conditions = [
        {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
        {"type": "Available", "status": "True"},
    ]
    return {**dict.fromkeys(counts, replicas), "conditions": conditions, "observedGeneration": generation}
