"""Watch many kinds in which nothing happens."""

from __future__ import annotations

import json
import time

import genreconcile as gr
from benchmarks.workers.common import arguments, cpu_seconds, report

_DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_SETTLE = 2.0
"""Seconds for the first lists and watches to be through."""


def main() -> None:
    """Prints kinds, and cpu_seconds within seconds."""
    options = arguments(kinds=int, seconds=float)
    cluster = gr.connect(kubeconfig=options.kubeconfig)
    kinds = _kinds(cluster)[: options.kinds]
    if len(kinds) < options.kinds:
        raise SystemExit(f"the server has but {len(kinds)} kinds to watch")
    with gr.Cache(cluster, kinds) as cache:
        cache.wait_for_sync(timeout=120)
        time.sleep(_SETTLE)
        begin, cpu_begin = time.perf_counter(), cpu_seconds()
        time.sleep(options.seconds)
        report(kinds=len(kinds), cpu_seconds=cpu_seconds() - cpu_begin, seconds=time.perf_counter() - begin)


def _kinds(cluster: gr.Cluster) -> list[gr.GVK]:
    """All that can be listed and watched, each in the version that its group prefers."""
    groups = [
        group
        for path in ("/api", "/apis")
        for group in json.loads(cluster.request("GET", path, accept=_DISCOVERY))["items"]
    ]
    return [
        gr.GVK(group["metadata"].get("name", ""), group["versions"][0]["version"], resource["responseKind"]["kind"])
        for group in groups
        for resource in group["versions"][0]["resources"]
        if {"list", "watch"} <= set(resource["verbs"])
    ]


if __name__ == "__main__":
    main()
