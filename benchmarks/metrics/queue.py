"""Keys through the queue of a controller: how many a second, and the CPU time and memory of one."""

from __future__ import annotations

from benchmarks import processes
from benchmarks.contest import OURS, Contender, Entry, Figures, hold
from benchmarks.ground import Ground

_TIMES = 10
_FIGURES = {"queue": ("keys", "keys/s"), "queue_cpu": ("cpu", "s"), "queue_memory": ("memory", "bytes")}
"""Entry → the figure of the worker, and its unit."""


def measure(ground: Ground) -> list[Entry]:
    """An entry for each figure, with ten times as many keys as there are objects."""
    size = _TIMES * ground.size

    def run() -> Figures:
        figures = processes.run(processes.worker("queue", "--size", size))
        return {name: figures[figure] for name, (figure, _) in _FIGURES.items()}

    units = {name: unit for name, (_, unit) in _FIGURES.items()}
    return hold(units, size, [Contender(OURS, run)], ground.repetitions)
