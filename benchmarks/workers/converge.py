"""From empty to converged: one reconcile that creates everything."""

from __future__ import annotations

import time

import genreconcile as gr
from benchmarks.workers.common import arguments, report
from benchmarks.workload import read_lines


def main() -> None:
    """Prints objects, and seconds from the connection, with discovery, schema and sync, to the last answer."""
    options = arguments(expected=str, connections=int)
    expected = read_lines(options.expected)
    cluster = gr.connect(kubeconfig=options.kubeconfig)
    reconciler_of = gr.Reconciler  # Imported here: the others have all that they need when their time begins.
    begin = time.perf_counter()
    with reconciler_of(cluster, namespaces=[options.namespace], concurrency=options.connections) as reconciler:
        result = reconciler.reconcile(expected)
        seconds = time.perf_counter() - begin
    result.raise_for_failures()
    if result.counts["created"] != len(expected):
        raise SystemExit(f"all are to be created: {result.summary()}")
    report(objects=len(expected), seconds=seconds)


if __name__ == "__main__":
    main()
