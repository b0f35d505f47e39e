"""From an empty namespace to all objects, in objects per second."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks import processes
from benchmarks.contest import OURS, Contender, Entry, Figures, Missing, hold
from benchmarks.ground import Ground
from benchmarks.populate import clear
from benchmarks.workload import deployments, write_lines

_OBJECTS = 2000
_CONNECTIONS = 8


def measure(ground: Ground) -> list[Entry]:
    """One entry; each run has a namespace of its own."""
    count = min(_OBJECTS, ground.size)

    def timed(run: Callable[[str, str], dict[str, Any]]) -> Callable[[], Figures]:
        def in_new_namespace() -> Figures:
            namespace = ground.namespace("converge")
            bodies = write_lines(ground.file("bodies.jsonl"), deployments(count, namespace))
            answer = run(namespace, str(bodies))
            clear(ground.server, namespace)
            if answer["objects"] != count:
                raise Missing(f"it wrote {answer['objects']} objects of {count}")
            return {"converge": count / answer["seconds"]}

        return in_new_namespace

    def ours(namespace: str, bodies: str) -> dict[str, Any]:
        where = ("--kubeconfig", ground.kubeconfig, "--namespace", namespace)
        return processes.run(processes.worker("converge", *where, "--expected", bodies, "--connections", _CONNECTIONS))

    def go(command: str, *more: object) -> Callable[[], Figures]:
        def run(namespace: str, bodies: str) -> dict[str, Any]:
            where = ("--kubeconfig", ground.kubeconfig, "--namespace", namespace)
            return ground.peers.run(command, *where, "--bodies", bodies, *more)

        return timed(run)

    contenders = [
        Contender(OURS, timed(ours)),
        Contender("bare POST (Go)", go("converge", "--connections", _CONNECTIONS)),
        Contender("controller-runtime CreateOrUpdate", go("createorupdate")),
        Contender("Flux ssa", go("flux")),
    ]
    return hold({"converge": "objects/s"}, count, contenders, ground.repetitions)
