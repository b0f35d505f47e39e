"""One run of one operator: from parents without children to children that were edited and repaired.

Invariant: the operator is seen from outside alone: by the server, its audit log, and the kernel.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple

from benchmarks import drift, parents, processes, usage
from benchmarks.audit import USER
from benchmarks.contest import Figures, Missing
from benchmarks.ground import Ground
from benchmarks.populate import clear

WORKERS: Final = 4
"""Of each operator: ours by default, kopf's threads, controller-runtime's reconciles."""
UNITS: Final = {
    "converge": "parents/s",
    "cpu": "s",
    "server_cpu": "s",
    "memory": "MiB",
    "event_cpu": "s",
    "idle": "requests",
    "idle_cpu": "% of a core",
    "repair": "ms",
    "repair_p99": "ms",
    "memory_after": "MiB",
}
"""What a run measures."""
_MIB = 1 << 20
_WITHIN = 900.0
_CALM_WITHIN = 60.0
_INTERVAL = 0.05
"""Seconds between two edits."""
_WRITES = frozenset({"create", "patch", "update"})


class Extent(NamedTuple):
    """How much is done: the ``edits`` that count come after ``warm`` ones. ``idle`` is in seconds, and so is ``quiet``:
    how long there is no request before none is expected.
    """

    parents: int
    events: int
    edits: int
    warm: int
    idle: float
    quiet: float


def run(ground: Ground, command: Callable[[str], Sequence[str]], extent: Extent) -> Figures:
    """Run an operator, whose command line is made of the namespace. Raises Missing where it does not do its work."""
    with _namespace(ground, extent.parents) as namespace:
        begin, mark = time.time(), ground.audit.mark()
        servers = usage.servers(ground.plane.kubeconfig.parent)
        of_servers = usage.cpu_seconds(*servers)
        with processes.background(command(namespace), ground.file("operator.log")) as process:
            _await_children(ground, process, namespace, extent)
            figures = {
                "server_cpu": (usage.cpu_seconds(*servers) - of_servers) / extent.parents,
                "cpu": usage.cpu_seconds(process.pid) / extent.parents,
                "memory": usage.rss(process.pid) / _MIB,
            }
            _require_right(ground, process, namespace)
            figures["converge"] = extent.parents / (_last_write(ground, mark) - begin)
            figures |= _at_rest(ground, process, namespace, extent)
            figures |= _left_alone(ground, process, extent)
            figures |= _repaired(ground, process, namespace, extent)
            figures["memory_after"] = usage.rss(process.pid) / _MIB
        return figures


@contextmanager
def _namespace(ground: Ground, count: int) -> Iterator[str]:
    """One with parents, which is empty again afterwards."""
    namespace = ground.namespace("operator")
    parents.define(ground.server)
    parents.create(ground.server, count, [namespace])
    try:
        yield namespace
    finally:
        for collection in (drift.PARENTS, *(child.collection for child in drift.CHILDREN)):
            clear(ground.server, namespace, collection)


def _await_children(ground: Ground, process: processes.Background, namespace: str, extent: Extent) -> None:
    """Wait until all are there, and the operator asks for nothing more."""
    deadline, count = time.monotonic() + _WITHIN, len(drift.CHILDREN) * extent.parents
    while True:
        process.require_alive()
        ground.audit.wait_quiet(extent.quiet)
        found = drift.counted(ground.server, namespace)
        if found >= count:
            return
        if time.monotonic() > deadline:
            raise Missing(f"it has made {found} children of {count} within {_WITHIN:g} s")


def _require_right(ground: Ground, process: processes.Background, namespace: str) -> None:
    process.require_alive()
    if found := drift.wrong(ground.server, namespace):
        raise Missing(f"{len(found)} objects are not as they should be: {', '.join(found[:3])}")


def _last_write(ground: Ground, mark: int) -> float:
    return max(done.at for done in ground.audit.answered(mark) if done.user == USER and done.verb in _WRITES)


def _at_rest(ground: Ground, process: processes.Background, namespace: str, extent: Extent) -> Figures:
    usage.wait_calm(process.pid, _CALM_WITHIN)
    before = usage.cpu_seconds(process.pid)
    drift.rest(ground.server, namespace, extent.events, str(time.time_ns()))
    usage.wait_calm(process.pid, _CALM_WITHIN)
    return {"event_cpu": (usage.cpu_seconds(process.pid) - before) / extent.events}


def _left_alone(ground: Ground, process: processes.Background, extent: Extent) -> Figures:
    ground.audit.wait_quiet(extent.quiet)
    before, mark = usage.cpu_seconds(process.pid), ground.audit.mark()
    time.sleep(extent.idle)
    used = usage.cpu_seconds(process.pid) - before
    return {"idle": ground.audit.count_but_watches(mark), "idle_cpu": 100 * used / extent.idle}


def _repaired(ground: Ground, process: processes.Background, namespace: str, extent: Extent) -> Figures:
    mark = ground.audit.mark()
    drift.edit(ground.editing, namespace, extent.parents, extent.warm + extent.edits, _INTERVAL)
    ground.audit.wait_quiet(extent.quiet)
    _require_right(ground, process, namespace)
    found = drift.repairs(ground.audit.answered(mark), extent.warm)
    return {"repair": 1000 * found[len(found) // 2], "repair_p99": 1000 * found[len(found) * 99 // 100]}
