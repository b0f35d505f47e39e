"""A controller on a cluster in memory, some of whose functions compute without end."""

from __future__ import annotations

import argparse
import statistics
import threading
import time
from collections.abc import Iterator
from typing import Any

import genreconcile as gr
from benchmarks.workers.common import report
from genreconcile.controllers.program import Program
from genreconcile.testing import FakeCluster

_KIND, _NAMESPACE = "example.com/v1/App", "shop"
_EDITS = 30
_SCHEMA = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_DEFINITION: gr.Object = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "apps.example.com"},
    "spec": {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"kind": "App", "plural": "apps"},
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": _SCHEMA}}],
    },
}


def main() -> None:
    """Prints the seconds from an edit of a parent to the write of its child, while ``--busy`` functions compute."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--busy", type=int, required=True)
    busy = parser.parse_args().busy
    ended, entered = threading.Event(), threading.Semaphore(0)

    @gr.controller(_KIND, name="apps", workers=busy + 1, min_interval=0)
    def function(parent: gr.Object, _: gr.Context) -> Iterator[gr.Object]:
        if parent["spec"].get("computes"):
            entered.release()
            while not ended.is_set():
                pass
        yield _config(parent["metadata"]["name"], parent["spec"].get("edit", 0))

    names = ["measured", *(f"busy-{number}" for number in range(busy))]
    objects = [_DEFINITION, *map(_app, names)]
    with FakeCluster(objects, namespace=_NAMESPACE) as fake, Program(function, cluster=fake):
        _await(fake, "measured", 0)
        for name in names[1:]:
            fake.patch(_KIND, name, {"op": "add", "path": "/spec/computes", "value": True})
            entered.acquire()
        seconds = [_edited(fake, number) for number in range(1, _EDITS + 1)]
        ended.set()
    report(seconds=statistics.median(seconds))


def _app(name: str) -> gr.Object:
    metadata = {"name": name, "namespace": _NAMESPACE}
    return {"apiVersion": "example.com/v1", "kind": "App", "metadata": metadata, "spec": {}}


def _config(name: str, edit: Any) -> gr.Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"edit": str(edit)}}


def _edited(fake: FakeCluster, number: int) -> float:
    begin = time.perf_counter()
    fake.patch(_KIND, "measured", {"op": "add", "path": "/spec/edit", "value": number})
    _await(fake, "measured", number)
    return time.perf_counter() - begin


def _await(fake: FakeCluster, name: str, edit: int) -> None:
    def is_there() -> bool:
        return any(
            obj["metadata"]["name"] == name and obj["data"]["edit"] == str(edit) for obj in fake.find("v1/ConfigMap")
        )

    while not is_there():
        time.sleep(0.001)


if __name__ == "__main__":
    main()
