"""The parts that planning and applying of one Reconciler share.

Invariant: data only; closing the parts is up to the Reconciler.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from genreconcile.access import Access
from genreconcile.arguments import refused
from genreconcile.cache import Cache, CacheEvent
from genreconcile.cache.related import Related, View
from genreconcile.catalog import Catalog
from genreconcile.cluster import Cluster
from genreconcile.compare import Ours, Policy
from genreconcile.compare.comparer import Comparer
from genreconcile.memory.learned import Learned
from genreconcile.normalize import require_registry
from genreconcile.settings import Options


@dataclass(frozen=True, slots=True)
class Engine:
    """``related`` shows rules the other live objects that they consult."""

    cluster: Cluster
    catalog: Catalog
    cache: Cache
    learned: Learned
    related: Related
    options: Options

    def comparer(self, fields: str, view: View | None = None, ours: Ours | None = None) -> Comparer:
        """A Comparer for one plan or one answer. ``fields`` is exact or subset; ``view`` shows rules the other objects;
        ``ours`` is the writer who compares, by default the field manager of the options.
        """
        others = view if view is not None else View(self.related)
        return Comparer(self.catalog, Policy(fields, others, ours or Ours(self.options.field_manager)))

    def rehearsing(self) -> Engine:
        """An Engine with the same parts, whose writes are dry runs."""
        return replace(self, options=replace(self.options, dry_run=True))


def forgetting(learned: Learned) -> Callable[[CacheEvent], None]:
    """A callback that forgets a deleted object; it holds ``learned`` alone, not a Reconciler that nobody closes."""

    def forget(event: CacheEvent) -> None:
        if event.type == "DELETED" and event.record.uid:  # Some APIs have no uids.
            learned.forget(event.record.uid)

    return forget


def require_parts(cluster: Any, cache: Any, rules: Any, access: Any) -> None:
    """Raise InputError for a part of the wrong type. A cluster is known by ``request``: tests hand in their own."""
    if not callable(getattr(cluster, "request", None)):
        raise refused("cluster", cluster, "is no cluster; give what gr.connect() returns")
    if cache is not None and not isinstance(cache, Cache):
        raise refused("cache", cache, "is no cache; give a gr.Cache(cluster)")
    require_registry(rules)
    if access is not None and not isinstance(access, Access):
        raise refused("access", access, "is no Access; give a gr.Access(cluster), or leave it out")
