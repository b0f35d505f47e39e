"""The walk: a prepared expected object and a live one, side by side, under compiled rules.

There is drift at a path when expected has a value and live none, when both have one and their canonical forms differ,
or when only live has one and no rule explains it.

Invariant: pure; neither object is changed. Every live-only value is either in ``found`` or in ``covered``.
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
# The cache strips an annotation, so what is seen may not be all: this map is never removed as a whole.
_STRIPPED: Final[Path] = ("metadata", "annotations")
# Of the same type in every kind, also where no schema says so: an empty one is none.
_MAPS: Final[frozenset[Path]] = frozenset({_STRIPPED, ("metadata", "labels")})
_EMPTY: Final[Mapping[str, Any]] = {}
_PLAIN: Final = frozenset({str, int, float, bool})
_KEEPS: Final = frozenset({"ignore", "adopt"})
SUBSET: Final = "subset"
"""What covers a live-only value where only the fields of expected are compared."""


class Walk:
    """One comparison; ``found`` and ``covered`` fill while it walks.

    ``is_probe``: which differences there are is of no interest, only whether there are any.
    """

    is_probe = False

    def __init__(self) -> None:
        self.found: list[Difference] = []
        self.covered: list[Covered] = []

    def root(self, expected: Mapping[str, Any], live: Mapping[str, Any], node: Node, spot: Spot | None = None) -> None:
        """Compare two whole objects; ``spot`` says under which policy."""
        self.mapping(expected, live, node, spot or Spot())

    def mapping(self, expected: Mapping[str, Any], live: Mapping[str, Any], node: Node, spot: Spot) -> None:
        """Compare two objects or maps, key by key."""
        for key in [*expected, *sorted(key for key in live if key not in expected)]:
            # Members of a list of objects lack apiVersion and kind, and the key says them already.
            if not spot.path and key in _IDENTITY:
                continue
            child = node.child(key)
            there = live.get(key, MISSING)
            if there is None and not child.field.type.custom:
                there = MISSING
            here = expected.get(key, MISSING)
            if here.__class__ in _PLAIN and not child.rules and here.__class__ is there.__class__ and here == there:
                continue  # As most are: spelled alike, and no rule has a say.
            self.entry(here, there, child, spot.under(expected, key, live))

    def entry(self, expected: Any, live: Any, child: Child, spot: Spot) -> None:
        """Compare what stands under one key; either may be MISSING."""
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
        """Note what a rule explains."""
        if live is not MISSING and rule is not None:
            for_now = any(condition.of_live for condition in rule.conditions)
            by, kept = None if spot.subset else rule.by, rule.action in _KEEPS
            found = Covered(spot.path, rule.id, live, for_now, kept, by=by, fixed=rule.fixed, guards=spot.guards)
            self.covered.append(found)

    def missing(self, expected: Any, spot: Spot) -> None:
        """Only expected has a value."""
        if expected is not MISSING:
            created = isinstance(expected, dict | list)
            self.found.append(Difference("add", spot.path, expected, structural=created, guards=spot.guards))

    def live_only(self, live: Any, child: Child, rule: Rule | None, spot: Spot) -> None:
        """Only live has a value: what the server fills in, or drift."""
        default, source = default_of(child, rule, spot.place)
        if default is not MISSING:
            self.filled(default, live, child, spot, source)
        elif self.is_gained(live, child, spot):
            self.covered.append(Covered(spot.path, source, live))
        elif not self.is_absent(live, child, spot) and not self.protects(live, child, spot):
            members = isinstance(live, list)
            self.found.append(Difference("remove", spot.path, live=live, structural=members, guards=spot.guards))

    def filled(self, default: Any, live: Any, child: Child, spot: Spot, source: str) -> None:
        """Compare with what the server fills in, or has filled in by the schema of another version."""
        part = Walk()
        part.value(default, live, child, spot)
        if part.found and source == SCHEMA and self.is_gained(live, child, spot):
            part = Walk()
        if not part.found:
            part.covered.append(Covered(spot.path, source, live))
        self.take(part)

    def is_gained(self, live: Any, child: Child, spot: Spot) -> bool:
        """Whether the object has a live-only value from the version in which it is stored."""
        return any(self.is_same(default, live, child, spot) for default in child.field.also)

    def is_absent(self, live: Any, child: Child, spot: Spot) -> bool:
        """Whether a live-only value means the same as none; what is drift inside of it has then been found."""
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
        """Whether rules keep something inside of a live-only value; the rest of it has then been found."""
        if not isinstance(live, dict | list) or not any(rule.action in _KEEPS for rule, _ in child.node.active):
            return False
        part = _piece_by_piece(live, child, spot)
        return bool(part.covered) and self.take(part)

    def take(self, part: Walk) -> bool:
        """Make the findings of a part one's own; True, for that settles the part."""
        self.found += part.found
        self.covered += part.covered
        return True

    def value(self, expected: Any, live: Any, child: Child, spot: Spot) -> None:
        """Both have a value."""
        node = child.node
        if isinstance(expected, Mapping) and isinstance(live, Mapping):
            self.mapping(expected, live, node.alternative() if child.field.type.shape == "any" else node, spot)
        elif isinstance(expected, list) and isinstance(live, list):
            Members(self, child, spot).compare(expected, live)
        elif not _same(expected, live, child):
            self.found.append(Difference("replace", spot.path, expected, live, guards=spot.guards))

    def part(self) -> Walk:
        """A walk of its own."""
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
    """There is a difference; which one is of no interest."""


class _First(list[Difference]):
    """Ends the walk at its first difference."""

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
    """A live-only container, compared with an empty one."""
    part = Walk()
    part.value([] if isinstance(live, list) else _EMPTY, live, child, spot)
    return part


def _removes_everything(found: list[Difference], live: Any, path: Path) -> bool:
    """Whether the differences are the removal of each direct member, so that removing the whole says it shorter."""
    removed = {
        difference.path[-1]
        for difference in found
        if difference.op == "remove" and len(difference.path) == len(path) + 1
    }
    return bool(live) and len(found) == len(removed) == len(live)
