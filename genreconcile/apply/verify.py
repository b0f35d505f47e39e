"""Patches, tried by dry run: a reader is never shown a difference that the server does not see.

Invariant: sends no write.
"""

from __future__ import annotations

from msgspec.structs import replace

from genreconcile.apply.options import JSON_PATCH, Options
from genreconcile.cache.transform import read
from genreconcile.catalog import Catalog
from genreconcile.cluster import Cluster
from genreconcile.errors import ClusterError
from genreconcile.gojson import dumps
from genreconcile.memory.learned import RULE_GAP
from genreconcile.objects import Object, metadata_of
from genreconcile.plan import Change
from genreconcile.plan.change import NO_PATCH

_VOLATILE = frozenset({"resourceVersion", "generation", "managedFields"})


class Verifier:
    """Dry-runs patches; thread-safe."""

    def __init__(self, cluster: Cluster, catalog: Catalog, options: Options) -> None:
        self._cluster = cluster
        self._catalog = catalog
        self._query = options.query(dry_run=True)

    def verified(self, change: Change) -> Change:
        """The change, or none where the server would keep the object as it is."""
        path = self._catalog.resource(change.gvk).path(change.key.namespace, change.key.name)
        body = dumps(change.patch.patch)
        try:
            data = self._cluster.request("PATCH", path, query=self._query, body=body, content_type=JSON_PATCH)
        except ClusterError as error:
            # A webhook that allows no dry run, or a refusal: the difference stands, and is not verified.
            return replace(change, reason=change.told(f"not verified: {error}"))
        if _content(read(data, change.gvk).decode()) != _content(change.live or {}):
            return change
        reason = f"{RULE_GAP}: the server would keep the object as it is"
        return replace(change, operation="none", patch=NO_PATCH, reason=reason)


def _content(obj: Object) -> Object:
    """An object without what each write changes."""
    return {**obj, "metadata": {key: value for key, value in metadata_of(obj).items() if key not in _VOLATILE}}
