"""What the runs of a controller have read: CPU seconds of an event that concerns none, and the memory of one parent."""

from __future__ import annotations

from benchmarks import processes
from benchmarks.contest import OURS, Contender, Entry, Figures, hold
from benchmarks.ground import Ground

_FIGURES = {
    "dependencies": ("unrelated", "s"),
    "dependencies_woken": ("woken", "s"),
    "dependencies_memory": ("memory", "bytes"),
}
"""Entry → the figure of the worker, and its unit."""


def measure(ground: Ground) -> list[Entry]:
    """An entry for each figure, with as many parents as there are objects, each with five reads."""

    def run() -> Figures:
        figures = processes.run(processes.worker("dependencies", "--size", ground.size))
        return {name: figures[figure] for name, (figure, _) in _FIGURES.items()}

    units = {name: unit for name, (_, unit) in _FIGURES.items()}
    return hold(units, ground.size, [Contender(OURS, run)], ground.repetitions)
