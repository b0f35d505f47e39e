"""The entries that wait for their turn, in heaps.

Invariant: an entry that was put is taken once, or put anew; nothing else takes it out. What a heap still holds of an
entry that was put anew is told by its ticket, and there are at most four times as many items as entries, and a few.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable
from heapq import heapify, heappop, heappush
from typing import Final, Generic, TypeVar

from genreconcile.controllers.entry import Entry
from genreconcile.controllers.tokens import Tokens

K = TypeVar("K", bound=Hashable)
Item = tuple[float, int, Entry[K]]
"""What it is sorted by, the ticket, the entry; tickets differ, so that entries are never compared."""

_FEW: Final = 64
_ITEMS: Final = 4


class Schedule(Generic[K]):
    """O(log n) for each call, amortized. Times never go back. Not thread-safe."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._tickets = itertools.count(1)
        self._free: list[Item[K]] = []
        """May run, by rank."""
        self._limited: list[Item[K]] = []
        """May run with a token, by rank."""
        self._free_later: list[Item[K]] = []
        """By the time from which they need no token."""
        self._limited_later: list[Item[K]] = []
        """By the time from which they may run with one."""
        self._heaps = (self._free, self._limited, self._free_later, self._limited_later)
        self._size = 0
        self._due = 0

    def __len__(self) -> int:
        """The number of entries."""
        return self._size

    @property
    def items(self) -> int:
        """The number of items in the heaps, those of no use included."""
        return sum(map(len, self._heaps))

    def put(self, entry: Entry[K], now: float) -> None:
        """Give an entry its place, a new one if it has one already."""
        self._size += not entry.ticket
        self._place(entry, now)
        if self.items > _ITEMS * self._size + _FEW:
            for heap in self._heaps:
                heap[:] = [item for item in heap if item[1] == item[2].ticket]
                heapify(heap)

    def take(self, now: float) -> Entry[K] | None:
        """The entry whose turn it is, None where none may run now."""
        self._come_due(now)
        free, limited = _head(self._free), _head(self._limited)
        if limited is not None and self._tokens.next <= now and (free is None or limited < free):
            self._tokens.take(now)
            heappop(self._limited)
            return self._taken(limited[2])
        if free is None:
            return None
        heappop(self._free)
        return self._taken(free[2])

    def next(self, now: float) -> float:
        """The time from which ``take`` gives an entry, ``now`` at the earliest; infinity where there is none."""
        self._come_due(now)
        if _head(self._free) is not None:
            return now
        limited = now if _head(self._limited) is not None else _time(self._limited_later)
        return min(_time(self._free_later), max(limited, self._tokens.next))

    def due(self, now: float) -> int:
        """The number of entries that are due, those that wait for a token included."""
        self._come_due(now)
        return self._due

    def _come_due(self, now: float) -> None:
        for heap in (self._free_later, self._limited_later):
            while heap and heap[0][0] <= now:
                _, ticket, entry = heappop(heap)
                if ticket == entry.ticket:
                    self._place(entry, now)

    def _place(self, entry: Entry[K], now: float) -> None:
        entry.ticket = ticket = next(self._tickets)
        is_due = entry.due <= now
        self._due += is_due - entry.is_due
        entry.is_due = is_due
        if entry.free <= now:
            heappush(self._free, (entry.rank, ticket, entry))
            return
        if entry.free < math.inf:
            heappush(self._free_later, (entry.free, ticket, entry))
        if is_due:
            heappush(self._limited, (entry.rank, ticket, entry))
        elif entry.due < entry.free:
            heappush(self._limited_later, (entry.due, ticket, entry))

    def _taken(self, entry: Entry[K]) -> Entry[K]:
        entry.ticket, entry.is_due = 0, False
        self._size -= 1
        self._due -= 1
        return entry


def _head(heap: list[Item[K]]) -> Item[K] | None:
    """The first item that counts."""
    while heap and heap[0][1] != heap[0][2].ticket:
        heappop(heap)
    return heap[0] if heap else None


def _time(heap: list[Item[K]]) -> float:
    """The time of the first item that counts, infinity where there is none."""
    head = _head(heap)
    return math.inf if head is None else head[0]
