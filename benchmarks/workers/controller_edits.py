"""Change what a controller watches: Pods that no parent reads, Pods that one reads, parents, or what all read."""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Iterator

from benchmarks.bare import Server
from benchmarks.parents import PODS, annotated, name_of, patch, place_of, pod_of, shared
from benchmarks.populate import parallel
from benchmarks.workers.common import report
from benchmarks.workload import Object


def main() -> None:
    """Prints count, when all are sent. After the Pods that nobody reads comes one that the first parent does."""
    parser = argparse.ArgumentParser()
    for name, kind in {"kubeconfig": str, "namespaces": str, "what": str, "size": int, "count": int}.items():
        parser.add_argument(f"--{name}", type=kind, required=True)
    options = parser.parse_args()
    server, namespaces, value = Server(options.kubeconfig), options.namespaces.split(","), str(time.time_ns())
    changes = {"unrelated": _unrelated, "related": _related, "parents": _parents, "shared": _shared}[options.what]
    count = parallel(server, itertools.islice(changes(options.size, namespaces, value), options.count), patch)
    if options.what == "unrelated":
        parallel(server, itertools.islice(_related(1, namespaces, value), 1), patch)
    report(count=count)


def _unrelated(size: int, namespaces: list[str], value: str) -> Iterator[Object]:
    for number, pod in itertools.product(range(size), range(1, PODS)):
        yield annotated("Pod", pod_of(number, pod), place_of(number, namespaces), value)


def _related(size: int, namespaces: list[str], value: str) -> Iterator[Object]:
    for number in range(size):
        yield annotated("Pod", pod_of(number, 0), place_of(number, namespaces), value)


def _parents(size: int, namespaces: list[str], value: str) -> Iterator[Object]:
    for number in range(size):
        yield annotated("Parent", name_of(number), place_of(number, namespaces), value)


def _shared(size: int, namespaces: list[str], value: str) -> Iterator[Object]:
    del size
    yield shared(value, namespaces[0])


if __name__ == "__main__":
    main()
