"""One key that is to run: from when on, and before whom.

Invariant: what joins an entry makes it neither later nor less urgent; only a hold makes it later.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)

_RISE: Final = 60.0
"""The seconds after which an entry of low priority counts as one of normal priority that is due only then."""


class Priority(enum.IntEnum):
    """LOW is for the initial list and the resync, and for events that wake many."""

    LOW = 0
    NORMAL = 1

    @property
    def handicap(self) -> float:
        """The seconds that an entry stands behind one of normal priority that is due at the same time.

        An entry of low priority that has not been due for this long ranks in the future, so behind all normal ones that
        are due; one that has ranks among them by time. So priorities need no timer, and nothing starves.
        """
        return 0.0 if self is Priority.NORMAL else _RISE


@dataclass(slots=True, eq=False)
class Entry(Generic[K]):
    """Times are those of one steady clock.

    From ``due`` on the key may run if there is a token, from ``free`` on without one; ``due <= free``. Of entries that
    may run, that with the lowest ``rank`` is first. ``ticket`` and ``is_due`` belong to the schedule.
    """

    key: K
    priority: Priority
    due: float
    free: float
    rank: float
    ticket: int = 0
    is_due: bool = False

    @classmethod
    def of(cls, key: K, priority: Priority, due: float, *, is_limited: bool = False) -> Entry[K]:
        """A new entry; one that ``is_limited`` needs a token however late it is."""
        return cls(key, priority, due, math.inf if is_limited else due, due + priority.handicap)

    def join(self, other: Entry[K], now: float) -> bool:
        """Take over the higher priority and the earlier times of a later entry; whether that changed anything.

        An entry that is raised stands behind those of its new priority that were due before.
        """
        before = self.rank, self.due, self.free
        self.priority = max(self.priority, other.priority)
        self.due, self.free = min(self.due, other.due), min(self.free, other.free)
        self.rank = min(self.rank, max(now, self.due) + self.priority.handicap)
        return before != (self.rank, self.due, self.free)

    def hold(self, until: float) -> None:
        """Do not run before a time."""
        self.due, self.free = max(self.due, until), max(self.free, until)
        self.rank = max(self.rank, until + self.priority.handicap)
