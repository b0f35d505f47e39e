"""Statuses that differ in each run, although what the runs read does not: a time of day, or a fight with others.

Invariant: such a status is written once a minute at most and reported once; the last one is never lost, for the caller
is told when to run again. Time is monotonic.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from cachetools import LRUCache

from genreconcile.wording import first_of

_MOST: Final = 100_000
_PATHS: Final = 3


@dataclass(slots=True)
class _Streak:
    runs: int = 0
    written: float = float("-inf")


@dataclass(frozen=True, slots=True)
class Turn:
    """``wait`` are the seconds until a status may be written, 0 for now; ``report`` is "" unless it is to be told."""

    wait: float = 0.0
    report: str = ""


AT_ONCE: Final = Turn()


class Restless:
    """Successive runs by the uid of their parent; thread-safe."""

    def __init__(self, *, runs: int = 5, interval: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._runs = runs
        self._interval = interval
        self._clock = clock
        self._streaks: LRUCache[str, _Streak] = LRUCache(_MOST)
        self._lock = threading.Lock()

    def turn(self, uid: str, differing: Sequence[str], *, equal_reads: bool) -> Turn:
        """Note one run; ``differing`` are the paths of the status that it would write, none where it does not differ.

        A turn without a wait counts as written.
        """
        with self._lock:
            if not differing or not equal_reads:
                self._streaks.pop(uid, None)
                return AT_ONCE
            streak = self._streaks.setdefault(uid, _Streak())
            streak.runs += 1
            now = self._clock()
            wait = streak.written + self._interval - now if streak.runs >= self._runs else 0.0
            if wait <= 0:
                streak.written = now
            return Turn(max(wait, 0.0), self._report(differing) if streak.runs == self._runs else "")

    def forget(self, uid: str) -> None:
        """Drop what is known of a parent that is gone."""
        with self._lock:
            self._streaks.pop(uid, None)

    def _report(self, differing: Sequence[str]) -> str:
        return (
            f"the status differs in {self._runs} successive runs with equal reads, at "
            f"{first_of(differing, _PATHS)}: written once in {self._interval:.0f} s at most; "
            "leave out what changes by itself, or find out who else writes it"
        )
