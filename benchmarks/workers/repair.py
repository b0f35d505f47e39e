"""Repair each object as soon as the watch brings its edit."""

from __future__ import annotations

import queue

import genreconcile as gr
from benchmarks.workers.common import arguments, ready, report
from benchmarks.workload import KIND, read_lines


def main() -> None:
    """Says READY, then prints repaired after ``count`` repairs."""
    options = arguments(expected=str, count=int)
    expected = {obj["metadata"]["name"]: obj for obj in read_lines(options.expected)}
    cluster = gr.connect(kubeconfig=options.kubeconfig)
    names: queue.SimpleQueue[str] = queue.SimpleQueue()
    with (
        gr.Cache(cluster, [KIND], namespaces=[options.namespace]) as cache,
        gr.Reconciler(cluster, cache=cache) as reconciler,
    ):
        reconciler.reconcile(expected.values()).raise_for_failures()
        cache.subscribe(lambda event: names.put(event.key.name) if event.key.kind == KIND.split("/")[-1] else None)
        ready()
        repaired = 0
        while repaired < options.count:
            result = reconciler.reconcile([expected[names.get()]])
            repaired += result.counts["configured"]
        report(repaired=repaired)


if __name__ == "__main__":
    main()
