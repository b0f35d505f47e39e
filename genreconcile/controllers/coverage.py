"""The namespaces that a program of sets alone reads: those that its sets name, and those in which they had members.

Invariant: a namespace is covered before a run plans anything there; none is left out again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from genreconcile.access import Access, is_better_read_whole
from genreconcile.cache import Cache
from genreconcile.cluster import Cluster
from genreconcile.kinds.discovery import Resource
from genreconcile.objects import GVK, Object, ObjectKey
from genreconcile.plan.owners import recorded_namespaces
from genreconcile.settings import OwnerRef, Prune


class Coverage:
    """Of one set, whose objects are in ``namespace`` where they name none. ``cache`` reads what it is told to."""

    def __init__(self, cluster: Cluster, cache: Cache, prune: Prune, namespace: str) -> None:
        self._cluster = cluster
        self._cache = cache
        self._prune = prune
        self._namespace = namespace
        self._has_recorded = False
        """Whether the namespaces are covered in which the set had members before this program."""

    def take(self, objects: Sequence[Object]) -> None:
        """Let the cache read what a set of these objects needs. Raises ClusterError; LoadError and PlanRefused for a
        parent that cannot be the set's.
        """
        covered = self._cache.namespaces
        if covered is None:
            return
        more = self._named(objects) | self._recorded()
        if not more <= set(covered):
            is_whole = is_better_read_whole(Access(self._cluster), more.union(covered), self._resources(objects))
            self._cache.cover(None if is_whole else sorted(more))
        self._has_recorded = True

    def _named(self, objects: Iterable[Object]) -> set[str]:
        """The namespaces that the set names; whether a kind has any is not asked here."""
        named = {ObjectKey.of(obj).namespace or self._namespace for obj in objects}
        return (named | {self._namespace, self._prune.namespace}) - {""}

    def _recorded(self) -> frozenset[str]:
        owner = self._prune.owner
        if self._has_recorded or not isinstance(owner, OwnerRef):
            return frozenset()
        return recorded_namespaces(self._cluster, self._cache.discovery, owner, self._namespace)

    def _resources(self, objects: Iterable[Object]) -> Iterable[Resource]:
        """Without the kinds that are not known: the run reports them at their objects."""
        return filter(None, map(self._cache.discovery.get_or_none, {GVK.of(obj) for obj in objects}))
