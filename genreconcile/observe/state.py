"""What a program is like at one moment, put together when somebody asks.

Invariant: a copy; to make it sends no request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from genreconcile.cache import Cache
from genreconcile.observe.events import EventCounts
from genreconcile.observe.figures import Counts
from genreconcile.observe.measures import Measures


@dataclass(frozen=True, slots=True)
class Kept:
    """A kind in the cache: how many objects are known, whether all are, and for how many seconds no watch has been
    well, 0 while one is.
    """

    objects: int
    is_synced: bool
    age: float


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """``queues`` by name of controller, one for each shard; ``kinds`` by their name. ``holdings``: whether it works
    in each of its shards, None without shards.
    """

    counts: Counts
    queues: Mapping[str, Iterable[Measures[Any]]]
    kinds: Mapping[str, Kept]
    is_leading: bool
    is_ready: bool
    is_healthy: bool
    holdings: Mapping[int, bool] | None
    events: EventCounts


def kinds_of(cache: Cache) -> dict[str, Kept]:
    """What a cache holds of each kind that it watches."""
    return {
        str(gvk): Kept(
            cache.count(gvk), cache.has_settled(gvk) and cache.error(gvk) is None, cache.stale_for(gvk) or 0.0
        )
        for gvk in cache.watched_kinds()
    }
