"""The clock of an election, and times as a Lease has them.

Invariant: the clock goes on while the machine sleeps; whoever wakes up sees that the Lease has passed.
"""

from __future__ import annotations

import datetime as dt
import time
from typing import Final

_BOOTTIME: Final = getattr(time, "CLOCK_BOOTTIME", None)


def boottime() -> float:
    """Seconds that only grow, also while the machine sleeps; elsewhere than on Linux they may stand meanwhile."""
    return time.monotonic() if _BOOTTIME is None else time.clock_gettime(_BOOTTIME)


def micro_time(wall: dt.datetime) -> str:
    """A time of the day as a MicroTime of Kubernetes."""
    return wall.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
