"""Consistent reads of the server, past the cache.

Invariant: requests carry no resourceVersion, so that answers show all that was written before; what the server cannot
say is an error, never an absence.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from genreconcile.cache import Record
from genreconcile.cache.pager import PAGE, Pager
from genreconcile.cache.retention import Retention
from genreconcile.cluster import Cluster, Interrupt
from genreconcile.controllers.reads import Read
from genreconcile.errors import Gone, NotFound
from genreconcile.kinds.discovery import Resource


class Server:
    """Asks for the objects of reads, in the form in which the cache has them; ``timeout`` is in seconds."""

    def __init__(self, cluster: Cluster, timeout: float) -> None:
        self._cluster = cluster
        self._timeout = timeout

    def records(self, read: Read, resource: Resource, places: Sequence[str], *, metadata_only: bool) -> list[Record]:
        """The objects, at most one for a read with a name. A list is read in each of ``places``, namespaces or "".

        Raises ClusterError and msgspec.MsgspecError.
        """
        retention = Retention(metadata_only=metadata_only)
        reader = retention.reader(resource.gvk)
        if not read.name:
            return [reader(item) for place in places for item in self._items(read, resource.path(place), retention)]
        path, accept = resource.path(read.namespace, read.name), retention.accept.of_watches
        try:
            return [reader(self._cluster.request("GET", path, accept=accept, timeout=self._timeout))]
        except NotFound as error:
            if not error.names(read.name):  # The kind, or its version, is not served.
                raise
            return []

    def _items(self, read: Read, path: str, retention: Retention) -> list[bytes]:
        query = {"labelSelector": str(read.selector)} if read.selector.requirements else {}
        accept = retention.accept.of_lists
        pager = Pager(self._cluster, path, accept=accept, timeout=self._timeout, query=query)
        try:
            return list(_items_of(pager, PAGE))
        except Gone:  # The continue token expired; a list in one answer needs none.
            return list(_items_of(pager, 0))


def _items_of(pager: Pager, limit: int) -> Iterator[bytes]:
    with contextlib.closing(pager.pages(limit, Interrupt())) as pages:
        for page in pages:
            yield from map(bytes, page.items or ())
