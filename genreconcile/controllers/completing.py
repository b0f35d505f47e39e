"""An object that would be made, as the server would store it: with the defaults that its schema has.

Invariant: what is there stays as it is; metadata and status are left alone.
"""

from __future__ import annotations

from collections.abc import Collection

from genreconcile.catalog import Catalog
from genreconcile.cluster import Cluster
from genreconcile.controllers.status.room import completed
from genreconcile.errors import ReconcileError
from genreconcile.kinds.discovery import Discovery
from genreconcile.normalize import Registry
from genreconcile.objects import GVK, Object


class Completing:
    """Of some ``kinds``, as ``cluster`` describes them."""

    def __init__(self, cluster: Cluster, discovery: Discovery, kinds: Collection[GVK]) -> None:
        self._kinds = frozenset(kinds)
        self._discovery = discovery
        self._rules = Registry.empty()
        self._catalog = Catalog(cluster, self._rules, discovery)

    def completed(self, obj: Object) -> Object:
        """The object with its defaults; as it is where its kind is another, or not described."""
        gvk = GVK.of(obj)
        if gvk not in self._kinds:
            return obj
        try:
            resource = self._discovery.get(gvk)
            kind = self._catalog.kind_type(resource) if resource is not None else None
        except ReconcileError:
            return obj
        if kind is None:
            return obj
        root = self._rules.compile(gvk, kind, {}, has_status=True)
        children = {key: root.find(key) for key in obj.keys() - {"apiVersion", "kind", "metadata", "status"}}
        return obj | {key: completed(obj[key], child) for key, child in children.items() if child is not None}
