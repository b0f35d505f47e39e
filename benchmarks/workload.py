"""The objects that are measured: Deployments as people write them.

Invariant: pure, and the same for the same arguments.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

Object = dict[str, Any]

KIND = "apps/v1/Deployment"
COLLECTION = "/apis/apps/v1/namespaces/{}/deployments"


def name_of(index: int) -> str:
    """The name of the object number ``index``."""
    return f"shop-{index:06d}"


def deployments(count: int, namespace: str, first: int = 0) -> Iterator[Object]:
    """``count`` expected Deployments, numbered from ``first``."""
    return (deployment(index, namespace) for index in range(first, first + count))


def deployment(index: int, namespace: str) -> Object:
    """One expected Deployment: two containers with environment, probes and resources; 1.0 KB as JSON.

    As the server stores it 2.3 KB, and with the managedFields of ``populate`` 4.8 KB.
    """
    name = name_of(index)
    labels = {"app": name}
    pod = {"containers": [_server(index), _proxy()]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": labels,
            "annotations": {"example.com/owner": f"team-{index % 17}"},
        },
        "spec": {
            "replicas": 1 + index % 5,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def _server(index: int) -> Object:
    return {
        "name": "server",
        "image": f"registry.example.com/shop/server:1.{index % 50}.0",
        "ports": [{"name": "http", "containerPort": 8080}],
        "env": [
            {"name": "DATABASE_HOST", "value": f"postgres-{index % 8}.store.svc"},
            {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "postgres", "key": "password"}}},
        ],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
        "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 5},
        "livenessProbe": {"httpGet": {"path": "/live", "port": "http"}, "initialDelaySeconds": 10},
    }


def _proxy() -> Object:
    return {
        "name": "proxy",
        "image": "registry.example.com/mesh/proxy:2.4.1",
        "env": [{"name": "UPSTREAM", "value": "http://127.0.0.1:8080"}],
    }


def status_of(obj: Mapping[str, Any]) -> Object:
    """The status that the Deployment controller leaves once all replicas run, and its annotation."""
    replicas = obj["spec"]["replicas"]
    when = "2026-01-01T00:00:00Z"
    common = {"status": "True", "lastUpdateTime": when, "lastTransitionTime": when}
    available = {"type": "Available", "reason": "MinimumReplicasAvailable", "message": "It has minimum availability."}
    progressing = {"type": "Progressing", "reason": "NewReplicaSetAvailable", "message": "It has progressed."}
    counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), replicas)
    return {
        "metadata": {"annotations": {"deployment.kubernetes.io/revision": "1"}},
        "status": {
            "observedGeneration": 1,
            **counts,
            "conditions": [{**available, **common}, {**progressing, **common}],
        },
    }


def write_lines(file: Path, objects: Iterable[Mapping[str, Any]]) -> Path:
    """Write one object per line, as JSON; return the file."""
    with file.open("w", encoding="utf-8") as out:
        out.writelines(f"{encode(obj).decode()}\n" for obj in objects)
    return file


def read_lines(file: str | Path) -> list[Object]:
    """The objects of a file that ``write_lines`` wrote."""
    with Path(file).open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def encode(obj: Mapping[str, Any]) -> bytes:
    """As compact JSON."""
    return json.dumps(obj, separators=(",", ":"), ensure_ascii=False).encode()
