"""The edit by hand that is to be repaired, and how long its repair takes.

Invariant: one observer for all contenders: a bare watch of its own that sees the edit go away again.
"""

from __future__ import annotations

import time
from typing import Any

from benchmarks.bare import MERGE_PATCH, Server
from benchmarks.contest import Missing
from benchmarks.workload import COLLECTION, encode, name_of

ANNOTATION = "bench.genreconcile.dev/drift"
_WARM = 10
"""Edits at the beginning that do not count."""


def removal() -> dict[str, str]:
    """The operation that repairs an edit."""
    return {"op": "remove", "path": "/metadata/annotations/" + ANNOTATION.replace("/", "~1")}


def edits(count: int) -> int:
    """How many edits a contender has to repair so that ``count`` are measured."""
    return count + _WARM


def latencies(server: Server, namespace: str, objects: int, count: int) -> list[float]:
    """Edit one object after the other; seconds from each edit's sending to the sight of its repair, sorted."""
    path = COLLECTION.format(namespace)
    writer, reader = server.connect(), server.connect()
    version = writer.get(path, {"limit": "1"})["metadata"]["resourceVersion"]
    events = reader.watch(path, version)
    found = []
    try:
        for number in range(edits(count)):
            name = name_of(number % objects)
            begin = time.perf_counter()
            edit = {"metadata": {"annotations": {ANNOTATION: str(number)}}}
            writer.request("PATCH", f"{path}/{name}", encode(edit), MERGE_PATCH)
            _await_repair(events, name, str(number))
            found.append(time.perf_counter() - begin)
    except (OSError, StopIteration) as error:
        raise Missing(f"edit {len(found)} of {count}: not repaired: {error!r}") from None
    finally:
        writer.close()
        reader.close()
    return sorted(found[_WARM:])


def _await_repair(events: Any, name: str, value: str) -> None:
    edited = False
    while True:
        _, obj = next(events)
        if obj["metadata"]["name"] != name:
            continue
        now = obj["metadata"].get("annotations", {}).get(ANNOTATION)
        if edited and now is None:
            return
        edited = edited or now == value
