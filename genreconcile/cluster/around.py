"""What stands around a cluster, and does something more with its requests.

Invariant: all that it does not do itself is what the cluster does.
"""

from __future__ import annotations

from genreconcile.cluster.api import Cluster


class Around:
    """A Cluster but for its ``request``, which a subclass has: it calls ``_request``."""

    def __init__(self, cluster: Cluster) -> None:
        self.server = cluster.server
        self.namespace = cluster.namespace
        self.stream = cluster.stream
        self.close = cluster.close
        self.asks_permit: bool = getattr(cluster, "asks_permit", False)
        self._request = cluster.request
