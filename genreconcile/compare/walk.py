"""The walk: a prepared expected object and a live one, side by side, under compiled rules.

There is drift at a path when expected has a value and live none, when both have one and their canonical forms differ,
or when only live has one and no rule explains it.

Invariant: pure; neither object is changed. Every live-only value that is not zero is in ``found`` or in ``covered``, as
a whole or in parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from genreconcile.compare.members import Members
from genreconcile.compare.operation import Covered, Difference, Path, Spot
from genreconcile.compare.values import SCHEMA, canonical, default_of, is_unknown
from genreconcile.kinds.types import MISSING
from genreconcile.normalize.compiled import Child, Node
from genreconcile.normalize.prepare import is_zero
from genreconcile.normalize.rule import Rule

_IDENTITY: Final = frozenset({"apiVersion", "kind"})
# The cache strips an annotation, so live may hold more than it shows: this map is never removed as a whole.
_STRIPPED: Final[Path] = ("metadata", "annotations")
# Maps in every kind, also without a schema: an empty one means the same as a missing one.
_MAPS: Final[frozenset[Path]] = frozenset({_STRIPPED, ("metadata", "labels")})
_EMPTY: Final[Mapping[str, Any]] = {}
_PLAIN: Final = frozenset({str, int, float, bool})
_KEEPS: Final = frozenset({"ignore", "adopt"})
SUBSET: Final = "subset"
"""The policy that compares the fields of expected alone, and the rule id of the live-only values that it covers."""


class Walk:
    """One comparison; ``found`` and ``covered`` fill while it walks.

    ``is_probe``: the walk only tells whether there is a difference.
    """

    is_probe = False

    def __init__(self) -> None:
        self.found: list[Difference] = []
        self.covered: list[Covered] = []

    def root(self, expected: Mapping[str, Any], live: Mapping[str, Any], node: Node, spot: Spot | None = None) -> None:
        """Compare two whole objects; ``spot`` has the policy."""
        self.mapping(expected, live, node, spot or Spot())

    def mapping(self, expected: Mapping[str, Any], live: Mapping[str, Any], node: Node, spot: Spot) -> None:
        """Compare two objects or maps, key by key."""
        for key in [*expected, *sorted(key for key in live if key not in expected)]:
            # The items of a List lack apiVersion and kind, which are a part of the object's key anyway.
            if not spot.path and key in _IDENTITY:
                continue
            child = node.child(key)
            there = live.get(key, MISSING)
            if there is None and not child.field.type.custom:
                there = MISSING
            here = expected.get(key, MISSING)
            if here.__class__ in _PLAIN and not child.rules and here.__class__ is there.__class__ and here == there:
                continue  # The usual case: the same spelling, and no rule for the key.
            self.entry(here, there, child, spot.under(expected, key, live))

    def entry(self, expected: Any, live: Any, child: Child, spot: Spot) -> None:
        """Compare the two values of a key; either may be MISSING."""
        rule = child.explaining(spot.place) if child.rules and spot.place else None
        if child.rules and child.first("subset"):
            spot = replace(spot, subset=True)
        action = rule.action if rule else ""
        if action in {"system", "ignore"} or (action == "adopt" and live is not MISSING):
            self.cover(spot, rule, live)
        elif live is MISSING:
            self.missing(expected, spot)
        elif expected is not MISSING:
            self.value(expected, live, child, spot)
        elif is_unknown(child, rule, spot.place):
            self.cover(spot, rule, live)
        elif spot.subset:
            self.covered.append(Covered(spot.path, SUBSET, live))
        else:
            self.live_only(live, child, rule, spot)

    def cover(self, spot: Spot, rule: Rule | None, live: Any) -> None:
        """Note a live value as covered by a rule; no value is noted where live is MISSING."""
        if live is not MISSING and rule is not None:
            for_now = any(condition.of_live for condition in rule.conditions)
            by, kept = None if spot.subset else rule.by, rule.action in _KEEPS
            found = Covered(spot.path, rule.id, live, for_now, kept, by=by, fixed=rule.fixed, guards=spot.guards)
            self.covered.append(found)

    def missing(self, expected: Any, spot: Spot) -> None:
        """Note that live lacks a value; nothing is noted where expected is MISSING."""
        if expected is not MISSING:
            created = isinstance(expected, dict | list)
            self.found.append(Difference("add", spot.path, expected, structural=created, guards=spot.guards))

    def live_only(self, live: Any, child: Child, rule: Rule | None, spot: Spot) -> None:
        """Judge a value that only live has: a default, a zero, or drift."""
        default, source = default_of(child, rule, spot.place)
        if default is not MISSING:
            self.filled(default, live, child, spot, source)
        elif self.is_gained(live, child, spot):
            self.covered.append(Covered(spot.path, source, live))
        elif not self.is_absent(live, child, spot) and not self.protects(live, child, spot):
            members = isinstance(live, list)
            self.found.append(Difference("remove", spot.path, live=live, structural=members, guards=spot.guards))

    def filled(self, default: Any, live: Any, child: Child, spot: Spot, source: str) -> None:
        """Compare a live-only value with its default, and with those of other versions (``Field.also``)."""
        part = Walk()
        part.value(default, live, child, spot)
        if part.found and source == SCHEMA and self.is_gained(live, child, spot):
            part = Walk()
        if not part.found:
            part.covered.append(Covered(spot.path, source, live))
        self.take(part)

    def is_gained(self, live: Any, child: Child, spot: Spot) -> bool:
        """Whether a live-only value is the default of another version, in which the object may be stored."""
        return any(self.is_same(default, live, child, spot) for default in child.field.also)

    def is_absent(self, live: Any, child: Child, spot: Spot) -> bool:
        """Whether a live-only value is zero, or is drift only in parts, which are then noted."""
        if spot.path not in _MAPS and (child.field.type.custom or child.field.zero != "value"):
            return False
        if is_zero(live, child.field):
            return True
        if not isinstance(live, dict | list):
            return False
        part = _piece_by_piece(live, child, spot)
        if spot.path != _STRIPPED and not part.covered and _removes_everything(part.found, live, spot.path):
            return False
        return self.take(part)

    def protects(self, live: Any, child: Child, spot: Spot) -> bool:
        """Whether rules keep a part of a live-only value; drift in its other parts is then noted."""
        if not isinstance(live, dict | list) or not any(rule.action in _KEEPS for rule, _ in child.node.active):
            return False
        part = _piece_by_piece(live, child, spot)
        return bool(part.covered) and self.take(part)

    def take(self, part: Walk) -> bool:
        """Add the findings of a part to those of this walk; always True, for the part is settled."""
        self.found += part.found
        self.covered += part.covered
        return True

    def value(self, expected: Any, live: Any, child: Child, spot: Spot) -> None:
        """Compare two values, neither of which is MISSING."""
        node = child.node
        if isinstance(expected, Mapping) and isinstance(live, Mapping):
            self.mapping(expected, live, node.alternative() if child.field.type.shape == "any" else node, spot)
        elif isinstance(expected, list) and isinstance(live, list):
            Members(self, child, spot).compare(expected, live)
        elif not _same(expected, live, child):
            self.found.append(Difference("replace", spot.path, expected, live, guards=spot.guards))

    def part(self) -> Walk:
        """A new walk, whose findings are its own."""
        return Walk()

    def is_same(self, expected: Any, live: Any, child: Child, spot: Spot) -> bool:
        """Whether there is no drift between two members of a list."""
        probe = _Probe()
        try:
            probe.value(expected, live, child, spot)
        except _DifferentError:
            return False
        return not probe.found


class _DifferentError(Exception):
    """A probe has met a difference."""


class _First(list[Difference]):
    """A list of differences that ends the walk at the first one."""

    def append(self, _: Difference) -> None:
        raise _DifferentError


class _Probe(Walk):
    """A walk that only tells whether there is a difference."""

    is_probe = True

    def __init__(self) -> None:
        super().__init__()
        self.found = _First()


def _same(expected: Any, live: Any, child: Child) -> bool:
    """Whether two scalars (or values of different shape) are equal."""
    if isinstance(expected, dict | list) or isinstance(live, dict | list):
        return False
    if expected.__class__ is live.__class__ and expected == live:
        return True
    return bool(canonical(expected, child) == canonical(live, child))


def _piece_by_piece(live: dict[str, Any] | list[Any], child: Child, spot: Spot) -> Walk:
    """The findings of a walk of an empty container and a live-only one."""
    part = Walk()
    part.value([] if isinstance(live, list) else _EMPTY, live, child, spot)
    return part


def _removes_everything(found: list[Difference], live: Any, path: Path) -> bool:
    """Whether the differences remove each direct member, so that one removal of the whole is the same."""
    removed = {
        difference.path[-1]
        for difference in found
        if difference.op == "remove" and len(difference.path) == len(path) + 1
    }
    return bool(live) and len(found) == len(removed) == len(live)
