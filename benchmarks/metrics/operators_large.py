"""The same with as many parents as ``--size``, without those whom that takes too long."""

from __future__ import annotations

from benchmarks.contest import OURS, Entry
from benchmarks.ground import Ground
from benchmarks.metrics.operators import RUNTIME, contest, extent, named


def measure(ground: Ground) -> list[Entry]:
    """An entry for each figure of a run."""
    return named("operators_large", contest(ground, extent(ground, ground.size).parents), (OURS, RUNTIME))
