"""The cluster through which this package writes: it asks ``may_write`` first.

Invariant: a request that writes is sent only after ``may_write`` allowed it, with the connection open, immediately
before the bytes; whatever is not a dry run or a read goes through this cluster.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genreconcile.cluster import Around, Cluster, Permit
from genreconcile.errors import NotLeading
from genreconcile.settings import Options


class LeadingCluster(Around):
    """Sends requests as ``cluster`` does; ``request`` also raises NotLeading, where this replica may not write.

    A dry run writes nothing, and is always allowed.
    """

    def __init__(self, cluster: Cluster, options: Options) -> None:
        super().__init__(cluster)
        self._may_write = None if options.dry_run else options.may_write

    def request(self, method: str, path: str, *, query: Mapping[str, str] | None = None, **more: Any) -> bytes:
        """See ``Cluster.request``."""
        if self._may_write is None or method == "GET" or "dryRun" in (query or {}):
            return self._request(method, path, query=query, **more)
        if not self.asks_permit:
            self._ask()
        with Permit(self._ask):
            return self._request(method, path, query=query, **more)

    def _ask(self) -> None:
        if self._may_write is not None and not self._may_write():
            raise NotLeading("nothing was sent: may_write says that another replica leads; it will see to the object")
