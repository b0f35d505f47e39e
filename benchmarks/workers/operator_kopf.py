"""The same operator, as users of kopf write it, with the kubernetes client."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import kopf
import kubernetes

from benchmarks.workers.common import arguments

KIND: Final = ("bench.genreconcile.dev", "v1", "parents")
_CONFLICT: Final = 409
Object = dict[str, Any]
Specs = kopf.Index[tuple[str | None, str], Object]


class Calls(NamedTuple):
    """Those of the client for one kind."""

    create: Callable[..., object]
    patch: Callable[..., object]


def calls() -> dict[str, Calls]:
    """By the kind."""
    core, apps = kubernetes.client.CoreV1Api(), kubernetes.client.AppsV1Api()
    return {
        "ConfigMap": Calls(core.create_namespaced_config_map, core.patch_namespaced_config_map),
        "Deployment": Calls(apps.create_namespaced_deployment, apps.patch_namespaced_deployment),
        "Service": Calls(core.create_namespaced_service, core.patch_namespaced_service),
    }


def children(name: str, spec: Mapping[str, Any]) -> Iterator[Object]:
    """The objects that should exist for a parent."""
    labels = {"app": name}
    metadata = {"name": name, "labels": labels}
    data = {"image": spec["image"], "options": "\n".join(spec["options"])}
    yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": dict(metadata), "data": data}
    server = {"name": "server", "image": spec["image"], "ports": [{"name": "http", "containerPort": 8080}]}
    pod = {"containers": [{**server, "envFrom": [{"configMapRef": {"name": name}}]}]}
    template = {"metadata": {"labels": labels}, "spec": pod}
    of_pods = {"replicas": spec["replicas"], "selector": {"matchLabels": labels}, "template": template}
    yield {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": dict(metadata), "spec": of_pods}
    ports = {"selector": labels, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]}
    yield {"apiVersion": "v1", "kind": "Service", "metadata": dict(metadata), "spec": ports}


@kopf.on.login()
def login(settings: kopf.OperatorSettings, **more: Any) -> kopf.ConnectionInfo | None:
    """By the file that the environment names."""
    return kopf.login_with_kubeconfig(settings=settings, **more)


@kopf.index(*KIND)
def specs(namespace: str | None, name: str, spec: kopf.Spec, **_: object) -> dict[tuple[str | None, str], Object]:
    """What parents say, for the events of their children."""
    return {(namespace, name): dict(spec)}


@kopf.on.create(*KIND)
@kopf.on.resume(*KIND)
@kopf.on.update(*KIND, field="spec")
def keep(body: kopf.Body, memo: kopf.Memo, name: str, namespace: str | None, patch: kopf.Patch, **_: object) -> None:
    """Create the children, or patch those that are there; then the status."""
    for child in children(name, body.spec):
        kopf.adopt(child, owner=body)
        write = memo.calls[child["kind"]]
        try:
            write.create(namespace, child)
        except kubernetes.client.ApiException as error:
            if error.status != _CONFLICT:
                raise
            write.patch(name, namespace, child)
    patch.status["observedGeneration"] = body.metadata["generation"]


@kopf.on.event("v1", "configmaps", labels={"app": kopf.PRESENT})
@kopf.on.event("apps", "v1", "deployments", labels={"app": kopf.PRESENT})
@kopf.on.event("v1", "services", labels={"app": kopf.PRESENT})
def repair(event: kopf.RawEvent, body: kopf.Body, memo: kopf.Memo, **indices: Any) -> None:
    """Patch a child that somebody has edited."""
    specs: Specs = indices["specs"]
    name, namespace = body["metadata"]["name"], body["metadata"]["namespace"]
    if event["type"] == "DELETED" or (namespace, name) not in specs:
        return
    for spec in specs[namespace, name]:
        for child in children(name, spec):
            if child["kind"] == body["kind"] and not is_within(child, body):
                memo.calls[child["kind"]].patch(name, namespace, child)


def is_within(expected: object, live: object) -> bool:
    """Whether live has all that is expected, whatever else it has."""
    if isinstance(expected, Mapping):
        return isinstance(live, Mapping) and all(is_within(value, live.get(key)) for key, value in expected.items())
    if isinstance(expected, list):
        return isinstance(live, list) and len(expected) == len(live) and all(map(is_within, expected, live))
    return expected == live


def main() -> None:
    """Runs until it is ended."""
    options = arguments(workers=int)
    os.environ["KUBECONFIG"] = options.kubeconfig

    @kopf.on.startup()
    def configure(settings: kopf.OperatorSettings, memo: kopf.Memo, **_: object) -> None:
        settings.execution.max_workers = options.workers
        kubernetes.config.load_kube_config(options.kubeconfig)  # type: ignore[no-untyped-call]
        memo.calls = calls()

    kopf.run(namespaces=[options.namespace], standalone=True)


if __name__ == "__main__":
    main()
