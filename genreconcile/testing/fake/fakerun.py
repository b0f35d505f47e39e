"""Controllers on a ``FakeCluster``, step by step: no threads that work, and no time but the one that a test lets pass.

Invariant: ``settle`` returns when nothing is due any more, and every change was seen.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from genreconcile.arguments import require_seconds
from genreconcile.cache import Cache
from genreconcile.cache.scope import Scope
from genreconcile.cluster import Cluster
from genreconcile.controllers.assembly import Shared, loop_of, reads_of_sets_alone, set_loop_of
from genreconcile.controllers.controller import Controller
from genreconcile.controllers.loop import Loop
from genreconcile.controllers.program import require_sources
from genreconcile.controllers.reading import Reader
from genreconcile.controllers.running import Inline
from genreconcile.controllers.setloop import SetLoop
from genreconcile.controllers.sets import ExpectedSet
from genreconcile.errors import CacheError
from genreconcile.kinds.discovery import Discovery, Resource
from genreconcile.objects import ObjectKey
from genreconcile.testing.fake.clock import VirtualClock
from genreconcile.testing.fake.store import Store

_MOST_RUNS: Final = 10_000
_CURRENT_WITHIN: Final = 30.0


class Write(NamedTuple):
    """A request that changed something: ``path`` is that of the API, ``body`` its JSON."""

    method: str
    path: str
    body: Any


class FakeRun:
    """Runs controllers and sets on a FakeCluster, in the thread of the test: in a ``with`` block, or until ``stop``.

    ``writes`` are their requests that changed something, so far; a test may clear the list. Made by
    ``FakeCluster.run``; ``recording``, ``clock`` and ``store`` are that cluster's.
    """

    def __init__(
        self,
        recording: Callable[[Callable[[str, str, Any], object]], Cluster],
        clock: VirtualClock,
        store: Store,
        *sources: Controller | ExpectedSet,
    ) -> None:
        require_sources(sources)
        self.writes: list[Write] = []
        self._clock = clock
        self._store = store
        self._cluster = recording(lambda method, path, body: self.writes.append(Write(method, path, body)))
        widens = reads_of_sets_alone(sources, None)
        self._cache = Cache(
            self._cluster, namespaces=() if widens else None, discovery=Discovery(self._cluster, clock=clock)
        )
        self._cache.start()
        shared = Shared(
            self._cluster,
            self._cache,
            may_write=lambda: True,
            clock=clock,
            now=clock.now,
            reader=Reader(self._cluster, self._cache),
            waits=False,
            widens=widens,
        )
        self._loops: list[Loop | SetLoop] = [
            set_loop_of(source, shared) if isinstance(source, ExpectedSet) else loop_of(source, shared, Inline())
            for source in sources
        ]
        for loop in self._loops:
            loop.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the watches."""
        for loop in self._loops:
            loop.close()
            loop.release()
        self._cache.stop()

    def settle(self) -> int:
        """Run until nothing is due; returns the number of runs. Raises AssertionError where that never comes."""
        runs = 0
        self._be_current()
        self._look()
        while ran := sum(loop.step(timeout=0) for loop in self._loops):
            runs += ran
            if runs > _MOST_RUNS:
                raise AssertionError(f"still not settled after {runs} runs; a controller undoes its own work")
            self._be_current()
        return runs

    def advance(self, seconds: float) -> int:
        """Let time pass, and settle whenever something is due in it; returns the number of runs. Raises InputError."""
        require_seconds("seconds", seconds)
        end = self._clock() + seconds
        runs = self.settle()
        while (due := self._next()) is not None and due <= end:
            self._clock.advance(max(0.0, due - self._clock()))
            runs += self.settle()
        self._clock.advance(max(0.0, end - self._clock()))
        return runs + self.settle()

    def _next(self) -> float | None:
        times = [time for loop in self._loops if (time := loop.queue.next_time()) is not None]
        return min(times, default=None)

    def _look(self) -> None:
        """Notice files that have changed; a program has a thread for it."""
        for loop in self._loops:
            if isinstance(loop, SetLoop):
                loop.look()

    def _be_current(self) -> None:
        """Wait until the cache has seen every change: watches have threads of their own."""
        for gvk in self._cache.watched_kinds():
            if (resource := self._cache.discovery.get(gvk)) is not None:
                for scope in self._cache.scopes(gvk):
                    self._await(resource, scope)
        self._cache.flush()

    def _await(self, resource: Resource, scope: Scope) -> None:
        """Wait until the last change in a scope was seen."""
        gvk = resource.gvk
        change = self._store.last_change((gvk.group, resource.plural), scope.namespace, scope.name)
        if change is None:
            return
        key = ObjectKey(gvk.group, gvk.kind, change.key.namespace, change.key.name)
        try:
            is_current = self._cache.wait_for(resource, key, str(change.revision), _CURRENT_WITHIN)
        except CacheError:  # Its kind is not watched any more.
            return
        if not is_current:
            raise AssertionError(f"{key}: its change {change.revision} was not seen; the watch of its kind fails")
