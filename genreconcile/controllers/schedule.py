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
        self._later: list[Item[K]] = []
        self._free: list[Item[K]] = []
        self._limited: list[Item[K]] = []
        self._size = 0
        self._due = 0

    def __len__(self) -> int:
        """The number of entries."""
        return self._size

    @property
    def items(self) -> int:
        """The number of items in the heaps, those of no use included."""
        return len(self._later) + len(self._free) + len(self._limited)

    def put(self, entry: Entry[K], now: float) -> None:
        """Give an entry its place, a new one if it has one already."""
        self._size += not entry.ticket
        self._place(entry, now)
        if self.items > _ITEMS * self._size + _FEW:
            for heap in (self._later, self._free, self._limited):
                heap[:] = [item for item in heap if item[1] == item[2].ticket]
                heapify(heap)

    def take(self, now: float) -> Entry[K] | None:
        """The entry whose turn it is, None where none may run now."""
        free, limited = self._heads(now)
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
        free, limited = self._heads(now)
        if free is not None:
            return now
        later = _head(self._later)
        return min(
            later[0] if later is not None else math.inf,
            max(now, self._tokens.next) if limited is not None else math.inf,
        )

    def due(self, now: float) -> int:
        """The number of entries that are due, those that wait for a token included."""
        self._come_due(now)
        return self._due

    def _heads(self, now: float) -> tuple[Item[K] | None, Item[K] | None]:
        self._come_due(now)
        return _head(self._free), _head(self._limited)

    def _come_due(self, now: float) -> None:
        while self._later and self._later[0][0] <= now:
            _, ticket, entry = heappop(self._later)
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
        if is_due:
            heappush(self._limited, (entry.rank, ticket, entry))
        at = entry.free if is_due else entry.due
        if at < math.inf:
            heappush(self._later, (at, ticket, entry))

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
