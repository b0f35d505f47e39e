"""The parts of a Reconciler that heed the call they work for: cluster, cache, applier, and what waits.

Invariant: a thread that works for no call, such as the cache's own, meets what it met without them.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from genreconcile.aio.call import Call
from genreconcile.apply import Applier
from genreconcile.apply.result import Outcome
from genreconcile.arguments import require_name, texts
from genreconcile.cache import Cache, CacheEvent, Kind
from genreconcile.cluster import Around, Cluster, Permit
from genreconcile.engine import Engine, require_parts
from genreconcile.errors import ClusterError
from genreconcile.kinds.discovery import Resource
from genreconcile.objects import Object
from genreconcile.plan import Change
from genreconcile.plan.kinds import Kinds
from genreconcile.reconcile import Reconciler
from genreconcile.waiting import Readying

_Work = Callable[[Change, Resource], Outcome]


class HeedingCluster(Around):
    """Sends requests as ``cluster`` does, and none for a call that is cancelled: that is asked as late as ``may_write``
    is, just before the bytes.
    """

    def request(self, method: str, path: str, *, query: Mapping[str, str] | None = None, **more: Any) -> bytes:
        """See ``Cluster.request``. Raises Cancelled."""
        call = Call.current()
        if call is None:
            return self._request(method, path, query=query, **more)
        if method == "GET" or "dryRun" in (query or {}):
            with call.reading():
                return self._request(method, path, query=query, **more)
        call.require_wanted()
        with Permit(call.require_wanted):
            answer = self._request(method, path, query=query, **more)
        call.note_written()
        return answer


def heeding(cluster: Cluster) -> Cluster:
    """The cluster that heeds calls; what is no cluster stays, and is refused by whoever gets it."""
    is_cluster = callable(getattr(cluster, "request", None)) and not isinstance(cluster, HeedingCluster)
    return HeedingCluster(cluster) if is_cluster else cluster


class _Condition(threading.Condition):
    """A condition for which a cancelled call does not wait, unless it has to."""

    def wait_for(self, predicate: Callable[[], Any], timeout: float | None = None) -> Any:
        call = Call.current()
        if call is None or not call.ends_waits:
            return super().wait_for(predicate, timeout)

        def heeded() -> Any:
            call.require_wanted()
            return predicate()

        return super().wait_for(heeded, timeout)


class HeedingCache(Cache):
    """A Cache that a cancelled call does not wait for; ``wake`` lets it notice."""

    def __init__(self, cluster: Cluster, kinds: Iterable[Kind] = (), **settings: Any) -> None:
        super().__init__(heeding(cluster), kinds, **settings)
        self._state = _Condition()

    def error(self, kind: Kind, namespace: str = "", name: str = "") -> ClusterError | None:
        """See ``Cache.error``; for a cancelled call, what is not known cannot be reached."""
        call = Call.current()
        if call is not None and call.is_over and not self.has_synced(kind, namespace, name):
            return call.cancelled()
        return super().error(kind, namespace, name)

    def wake(self) -> None:
        """Let all who wait for a state look again."""
        with self._state:
            self._state.notify_all()
        self._subscribers.notify_of_states()

    def stop(self) -> None:
        """See ``Cache.stop``; who waits for events is told."""
        super().stop()
        if self._process.is_this:
            self.wake()


class HeedingApplier(Applier):
    """An Applier whose threads work for the call whose thread has begun the wave."""

    def _guarded(self, work: _Work) -> Callable[[Change], Outcome]:
        call, guarded = Call.current(), super()._guarded(work)
        if call is None:
            return guarded

        def of_call(change: Change) -> Outcome:
            with call.entered(for_object=True):
                return guarded(change)

        return of_call


class _Awaited:
    """The cache, as far as waiting for objects reads it: a cancelled call ends the wait."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def get(self, kind: Kind, name: str, *, namespace: str = "") -> Object | None:
        call = Call.current()
        if call is not None:
            call.require_wanted()
        return self._cache.get(kind, name, namespace=namespace)

    def subscribe(self, callback: Callable[[CacheEvent], object]) -> Callable[[], None]:
        return self._cache.subscribe(callback)

    def subscribe_states(self, callback: Callable[[], object]) -> Callable[[], None]:
        call = Call.current()
        ends = [self._cache.subscribe_states(callback), *([call.tell(callback)] if call is not None else ())]

        def end() -> None:
            for each in ends:
                each()

        return end


def _readying(engine: Engine, kinds: Kinds) -> Readying:
    return Readying(dataclasses.replace(engine, cache=cast("Cache", _Awaited(engine.cache))), kinds)


class HeedingReconciler(Reconciler):
    """A Reconciler whose calls can be cancelled. Keywords and errors as ``Reconciler``."""

    def __init__(
        self, cluster: Cluster, *, cache: Cache | None, namespaces: Iterable[str] | None, **settings: Any
    ) -> None:
        require_parts(cluster, cache, settings.get("rules"), settings.get("access"))
        own: HeedingCache | None = None
        if cache is None:
            names = None if namespaces is None else texts("namespaces", namespaces, require_name)
            own, namespaces = HeedingCache(cluster, namespaces=names), None
        super().__init__(heeding(cluster), cache=own or cache, namespaces=namespaces, **settings)
        self._applier = HeedingApplier(self._engine)
        self._readying = _readying(self._engine, self._planner.kinds)
        if own is not None:
            self._owns_cache = True
            own.start()
