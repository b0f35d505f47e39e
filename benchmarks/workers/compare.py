"""Compare all objects of a synced cache: with nothing remembered, and again."""

from __future__ import annotations

import gc
import statistics
import time

import genreconcile as gr
from benchmarks.workers.common import arguments, report
from benchmarks.workload import KIND, Object, deployment, read_lines

_NOWHERE = 999_999
"""The number of an object that does not exist: judging it reads the schema and watches the kinds that rules consult."""


def main() -> None:
    """Prints objects, cold_seconds, and warm_seconds: the median of ``rounds`` further plans."""
    options = arguments(expected=str, rounds=int)
    expected = read_lines(options.expected)
    cluster = gr.connect(kubeconfig=options.kubeconfig)
    with (
        gr.Cache(cluster, [KIND], namespaces=[options.namespace]) as cache,
        gr.Reconciler(cluster, cache=cache) as reconciler,
    ):
        cache.wait_for_sync(timeout=600)
        reconciler.plan([deployment(_NOWHERE, options.namespace)])
        cold = _seconds(reconciler, expected)
        warm = statistics.median(_seconds(reconciler, expected) for _ in range(options.rounds))
        report(objects=len(expected), cold_seconds=cold, warm_seconds=warm)


def _seconds(reconciler: gr.Reconciler, expected: list[Object]) -> float:
    gc.collect()  # Else the collection that reading the objects has made due falls into the plan.
    begin = time.perf_counter()
    plan = reconciler.plan(expected)
    seconds = time.perf_counter() - begin
    if plan.counts["unchanged"] != len(expected):
        raise SystemExit(f"the objects are to be unchanged: {plan.summary()}: {plan.changes[0]}")
    return seconds


if __name__ == "__main__":
    main()
