"""A token bucket.

Invariant: in any t seconds at most ``burst + rate * t`` tokens are taken. None is taken in advance, so that whoever
waits for one and then needs none leaves it to others.
"""

from __future__ import annotations

import math


class Tokens:
    """``rate`` tokens a second, ``burst`` of them at once. Times never go back. Not thread-safe."""

    def __init__(self, rate: float, burst: int) -> None:
        self._interval = 1.0 / rate
        self._slack = (burst - 1) * self._interval
        self._spent_until = -math.inf
        """The time until which all tokens are spent, were there no burst (the generic cell rate algorithm)."""

    @property
    def next(self) -> float:
        """The time from which a token is there."""
        return self._spent_until - self._slack

    def take(self, now: float) -> None:
        """Take a token that is there."""
        self._spent_until = max(self._spent_until, now) + self._interval
