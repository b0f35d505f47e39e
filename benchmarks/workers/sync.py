"""Fill a Cache: how long, and how much memory."""

from __future__ import annotations

import gc
import time

import genreconcile as gr
from benchmarks.workers.common import arguments, report, rss
from benchmarks.workload import KIND


def main() -> None:
    """Prints objects, seconds, rss_before, rss_after; ``--compress 1`` keeps the objects packed."""
    options = arguments(compress=int)
    cluster = gr.connect(kubeconfig=options.kubeconfig)
    cache = gr.Cache(cluster, [KIND], namespaces=[options.namespace], compress=bool(options.compress))
    gc.collect()
    before = rss()
    begin = time.perf_counter()
    with cache:
        cache.wait_for_sync(timeout=600)
        seconds = time.perf_counter() - begin
        gc.collect()
        after = rss()
        report(objects=len(cache.records(KIND)), seconds=seconds, rss_before=before, rss_after=after)


if __name__ == "__main__":
    main()
