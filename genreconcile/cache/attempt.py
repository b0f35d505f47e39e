"""One watch, from the request to its end: how long it lasted, and whether it was of use.

Invariant: a watch is dead only where nothing has come for longer than it was asked for.
"""

from __future__ import annotations

from collections.abc import Callable

from genreconcile.cache.pace import Pace

ROUNDING = 1.0
"""Seconds: a watch is asked for whole ones."""


class Attempt:
    """One watch, which may not even begin."""

    def __init__(self, pace: Pace, clock: Callable[[], float]) -> None:
        self._pace = pace
        self._clock = clock
        self._started = self.heard_at = clock()
        self._has_news = False
        self.is_open = False
        self.seconds = pace.seconds_of_watch()
        self.silence = pace.silence_of_watch(self.seconds)

    def opened(self) -> None:
        """The server has accepted it."""
        self.is_open, self.heard_at = True, self._clock()

    def heard(self) -> None:
        """An event has come."""
        self._has_news, self.heard_at = True, self._clock()

    @property
    def lasted(self) -> float:
        """Seconds since it was asked for."""
        return self._clock() - self._started

    @property
    def was_well(self) -> bool:
        """Whether it brought something, or lasted."""
        return self._has_news or (self.is_open and self.lasted >= self._pace.too_short)

    @property
    def is_silent(self) -> bool:
        """Whether nothing has come for longer than it was asked for."""
        return self._clock() - self.heard_at >= self.silence - ROUNDING
