"""One watch, from the request to its end: how long it lasted, and whether it was of use.

Invariant: a watch counts as dead only after a silence longer than the seconds that it was asked for.
"""

from __future__ import annotations

from collections.abc import Callable

from genreconcile.cache.pace import Pace

ROUNDING = 1.0
"""Seconds: ``timeoutSeconds`` of a request is a whole number."""


class Attempt:
    """One attempt to watch, which the server may refuse."""

    def __init__(self, pace: Pace, clock: Callable[[], float]) -> None:
        self._pace = pace
        self._clock = clock
        self._started = self.heard_at = clock()
        self._has_news = False
        self.is_open = False
        self.seconds = pace.seconds_of_watch()
        self.silence = pace.silence_of_watch(self.seconds)

    def opened(self) -> None:
        """Note that the server has accepted the watch."""
        self.is_open, self.heard_at = True, self._clock()

    def heard(self) -> None:
        """Note that an event has come."""
        self._has_news, self.heard_at = True, self._clock()

    @property
    def lasted(self) -> float:
        """Seconds since the request."""
        return self._clock() - self._started

    @property
    def was_well(self) -> bool:
        """Whether an event came, or the open watch lasted ``Pace.too_short`` seconds."""
        return self._has_news or (self.is_open and self.lasted >= self._pace.too_short)

    @property
    def is_silent(self) -> bool:
        """Whether nothing has come for the seconds that the watch was asked for, and the grace."""
        return self._clock() - self.heard_at >= self.silence - ROUNDING
