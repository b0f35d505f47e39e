"""A controller among many parents and Pods: memory, and the CPU of its runs and of events."""

from __future__ import annotations

import argparse
import gc
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import genreconcile as gr
from benchmarks import processes
from benchmarks.parents import KIND, SHARED, name_of
from benchmarks.workers.common import cpu_seconds, report, rss
from genreconcile.controllers.program import Program

_WITHIN = 900.0
_LOOK = 0.25
_LOOKS = 6
_QUIET = 0.01
"""CPU seconds within ``_LOOK`` below which nothing runs any more."""


class Runs:
    """The function of the controller, which notes for whom it ran. Five reads, one child, one key of the status."""

    def __init__(self, shared: str) -> None:
        self._shared = shared
        self.of: set[str] = set()

    def __call__(self, parent: gr.Object, ctx: gr.Context) -> Iterator[gr.Object]:
        """The objects that should exist for this parent."""
        name = parent["metadata"]["name"]
        self.of.add(name)
        labels = {"app": name}
        ctx.status["pods"] = [pod["metadata"]["name"] for pod in ctx.list("v1/Pod", selector=labels)]
        config = ctx.get("v1/ConfigMap", SHARED, namespace=self._shared)
        own = ctx.get("v1/ConfigMap", f"{name}-own")
        extra = ctx.get("v1/Service", name)
        others = ctx.list("v1/Service", selector=labels)
        data = {"image": parent["spec"]["image"], "has": str(bool(own or extra or others)), "more": str(bool(config))}
        yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels}, "data": data}


class Counting:
    """A cluster that counts requests; watches, which are renewed by themselves, apart."""

    def __init__(self, cluster: gr.Cluster) -> None:
        self.server, self.namespace = cluster.server, cluster.namespace
        self.stream, self.close = cluster.stream, cluster.close
        self._request = cluster.request
        self.requests: Counter[str] = Counter()

    def request(self, method: str, path: str, **more: Any) -> bytes:
        """See ``Cluster``."""
        self.requests[method] += 1
        return self._request(method, path, **more)


def main() -> None:
    """With ``--mode make`` lets a controller make all children; ``cache`` prints memory, of the cache alone; ``scale``
    prints all figures: CPU in seconds of one event or run, memory in bytes of all parents.
    """
    parser = argparse.ArgumentParser()
    for name, kind in {"kubeconfig": str, "namespaces": str, "mode": str, "size": int, "count": int}.items():
        parser.add_argument(f"--{name}", type=kind, required=True)
    options = parser.parse_args()
    if options.mode == "cache":
        _cache(options)
    else:
        _controller(options)


def _cache(options: argparse.Namespace) -> None:
    cluster = gr.connect(kubeconfig=options.kubeconfig)
    gc.collect()
    before = rss()
    with gr.Cache(cluster, [KIND, "v1/Pod", "v1/ConfigMap", "v1/Service"]) as cache:
        cache.wait_for_sync(timeout=_WITHIN)
        gc.collect()
        report(memory=rss() - before)


def _controller(options: argparse.Namespace) -> None:
    cluster = Counting(gr.connect(kubeconfig=options.kubeconfig))
    runs = Runs(options.namespaces.split(",")[0])
    controller = gr.controller(KIND, name="bench", min_interval=0)(runs)
    gc.collect()
    before = rss()
    cpu, begin = cpu_seconds(), time.perf_counter()
    with Program(controller, cluster=cluster) as program:
        _await(lambda: len(runs.of) == options.size)
        figures = {"first_seconds": settle() - begin, "first_cpu": cpu_seconds() - cpu}
        if options.mode == "scale":
            gc.collect()
            figures["memory"] = rss() - before
            figures |= {what: _each(options, runs, what, options.count) for what in ("unrelated", "related", "parents")}
            cluster.requests.clear()
            figures["noop"] = _each(options, runs, "shared", options.size)
            figures["requests_noop"] = cluster.requests.total()
        if not program.is_healthy:
            raise SystemExit("the program is not healthy")
    report(**figures)


def _each(options: argparse.Namespace, runs: Runs, what: str, count: int) -> float:
    """CPU seconds for one of these changes, with all that follows from it."""
    runs.of, cpu = set(), cpu_seconds()
    sent = min(count, options.size) if what != "shared" else 1
    awaited = {"unrelated": 1, "shared": options.size}.get(what, sent)
    command = processes.worker(
        "controller_edits", "--kubeconfig", options.kubeconfig, "--namespaces", options.namespaces,
        "--what", what, "--size", options.size, "--count", sent,
    )  # fmt: skip
    processes.run(command)
    first = name_of(0)
    _await(lambda: first in runs.of and len(runs.of) >= awaited)
    settle()
    return (cpu_seconds() - cpu) / (sent if what == "unrelated" else awaited)


def _await(check: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _WITHIN
    while not check():
        if time.monotonic() > deadline:
            raise SystemExit("it did not come")
        time.sleep(_LOOK)


def settle() -> float:
    """Wait until nothing has run for a while; returns the time since when, as of ``time.perf_counter``."""
    deadline, quiet_since = time.monotonic() + _WITHIN, time.perf_counter()
    while time.perf_counter() - quiet_since < _LOOKS * _LOOK:
        if time.monotonic() > deadline:
            raise SystemExit("it does not settle")
        before = cpu_seconds()
        time.sleep(_LOOK)
        if cpu_seconds() - before > _QUIET:
            quiet_since = time.perf_counter()
    return quiet_since


if __name__ == "__main__":
    main()
