"""What a queue tells of itself.

Invariant: a copy; what happens later does not change it.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Measures(Generic[K]):
    """A queue at one moment, in the terms of client-go's ``workqueue_*``.

    ``depth`` counts the keys that are due, and wait for a worker or a token. Since the queue was made, ``adds`` counts
    the entries, ``retries`` the calls of ``retry``, ``gets`` the keys that were given, and ``waited`` is the sum of the
    seconds that they were due before. ``running`` has the seconds since each key in work was given.
    """

    depth: int
    adds: int
    retries: int
    gets: int
    waited: float
    running: dict[K, float]

    @property
    def unfinished(self) -> float:
        """The seconds of all work that goes on."""
        return sum(self.running.values())

    @property
    def longest(self) -> float:
        """The seconds of the work that has gone on for longest, 0 where there is none."""
        return max(self.running.values(), default=0.0)
