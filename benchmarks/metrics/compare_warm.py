"""Judging cached objects again of which nothing has changed, in objects per second."""

from __future__ import annotations

from benchmarks.contest import Entry
from benchmarks.contests import compared, pick
from benchmarks.ground import Ground


def measure(ground: Ground) -> list[Entry]:
    """One entry."""
    return pick(compared(ground), "compare_warm")
