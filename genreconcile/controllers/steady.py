"""A time that never goes back, over a clock that may.

Invariant: between two readings time stands still where the clock went back, and goes on with the clock otherwise. So
what is due in ten seconds is due ten seconds after a jump back, whatever the clock shows by then.
"""

from __future__ import annotations

import math
from collections.abc import Callable


class Steady:
    """Time in seconds, that of ``clock`` as long as the clock only goes forward. Not thread-safe."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last = clock()
        self._ahead = 0.0

    def now(self) -> float:
        """The time."""
        reading = self._clock()
        if reading < self._last:
            self._ahead += self._last - reading
        self._last = reading
        return reading + self._ahead

    def reading(self, time: float) -> float:
        """The first reading of the clock at which ``now()`` is ``time`` or later, unless the clock goes back."""
        found = time - self._ahead
        while found + self._ahead < time:  # Rounded down.
            found = math.nextafter(found, math.inf)
        return found
