"""The test for which members of two lists are the same; two members are walked at most once.

Invariant: two members of equal JSON, or of equal canonical form, are the same without a walk. The budget of all walks
together is that of one list, and a multiple of the steps that reading both lists once takes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, Final

from genreconcile.compare.common import Budget, Classes, Pairs
from genreconcile.compare.digests import digests
from genreconcile.compare.operation import Spot
from genreconcile.compare.values import canonical
from genreconcile.gojson import dumps_sorted
from genreconcile.normalize.compiled import Child

_CALL: Final = 40  # Steps that the walk of an empty member takes.
_BYTES_A_STEP: Final = 24  # Bytes of JSON that a walk reads in the time of a step.
_TIMES: Final = 4

Walked = Callable[[Any, Any], bool]


class Likeness:
    """The test for the members of two lists; ``walked`` compares two members by a walk."""

    def __init__(self, expected: list[Any], live: list[Any], member: Child, spot: Spot, walked: Walked) -> None:
        self.expected, self.live = expected, live
        self._member = member
        self._spot = spot
        self._walked = walked
        self.here: Final[Sequence[Hashable]] = self._all(expected)
        """The identities of the expected members: JSON as bytes or a canonical scalar, equal only for equal members."""
        self.there: Final[Sequence[Hashable]] = self._all(live)
        """The identities of the live members."""
        self._known: dict[tuple[Hashable, Hashable], bool] = {}
        self.budget = Budget()
        self.budget.left += _TIMES * sum(map(_weight, (*self.here, *self.there)))

    def same(self, here: int, there: int) -> bool:
        """Whether there is no drift between two members."""
        one, other = self.here[here], self.there[there]
        if one == other:
            return True
        if one.__class__ is not bytes or other.__class__ is not bytes:
            return False
        known = self._known.get((one, other))
        if known is None:
            self.budget.spend(_weight(one) + _weight(other))
            known = self._known[one, other] = self._walked(self.expected[here], self.live[there])
        return known

    def classes(self) -> Classes:
        """The classes of the members: equal for members that are the same (see ``digests``)."""
        return Classes(self._digests(self.expected, self.here), self._digests(self.live, self.there))

    def respelled(self, lost: Iterable[int], free: Iterable[int]) -> Pairs:
        """Pairs of members without an equal one that are the same: they differ in spelling and defaults alone."""
        rows = [index for index in lost if self.here[index].__class__ is bytes]
        columns = [index for index in free if self.there[index].__class__ is bytes]
        if not rows or not columns:
            return []
        classes = self.classes()
        by_class: dict[Hashable, deque[int]] = {}
        for index in columns:
            by_class.setdefault(classes.live[index], deque()).append(index)
        found: Pairs = []
        for row in rows:
            alike = by_class.get(classes.expected[row])
            if alike and self.same(row, alike[0]):
                found.append((row, alike.popleft()))
        return found + self._searched(rows, columns, found)

    def _searched(self, rows: list[int], columns: list[int], found: Pairs) -> Pairs:
        """Pairs of the members that have no partner yet, each compared with each while the budget lasts."""
        paired_rows, paired_columns = {row for row, _ in found}, {column for _, column in found}
        free = [column for column in columns if column not in paired_columns]
        pairs: Pairs = []
        for row in rows:
            if row in paired_rows or self.budget.left < 0:
                continue
            same = (column for column in free if self.budget.left >= 0 and self.same(row, column))
            if (column := next(same, None)) is not None:
                free.remove(column)
                pairs.append((row, column))
        return pairs

    def _all(self, members: list[Any]) -> list[Hashable]:
        return [
            dumps_sorted(member) if isinstance(member, dict | list) else canonical(member, self._member)
            for member in members
        ]

    def _digests(self, members: list[Any], identities: Sequence[Hashable]) -> Sequence[Hashable]:
        if all(identity.__class__ is not bytes for identity in identities):
            return identities
        return digests(members, self._member, self._spot)


def _weight(identity: Hashable) -> int:
    """The steps of the budget that one reading of a member takes."""
    return _CALL + len(identity) // _BYTES_A_STEP if isinstance(identity, bytes) else 1
