"""The cluster as all that writes sees it.

Invariant: a request that changes something is sent only after ``may_write`` was asked; nothing in this package has
another cluster.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genreconcile.cluster import Cluster
from genreconcile.errors import NotLeading
from genreconcile.settings import Options


class LeadingCluster:
    """Sends as ``cluster`` does. Its ``request`` raises NotLeading besides, where this replica may not write.

    A dry run writes nothing, and always may.
    """

    def __init__(self, cluster: Cluster, options: Options) -> None:
        self.server = cluster.server
        self.namespace = cluster.namespace
        self.stream = cluster.stream
        self.close = cluster.close
        self._request = cluster.request
        self._may_write = None if options.dry_run else options.may_write

    def request(self, method: str, path: str, *, query: Mapping[str, str] | None = None, **more: Any) -> bytes:
        """See ``Cluster.request``."""
        asks = method != "GET" and "dryRun" not in (query or {})
        if asks and self._may_write is not None and not self._may_write():
            raise NotLeading("nothing was sent: may_write says that another replica leads; it will see to the object")
        return self._request(method, path, query=query, **more)
