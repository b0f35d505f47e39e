"""``metadata.managedFields`` of writes that are no server-side apply: the operation Update (KEP-555).

Invariant: pure; after a write its manager owns each field that it added or changed, and no other manager does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from genreconcile.gojson import dumps_sorted
from genreconcile.testing.fake.shape import Shape

Path = tuple[str, ...]
_ABSENT: Final = object()
_SYSTEM: Final = frozenset({
    "managedFields", "creationTimestamp", "name", "namespace", "uid", "resourceVersion", "generation", "selfLink",
    "deletionTimestamp", "deletionGracePeriodSeconds", "generateName",
})  # fmt: skip


class Writer(NamedTuple):
    """Who writes; ``time`` is RFC 3339."""

    manager: str
    api_version: str
    subresource: str
    time: str


def managed(
    old: Mapping[str, Any] | None, new: Mapping[str, Any], shape: Shape, writer: Writer
) -> list[dict[str, Any]]:
    """The managedFields of ``new``, which is ``old`` after a write; those of ``new`` itself are not looked at."""
    entries = [(entry, _paths(entry["fieldsV1"])) for entry in _entries(old)]
    found = _Difference(set(), set(), is_creation=old is None)
    found.compare((), _tracked(old or {}), _tracked(new), shape)
    own: set[Path] = set()
    result = []
    last = None
    for entry, paths in entries:
        if _is_of(entry, writer):
            own, last = paths, entry
        elif left := paths - found.written - found.removed:
            result.append({**entry, "fieldsV1": _tree(left)})
    now = (own | found.written) - found.removed
    if now:
        result.append(_entry(writer, now, last if now == own else None))
    return sorted(result, key=lambda entry: (entry["time"], entry["manager"]))


def _entry(writer: Writer, paths: set[Path], last: dict[str, Any] | None) -> dict[str, Any]:
    if last is not None:
        return last
    entry: dict[str, Any] = {
        "manager": writer.manager,
        "operation": "Update",
        "apiVersion": writer.api_version,
        "time": writer.time,
    }
    entry |= {"fieldsType": "FieldsV1", "fieldsV1": _tree(paths)}
    return entry | ({"subresource": writer.subresource} if writer.subresource else {})


def _is_of(entry: Mapping[str, Any], writer: Writer) -> bool:
    there = (entry["manager"], entry["operation"], entry.get("apiVersion"), entry.get("subresource", ""))
    return there == (writer.manager, "Update", writer.api_version, writer.subresource)


def _entries(obj: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    found = ((obj or {}).get("metadata") or {}).get("managedFields") or ()
    return [entry for entry in found if entry.get("fieldsV1")]


def _tracked(obj: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that have owners."""
    tracked = {key: value for key, value in obj.items() if key not in {"apiVersion", "kind", "metadata"}}
    metadata = {key: value for key, value in (obj.get("metadata") or {}).items() if key not in _SYSTEM}
    return {**tracked, "metadata": metadata} if metadata else tracked


class _Difference(NamedTuple):
    """The paths that one write added or changed, and those that it removed.

    ``is_creation``: Go compares with an empty object of the type, which has the structs that it holds as values.
    """

    written: set[Path]
    removed: set[Path]
    is_creation: bool

    def compare(self, path: Path, old: Any, new: Any, shape: Shape) -> None:
        """Note how two values differ."""
        if new is _ABSENT:
            self.removed.update(_fields(path, old, shape, is_there=False))
        elif old is _ABSENT:
            self.written.update(_fields(path, new, shape, is_there=self.is_creation and shape.is_embedded))
        elif isinstance(old, dict) and isinstance(new, dict) and not shape.is_atomic:
            for key in {**old, **new}:
                self.compare((*path, f"f:{key}"), old.get(key, _ABSENT), new.get(key, _ABSENT), shape.below(key))
        elif isinstance(old, list) and isinstance(new, list) and shape.list_type != "atomic":
            before, now = dict(_members(old, shape)), dict(_members(new, shape))
            for name in {**before, **now}:
                self.compare((*path, name), before.get(name, _ABSENT), now.get(name, _ABSENT), shape.item)
        elif old != new:
            self.written.add(path)


def _members(members: list[Any], shape: Shape) -> Iterator[tuple[str, Any]]:
    for member in members:
        is_set = shape.list_type == "set"
        yield ("v:" if is_set else "k:") + dumps_sorted(member if is_set else shape.identity(member)).decode(), member


def _fields(path: Path, value: Any, shape: Shape, *, is_there: bool) -> Iterator[Path]:
    """The path of a value that is new, and those of all in it."""
    if isinstance(value, dict) and value and not shape.is_atomic:
        if path and not is_there:
            yield path
        for key, entry in value.items():
            below = shape.below(key)
            yield from _fields((*path, f"f:{key}"), entry, below, is_there=is_there and below.is_embedded)
    elif isinstance(value, list) and value and shape.list_type != "atomic":
        yield path
        for name, member in _members(value, shape):
            yield from _fields((*path, name), member, shape.item, is_there=False)
    else:
        yield path


def _tree(paths: set[Path]) -> dict[str, Any]:
    """As FieldsV1 has them: a path that is owned beside others below it has a member ``.``."""
    root: dict[str, Any] = {}
    for path in sorted(paths):
        node = root
        for name in path:
            node = node.setdefault(name, {})
        node["."] = {}
    return _trimmed(root)


def _trimmed(node: dict[str, Any]) -> dict[str, Any]:
    return {name: _trimmed(below) for name, below in node.items()} if node.keys() - {"."} else {}


def _paths(tree: Mapping[str, Any], path: Path = ()) -> set[Path]:
    found = {path} if path and (not tree or "." in tree) else set()
    for name, below in tree.items():
        if name != ".":
            found |= _paths(below, (*path, name))
    return found
