"""Exponential back-off for each key.

Invariant: every delay is from 0.2 seconds to 5 minutes, and no step is shorter than the one before it; only ``forget``
begins anew. What is kept is one number for each key that fails.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)

_SHORTEST: Final = 0.2
_LONGEST: Final = 300.0
_DOUBLINGS: Final = 64  # More, for what fails for days, would overflow a float.


class Backoff(Generic[K]):
    """``random`` gives numbers from 0 to 1. Not thread-safe."""

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._failures: dict[K, int] = {}

    def delay(self, key: K) -> float:
        """Note one more failure; the seconds to wait: between a step and its double, so that not all come at once."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        step = min(_SHORTEST * 2.0 ** min(failures, _DOUBLINGS), _LONGEST / 2)
        return min(step * (1.0 + self._random()), _LONGEST)

    def failures(self, key: K) -> int:
        """The failures since the last ``forget``."""
        return self._failures.get(key, 0)

    def forget(self, key: K) -> None:
        """Begin anew: the key has succeeded, or is gone."""
        self._failures.pop(key, None)
