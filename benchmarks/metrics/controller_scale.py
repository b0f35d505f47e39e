"""A controller with many parents, each with five reads, beside five times as many Pods: what it costs."""

from __future__ import annotations

from benchmarks import parents, processes
from benchmarks.contest import OURS, Contender, Entry, Figures, hold
from benchmarks.ground import Ground

_EVENTS = 4000
_UNITS = {
    "controller_scale": "bytes",
    "controller_first": "s",
    "controller_first_cpu": "s",
    "controller_unrelated": "s",
    "controller_related": "s",
    "controller_parent": "s",
    "controller_noop": "s",
    "controller_requests": "requests",
}


def measure(ground: Ground) -> list[Entry]:
    """An entry for each figure, with as many parents as there are objects; their children have been made before."""
    size = ground.size
    namespaces = [ground.namespace("parents") for _ in range(parents.NAMESPACES)]
    parents.fill(ground.server, size, namespaces)

    def run(mode: str) -> Figures:
        where = ("--kubeconfig", ground.kubeconfig, "--namespaces", ",".join(namespaces))
        sizes = ("--size", size, "--count", min(_EVENTS, size))
        return processes.run(processes.worker("controller", *where, "--mode", mode, *sizes))

    run("make")

    def figures() -> Figures:
        cache, found = run("cache"), run("scale")
        return {
            "controller_scale": (found["memory"] - cache["memory"]) / size,
            "controller_first": found["first_seconds"],
            "controller_first_cpu": found["first_cpu"] / size,
            "controller_unrelated": found["unrelated"],
            "controller_related": found["related"],
            "controller_parent": found["parents"],
            "controller_noop": found["noop"],
            "controller_requests": found["requests_noop"],
        }

    return hold(_UNITS, size, [Contender(OURS, figures)], ground.repetitions)
