"""Peak resident memory while everything is listed again, over the memory before."""

from __future__ import annotations

from benchmarks import processes
from benchmarks.contest import OURS, Contender, Entry, Figures, hold
from benchmarks.ground import Ground


def measure(ground: Ground) -> list[Entry]:
    """One entry."""
    where = ("--kubeconfig", ground.kubeconfig, "--namespace", ground.populated())

    def run() -> Figures:
        answer = processes.run(processes.worker("relist", *where))
        return {"relist_peak": answer["peak"] / answer["steady"]}

    return hold({"relist_peak": "x"}, ground.size, [Contender(OURS, run)], ground.repetitions)
