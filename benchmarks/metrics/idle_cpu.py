"""CPU of a cache that watches many kinds in which nothing happens."""

from __future__ import annotations

from benchmarks import processes
from benchmarks.contest import OURS, Contender, Entry, Figures, hold
from benchmarks.ground import Ground

_KINDS = 50
_SECONDS, _SECONDS_QUICK = 20.0, 3.0


def measure(ground: Ground) -> list[Entry]:
    """One entry; its size is the number of kinds."""
    seconds = _SECONDS_QUICK if ground.is_quick else _SECONDS
    where = ("--kubeconfig", ground.kubeconfig, "--namespace", "", "--kinds", _KINDS, "--seconds", seconds)

    def run() -> Figures:
        answer = processes.run(processes.worker("idle", *where))
        return {"idle_cpu": 100 * answer["cpu_seconds"] / answer["seconds"]}

    return hold({"idle_cpu": "% of a core"}, _KINDS, [Contender(OURS, run)], ground.repetitions)
