"""Whether a watch brings the changes, and when a list is due because none does.

Invariant: while no watch is well, there is a list every ``relist`` seconds, or more rarely where a list takes many
requests: with the attempts to watch, never more than 0.22 a second.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from genreconcile.cache.pace import Pace

_SECONDS_PER_REQUEST: Final = 7.0


class Freshness:
    """The freshness of one list and watch; ``clock`` is in seconds, ``stale_since`` that of the reflector before."""

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
        """Note a whole list, and the number of its requests."""
        self._known_at = self._clock()
        self._least = requests * _SECONDS_PER_REQUEST if requests > 1 else 0.0
        if self.stale_since is None:
            self._watched_until = self._known_at

    def opened(self) -> None:
        """Note that a watch has begun."""
        self.stale_since = None

    def ended(self) -> None:
        """Note that a watch that was well has ended."""
        self._watched_until = self._known_at = self._clock()

    def failed(self, *, throttled: bool) -> None:
        """Note a watch that did not begin, or was of no use; ``throttled``: because the server is busy."""
        self.stale_since = self._watched_until
        self._pause = self._pace.tell if throttled else self._pace.relist

    def silent(self, heard_at: float) -> None:
        """Note a watch that was dead, perhaps since ``heard_at``, when its last event came."""
        self._watched_until = self.stale_since = self._known_at = heard_at
        self._pause = self._pace.relist

    @property
    def is_list_due(self) -> bool:
        """Whether neither a watch nor a list has brought changes for too long."""
        pause = max(self._pause, self._least)
        return self.stale_since is not None and self._clock() - self._known_at >= pause
