"""The longest common subsequence of two lists, in about linear time where they differ in little.

Myers, "An O(ND) Difference Algorithm and Its Variations" (1986), run from the end; where that would take too long,
members that occur once in each list are anchors (Cohen's patience diff), and Myers runs between them.

Invariant: pure index arithmetic; time and memory are bounded by the budget and linear in the members. The result is
longest unless the budget was spent; it is always common.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Final

Pairs = list[tuple[int, int]]
"""(index in expected, index in live) of members that are the same."""
Same = Callable[[int, int], bool]

_STEPS: Final = 400_000


@dataclass(slots=True)
class Budget:
    """The number of steps left; a step is one comparison of two numbers, about half a microsecond."""

    left: int = _STEPS

    def spend(self, steps: int) -> None:
        """Take steps off the budget."""
        self.left -= steps


def common(expected: range, live: range, same: Same, budget: Budget, classes: Callable[[], Classes]) -> Pairs:
    """The longest common subsequence of two ranges of members.

    ``same`` and the result are in indexes (expected, live). ``classes`` is called only where the budget does not
    suffice to compare the members themselves.
    """
    found = shortest(expected, live, same, budget)
    return patience(expected, live, classes()) if found is None else found


def shortest(expected: range, live: range, same: Same, budget: Budget) -> Pairs | None:
    """The longest common subsequence by Myers, None where the budget runs out.

    Of several solutions, the one that skips expected members first.
    """
    if not expected or not live:
        return []
    trace = _trace(expected, live, same, budget)
    return None if trace is None else _follow(trace, expected, live, same)


def _trace(expected: range, live: range, same: Same, budget: Budget) -> list[array[int]] | None:
    """For each number of edits the furthest row on each diagonal (row - column), rows and columns counted from the end.

    Diagonal k of the array for d edits stands at k + d.
    """
    rows, columns = len(expected), len(live)
    last_row, last_column = expected.stop - 1, live.stop - 1
    trace: list[array[int]] = []
    before = array("q", [0])
    for edits in range(rows + columns + 1):
        furthest = array("q", bytes(8 * (2 * edits + 1)))
        spent = 0  # Taken off the budget at the end: a call for each step would cost more than the step.
        for diagonal in range(-edits, edits + 1, 2):
            # In the array before, diagonal k stands at k + edits - 1.
            at = diagonal + edits
            if edits == 0:
                row = 0
            elif diagonal == -edits or (diagonal != edits and before[at - 2] < before[at]):
                row = before[at]
            else:
                row = before[at - 2] + 1
            column, begin = row - diagonal, row
            while row < rows and column < columns and same(last_row - row, last_column - column):
                row, column = row + 1, column + 1
            furthest[at] = row
            spent += 1 + row - begin
            if row >= rows and column >= columns:
                budget.spend(spent)
                return [*trace, furthest]
        budget.spend(spent)
        if budget.left < 0:
            return None
        trace.append(furthest)
        before = furthest
    raise AssertionError("as many edits as there are members are enough")


def _follow(trace: list[array[int]], expected: range, live: range, same: Same) -> Pairs:
    pairs: Pairs = []
    row, column, edits = expected.start, live.start, len(trace) - 1
    while row < expected.stop and column < live.stop:
        if same(row, column):
            pairs.append((row, column))
            row, column = row + 1, column + 1
            continue
        edits -= 1
        diagonal = (expected.stop - row - 1) - (live.stop - column)
        reached = abs(diagonal) <= edits and trace[edits][diagonal + edits] >= expected.stop - row - 1
        row, column = (row + 1, column) if reached else (row, column + 1)
    return pairs


@dataclass(frozen=True, slots=True)
class Classes:
    """A hashable for each member of both lists, the same for equal members."""

    expected: Sequence[Hashable]
    live: Sequence[Hashable]


def patience(expected: range, live: range, classes: Classes) -> Pairs:
    """Pair members that occur once in each list, in their longest common order, and between them those of Myers."""
    here = Counter(classes.expected[index] for index in expected)
    there = Counter(classes.live[index] for index in live)
    # A member of one list alone can have no partner.
    rows = [index for index in expected if classes.expected[index] in there]
    columns = [index for index in live if classes.live[index] in here]
    places = {classes.live[index]: index for index in columns}
    single = [
        (index, places[found]) for index in rows if here[found := classes.expected[index]] == 1 and there[found] == 1
    ]
    anchors = [single[index] for index in increasing([live for _, live in single])]
    budget = Budget()
    pairs: Pairs = []
    row = column = 0
    for anchor in [*anchors, None]:
        end_row = len(rows) if anchor is None else bisect_left(rows, anchor[0])
        end_column = len(columns) if anchor is None else bisect_left(columns, anchor[1])

        def same(one: int, other: int) -> bool:
            return classes.expected[rows[one]] == classes.live[columns[other]]

        between = shortest(range(row, end_row), range(column, end_column), same, budget) if budget.left > 0 else None
        pairs += [(rows[one], columns[other]) for one, other in between or ()]
        if anchor is not None:
            pairs.append(anchor)
        row, column = end_row + 1, end_column + 1
    return pairs


def increasing(values: Sequence[int]) -> list[int]:
    """The indexes of a longest increasing subsequence of different values."""
    tails: list[int] = []
    ends: list[int] = []
    previous: list[int] = []
    for index, value in enumerate(values):
        at = bisect_left(tails, value)
        previous.append(ends[at - 1] if at else -1)
        tails[at : at + 1] = [value]
        ends[at : at + 1] = [index]
    found: list[int] = []
    index = ends[-1] if ends else -1
    while index >= 0:
        found.append(index)
        index = previous[index]
    return found[::-1]
