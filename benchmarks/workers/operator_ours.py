"""The operator that is measured, as users write it."""

from __future__ import annotations

from collections.abc import Iterator

import genreconcile as gr
from benchmarks.workers.common import arguments


@gr.controller("bench.genreconcile.dev/v1/Parent", name="bench-operator")
def children(parent: gr.Object, _: gr.Context) -> Iterator[gr.Object]:
    """The objects that should exist for this parent."""
    name, spec = parent["metadata"]["name"], parent["spec"]
    metadata = {"name": name, "labels": {"app": name}}
    data = {"image": spec["image"], "options": "\n".join(spec["options"])}
    yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
    server = {"name": "server", "image": spec["image"], "ports": [{"name": "http", "containerPort": 8080}]}
    pod = {"containers": [{**server, "envFrom": [{"configMapRef": {"name": name}}]}]}
    template = {"metadata": {"labels": {"app": name}}, "spec": pod}
    of_pods = {"replicas": spec["replicas"], "selector": {"matchLabels": {"app": name}}, "template": template}
    yield {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": of_pods}
    ports = {"selector": {"app": name}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]}
    yield {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": ports}


def main() -> None:
    """Runs until it is ended."""
    options = arguments(workers=int)
    if options.workers != children.settings.workers:
        raise SystemExit(f"it has {children.settings.workers} workers")
    gr.run(children, cluster=gr.connect(kubeconfig=options.kubeconfig), namespaces=[options.namespace])


if __name__ == "__main__":
    main()
