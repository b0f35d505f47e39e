"""One Condition and the count of its notifications, for threads that wait for news of kinds.

Invariant: a thread takes the count before it looks, so that it misses no news between the look and the wait; it looks
without the lock, so that ``tell`` never waits for a look.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

Wait = Callable[[Callable[[], bool], float], object]
"""Returns once its function is true, or after so many seconds; called with the Condition held."""


class News:
    """Wakes threads that wait; thread-safe. ``wait`` is the Condition's ``wait_for`` unless given."""

    def __init__(self, wait: Wait | None = None) -> None:
        self.condition = threading.Condition()
        """Held, briefly, to change what is counted; notified by ``tell`` alone."""
        self.is_over = False
        self._wait = wait or self.condition.wait_for
        self._count = 0

    def count(self) -> int:
        """How often ``tell`` was called."""
        return self._count

    def tell(self) -> None:
        """Note that something is new: waiting threads look again."""
        with self.condition:
            self._count += 1
            self.condition.notify_all()

    def end(self) -> None:
        """End every wait, for good."""
        self.is_over = True
        self.tell()

    def pause(self, count: Callable[[], int], before: int, seconds: float) -> None:
        """Wait until ``count`` returns another number than ``before``, for these seconds, or until ``end``."""
        with self.condition:
            self._wait(lambda: count() != before or self.is_over, seconds)
