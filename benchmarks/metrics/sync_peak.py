"""Growth of resident memory at its largest while the cache syncs, per object."""

from __future__ import annotations

from benchmarks.contest import Entry
from benchmarks.contests import pick, synced
from benchmarks.ground import Ground


def measure(ground: Ground) -> list[Entry]:
    """One entry."""
    return pick(synced(ground), "sync_peak")
