"""Cost per object with ten times as many objects, over the cost with the ordinary number."""

from __future__ import annotations

from benchmarks import processes
from benchmarks.contest import OURS, Contender, Entry, Figures, hold
from benchmarks.contests import RAW_PAGES, raw_seconds
from benchmarks.ground import Ground

COMPARISON = "scaling_comparison"
_FACTOR, _FACTOR_QUICK = 10, 2


def measure(ground: Ground) -> list[Entry]:
    """Entries ``scaling``, of the sync, and ``scaling_comparison``; the size is the larger one."""
    large = ground.size * (_FACTOR_QUICK if ground.is_quick else _FACTOR)

    def run() -> Figures:
        sync, comparison = _costs(ground, ground.size)
        sync_large, comparison_large = _costs(ground, large)
        return {"scaling": sync_large / sync, COMPARISON: comparison_large / comparison}

    def raw() -> Figures:
        """What of the cost is the server's."""
        few, many = raw_seconds(ground, ground.size), raw_seconds(ground, large)
        return {"scaling": (many / large) / (few / ground.size)}

    contenders = [Contender(OURS, run), Contender(RAW_PAGES, raw)]
    return hold({"scaling": "x", COMPARISON: "x"}, large, contenders, ground.repetitions)


def _costs(ground: Ground, count: int) -> tuple[float, float]:
    """Seconds per object of the sync and of the first comparison."""
    where = ("--kubeconfig", ground.kubeconfig, "--namespace", ground.populated(count))
    sync = processes.run(processes.worker("sync", *where, "--compress", 0, "--stream", 0))
    pairs = ("--expected", ground.expected(count), "--rounds", 1)
    comparison = processes.run(processes.worker("compare", *where, *pairs))
    return sync["seconds"] / sync["objects"], comparison["cold_seconds"] / comparison["objects"]
