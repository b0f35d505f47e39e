"""Watch events absorbed per second of CPU: wall time would show how fast the server sends them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from benchmarks import processes
from benchmarks.bare import MERGE_PATCH, Connection
from benchmarks.contest import OURS, Contender, Entry, Figures, hold
from benchmarks.ground import Ground
from benchmarks.populate import parallel, path_of, populate
from benchmarks.workload import Object, deployments, encode

_EVENTS = 5000
_OBJECTS = 1000


def measure(ground: Ground) -> list[Entry]:
    """One entry; the size is the number of events."""
    count, namespace = min(_EVENTS, ground.size), ground.namespace("events")
    objects = list(deployments(min(_OBJECTS, count), namespace))
    populate(ground.server, objects)
    changes = _Changes(objects)
    where = ("--kubeconfig", ground.kubeconfig, "--namespace", namespace, "--count", count)

    def timed(command: Callable[[], Sequence[str]]) -> Callable[[], Figures]:
        def run() -> Figures:
            with processes.background(command(), ground.file("events.log")) as process:
                process.wait_ready()
                parallel(ground.server, changes.next(count), _change)
                answer = process.answer()
            return {"event_throughput": answer["events"] / answer["cpu_seconds"]}

        return run

    def go(mode: str) -> Callable[[], Figures]:
        return timed(lambda: ground.peers.command("events", "--mode", mode, *where))

    contenders = [
        Contender(OURS, timed(lambda: processes.worker("events", *where))),
        Contender("client-go dynamic", go("dynamic")),
        Contender("client-go dynamic, stripped", go("dynamic-stripped")),
        Contender("client-go typed", go("typed")),
    ]
    return hold({"event_throughput": "events/CPU s"}, count, contenders, ground.repetitions)


class _Changes:
    """Changes of the objects, each of them new."""

    def __init__(self, objects: Sequence[Object]) -> None:
        self._objects = itertools.cycle(objects)
        self._values = itertools.count()

    def next(self, count: int) -> list[Object]:
        """The next ``count`` of them, as merge patches with the object's name and namespace."""
        return [self._change(next(self._objects)["metadata"], next(self._values)) for _ in range(count)]

    def _change(self, metadata: Object, value: int) -> Object:
        annotations = {"bench.genreconcile.dev/event": str(value)}
        return {"metadata": {"name": metadata["name"], "namespace": metadata["namespace"], "annotations": annotations}}


def _change(connection: Connection, change: Object) -> None:
    connection.request("PATCH", path_of(change), encode(change), MERGE_PATCH)
