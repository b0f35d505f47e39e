"""Whether changes arrive by themselves, and when a list is due because they do not.

Invariant: while no watch is well, there is a list every ``relist`` seconds, or more rarely where a list takes many
requests: with the attempts to watch, never more than 0.22 a second.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from genreconcile.cache.pace import Pace

_SECONDS_PER_REQUEST: Final = 7.0


class Freshness:
    """Of one list and watch; ``clock`` is in seconds. ``stale_since`` is that of the reader before this one."""

    def __init__(self, pace: Pace, clock: Callable[[], float], stale_since: float | None = None) -> None:
        self._pace = pace
        self._clock = clock
        self._known_at = clock()
        self._least = 0.0
        self._pause = pace.relist
        self._watched_until = self._known_at if stale_since is None else stale_since
        self.stale_since = stale_since
        """The moment of ``clock`` from which on no watch was well; None while one is."""

    def listed(self, requests: int) -> None:
        """A whole list has come, in so many requests."""
        self._known_at = self._clock()
        self._least = requests * _SECONDS_PER_REQUEST if requests > 1 else 0.0
        if self.stale_since is None:
            self._watched_until = self._known_at

    def opened(self) -> None:
        """A watch has begun."""
        self.stale_since = None

    def ended(self) -> None:
        """A watch that was well has ended."""
        self._watched_until = self._known_at = self._clock()

    def failed(self, *, throttled: bool) -> None:
        """A watch did not begin, or was over before it could say anything. ``throttled``: for the server is busy."""
        self.stale_since = self._watched_until
        self._pause = self._pace.tell if throttled else self._pace.relist

    def silent(self, heard_at: float) -> None:
        """A watch was dead, perhaps since it was heard last."""
        self._watched_until = self.stale_since = self._known_at = heard_at
        self._pause = self._pace.relist

    @property
    def is_list_due(self) -> bool:
        """Whether nothing has told of changes for too long."""
        pause = max(self._pause, self._least)
        return self.stale_since is not None and self._clock() - self._known_at >= pause
