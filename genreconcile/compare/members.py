"""Lists, compared member by member as their type says: atomic, set or map.

Invariant: a member that ``keep`` rules name is never removed; an order that does not matter is never drift.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final, Protocol

from genreconcile.compare.common import Pairs
from genreconcile.compare.likeness import Likeness
from genreconcile.compare.lists import Equality, by_forms, by_key, by_position
from genreconcile.compare.operation import Covered, Difference, Guard, Spot
from genreconcile.compare.spelling import is_testable
from genreconcile.compare.steps import Alignment, Insert, Move, steps
from genreconcile.compare.values import canonical, default_of
from genreconcile.gojson import dumps_sorted
from genreconcile.kinds.types import MISSING
from genreconcile.normalize.compiled import Child
from genreconcile.normalize.covering import without_covered
from genreconcile.normalize.place import Place
from genreconcile.normalize.rule import KEEP_OTHERS, Rule

_RENAMED_AT_MOST: Final = 100


class Walk(Protocol):
    """The walk that compares the members, as ``compare.walk`` has it; ``is_probe``: it ends at the first difference."""

    found: list[Difference]
    covered: list[Covered]
    is_probe: bool

    def value(self, expected: Any, live: Any, child: Child, spot: Spot) -> None:
        """Compare two values, neither of which is MISSING."""

    def is_same(self, expected: Any, live: Any, child: Child, spot: Spot) -> bool:
        """Whether there is no drift between two members of a list."""

    def part(self) -> Walk:
        """A new walk, whose findings are its own."""


class Members:
    """The comparison of one list, a part of ``walk``, to which the findings go."""

    def __init__(self, walk: Walk, child: Child, spot: Spot) -> None:
        self.walk = walk
        self.member = child.node.member()
        self.spot = spot
        self.keep = child.keeping(spot.place)
        self.covered = child.holding("covered", spot.place)
        order = child.first("list")
        kind = child.field.type
        self.ordered = order is not None and order.argument == "ordered"
        self.keys: tuple[str, ...] = (
            tuple(order.argument) if order and isinstance(order.argument, list) else kind.list_keys
        )
        self.list_type = "map" if self.keys else kind.list_type
        if order is not None and order.argument == "unordered":
            self.list_type = "set"

    def compare(self, expected: list[Any], live: list[Any]) -> None:
        """Compare the members that are paired, then note insertions, moves and removals."""
        if self.covered is not None:
            expected = without_covered(expected, live, self.covered.argument)
        alignment = self.align(expected, live)
        for here, there in alignment.pairs:
            self.walk.value(expected[here], live[there], self.member, self.spot.member(there, self.guard(live, there)))
        for index in sorted(alignment.kept):
            self.walk.covered.append(Covered((*self.spot.path, index), self.keep.id if self.keep else "", live[index]))
        self.restructure(alignment, expected, live)

    def align(self, expected: list[Any], live: list[Any]) -> Alignment:
        """Pair expected members with live ones."""
        pairs = self.unordered_pairs(expected, live)
        if pairs is not None:
            renamed = () if self.walk.is_probe else self.renamed(pairs, expected, live)
            pairs = sorted([*pairs, *renamed])
            alignment = Alignment(pairs, len(expected), len(live), self.ordered)
            alignment.kept = self.kept(alignment.live_only, live)
            return alignment
        if self.walk.is_probe and self.keep is None:
            # Where no live-only member may stay, ordered lists are the same only if their members are, one by one.
            one_by_one = [(index, index) for index in range(min(len(expected), len(live)))]
            return Alignment(one_by_one, len(expected), len(live), ordered=True)
        alike = self.likeness(expected, live)
        equality = Equality(alike.same, alike.classes, alike.budget)
        pairs, kept = by_position(len(expected), len(live), equality, lambda candidates: self.kept(candidates, live))
        return Alignment(pairs, len(expected), len(live), ordered=True, kept=kept)

    def unordered_pairs(self, expected: list[Any], live: list[Any]) -> Pairs | None:
        """Pairs by key (list type map) or by value (set); None where members are paired by position."""
        if self.list_type == "map" and self.keys:
            here, there = ([self.key_of(member) for member in members] for members in (expected, live))
            return None if None in here or None in there else by_key(here, there)
        if self.list_type == "set":
            alike = self.likeness(expected, live)
            texts = [_spelling(member) for member in expected], [_spelling(member) for member in live]
            pairs = by_forms(texts, (alike.here, alike.there))
            lost = sorted(set(range(len(expected))) - {here for here, _ in pairs})
            free = Alignment(pairs, len(expected), len(live), self.ordered).live_only
            return sorted([*pairs, *alike.respelled(lost, free)])
        return None

    def likeness(self, expected: list[Any], live: list[Any]) -> Likeness:
        """The test for members that are the same."""
        return Likeness(
            expected,
            live,
            self.member,
            self.spot,
            lambda here, there: self.walk.is_same(here, there, self.member, self.spot),
        )

    def renamed(self, pairs: Pairs, expected: list[Any], live: list[Any]) -> Iterator[tuple[int, int]]:
        """Pairs of members without a partner that differ in their keys alone: a key is replaced, not the member."""
        left = Alignment(pairs, len(expected), len(live), self.ordered).live_only
        kept = self.kept(left, live)
        free = [index for index in left if index not in kept]
        partners = {here for here, _ in pairs}
        lost = [index for index in range(len(expected)) if index not in partners]
        # Each is compared with each; beyond some, the list counts as another one, not as a changed one.
        for here in lost if len(lost) * len(free) <= _RENAMED_AT_MOST else ():
            there = next((index for index in free if self.differs_by_key(expected[here], live[index])), None)
            if there is not None:
                free.remove(there)
                yield here, there

    def differs_by_key(self, expected: Any, live: Any) -> bool:
        """Whether two members are equal but for their keys; a scalar is its own key."""
        if self.list_type == "set":
            return not isinstance(expected, dict | list) and not isinstance(live, dict | list)
        part = self.walk.part()
        part.value(expected, live, self.member, self.spot)
        below = len(self.spot.path)
        return all("/".join(map(str, difference.path[below:])) in self.keys for difference in part.found)

    def key_of(self, member: Any) -> Hashable | None:
        """The values of a member's list-map keys after defaulting; None for no mapping, or one without such keys."""
        if not isinstance(member, Mapping):
            return None
        values = tuple(self.key_value(member, key) for key in self.keys)
        return None if all(value is MISSING for value in values) else values

    def key_value(self, member: Mapping[str, Any], key: str) -> Hashable:
        """The value of one list-map key of a member, or its default where the key is missing."""
        value: Any = member
        for part in key.split("/"):
            value = value.get(part, MISSING) if isinstance(value, Mapping) else MISSING
        child = self.member.node.child(key)
        if value is MISSING or value is None:
            place = Place(member, key, self.spot.place)
            value, _ = default_of(child, child.explaining(place), place)
        return MISSING if value is MISSING else _hashable(canonical(value, child))

    def kept(self, candidates: list[int], live: list[Any]) -> set[int]:
        """The candidates (live-only members) that may stay; each pattern of a ``keep`` rule lets one stay."""
        if self.spot.subset and self.list_type != "atomic":
            return set(candidates)
        if self.keep is None:
            return set()
        if self.keep.argument == "all":
            return set(candidates)
        if self.keep.argument == KEEP_OTHERS:
            return {index for index in candidates if (*self.spot.path, index) not in self.spot.own}
        return _matching(self.keep, candidates, live)

    def guard(self, live: list[Any], index: int) -> tuple[Guard, ...]:
        """The guards that hold only while the index names this member: for its keys, or for the whole member, MISSING
        where no ``test`` can express it.
        """
        member, place = live[index], (*self.spot.path, index)
        keys = [key for key in self.keys if "/" not in key and isinstance(member, Mapping) and key in member]
        if keys:
            return tuple(((*place, key), member[key]) for key in keys)
        return ((place, member if is_testable(member, self.member) else MISSING),)

    def restructure(self, alignment: Alignment, expected: list[Any], live: list[Any]) -> None:
        """Note the removals, insertions and moves of members."""
        for step in steps(alignment):
            path = (*self.spot.path, step.index)
            if isinstance(step, Insert):
                difference = Difference("add", path, expected[step.source], structural=True, guards=self.spot.guards)
            elif isinstance(step, Move):
                difference = Difference(
                    "move", path, origin=(*self.spot.path, step.start), structural=True, guards=self.spot.guards
                )
            else:
                # Removals come first and from the back, so their indexes are those of the live list.
                guards = (*self.spot.guards, *self.guard(live, step.index))
                difference = Difference("remove", path, live=live[step.index], structural=True, guards=guards)
            self.walk.found.append(difference)


def _matching(rule: Rule, candidates: list[int], live: list[Any]) -> set[int]:
    left, kept = list(rule.argument), set()
    for index in candidates:
        pattern = next((pattern for pattern in left if _fits(pattern, live[index])), None)
        if pattern is not None:
            left.remove(pattern)
            kept.add(index)
    return kept


def _fits(pattern: Any, value: Any) -> bool:
    """Whether a value matches a pattern of a ``keep`` rule: equal throughout, with ``{glob: …}`` for a string."""
    if isinstance(pattern, Mapping):
        if set(pattern) == {"glob"}:
            return isinstance(value, str) and fnmatchcase(value, pattern["glob"])
        return (
            isinstance(value, Mapping)
            and set(pattern) == set(value)
            and all(_fits(pattern[key], value[key]) for key in pattern)
        )
    if isinstance(pattern, list):
        return isinstance(value, list) and len(pattern) == len(value) and all(map(_fits, pattern, value))
    return type(pattern) is type(value) and bool(pattern == value)


def _spelling(value: Any) -> Hashable:
    """A hashable form, equal for two members that are written alike."""
    return value.__class__, _hashable(value)


def _hashable(value: Any) -> Hashable:
    """A dict or list as its JSON with sorted keys; scalars are hashable as they are."""
    return dumps_sorted(value) if isinstance(value, dict | list) else value
