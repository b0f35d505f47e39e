"""The events of the patches that runs send: no reason to run a parent again where the server's answer was what its run
wanted.

Invariant: an event is kept from its parent only while that runs, and would only run it afterwards. Then it wakes the
parent, unless the run's result says that this very version of the child is as the run has stated it.
"""

from __future__ import annotations

import threading

from genreconcile.apply.result import Result
from genreconcile.cache import CacheEvent
from genreconcile.controllers.entry import Priority
from genreconcile.objects import ObjectKey

_Version = tuple[ObjectKey, str]
"""A child, and its resourceVersion."""


class Echoes:
    """Those of the parents of one controller; thread-safe."""

    def __init__(self) -> None:
        self._held: dict[ObjectKey, dict[_Version, Priority]] = {}
        self._lock = threading.Lock()

    def begin(self, parent: ObjectKey) -> None:
        """A run of this parent begins."""
        with self._lock:
            self._held[parent] = {}

    def holds(self, parent: ObjectKey, event: CacheEvent, priority: Priority) -> bool:
        """Whether the event of a child is kept from this parent for now; that a child is gone never is."""
        with self._lock:
            held = self._held.get(parent)
            if held is None or event.after is None:
                return False
            held[event.key, event.resource_version] = priority
            return True

    def settle(self, parent: ObjectKey, result: Result) -> None:
        """Forget the events of children that are as the run has stated them."""
        with self._lock:
            held = self._held.get(parent, {})
            for outcome in result:
                held.pop((outcome.key, outcome.left_clean), None)

    def end(self, parent: ObjectKey) -> Priority | None:
        """The run has ended; returns the priority with which its parent is to run again, None where it need not."""
        with self._lock:
            return max(self._held.pop(parent, {}).values(), default=None)
