"""The Reconciler for asyncio.

Invariant: it has no flow of its own: each call is one call of the Reconciler behind it, in one thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from functools import partial
from typing import Literal, Self

from genreconcile import reconcile as synchronous
from genreconcile.access import Access
from genreconcile.aio.cache import Cache, CacheOfReconciler, synchronous_cache
from genreconcile.aio.parts import HeedingCache, HeedingReconciler
from genreconcile.aio.threads import Face, Threads, aside, awaited
from genreconcile.arguments import CheckAccess, OnImmutable, Propagation
from genreconcile.cache import Cache as SynchronousCache
from genreconcile.cluster import Cluster
from genreconcile.errors import CacheError
from genreconcile.normalize import Registry


class Reconciler(Face[synchronous.Reconciler]):
    """As ``genreconcile.Reconciler``, from ``async with`` (or ``open()``) to its end (or ``close()``).

    Its keywords, of which ``cache`` may also be a Cache of this package, and ``threads``: how many calls run at a time;
    more wait. Arguments that cannot be meant are refused when it is opened. Methods are called from any event loop.

    A call that is cancelled sends nothing more but what ends the objects whose writes have begun, and only then does
    its CancelledError reach whoever awaits it (docs/asyncio.md).
    """

    def __init__(  # noqa: PLR0913 - keyword-only settings, each with a default
        self,
        cluster: Cluster,
        *,
        cache: Cache | SynchronousCache | None = None,
        rules: Registry | None = None,
        namespaces: Iterable[str] | None = None,
        field_manager: str = "genreconcile",
        concurrency: int = 8,
        propagation: Propagation | Literal[""] = "",
        on_immutable: OnImmutable = "fail",
        sync_timeout: float = 60.0,
        check_access: CheckAccess = "",
        access: Access | None = None,
        follow_definitions: bool | Literal["once"] = True,
        may_write: Callable[[], bool] | None = None,
        wait_timeout: float = 120.0,
        threads: int = 4,
    ) -> None:
        self._threads = Threads(threads, "the Reconciler")
        self._lock = threading.Lock()
        self._sync: synchronous.Reconciler | None = None
        self._cache = cache if isinstance(cache, Cache) else None
        self._make = partial(
            HeedingReconciler,
            cluster,
            cache=synchronous_cache(cache),
            rules=rules,
            namespaces=namespaces,
            field_manager=field_manager,
            concurrency=concurrency,
            propagation=propagation,
            on_immutable=on_immutable,
            sync_timeout=sync_timeout,
            check_access=check_access,
            access=access,
            follow_definitions=follow_definitions,
            may_write=may_write,
            wait_timeout=wait_timeout,
        )

    async def open(self) -> Self:
        """Open it, unless it is open. Raises as ``genreconcile.Reconciler``, and then it is closed."""
        self._threads.require_open()
        try:
            await aside(self._open)()
        except BaseException:
            await self.close()
            raise
        return self

    async def close(self) -> None:
        """Stop the watches, unless the cache was handed in. Calls that run are cancelled, waited for, and raise
        CacheError. It is of no use afterwards.
        """
        if self._threads.is_of_this_process:
            await self._threads.close(self._close)

    def __repr__(self) -> str:
        return f"<aio {self._sync!r}>" if self._sync is not None else "<aio Reconciler, not open>"

    @property
    def cache(self) -> Cache:
        """The cache through which all reads go. Raises CacheError before ``open``."""
        cache = self._opened().cache
        return self._cache if self._cache is not None else CacheOfReconciler(cache, self._threads)

    plan = awaited(synchronous.Reconciler.plan)
    rights = awaited(synchronous.Reconciler.rights)
    apply = awaited(synchronous.Reconciler.apply)
    reconcile = awaited(synchronous.Reconciler.reconcile)
    wait = awaited(synchronous.Reconciler.wait)

    def _opened(self) -> synchronous.Reconciler:
        if self._sync is None:
            raise CacheError("the Reconciler: not open: use async with, or await open() first", code="GR005")
        return self._sync

    def _open(self) -> None:
        with self._lock:
            self._threads.require_open()  # It may have been closed since.
            if self._sync is None:
                self._sync = sync = self._make()
                if isinstance(sync.cache, HeedingCache):
                    self._threads.wake = sync.cache.wake

    def _close(self) -> None:
        with self._lock:
            if self._sync is not None:
                self._sync.close()
