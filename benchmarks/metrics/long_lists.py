"""CPU seconds for the comparison of one long list, and the memory that one takes."""

from __future__ import annotations

from benchmarks import processes
from benchmarks.contest import OURS, Contender, Entry, Figures, hold
from benchmarks.ground import Ground

_FIGURES = {
    "long_lists": ("rules", "s"),
    "long_lists_texts": ("texts", "s"),
    "long_lists_memory": ("memory", "bytes"),
    "long_lists_five_times": ("texts_five_times", "s"),
    "long_lists_shuffled": ("shuffled", "s"),
    "long_lists_different": ("different", "s"),
}
"""Entry → the figure of the worker, and its unit."""


def measure(ground: Ground) -> list[Entry]:
    """An entry for each list; nobody else compares lists like that."""

    def run() -> Figures:
        where = ("--kubeconfig", ground.kubeconfig, "--namespace", ground.namespace("lists"))
        figures = processes.run(processes.worker("long_lists", *where))
        return {name: figures[figure] for name, (figure, _) in _FIGURES.items()}

    units = {name: unit for name, (_, unit) in _FIGURES.items()}
    return hold(units, 1, [Contender(OURS, run)], ground.repetitions)
