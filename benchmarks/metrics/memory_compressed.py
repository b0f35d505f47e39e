"""Growth of resident memory by a synced cache that keeps its objects packed, per object."""

from __future__ import annotations

from benchmarks import processes
from benchmarks.contest import OURS, Contender, Entry, Figures, hold
from benchmarks.ground import Ground


def measure(ground: Ground) -> list[Entry]:
    """One entry."""
    where = ("--kubeconfig", ground.kubeconfig, "--namespace", ground.populated())

    def run() -> Figures:
        answer = processes.run(processes.worker("sync", *where, "--compress", 1, "--stream", 0))
        return {"memory_compressed": (answer["rss_after"] - answer["rss_before"]) / ground.size}

    return hold({"memory_compressed": "bytes"}, ground.size, [Contender(OURS, run)], ground.repetitions)
