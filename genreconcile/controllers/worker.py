"""What every loop does with its queue: give out keys, and say when a key that has succeeded runs again.

Invariant: ``process`` gets each key that the queue gave, once.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Final, Generic, TypeVar

from genreconcile.controllers.entry import Priority
from genreconcile.controllers.queue import Queue

K = TypeVar("K", bound=Hashable)
_JITTER: Final = 0.1


class Worker(ABC, Generic[K]):
    """The life of the threads that run the keys of ``queue``; thread-safe."""

    def __init__(self, queue: Queue[K]) -> None:
        self.queue = queue
        self._ends: Sequence[Callable[[], None]] = ()
        """What end its subscriptions."""

    @abstractmethod
    def process(self, key: K) -> None:
        """Run one key that the queue gave, to its end. Raises nothing."""

    def close(self) -> None:
        """Take no more events, and give out no more keys."""
        for end in self._ends:
            end()
        self.queue.close()

    @abstractmethod
    def warm(self, kinds: Iterable[str]) -> None:
        """Watch these kinds as runs do; those that are not served are left out. Raises nothing."""

    def work(self) -> None:
        """Run keys until the queue is closed: the life of a thread."""
        while self.step():
            pass

    def step(self, timeout: float | None = None) -> bool:
        """Run one key that is due; False where none is within ``timeout`` seconds, and after the queue is closed."""
        key = self.queue.get(timeout=timeout)
        if key is not None:
            self.process(key)
        return key is not None

    def settle(self, key: K, *, resync: float, after: float | None) -> None:
        """Note that a key has succeeded: it runs after about ``resync`` seconds, and after ``after`` where given."""
        self.queue.forget(key)
        if after is not None:
            self.queue.retry(key, after=after)
        jittered = resync * (1.0 + random.uniform(-_JITTER, _JITTER))  # noqa: S311 - no secret
        self.queue.add(key, Priority.LOW, after=jittered)
