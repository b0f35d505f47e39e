"""One set without a parent, kept as it says.

Invariant: each run takes the whole set as it is then; what changes meanwhile is followed by another run.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Sequence
from typing import Final

from genreconcile.apply.result import Result
from genreconcile.cache import Cache, CacheEvent
from genreconcile.controllers.entry import Priority
from genreconcile.controllers.queue import Queue
from genreconcile.controllers.sets import ExpectedSet, Signature
from genreconcile.errors import PlanRefused, ReconcileError
from genreconcile.objects import Object, ObjectKey
from genreconcile.plan import Plan
from genreconcile.reconcile import Reconciler

_log = logging.getLogger("genreconcile.controllers")
_LOOK: Final = 1.0
"""Seconds between two looks at the files: no more than a stat of each."""
_JITTER: Final = 0.1


class SetLoop:
    """The runs of one set; thread-safe."""

    def __init__(self, expected: ExpectedSet, reconciler: Reconciler, cache: Cache, queue: Queue[str]) -> None:
        self.queue = queue
        self._set = expected
        self._reconciler = reconciler
        self._cache = cache
        self._keys: frozenset[ObjectKey] = frozenset()
        self._signature: Signature | None = None
        self._unsubscribe: Callable[[], None] = lambda: None
        self._closing = threading.Event()

    def __repr__(self) -> str:
        return f"<SetLoop of {self._set.name}>"

    @property
    def name(self) -> str:
        """The name of the set."""
        return self._set.name

    @property
    def lives(self) -> Sequence[Callable[[], None]]:
        """What its threads do."""
        return [self.work, self.watch]

    def start(self) -> None:
        """Begin to take events."""
        self._unsubscribe = self._cache.subscribe(self._on_event)
        self.queue.add(self._set.name)

    def close(self) -> None:
        """Take no more events, and give out no more keys."""
        self._closing.set()
        self._unsubscribe()
        self.queue.close()

    def release(self) -> None:
        """End what the Reconciler holds; nothing runs any more."""
        self._reconciler.close()

    def watch(self) -> None:
        """Look for changes of the files until ``close``: the life of a thread."""
        while not self._closing.wait(_LOOK):
            self.look()

    def look(self) -> None:
        """Let the set run where its files have changed since the last run began."""
        try:
            signature = self._set.signature()
        except ReconcileError:
            signature = ()  # The run will say what is wrong.
        if signature != self._signature:
            self.queue.add(self._set.name)

    def work(self) -> None:
        """Run until ``close``: the life of a worker."""
        while (key := self.queue.get()) is not None:
            self.process(key)

    def process(self, key: str) -> None:
        """Run once. Raises nothing."""
        try:
            after = self._run()
        except ReconcileError as error:
            _log.warning("%s: %s", self._set.name, error)
            self.queue.retry(key)
        except Exception as error:  # noqa: BLE001 - the function is the user's
            _log.error("%s: not run", self._set.name, exc_info=error)
            self.queue.retry(key)
        else:
            self.queue.forget(key)
            if after is not None:
                self.queue.retry(key, after=after)
            resync = self._set.resync * (1.0 + random.uniform(-_JITTER, _JITTER))  # noqa: S311 - no secret
            self.queue.add(key, Priority.LOW, after=resync)
        finally:
            self.queue.done(key)

    def _run(self) -> float | None:
        """Bring the cluster to what the set says now; returns the seconds until something may be tried again."""
        try:
            self._signature = self._set.signature()
        except ReconcileError:
            self._signature = ()
        objects = self._set.read()
        self._keys = frozenset(_keys(objects, self._set.settings.get("namespace") or ""))
        if self._set.mode == "detect":
            self._tell_plan(self._reconciler.plan(objects, **self._set.settings))
            return None
        try:
            result = self._reconciler.reconcile(objects, **self._set.settings)
        except PlanRefused as error:
            if error.result is not None:
                self._tell(error.result)
            raise
        self._tell(result)
        times = [outcome.retry_after for outcome in result if outcome.retry_after is not None]
        if any(outcome.status == "failed" for outcome in result):
            raise ReconcileError("some objects failed; it is tried again")
        return min(times, default=None)

    def _tell(self, result: Result) -> None:
        for outcome in result:
            if outcome.status != "unchanged":
                _log.info("%s: %s", self._set.name, outcome)

    def _tell_plan(self, plan: Plan) -> None:
        for change in plan.changes:
            if not change.is_in_sync:
                _log.info("%s: would %s %s", self._set.name, change.operation, change.key)

    def _on_event(self, event: CacheEvent) -> None:
        if event.key in self._keys:
            self.queue.add(self._set.name)


def _keys(objects: list[Object], namespace: str) -> list[ObjectKey]:
    """The keys under which the objects may be in the cache: with their namespace, with the default one, without one."""
    found = []
    for obj in objects:
        key = ObjectKey.of(obj)
        found += [key, key._replace(namespace=key.namespace or namespace), key._replace(namespace="")]
    return found
