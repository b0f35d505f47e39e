"""The index of what runs have read: CPU time of an event, memory of a parent."""

from __future__ import annotations

import argparse
import gc
import json
import sys

from benchmarks.workers.common import cpu_seconds, report, rss
from genreconcile.cache import CacheEvent, Record
from genreconcile.cache.transform import read
from genreconcile.controllers.dependencies import Dependencies
from genreconcile.controllers.reads import Read
from genreconcile.kinds.discovery import Resource
from genreconcile.objects import GVK, ObjectKey
from genreconcile.selector import parse

_TIMES = 20_000
_NAMESPACES = 100
_Key = tuple[str, str]

_LISTED = Resource(GVK("", "v1", "Pod"), "pods", namespaced=True, verbs=frozenset())
_READ = [GVK("", "v1", "ConfigMap"), GVK("", "v1", "Secret"), GVK("apps", "v1", "Deployment")]


def main() -> None:
    """Prints unrelated and woken (CPU seconds of an event), and memory (bytes of a parent, without its key)."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, required=True)
    size = parser.parse_args().size
    parents = [(f"namespace-{number % _NAMESPACES}", f"name-{number}") for number in range(size)]
    dependencies: Dependencies[_Key] = Dependencies()
    gc.collect()
    before = rss()
    for parent in parents:
        dependencies.replace(parent, _reads(*parent))
    memory = (rss() - before) / size
    report(
        unrelated=_each(dependencies, _event("namespace-1", "other"), 0),
        woken=_each(dependencies, _event("namespace-1", "name-1"), 1),
        memory=memory,
    )


def _reads(namespace: str, name: str) -> list[Read]:
    """A list by label, three objects of its own, and one that all read."""
    own = [Read(kind, namespace, f"{name}-own") for kind in _READ]
    return [Read(_LISTED.gvk, namespace, selector=parse({"app": name})), *own, Read(_READ[0], "shared", "config")]


def _event(namespace: str, app: str) -> CacheEvent:
    """A change of an object with six labels, one of them the name of an application."""
    before, after = (_record(namespace, app, version) for version in ("1", "2"))
    key = ObjectKey(_LISTED.gvk.group, _LISTED.gvk.kind, namespace, before.name)
    return CacheEvent("MODIFIED", _LISTED, key, "2", after, before)


def _record(namespace: str, app: str, version: str) -> Record:
    labels = {"app": app, **{f"example.com/label-{number}": "value" for number in range(5)}}
    metadata = {"name": "a", "namespace": namespace, "uid": "u", "resourceVersion": version, "labels": labels}
    containers = [{"name": f"c-{number}", "image": "registry.example/image:1.0" * 10} for number in range(5)]
    spec = {"containers": containers}
    obj = {"apiVersion": _LISTED.gvk.api_version, "kind": _LISTED.gvk.kind, "metadata": metadata, "spec": spec}
    return read(json.dumps({**obj, "status": {"phase": version}}).encode(), _LISTED.gvk)


def _each(dependencies: Dependencies[_Key], event: CacheEvent, woken: int) -> float:
    """CPU seconds of one event, which wakes this number of parents."""
    if len(dependencies.woken(event)) != woken:
        sys.exit(f"the event is to wake {woken}")
    begin = cpu_seconds()
    for _ in range(_TIMES):
        dependencies.woken(event)
    return (cpu_seconds() - begin) / _TIMES


if __name__ == "__main__":
    main()
