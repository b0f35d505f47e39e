"""A run of a controller while functions of other parents compute in pure Python, and hold the interpreter."""

from __future__ import annotations

from benchmarks import processes
from benchmarks.contest import OURS, Contender, Entry, Figures, hold
from benchmarks.ground import Ground

_ENTRIES = {"controller_busy_none": 0, "controller_busy": 1, "controller_busy_four": 4}
"""Entry → the number of functions that compute."""


def measure(ground: Ground) -> list[Entry]:
    """An entry for each number of functions that compute; no server takes part."""

    def run() -> Figures:
        return {
            name: processes.run(processes.worker("controller_busy", "--busy", busy))["seconds"]
            for name, busy in _ENTRIES.items()
        }

    return hold(dict.fromkeys(_ENTRIES, "s"), 1, [Contender(OURS, run)], ground.repetitions)
