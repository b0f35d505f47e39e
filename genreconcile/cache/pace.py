"""The time-outs and pauses of a reflector.

Invariant: with the defaults a dead peer is noticed within 70 s, and a server that fails is asked at most 0.22 times a
second for each kind.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, fields
from typing import Final

from genreconcile.arguments import require_seconds

_DOUBLINGS = 64  # More, for a server that is away for days, would overflow a float.
_SPREAD = 1.5

_ALSO_ZERO: Final = {"grace", "too_short", "first_backoff", "longest_backoff", "longest_asked"}


@dataclass(frozen=True, slots=True)
class Pace:
    """All in seconds. ``list_timeout`` is the longest silence of a list.

    A watch is asked for ``watch`` seconds, up to half as much again so that not all end at once, and the server ends it
    then. Within that time silence means nothing, for no bookmark promises another (KEP-956): only a watch that is
    silent for ``grace`` longer is dead.

    ``relist`` is the pause between two lists while watches fail; plans warn of a kind that is stale for ``tell``.

    ``longest_asked`` is the longest wait that a Retry-After of the server may ask for.

    A watch that ended within ``too_short`` seconds, and without an event, counts as a failure.
    """

    list_timeout: float = 65.0
    watch: float = 40.0
    grace: float = 10.0
    too_short: float = 5.0
    relist: float = 15.0
    tell: float = 30.0
    first_backoff: float = 0.5
    longest_backoff: float = 30.0
    longest_asked: float = 60.0

    def __post_init__(self) -> None:
        for setting in fields(self):
            if setting.type == "float":
                has_none = setting.name in _ALSO_ZERO
                require_seconds(f"Pace {setting.name}", getattr(self, setting.name), zero=has_none)

    def backoff(self, failures: int) -> float:
        """The seconds to wait after this number of failures in a row, with jitter."""
        doublings = min(failures - 1, _DOUBLINGS)
        longest = min(self.first_backoff * 2.0**doublings, self.longest_backoff)
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - jitter is no secret

    def seconds_of_watch(self) -> float:
        """The seconds that a new watch is asked for, with jitter."""
        return self.watch * random.uniform(1.0, _SPREAD)  # noqa: S311 - as above

    def silence_of_watch(self, seconds: float) -> float:
        """The longest silence of a watch that was asked for ``seconds``."""
        return seconds + self.grace
