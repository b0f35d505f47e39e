"""Fill a Cache: how long, and how much memory."""

from __future__ import annotations

import gc
import time

import genreconcile as gr
from benchmarks.workers.common import arguments, peak_rss, report, reset_peak, rss
from benchmarks.workload import KIND


def main() -> None:
    """Prints objects, seconds, rss_before, rss_after and rss_peak.

    ``--compress 1`` keeps the objects packed, ``--stream 1`` asks for a streaming list.
    """
    options = arguments(compress=int, stream=int)
    cluster = gr.connect(kubeconfig=options.kubeconfig)
    compress, watch_list = bool(options.compress), bool(options.stream)
    cache = gr.Cache(cluster, [KIND], namespaces=[options.namespace], compress=compress, watch_list=watch_list)
    gc.collect()
    reset_peak()
    before = rss()
    begin = time.perf_counter()
    with cache:
        cache.wait_for_sync(timeout=600)
        seconds = time.perf_counter() - begin
        peak = peak_rss()
        gc.collect()
        after = rss()
        count = len(cache.records(KIND))
        report(objects=count, seconds=seconds, rss_before=before, rss_after=after, rss_peak=peak)


if __name__ == "__main__":
    main()
