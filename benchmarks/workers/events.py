"""Absorb update events: CPU seconds of a process that does nothing else."""

from __future__ import annotations

import threading
import time

import genreconcile as gr
from benchmarks.workers.common import arguments, cpu_seconds, ready, report
from benchmarks.workload import KIND


class Counter:
    """Counts events; from the first one on also time and CPU."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._seen = 0
        self._begin = (0.0, 0.0)
        self.done = threading.Event()
        self.seconds = self.cpu_seconds = 0.0

    def __call__(self, _event: object) -> None:
        """Count one."""
        self._seen += 1
        if self._seen == 1:
            self._begin = time.perf_counter(), cpu_seconds()
        if self._seen == self._count:
            begin, cpu_begin = self._begin
            self.seconds, self.cpu_seconds = time.perf_counter() - begin, cpu_seconds() - cpu_begin
            self.done.set()


def main() -> None:
    """Says READY, then prints events, seconds, cpu_seconds after ``count`` events."""
    options = arguments(count=int)
    cluster = gr.connect(kubeconfig=options.kubeconfig)
    counter = Counter(options.count)
    with gr.Cache(cluster, [KIND], namespaces=[options.namespace]) as cache:
        cache.wait_for_sync(timeout=600)
        cache.subscribe(counter)
        ready()
        if not counter.done.wait(timeout=600):
            raise SystemExit("the events did not come")
        report(events=options.count, seconds=counter.seconds, cpu_seconds=counter.cpu_seconds)


if __name__ == "__main__":
    main()
