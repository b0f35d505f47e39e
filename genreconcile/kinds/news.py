"""One Condition, and how often it was notified: what is told of kinds, for those who wait.

Invariant: the count is taken before the look, so that nothing is missed that is told between the look and the wait; and
nobody looks with the lock held, so that no one who tells waits for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

Wait = Callable[[Callable[[], bool], float], object]
"""Returns once the first is true, or after so many seconds; called with the Condition held."""


class News:
    """Thread-safe. ``wait`` is the Condition's own unless given."""

    def __init__(self, wait: Wait | None = None) -> None:
        self.condition = threading.Condition()
        """Held, briefly, by who changes what is counted; notified by ``tell`` alone."""
        self.is_over = False
        self._wait = wait or self.condition.wait_for
        self._count = 0

    def count(self) -> int:
        """How often somebody has told."""
        return self._count

    def tell(self) -> None:
        """Something is new: who waits looks again."""
        with self.condition:
            self._count += 1
            self.condition.notify_all()

    def end(self) -> None:
        """Nobody waits any more."""
        self.is_over = True
        self.tell()

    def pause(self, count: Callable[[], int], before: int, seconds: float) -> None:
        """Wait until the count is not what it was before, for so long, or until the end."""
        with self.condition:
            self._wait(lambda: count() != before or self.is_over, seconds)
