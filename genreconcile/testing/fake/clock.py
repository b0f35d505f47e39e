"""A clock that stands still until somebody moves it.

Invariant: it never goes back, and nobody waits for it.
"""

from __future__ import annotations

import datetime as dt
import threading
from typing import Final

START: Final = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


class VirtualClock:
    """Seconds since it was made; thread-safe."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._lock = threading.Lock()

    def __call__(self) -> float:
        """The seconds, in place of ``time.monotonic``."""
        with self._lock:
            return self._seconds

    def now(self) -> dt.datetime:
        """The moment, UTC."""
        return START + dt.timedelta(seconds=self())

    def advance(self, seconds: float) -> None:
        """Let time pass. Raises ValueError for less than none."""
        if not seconds >= 0:
            raise ValueError(f"seconds {seconds!r}: less than none; time does not go back")
        with self._lock:
            self._seconds += seconds
