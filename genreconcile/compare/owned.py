"""The owners of live values: which members of a shared list are our own, and who set a value that others choose.

Invariant: pure; without managedFields no member is our own, and no value counts as set by somebody.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any, Final, NamedTuple

from genreconcile.compare.operation import Covered, Difference, Intervention, Ours, Path
from genreconcile.gojson import dumps_sorted
from genreconcile.kinds.types import MISSING
from genreconcile.managers import Owner, Owners, has_managers
from genreconcile.memory.learned import written
from genreconcile.normalize.rule import Rule
from genreconcile.objects import metadata_of, name_of_member, uid_of
from genreconcile.pointer import join_pointer

_UNKNOWN: Final = object()


class Found(NamedTuple):
    """Covered values, sorted out by their owners."""

    covered: list[Covered]
    differences: list[Difference]
    interventions: list[Intervention]


def own_members(
    expected: Mapping[str, Any], live: Mapping[str, Any], shared: Sequence[Rule], ours: Ours
) -> frozenset[Path]:
    """The paths of the live members that we alone have added to the lists of ``shared`` (``keep: others``) rules.

    A manager of our name as sole owner is not enough, for several programs may write under one name: in addition our
    owner set or this process has added the member, or the name is our own and expected and live have one controller.
    References to an earlier parent count as our own whoever added them.
    """
    if "deletionTimestamp" in metadata_of(live):
        return frozenset()
    outlived = ours.outlived(live) if ours.outlived is not None else ()
    found = {path for path, member in _shared(live, shared) if outlived and name_of_member(member) in outlived}
    if not has_managers(live):
        return frozenset(found)
    is_controlled = ours.has_own_name and _has_our_controller(expected, live)
    of_set = ours.of_set(live) if ours.of_set is not None else frozenset[str]()
    owners = Owners(live)
    for path, member in _shared(live, shared):
        name = name_of_member(member)
        is_ours = is_controlled or name in of_set or (ours.has_added is not None and ours.has_added(uid_of(live), name))
        if is_ours and {owner.manager for owner in owners.of(path)} == {ours.manager}:
            found.add(path)
    return frozenset(found)


def _shared(live: Mapping[str, Any], shared: Sequence[Rule]) -> Iterator[tuple[Path, Any]]:
    return (entry for rule in shared for entry in _members(live, rule.tokens))


def _members(live: Mapping[str, Any], tokens: Sequence[str]) -> list[tuple[Path, Any]]:
    value: Any = live
    for token in tokens:
        value = value.get(token) if isinstance(value, Mapping) else None
    return [((*tokens, index), member) for index, member in enumerate(value)] if isinstance(value, list) else []


def _has_our_controller(expected: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
    wanted = _controller(expected)
    return bool(wanted) and wanted == _controller(live)


def _controller(obj: Mapping[str, Any]) -> str:
    """The uid of the object's controller, "" without one."""
    found = metadata_of(obj).get("ownerReferences")
    owners = [owner for owner in found if isinstance(owner, Mapping)] if isinstance(found, list) else []
    return next((str(owner.get("uid") or "") for owner in owners if owner.get("controller") is True), "")


def sorted_out(
    covered: Iterable[Covered], live: Mapping[str, Any], ours: Ours, earlier: Mapping[str, Any] | None = None
) -> Found:
    """Sort out the covered values that were set by managers that may not write them; ``earlier`` is an earlier state of
    the object, None where none was seen.
    """
    found = Found([], [], [])
    now = _State(live)
    before = _State(earlier) if earlier is not None and uid_of(earlier) == uid_of(live) else None
    for entry in covered:
        if entry.by is None:
            found.covered.append(entry)
        else:
            _sort_out(found, entry, now, ours, before)
    return found


class _State:
    """An object in one state, and the owners of its fields."""

    def __init__(self, obj: Mapping[str, Any]) -> None:
        self.obj = obj
        self._owners = Owners(obj)
        self._indexes: dict[tuple[Path, tuple[str | int, ...]], dict[Hashable, int]] = {}

    def intruders(self, entry: Covered, path: Path) -> Sequence[Owner]:
        """The owners of a value, if none of them may write it; else none."""
        owners = self._owners.of(path)
        return () if any(_may_write(owner.manager, entry.by) for owner in owners) else owners

    def have_made(self, owners: Iterable[Owner]) -> bool:
        """Whether each of these owners is the maker of the object."""
        return all(owner == self._owners.maker for owner in owners)

    def index_of(self, path: Path, keys: Mapping[str | int, Any]) -> int | None:
        """The index of the first member with these keys in the list at a path, None where there is none."""
        names = tuple(keys)
        found = self._indexes.get((path, names))
        if found is None:
            members = _value_at(self.obj, path) if names else None
            found = self._indexes[path, names] = {}
            for index, member in enumerate(members if isinstance(members, list) else ()):
                if isinstance(member, Mapping):
                    found.setdefault(_identity(map(member.get, names)), index)
        return found.get(_identity(keys.values()))


def _identity(values: Iterable[Any]) -> Hashable:
    return tuple([dumps_sorted(value) if isinstance(value, dict | list) else value for value in values])


def _sort_out(found: Found, entry: Covered, now: _State, ours: Ours, earlier: _State | None) -> None:
    intruders = now.intruders(entry, entry.path)
    before = _before(entry, earlier) if intruders else _UNKNOWN
    if not intruders or _is_own_value(intruders, entry, now.obj, before, ours):
        found.covered.append(entry)
    elif before in (_UNKNOWN, entry.value) and now.have_made(intruders):
        note = f"pinned by {_named(intruders)}, who made the object with it"
        found.covered.append(replace(entry, note=note))
    elif before == entry.value:
        found.covered.append(entry)
    elif before is not _UNKNOWN and _can_go_back(entry):
        found.differences.append(_way_back(entry, before))
    else:
        told = Intervention(entry.path, entry.rule, _named(intruders), entry.value, not entry.by)
        found.interventions.append(told)


def _way_back(entry: Covered, before: Any) -> Difference:
    if before is MISSING:
        is_list = isinstance(entry.value, list)
        return Difference("remove", entry.path, live=entry.value, structural=is_list, guards=entry.guards)
    return Difference("replace", entry.path, before, entry.value, guards=entry.guards)


def _can_go_back(entry: Covered) -> bool:
    return not entry.by and not entry.fixed


def _is_own_value(owners: Sequence[Owner], entry: Covered, live: Mapping[str, Any], before: Any, ours: Ours) -> bool:
    """Whether we have set a value: expected may have held it once. Other programs may write under our name, too: a
    value that differs from the one seen before, and that this process has not written, is theirs.
    """
    if all(owner.manager != ours.manager for owner in owners):
        return False
    if before in (_UNKNOWN, entry.value) or not _can_go_back(entry):
        return True
    return ours.has_added is not None and ours.has_added(uid_of(live), written(join_pointer(entry.path), entry.value))


def _may_write(manager: str, by: Sequence[str] | None) -> bool:
    return any(fnmatchcase(manager, glob) for glob in by or ())


def _named(owners: Iterable[Owner]) -> str:
    return " and ".join(map(str, owners))


def _before(entry: Covered, earlier: _State | None) -> Any:
    """The value before an intruder set the present one: MISSING for none, _UNKNOWN where no earlier state shows it."""
    path = _path_in(entry, earlier) if earlier is not None else None
    if earlier is None or path is None:
        return _UNKNOWN
    intruders = earlier.intruders(entry, path)
    return _UNKNOWN if intruders and not earlier.have_made(intruders) else _value_at(earlier.obj, path)


def _path_in(entry: Covered, earlier: _State) -> Path | None:
    """The path of the same value in another state of the object, where list members may have other indexes."""
    path: list[str | int] = []
    for depth, token in enumerate(entry.path):
        found: str | int | None = token
        if isinstance(token, int):
            keys = {at[-1]: value for at, value in entry.guards if at[:-1] == entry.path[: depth + 1]}
            found = earlier.index_of(tuple(path), keys)
        if found is None:
            return None
        path.append(found)
    return tuple(path)


def _value_at(value: Any, path: Iterable[str | int]) -> Any:
    for token in path:
        if isinstance(token, str):
            value = value.get(token, MISSING) if isinstance(value, Mapping) else MISSING
        else:
            value = value[token] if isinstance(value, list) and token < len(value) else MISSING
    return value
