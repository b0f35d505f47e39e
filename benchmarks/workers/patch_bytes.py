"""One changed field, written in three ways: how many bytes the bodies have."""

from __future__ import annotations

from typing import Any

import genreconcile as gr
from benchmarks.bare import APPLY_PATCH, JSON_PATCH, Server
from benchmarks.populate import path_of
from benchmarks.workers.common import arguments, report
from benchmarks.workload import Object, deployment, encode


class Recorder:
    """A Cluster that passes everything on, and notes the bodies of writes."""

    def __init__(self, cluster: gr.Cluster) -> None:
        self._cluster = cluster
        self.bodies: list[tuple[str, bytes]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cluster, name)

    def request(self, method: str, path: str, **options: Any) -> bytes:
        """As the Cluster's."""
        if method != "GET":
            self.bodies.append((options.get("content_type", ""), options.get("body") or b""))
        return self._cluster.request(method, path, **options)


def main() -> None:
    """Prints ours, put, apply (bytes), after the server took each of them."""
    options = arguments(index=int)
    wanted = deployment(options.index, options.namespace)
    report(
        ours=_ours(options.kubeconfig, wanted),
        put=_put(options.kubeconfig, _changed(wanted, 11)),
        apply=_apply(options.kubeconfig, _changed(wanted, 12)),
    )


def _ours(kubeconfig: str, wanted: Object) -> int:
    recorder = Recorder(gr.connect(kubeconfig=kubeconfig))
    with gr.Reconciler(recorder, namespaces=[wanted["metadata"]["namespace"]]) as reconciler:
        reconciler.reconcile([wanted]).raise_for_failures()
        recorder.bodies.clear()
        reconciler.reconcile([_changed(wanted, 10)]).raise_for_failures()
    [(content_type, body)] = recorder.bodies
    if content_type != JSON_PATCH:
        raise SystemExit(f"one JSON patch is expected, not {content_type}")
    return len(body)


def _put(kubeconfig: str, wanted: Object) -> int:
    """Read, change, write back whole, as an update with client-go."""
    connection = Server(kubeconfig).connect()
    obj = connection.get(path_of(wanted))
    obj["spec"]["replicas"] = wanted["spec"]["replicas"]
    body = encode(obj)
    connection.request("PUT", path_of(wanted), body)
    return len(body)


def _apply(kubeconfig: str, wanted: Object) -> int:
    body = encode(wanted)
    connection = Server(kubeconfig).connect()
    connection.request("PATCH", f"{path_of(wanted)}?fieldManager=kubectl&force=true", body, APPLY_PATCH)
    return len(body)


def _changed(obj: Object, replicas: int) -> Object:
    return {**obj, "spec": {**obj["spec"], "replicas": replicas}}


if __name__ == "__main__":
    main()
