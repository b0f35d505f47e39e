"""List everything again: peak memory over steady memory."""

from __future__ import annotations

import gc

import genreconcile as gr
from benchmarks.workers.common import arguments, peak_rss, report, reset_peak, rss
from benchmarks.workload import KIND


def main() -> None:
    """Prints objects, steady and peak (bytes)."""
    options = arguments()
    cluster = gr.connect(kubeconfig=options.kubeconfig)
    with gr.Cache(cluster, [KIND], namespaces=[options.namespace]) as cache:
        cache.wait_for_sync(timeout=600)
        gc.collect()
        steady = rss()
        reset_peak()
        if not cache.relist(KIND, timeout=600):
            raise SystemExit("the list did not come")
        report(objects=len(cache.records(KIND)), steady=steady, peak=peak_rss())


if __name__ == "__main__":
    main()
