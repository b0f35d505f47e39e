"""The makers of objects, by their managedFields, which the server has and the cache does not keep.

Invariant: only objects that would be deleted are asked for, their metadata alone, and each resourceVersion once.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Final

from cachetools import LRUCache

from genreconcile.catalog import Catalog
from genreconcile.cluster import Cluster
from genreconcile.cluster.partial import read_metadata
from genreconcile.errors import ClusterError, Unauthorized, Unreachable
from genreconcile.managers import managers_of
from genreconcile.objects import metadata_of, resource_version_of, uid_of
from genreconcile.plan import Change
from genreconcile.plan.protection import Maker, maker_of

_SIZE: Final = 4096


class Evidence:
    """Reads the managedFields of live objects from one server; thread-safe."""

    def __init__(self, cluster: Cluster, catalog: Catalog) -> None:
        self._cluster = cluster
        self._catalog = catalog
        self._known: LRUCache[tuple[str, str, tuple[str, ...]], frozenset[str] | None] = LRUCache(_SIZE)
        self._lock = threading.Lock()

    def managers(self, change: Change, path: Sequence[str], *, exact: bool = False) -> frozenset[str] | None:
        """The field managers of the change's live object that own the field at ``path``, as in ``managers_of``.

        None where that cannot be told. Raises Unauthorized and Unreachable.
        """
        live = change.live or {}
        place = (uid_of(live), resource_version_of(live), tuple(path))
        with self._lock:
            if place in self._known:
                return self._known[place]
        try:
            found = self._asked(change, path, exact)
        except (Unauthorized, Unreachable):
            raise
        except ClusterError:
            return None
        with self._lock:
            self._known[place] = found
        return found

    def _asked(self, change: Change, path: Sequence[str], exact: bool) -> frozenset[str] | None:
        where = self._catalog.resource(change.gvk).path(change.key.namespace, change.key.name)
        now = read_metadata(self._cluster, where)
        if uid_of(now) != uid_of(change.live or {}) or not metadata_of(now).get("managedFields"):
            return None
        return frozenset(managers_of(now, path, exact=exact))

    def unless_made_by_a_controller(self, change: Change) -> Change:
        """The deletion, or a skip where a controller made the object without an ownerReference, or may have."""
        maker = maker_of(change.key) if change.operation == "delete" else None
        why = self._doubt(change, maker) if maker is not None else ""
        if not why:
            return change
        return Change("none", change.gvk, change.key, live=change.live, reason=why, skipped=True)

    def _doubt(self, change: Change, maker: Maker) -> str:
        managers = self.managers(change, maker.path)
        if managers is None:
            return "not deleted: who made it cannot be told, for its managedFields are missing; delete it yourself"
        if managers & maker.managers:
            return f"not deleted: {maker.why}; delete it yourself"
        return ""
