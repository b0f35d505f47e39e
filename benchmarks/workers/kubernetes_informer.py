"""The official Python client's own informer."""

from __future__ import annotations

import functools
import gc
import os
import time
from typing import Any, cast

from kubernetes import client, config
from kubernetes.informer import SharedInformer

from benchmarks.workers.common import arguments, report, rss

_POLL = 0.005


def main() -> None:
    """Prints objects, seconds, rss_before, rss_after."""
    options = arguments()
    cast("Any", config).load_kube_config(config_file=options.kubeconfig)
    api = cast("Any", client).AppsV1Api()
    count = len(api.list_namespaced_deployment(options.namespace, limit=1).items)
    remaining = api.list_namespaced_deployment(options.namespace, limit=1).metadata.remaining_item_count or 0
    informer = cast("Any", SharedInformer)(functools.partial(api.list_namespaced_deployment, options.namespace))
    gc.collect()
    before = rss()
    begin = time.perf_counter()
    informer.start()
    while len(informer.cache.list_keys()) < count + remaining:  # It has no other barrier.
        time.sleep(_POLL)
    seconds = time.perf_counter() - begin
    gc.collect()
    report(objects=count + remaining, seconds=seconds, rss_before=before, rss_after=rss())
    os._exit(0)  # Its thread is a daemon, and if it runs while the interpreter is taken down, the process is aborted.


if __name__ == "__main__":
    main()
