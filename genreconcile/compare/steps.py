"""The single steps that bring a live list to its expected members and order.

Invariant: pure index arithmetic, in n log n; as few members as possible are moved.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from genreconcile.compare.common import Pairs, increasing


@dataclass(frozen=True, slots=True)
class Insert:
    """Put expected member ``source`` at ``index``."""

    index: int
    source: int


@dataclass(frozen=True, slots=True)
class Move:
    """Take the member at ``start`` out, and put it in at ``index`` of what remains (as RFC 6902 says)."""

    start: int
    index: int


@dataclass(frozen=True, slots=True)
class Remove:
    """Take the member at ``index`` out."""

    index: int


Step = Insert | Move | Remove


@dataclass(slots=True)
class Alignment:
    """``pairs`` in the order of expected; ``expected`` and ``live`` are the lengths; ``kept`` are live-only members
    that stay; ``ordered``: order matters.
    """

    pairs: Pairs
    expected: int
    live: int
    ordered: bool
    kept: set[int] = field(default_factory=set)

    @property
    def live_only(self) -> list[int]:
        """Live members without a partner, those that are kept included."""
        partners = {live for _, live in self.pairs}
        return [index for index in range(self.live) if index not in partners]


_Token = tuple[bool, int]
"""(True, index in live) of a member that is there, (False, index in expected) of a new one."""


def steps(alignment: Alignment) -> list[Step]:
    """The steps that bring a live list to its expected members; each counts indexes in the result of the one before.

    Removals come first and from the back, so that their indexes are those of the live list.
    """
    survivors = {live for _, live in alignment.pairs} | alignment.kept
    removals: list[Step] = [Remove(index) for index in reversed(range(alignment.live)) if index not in survivors]
    working = sorted(survivors)
    target = _ordered_target(alignment, working) if alignment.ordered else _unordered_target(alignment, working)
    return [*removals, *_Rearrangement(working, target).steps()]


def _tokens(alignment: Alignment) -> list[_Token]:
    partner = dict(alignment.pairs)
    return [(True, partner[index]) if index in partner else (False, index) for index in range(alignment.expected)]


def _unordered_target(alignment: Alignment, working: Iterable[int]) -> list[_Token]:
    """The live order, with each new member after its predecessor in expected."""
    followers: dict[int, list[_Token]] = {}
    previous = -1
    for token in _tokens(alignment):
        if token[0]:
            previous = token[1]
        else:
            followers.setdefault(previous, []).append(token)
    target = followers.get(-1, [])
    for index in working:
        target.append((True, index))
        target += followers.get(index, ())
    return target


def _ordered_target(alignment: Alignment, working: Iterable[int]) -> list[_Token]:
    """The expected order, with each kept member after its predecessor in live, and after the new members there.

    New members come first, for other writers append theirs.
    """
    followers: dict[int, list[_Token]] = {}
    previous = -1
    for index in working:
        if index in alignment.kept:
            followers.setdefault(previous, []).append((True, index))
        else:
            previous = index
    target: list[_Token] = []
    waiting = followers.get(-1, [])
    for token in _tokens(alignment):
        if token[0]:
            target += waiting
            waiting = followers.get(token[1], [])
        target.append(token)
    return target + waiting


class _Rearrangement:
    """Moves and inserts that turn ``working`` into ``target``.

    Placed members stand in the order of target; waiting members stand in their old order. So the index of a member is
    the number of placed and of waiting members before it.
    """

    def __init__(self, working: Sequence[int], target: Sequence[_Token]) -> None:
        self.target = target
        self.place = {index: place for place, index in enumerate(working)}
        old = [self.place[index] for is_old, index in target if is_old]
        self.fixed = {old[index] for index in increasing(old)}
        self.waiting = _Counts(len(working))
        # The placed fixed members, each with the number of members placed before it.
        self.passed: list[int] = []
        self.placed_before: list[int] = []

    def steps(self) -> list[Step]:
        """The steps, in order."""
        found: list[Step] = []
        skipped = 0  # The number of waiting members before the last fixed member.
        for placed, (is_old, index) in enumerate(self.target):
            if not is_old:
                found.append(Insert(placed + skipped, index))
                continue
            place = self.place[index]
            if place in self.fixed:
                self.waiting.take(place)
                skipped = self.waiting.before(place)
                self.passed.append(place)
                self.placed_before.append(placed)
                continue
            start, is_in_front = self._stands(place, placed)
            self.waiting.take(place)
            skipped -= is_in_front
            found.append(Move(start, placed + skipped))
        return found

    def _stands(self, place: int, placed: int) -> tuple[int, bool]:
        """The present index of a member that is moved next, and whether it stands before the last fixed member."""
        later = bisect_right(self.passed, place)
        is_in_front = later < len(self.passed)
        front = self.placed_before[later] if is_in_front else placed
        return front + self.waiting.before(place), is_in_front


class _Counts:
    """Counts of the places that are not taken yet (a Fenwick tree)."""

    def __init__(self, size: int) -> None:
        self._sums = [index & -index for index in range(size + 1)]

    def before(self, place: int) -> int:
        """The number of places left before this one."""
        total = 0
        while place > 0:
            total += self._sums[place]
            place -= place & -place
        return total

    def take(self, place: int) -> None:
        """Take a place that is left."""
        place += 1
        while place < len(self._sums):
            self._sums[place] -= 1
            place += place & -place
