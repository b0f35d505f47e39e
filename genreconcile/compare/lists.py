"""Pairs of expected and live list members: by key, by value or by position.

Invariant: pure index arithmetic; the caller decides which members are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

from genreconcile.compare.common import Budget, Classes, Pairs, Same, common


class Equality(NamedTuple):
    """The test for members of two lists that are equal: ``same`` compares two of them, by their indexes.

    ``classes`` and ``budget`` are as in ``common``; without classes, members beyond the budget are not equal.
    """

    same: Same
    classes: Callable[[], Classes] | None = None
    budget: Budget | None = None


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
    """Pair members of equal form, by each of these forms (expected, live) in turn, the most exact one first.

    A set may hold two spellings of one value: each is paired with the member of the same spelling.
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
    expected: int, live: int, equality: Equality, keeps: Callable[[list[int]], set[int]]
) -> tuple[Pairs, set[int]]:
    """Pair ordered lists of so many members: equal members in the longest common order, then the members between them,
    one by one.

    ``keeps`` says which live members without an equal partner stay: they are returned beside the pairs, and in no pair.
    """
    equal = _common(expected, live, equality)
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


def _all_different(expected: int, live: int) -> Callable[[], Classes]:
    return lambda: Classes(range(expected), range(expected, expected + live))


def _common(expected: int, live: int, equality: Equality) -> Pairs:
    """The longest common subsequence; equal beginnings and ends, the usual case, cost one comparison a member."""
    same, budget = equality.same, equality.budget or Budget()
    classes = equality.classes or _all_different(expected, live)
    start = 0
    while start < min(expected, live) and same(start, start):
        start += 1
    end = 0
    while end < min(expected, live) - start and same(expected - 1 - end, live - 1 - end):
        end += 1
    head = [(index, index) for index in range(start)]
    tail = [(expected - index, live - index) for index in range(end, 0, -1)]
    middle = common(range(start, expected - end), range(start, live - end), same, budget, classes)
    return head + middle + tail
