"""Fewer and coarser differences for large patches: many below one parent become one replacement of the parent.

The API server takes a JSON patch of at most 10,000 operations, and a body of at most 3 MiB.

Invariant: the coarser patch leads to the same object as the single operations. It replaces no parent of a value that a
rule ignores or adopts, and none from which the cache strips something; it is right for the version of the object that
it was computed from, and for no other.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import jsonpatch

from genreconcile.compare.operation import Covered, Difference, Guard, Path
from genreconcile.compare.patch import MOST_BYTES, MOST_OPERATIONS, Patch, to_patch
from genreconcile.gojson import dumps, loads

_MANY: Final = 100
"""Up to so many changes a list is patched member by member; beyond, only while they are at most half of its length."""
_WHOLE: Final = frozenset({(), ("metadata",), ("metadata", "annotations")})
"""The paths that are never replaced as a whole: the cache strips a part of each."""


def bounded(
    found: Sequence[Difference], covered: Iterable[Covered], live: Mapping[str, Any]
) -> tuple[list[Difference], Patch]:
    """The differences, as coarse as the server's limits and long lists demand and ``covered`` allows; and the patch."""
    patch = to_patch(found, live)
    if len(found) <= _MANY and not is_too_large(patch):
        return list(found), patch
    work = _Coarsening(live, {entry.path[:depth] for entry in covered if entry.kept for depth in _depths(entry.path)})
    differences = work.with_lists_replaced(list(found))
    patch = to_patch(differences, live)
    for measure, excess in (_OPERATIONS, _BYTES):
        if excess(patch) > 0:
            coarser = work.coarser(differences, measure, excess(patch))
            smaller = to_patch(coarser, live)
            if excess(smaller) < excess(patch):  # The guard of a replacement may outweigh what it saves.
                differences, patch = coarser, smaller
    return differences, patch


def _depths(path: Path) -> range:
    return range(len(path) + 1)


Measure = Callable[[Any], int]
Excess = Callable[[Patch], int]


def _count(_: Any) -> int:
    return 1


def _size(value: Any) -> int:
    return len(dumps(value))


_OPERATIONS: Final[tuple[Measure, Excess]] = (_count, lambda patch: len(patch.patch) - MOST_OPERATIONS)
_BYTES: Final[tuple[Measure, Excess]] = (_size, lambda patch: _size(patch.patch) - MOST_BYTES)


def is_too_large(patch: Patch) -> bool:
    """Whether a patch is beyond the server's limits."""
    return bool(patch.patch) and any(excess(patch) > 0 for _, excess in (_OPERATIONS, _BYTES))


def first_part(differences: Sequence[Difference], live: Mapping[str, Any]) -> tuple[int, Patch]:
    """How many of the first differences fit into one patch, at least one; and the patch. Later ones rely on earlier."""
    count = len(differences)
    patch = to_patch(differences, live)
    while count > 1 and is_too_large(patch):
        count //= 2
        patch = to_patch(differences[:count], live)
    return count, patch


@dataclass(slots=True)
class _Coarsening:
    """``untouchable`` are the paths that must not be replaced: those of kept values and of all their parents."""

    live: Mapping[str, Any]
    untouchable: set[Path]

    def with_lists_replaced(self, found: list[Difference]) -> list[Difference]:
        """The differences, with one replacement of each long list of which most members change."""
        exchanged = Counter(difference.path[:-1] for difference in found if isinstance(difference.path[-1], int))
        longest = {path: len(self.at(path)) for path, count in exchanged.items() if count > _MANY}
        chosen = {path for path, length in longest.items() if 2 * exchanged[path] > length and self.allows(path)}
        return self.replaced(found, {path for path in chosen if not _is_below(path, chosen)}) if chosen else found

    def coarser(self, found: list[Difference], measure: Measure, excess: int) -> list[Difference]:
        """The differences with the deepest parent replaced that saves ``excess``; else several, best ones first."""
        saved = {path: gain for path, gain in self.savings(found, measure).items() if gain > 0}
        enough = [path for path, gain in saved.items() if gain >= excess]
        if enough:
            return self.replaced(found, {max(enough, key=lambda path: (len(path), -saved[path]))})
        chosen: set[Path] = set()
        above: set[Path] = set()
        for path in sorted(saved, key=lambda path: (-saved[path], -len(path))):
            if path in above or _is_below(path, chosen):
                continue
            chosen.add(path)
            above |= {path[:depth] for depth in range(len(path))}
            excess -= saved[path]
            if excess <= 0:
                break
        return self.replaced(found, chosen)

    def savings(self, found: Iterable[Difference], measure: Measure) -> dict[Path, int]:
        """The saving of each replacement of a parent, by the parent's path and in the unit of ``measure``."""
        below: dict[Path, int] = defaultdict(int)
        guards: dict[Path, Any] = {}
        for difference in found:
            below[difference.path[:-1]] += measure(difference.to_json())
            for path, value in difference.guards:
                guards.setdefault(path, value)
        for path, value in guards.items():  # A member's guards stay where the member, or a part of it, is replaced.
            below[_member_of(path)[:-1]] += measure(value)
        _add_to_parents(below)
        return {path: weight - measure(self.at(path)) for path, weight in below.items() if path and self.allows(path)}

    def allows(self, path: Path) -> bool:
        """Whether the value at a path may be replaced as a whole."""
        return path not in _WHOLE and path not in self.untouchable

    def at(self, path: Path) -> Any:
        """The live value at a path."""
        value: Any = self.live
        for token in path:
            value = value[token]
        return value

    def replaced(self, found: Iterable[Difference], chosen: set[Path]) -> list[Difference]:
        """The differences, with those below each chosen path as one replacement, at the position of their first."""
        groups: dict[Path, list[Difference]] = {}
        result: list[Difference | Path] = []
        depths = sorted(set(map(len, chosen)))
        for difference in found:
            above = (difference.path[:depth] for depth in depths if depth < len(difference.path))
            path = next((path for path in above if path in chosen), None)
            if path is None:
                result.append(difference)
                continue
            if path not in groups:
                groups[path] = []
                result.append(path)
            groups[path].append(difference)
        return [self.whole(entry, groups[entry]) if isinstance(entry, tuple) else entry for entry in result]

    def whole(self, path: Path, parts: Sequence[Difference]) -> Difference:
        """The replacement of the value at a path, for the differences below it."""
        before = self.at(path)
        depth = len(path)
        operations = [replace(part, path=part.path[depth:], origin=part.origin[depth:]).to_json() for part in parts]
        after = jsonpatch.JsonPatch(operations).apply(loads(dumps(before)), in_place=True)
        guards = tuple(guard for guard in _unique(parts) if _leads_to(guard[0], path))
        return Difference("replace", path, after, before, structural=True, guards=guards)


def _unique(parts: Iterable[Difference]) -> Iterable[Guard]:
    return {guard[0]: guard for part in parts for guard in part.guards}.values()


def _leads_to(guard: Path, path: Path) -> bool:
    """Whether a guard, of a whole list member or of its key, is for a member on the way to a path, or at it."""
    member = _member_of(guard)
    return path[: len(member)] == member


def _member_of(guard: Path) -> Path:
    return guard if isinstance(guard[-1], int) else guard[:-1]


def _add_to_parents(below: dict[Path, int]) -> None:
    """Add the weight of each path to all its parents, in place."""
    levels: dict[int, list[Path]] = defaultdict(list)
    for path in below:
        levels[len(path)].append(path)
    for depth in range(max(levels, default=0), 1, -1):
        for path in levels[depth]:
            parent = path[:-1]
            if parent not in below:
                levels[depth - 1].append(parent)
            below[parent] += below[path]


def _is_below(path: Path, chosen: set[Path]) -> bool:
    return any(path[:depth] in chosen for depth in range(len(path)))
