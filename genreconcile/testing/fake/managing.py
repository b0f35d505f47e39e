"""``metadata.managedFields``: who owns which fields after a write (KEP-555).

Invariant: pure; after an update its manager owns each field that it added or changed, and no other manager does.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from genreconcile.gojson import dumps_sorted
from genreconcile.testing.fake.copying import is_same
from genreconcile.testing.fake.shape import Shape

Path = tuple[str, ...]
UPDATE: Final = "Update"
APPLY: Final = "Apply"
_ABSENT: Final = object()
_SYSTEM: Final = frozenset({
    "managedFields", "creationTimestamp", "name", "namespace", "uid", "resourceVersion", "generation", "selfLink",
    "deletionTimestamp", "deletionGracePeriodSeconds", "generateName",
})  # fmt: skip


class Writer(NamedTuple):
    """Who writes, and how; ``time`` is RFC 3339."""

    manager: str
    api_version: str
    subresource: str
    time: str
    operation: str = UPDATE


class Difference(NamedTuple):
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
                before, now = old.get(key, _ABSENT), new.get(key, _ABSENT)
                if not is_same(before, now):
                    self.compare((*path, f"f:{key}"), before, now, shape.below(key))
        elif isinstance(old, list) and isinstance(new, list) and shape.list_type != "atomic":
            before, now = dict(members_of(old, shape)), dict(members_of(new, shape))
            for name in {**before, **now}:
                self.compare((*path, name), before.get(name, _ABSENT), now.get(name, _ABSENT), shape.item)
        elif not is_same(old, new):
            self.written.add(path)


def managed(
    old: Mapping[str, Any] | None, new: Mapping[str, Any], shape: Shape, writer: Writer
) -> list[dict[str, Any]]:
    """The managedFields of ``new``, which is ``old`` after an update; those of ``new`` itself are not looked at."""
    found = difference(old, new, shape)
    own: set[Path] = set()
    result, last = [], None
    for entry in entries_of(old):
        paths = paths_of(entry)
        if is_entry_of(entry, writer):
            own, last = paths, entry
        elif left := paths - found.written - found.removed:
            result.append(with_paths(entry, left) if left != paths else entry)
    now = (own | found.written) - found.removed
    if now:
        result.append(last if last is not None and now == own else entry_of(writer, now))
    return ordered(result)


def difference(old: Mapping[str, Any] | None, new: Mapping[str, Any], shape: Shape) -> Difference:
    """How the fields with owners differ."""
    found = Difference(set(), set(), is_creation=old is None)
    found.compare((), tracked(old or {}), tracked(new), shape)
    return found


def entry_of(writer: Writer, paths: Iterable[Path]) -> dict[str, Any]:
    """The entry of a writer who owns these."""
    entry: dict[str, Any] = {
        "manager": writer.manager,
        "operation": writer.operation,
        "apiVersion": writer.api_version,
        "time": writer.time,
    }
    entry |= {"fieldsType": "FieldsV1", "fieldsV1": _tree(paths)}
    return entry | ({"subresource": writer.subresource} if writer.subresource else {})


def with_paths(entry: Mapping[str, Any], paths: Iterable[Path]) -> dict[str, Any]:
    """An entry that owns these."""
    return {**entry, "fieldsV1": _tree(paths)}


def is_entry_of(entry: Mapping[str, Any], writer: Writer) -> bool:
    """Whether an entry is that of a writer."""
    there = (entry["manager"], entry["operation"], entry.get("apiVersion"), entry.get("subresource", ""))
    return there == (writer.manager, writer.operation, writer.api_version, writer.subresource)


def entries_of(obj: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The managedFields of an object."""
    found = ((obj or {}).get("metadata") or {}).get("managedFields") or ()
    return [entry for entry in found if entry.get("fieldsV1")]


def ordered(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """In the order in which the server writes them."""
    return sorted(
        entries,
        key=lambda entry: (entry["operation"], entry["time"], entry["manager"], entry.get("subresource", "")),
    )


def tracked(obj: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that have owners."""
    found = {key: value for key, value in obj.items() if key not in {"apiVersion", "kind", "metadata"}}
    metadata = {key: value for key, value in (obj.get("metadata") or {}).items() if key not in _SYSTEM}
    return {**found, "metadata": metadata}


def members_of(members: list[Any], shape: Shape) -> Iterator[tuple[str, Any]]:
    """The members of a list that tells them apart, with their names in paths."""
    for member in members:
        is_set = shape.list_type == "set"
        yield ("v:" if is_set else "k:") + dumps_sorted(member if is_set else shape.identity(member)).decode(), member


def paths_of(entry: Mapping[str, Any]) -> set[Path]:
    """The paths that an entry owns."""
    found: set[Path] = set()
    _collect(entry["fieldsV1"], (), found)
    return found


def shown(path: Path) -> str:
    """A path as messages show it: ``.spec.containers[name="c"].image``."""
    return "".join(map(_shown, path))


def _shown(name: str) -> str:
    sort, _, text = name.partition(":")
    if sort == "f":
        return f".{text}"
    if sort == "v":
        return f"[={text}]"
    return f"[{','.join(f'{key}={json.dumps(value)}' for key, value in json.loads(text).items())}]"


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
        for name, member in members_of(value, shape):
            yield from _fields((*path, name), member, shape.item, is_there=False)
    else:
        yield path


def _tree(paths: Iterable[Path]) -> dict[str, Any]:
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


def _collect(tree: Mapping[str, Any], path: Path, found: set[Path]) -> None:
    if path and (not tree or "." in tree):
        found.add(path)
    for name, below in tree.items():
        if name != ".":
            _collect(below, (*path, name), found)
