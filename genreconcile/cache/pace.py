"""How long a reader waits, and how often it asks.

Invariant: with the defaults a dead peer is noticed within 75 s, and a server that fails is asked less than once in five
seconds for each kind.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, fields
from typing import Final

from genreconcile.arguments import require_seconds

_DOUBLINGS = 64  # Of a server that is away for days no power of two is large enough to be no float.

_ALSO_ZERO: Final = {"grace", "too_short", "first_backoff", "longest_backoff", "longest_asked"}


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds. ``list_timeout`` and ``silence`` bound how long nothing may come, of a list and of a watch.

    A server that sends bookmarks sends one a minute, and mostly one 2 s before a watch times out (KEP-956); for a kind
    that has not changed since the server started it may send none. So watches are short, ``short_watch``, until one
    brings a bookmark: from then on they are long, and ``silence`` means that the stream is dead. Before that a watch
    may be silent for as long as it was asked for, and ``grace``. A wrong guess costs a new watch, not a list.

    ``longest_asked`` bounds how long the server may ask to wait by Retry-After.

    A watch that ended within ``too_short`` seconds, and without an event, counts as a failure.
    """

    list_timeout: float = 65.0
    short_watch: float = 30.0
    watch: float = 300.0
    silence: float = 70.0
    grace: float = 10.0
    too_short: float = 5.0
    first_backoff: float = 0.5
    longest_backoff: float = 30.0
    longest_asked: float = 60.0

    def __post_init__(self) -> None:
        for setting in fields(self):
            if setting.type == "float":
                has_none = setting.name in _ALSO_ZERO
                require_seconds(f"Pace {setting.name}", getattr(self, setting.name), zero=has_none)

    def backoff(self, failures: int) -> float:
        """How long to wait after so many failures in a row, with jitter."""
        doublings = min(failures - 1, _DOUBLINGS)
        longest = min(self.first_backoff * 2.0**doublings, self.longest_backoff)
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - jitter is no secret

    def seconds_of_watch(self, *, bookmarks: bool) -> float:
        """How long a watch is asked for: not all of them are to end at once. ``bookmarks``: the server sends some."""
        return (self.watch if bookmarks else self.short_watch) * random.uniform(1.0, 1.5)  # noqa: S311 - as above

    def silence_of_watch(self, seconds: float, *, bookmarks: bool) -> float:
        """How long nothing may come on a watch that was asked for ``seconds``."""
        return self.silence if bookmarks else seconds + self.grace
