"""The Cache for asyncio.

Invariant: what sends requests or waits is awaited; what reads memory is not.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from genreconcile import cache as synchronous
from genreconcile.aio.events import Events
from genreconcile.aio.parts import HeedingCache
from genreconcile.aio.threads import Face, Threads, awaited
from genreconcile.cache import Kind, Pace
from genreconcile.cluster import Cluster
from genreconcile.kinds.discovery import Discovery
from genreconcile.objects import Object
from genreconcile.settings import Selector


class Cache(Face[synchronous.Cache]):
    """As ``genreconcile.Cache``, from ``async with`` (or ``open()``) to its end (or ``close()``).

    Its keywords, and ``threads``: how many calls run at a time; more wait. A call that is cancelled ends at once, with
    what has been added.
    """

    _ends_waits = True

    def __init__(  # noqa: PLR0913 - keyword-only settings, each with a default
        self,
        cluster: Cluster,
        kinds: Iterable[Kind] = (),
        *,
        namespaces: Iterable[str] | None = None,
        discovery: Discovery | None = None,
        compress: bool = False,
        watch_list: bool = False,
        pace: Pace | None = None,
        threads: int = 4,
    ) -> None:
        cache = HeedingCache(
            cluster,
            kinds,
            namespaces=namespaces,
            discovery=discovery,
            compress=compress,
            watch_list=watch_list,
            pace=pace,
        )
        self._sync: synchronous.Cache = cache
        self._threads = Threads(threads, "the cache", cache.wake)

    async def open(self) -> Self:
        """Begin to list and watch. Raises as ``genreconcile.Cache.start``."""
        try:
            await self._threads.run(self._sync.start)
        except BaseException:
            await self.close()
            raise
        return self

    async def close(self) -> None:
        """End all threads; calls that run raise CacheError. The cached objects stay readable."""
        if self._threads.is_of_this_process:
            await self._threads.close(self._sync.stop)

    def __repr__(self) -> str:
        return f"<aio {self._sync!r}>"

    @property
    def sync(self) -> synchronous.Cache:
        """The cache behind this one, for what is not here: its reads are from memory, its other methods may wait."""
        return self._sync

    add = awaited(synchronous.Cache.add)
    wait_for_sync = awaited(synchronous.Cache.wait_for_sync)
    relist = awaited(synchronous.Cache.relist)

    def get(self, kind: Kind, name: str, *, namespace: str = "") -> Object | None:
        """As ``genreconcile.Cache.get``: not awaited, for it sends no request and waits for nothing."""
        return self._sync.get(kind, name, namespace=namespace)

    def list(
        self, kind: Kind, *, namespace: str | None = None, selector: Selector = "", owner: str = ""
    ) -> list[Object]:
        """As ``genreconcile.Cache.list``: not awaited, for it sends no request and waits for nothing."""
        return self._sync.list(kind, namespace=namespace, selector=selector, owner=owner)

    def events(self, *, replay: bool = False, most: int = 10_000) -> Events:
        """The changes from now on: ``async for event in cache.events()``.

        ``replay``: first the known objects, as ADDED, then their later changes, with no gap between; the subscription
        begins with the iteration. Beside the replayed ones, ``most`` events may wait: of more, the first ones are
        given, and then comes EventsLost. Raises CacheError, here and in the iteration, where the cache is not usable
        any more. ``aclose()`` ends it, and so does dropping it, as ``break`` does.
        """
        return Events(self._sync, self._threads, replay=replay, most=most)

    def _opened(self) -> synchronous.Cache:
        return self._sync


class CacheOfReconciler(Cache):
    """The cache of a Reconciler, which closes what it has opened: here, nothing is opened or closed."""

    def __init__(self, cache: synchronous.Cache, threads: Threads) -> None:
        self._sync = cache
        self._threads = threads

    async def open(self) -> Self:
        """It is open."""
        return self

    async def close(self) -> None:
        """The Reconciler closes it."""


def synchronous_cache(cache: Any) -> Any:
    """The cache behind one for asyncio; anything else as it is, which whoever gets it checks."""
    return cache.sync if isinstance(cache, Cache) else cache
