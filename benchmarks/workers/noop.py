"""Reconcile again what is as it should be: the requests are counted by the server's audit log."""

from __future__ import annotations

import sys

import genreconcile as gr
from benchmarks.workers.common import arguments, ready, report
from benchmarks.workload import read_lines

_ROUNDS = 3


def main() -> None:
    """After the first reconcile says READY and waits for a line; then prints objects, rounds, unchanged."""
    options = arguments(expected=str)
    expected = read_lines(options.expected)
    cluster = gr.connect(kubeconfig=options.kubeconfig)
    with gr.Reconciler(cluster, namespaces=[options.namespace]) as reconciler:
        reconciler.reconcile(expected).raise_for_failures()
        ready()
        sys.stdin.readline()
        unchanged = sum(reconciler.reconcile(expected).counts["unchanged"] for _ in range(_ROUNDS))
        report(objects=len(expected), rounds=_ROUNDS, unchanged=unchanged)


if __name__ == "__main__":
    main()
