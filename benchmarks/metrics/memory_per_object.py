"""Growth of resident memory by a synced cache, per object."""

from __future__ import annotations

from benchmarks.contest import Entry
from benchmarks.contests import pick, synced
from benchmarks.ground import Ground


def measure(ground: Ground) -> list[Entry]:
    """One entry."""
    return pick(synced(ground), "memory_per_object")
