"""Which member of an expected list is which member of the live one, and how to bring the live list into order.

Invariant: pure index arithmetic. Members are numbers here; what makes two of them the same is the caller's.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field

Pairs = list[tuple[int, int]]
"""(index in expected, index in live) of members that are the same."""


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


@dataclass(slots=True)
class Alignment:
    """``pairs`` in the order of expected; ``kept`` are live-only members that stay; ``ordered``: order matters."""

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


def by_key(expected: Sequence[Hashable], live: Sequence[Hashable]) -> Pairs | None:
    """Pair members of equal key; None where keys repeat, for then a key does not name a member."""
    if len(set(expected)) < len(expected) or len(set(live)) < len(live):
        return None
    places = {key: index for index, key in enumerate(live)}
    return [(index, places[key]) for index, key in enumerate(expected) if key in places]


def by_value(expected: Sequence[Hashable], live: Sequence[Hashable]) -> Pairs:
    """Pair members of equal value, each once, in any order."""
    places: dict[Hashable, list[int]] = {}
    for index in reversed(range(len(live))):
        places.setdefault(live[index], []).append(index)
    return [(index, places[value].pop()) for index, value in enumerate(expected) if places.get(value)]


def by_forms(*forms: tuple[Sequence[Hashable], Sequence[Hashable]]) -> Pairs:
    """Pair members by each of these forms (expected, live) of them in turn, the most exact one first.

    Two spellings of one value may be two members of a set: each is that one which is spelled so.
    """
    pairs: Pairs = []
    for expected, live in forms:
        here, there = ({pair[side] for pair in pairs} for side in (0, 1))
        left = [index for index in range(len(expected)) if index not in here]
        free = [index for index in range(len(live)) if index not in there]
        found = by_value([expected[index] for index in left], [live[index] for index in free])
        pairs += [(left[index], free[other]) for index, other in found]
    return sorted(pairs)


def by_position(
    expected: int, live: int, same: Callable[[int, int], bool], keeps: Callable[[list[int]], set[int]]
) -> tuple[Pairs, set[int]]:
    """Pair ordered lists: equal members in the longest common order, then what stands between them, one by one.

    ``keeps`` says which live members without an equal partner stay; they are never paired with something different.
    """
    equal = _common(expected, live, same)
    partners = {index for _, index in equal}
    kept = keeps([index for index in range(live) if index not in partners])
    pairs: Pairs = []
    here = there = 0
    for end_expected, end_live in [*equal, (expected, live)]:
        between = [index for index in range(there, end_live) if index not in kept]
        pairs += zip(range(here, end_expected), between, strict=False)
        if end_expected < expected or end_live < live:
            pairs.append((end_expected, end_live))
        here, there = end_expected + 1, end_live + 1
    return pairs, kept


def _common(expected: int, live: int, same: Callable[[int, int], bool]) -> Pairs:
    """The longest common subsequence; equal beginnings and ends, the usual case, cost one comparison a member."""
    start = 0
    while start < min(expected, live) and same(start, start):
        start += 1
    end = 0
    while end < min(expected, live) - start and same(expected - 1 - end, live - 1 - end):
        end += 1
    head = [(index, index) for index in range(start)]
    tail = [(expected - index, live - index) for index in range(end, 0, -1)]
    return head + _middle(range(start, expected - end), range(start, live - end), same) + tail


def _middle(expected: range, live: range, same: Callable[[int, int], bool]) -> Pairs:
    if not expected or not live:
        return []
    lengths = [[0] * (len(live) + 1) for _ in range(len(expected) + 1)]
    equal = [[same(e, index) for index in live] for e in expected]
    for row in reversed(range(len(expected))):
        for column in reversed(range(len(live))):
            if equal[row][column]:
                lengths[row][column] = lengths[row + 1][column + 1] + 1
            else:
                lengths[row][column] = max(lengths[row + 1][column], lengths[row][column + 1])
    pairs: Pairs = []
    row = column = 0
    while row < len(expected) and column < len(live):
        if equal[row][column]:
            pairs.append((expected[row], live[column]))
            row, column = row + 1, column + 1
        elif lengths[row + 1][column] >= lengths[row][column + 1]:
            row += 1
        else:
            column += 1
    return pairs


def steps(alignment: Alignment) -> list[Insert | Move | Remove]:
    """What to do, one after the other, to bring the live list to its members and order.

    Removals come first and from the back, so that their indexes are those of the live list.
    """
    survivors = {live for _, live in alignment.pairs} | alignment.kept
    removals = [Remove(index) for index in reversed(range(alignment.live)) if index not in survivors]
    working: list[tuple[str, int]] = [("live", index) for index in range(alignment.live) if index in survivors]
    target = _ordered_target(alignment) if alignment.ordered else _unordered_target(alignment, working)
    return [*removals, *_rearrange(working, target)]


def _tokens(alignment: Alignment) -> list[tuple[str, int]]:
    partner = dict(alignment.pairs)
    return [("live", partner[index]) if index in partner else ("new", index) for index in range(alignment.expected)]


def _unordered_target(alignment: Alignment, working: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """The live order, each new member after the one that stands before it in expected."""
    target = list(working)
    previous: tuple[str, int] | None = None
    for token in _tokens(alignment):
        if token[0] == "new":
            target.insert(target.index(previous) + 1 if previous else 0, token)
        previous = token
    return target


def _ordered_target(alignment: Alignment) -> list[tuple[str, int]]:
    """The expected order, each kept member after the one that stands before it in live, and after new ones there."""
    target = _tokens(alignment)
    for kept in sorted(alignment.kept):
        before = [index for index, (side, live) in enumerate(target) if side == "live" and live < kept]
        nearest = max(before, key=lambda index: target[index][1], default=-1)
        # New members come first: what others add, they add behind ours.
        while nearest + 1 < len(target) and target[nearest + 1][0] == "new":
            nearest += 1
        target.insert(nearest + 1, ("live", kept))
    return target


def _rearrange(working: list[tuple[str, int]], target: list[tuple[str, int]]) -> list[Insert | Move | Remove]:
    """Moves and inserts that turn ``working`` into ``target``; as few members as possible are moved."""
    fixed = _longest_increasing([token for token in target if token[0] == "live"], working)
    found: list[Insert | Move | Remove] = []
    position = 0
    for token in target:
        if token in fixed:
            position = working.index(token) + 1
        elif token[0] == "new":
            working.insert(position, token)
            found.append(Insert(position, token[1]))
            position += 1
        else:
            start = working.index(token)
            working.pop(start)
            position -= start < position
            working.insert(position, token)
            found.append(Move(start, position))
            position += 1
    return found


def _longest_increasing(target: list[tuple[str, int]], working: list[tuple[str, int]]) -> set[tuple[str, int]]:
    """The members that need not move: a longest subsequence of target that stands in the same order in working."""
    place = {token: index for index, token in enumerate(working)}
    tails: list[int] = []
    chains: list[list[tuple[str, int]]] = []
    for token in target:
        at = bisect_left(tails, place[token])
        chain = [*(chains[at - 1] if at else []), token]
        tails[at : at + 1] = [place[token]]
        chains[at : at + 1] = [chain]
    return set(chains[-1]) if chains else set()
