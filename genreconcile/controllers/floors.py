"""The times before which keys must not start.

Invariant: what has passed is forgotten, so that there are at most as many as starts within the interval, and as holds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Floors(Generic[K]):
    """``interval`` is in seconds, from one start of a key to its next. Times never go back. Not thread-safe."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._floors: dict[K, float] = {}
        self._starts: deque[tuple[float, K]] = deque()

    def __len__(self) -> int:
        """The number of keys that have a floor."""
        return len(self._floors)

    def of(self, key: K) -> float | None:
        """The time before which a key must not start, None where it may at any."""
        return self._floors.get(key)

    def start(self, key: K, now: float) -> None:
        """A key starts now; whatever held it is over."""
        self._floors.pop(key, None)
        if self._interval:
            self._floors[key] = floor = now + self._interval
            self._starts.append((floor, key))

    def hold(self, key: K, until: float) -> float:
        """Keep a key that is to start from doing so before a time; the time that counts, a later one if there was."""
        floor = self._floors[key] = max(until, self._floors.get(key, until))
        return floor

    def expire(self, now: float) -> None:
        """Forget the floors of starts that have passed; those of holds go with the start."""
        while self._starts and self._starts[0][0] <= now:
            floor, key = self._starts.popleft()
            if self._floors.get(key) == floor:
                del self._floors[key]
