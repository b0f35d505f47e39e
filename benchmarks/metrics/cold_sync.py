"""From nothing until the cache knows all objects, in objects per second."""

from __future__ import annotations

from benchmarks.contest import Entry
from benchmarks.contests import pick, synced
from benchmarks.ground import Ground


def measure(ground: Ground) -> list[Entry]:
    """One entry."""
    return pick(synced(ground), "cold_sync")
