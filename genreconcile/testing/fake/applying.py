"""Server-side apply: what an applied configuration makes of an object, and of who owns its fields (KEP-555).

Invariant: pure; a field that another manager owns is changed only by force, and one that two managers give has both.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import yaml

from genreconcile.testing.fake import managing
from genreconcile.testing.fake.managing import Path, Writer, members_of
from genreconcile.testing.fake.shape import Shape
from genreconcile.testing.fake.wire import Refusal

_ABSENT: Final = object()
_METADATA: Final = ("f:metadata",)


class Applied(NamedTuple):
    """An object after an apply, and its managedFields."""

    obj: dict[str, Any]
    entries: list[dict[str, Any]]


def read(body: bytes) -> dict[str, Any]:
    """The configuration in a body. Raises Refusal (400)."""
    try:
        found = json.loads(body) if body.lstrip().startswith(b"{") else yaml.safe_load(body)
    except (ValueError, yaml.YAMLError) as error:
        raise Refusal(400, f"error decoding YAML: {error}") from None
    if not isinstance(found, dict) or not isinstance(found.get("metadata"), dict):
        raise Refusal(400, "error decoding YAML: it is no object with metadata")
    if found["metadata"].get("managedFields"):
        raise Refusal(400, "metadata.managedFields must be nil")
    return found


def applied(
    live: Mapping[str, Any] | None, config: Mapping[str, Any], shape: Shape, writer: Writer, *, force: bool
) -> Applied:
    """Apply a configuration to an object as it is shown, or to none. Raises Refusal (409) for conflicts."""
    wanted = set(_given((), managing.tracked(config), shape))
    entries = managing.entries_of(live)
    others = [(entry, managing.paths_of(entry)) for entry in entries if not managing.is_entry_of(entry, writer)]
    last = next((entry for entry in entries if managing.is_entry_of(entry, writer)), None)
    owned = wanted.union(*(paths for _, paths in others))
    gone = {path for path in managing.paths_of(last) - owned if not _holds(path, owned)} if last else set()
    result = _without(_merged(live or {}, config, shape), (), gone, shape)
    kept = others
    if live is not None:
        change = managing.difference(live, result, shape)
        if not force:
            _require_no_conflict((entry, paths & change.written) for entry, paths in others)
        kept = [(entry, paths - change.written - change.removed) for entry, paths in others]
    if last is None or managing.paths_of(last) != wanted:
        last = managing.entry_of(writer, wanted)
    found = [managing.with_paths(entry, paths) for entry, paths in kept if paths]
    return Applied(result, managing.ordered([*found, *([last] if wanted else [])]))


def _holds(path: Path, owned: set[Path]) -> bool:
    """Whether a field stays for what is owned below it; a member of a list goes in spite of that."""
    return path[-1].startswith("f:") and any(one[: len(path)] == path for one in owned)


def _given(path: Path, value: Any, shape: Shape) -> Iterator[Path]:
    """The paths that a configuration gives: of values, and of members of lists."""
    if isinstance(value, dict) and (value or path == _METADATA) and not shape.is_atomic:
        for key, entry in value.items():
            yield from _given((*path, f"f:{key}"), entry, shape.below(key))
    elif isinstance(value, list) and shape.list_type != "atomic":
        for name, member in members_of(value, shape):
            yield (*path, name)
            if isinstance(member, dict):
                yield from _given((*path, name), member, shape.item)
    elif path:
        yield path


def _merged(old: Any, new: Any, shape: Shape) -> Any:
    if isinstance(old, Mapping) and isinstance(new, Mapping) and not shape.is_atomic:
        return {**old, **{key: _merged(old.get(key, _ABSENT), value, shape.below(key)) for key, value in new.items()}}
    if isinstance(old, list) and isinstance(new, list) and shape.list_type != "atomic":
        before, now = dict(members_of(old, shape)), dict(members_of(new, shape))
        return [
            _merged(before.get(name, _ABSENT), now[name], shape.item) if name in now else before[name]
            for name in _in_turn(list(before), list(now))
        ]
    return new


def _in_turn(old: list[str], new: list[str]) -> Iterator[str]:
    """The names of a merged list: those of both in the new order, and around them what is only in one."""
    shared = [name for name in new if name in old]
    done: set[str] = set()
    while old or new:
        if old and old[0] not in new:
            yield old.pop(0)
        elif old and (old[0] in done or (new and old[0] != new[0] and shared and old[0] != shared[0])):
            old.pop(0)  # It has come, or comes, where the new order has it.
        elif new:
            name = new.pop(0)
            if old and old[0] == name:
                old.pop(0)
            if shared and shared[0] == name:
                shared.pop(0)
            done.add(name)
            yield name


def _without(value: Any, path: Path, gone: set[Path], shape: Shape) -> Any:
    """A value without what is at these paths."""
    if not any(one[: len(path)] == path for one in gone):
        return value
    if isinstance(value, dict):
        return {
            key: _without(entry, below, gone, shape.below(key))
            for key, entry in value.items()
            if (below := (*path, f"f:{key}")) not in gone
        }
    if isinstance(value, list) and shape.list_type != "atomic":
        named = members_of(value, shape)
        return [_without(one, below, gone, shape.item) for name, one in named if (below := (*path, name)) not in gone]
    return value


def _require_no_conflict(owned: Iterable[tuple[Mapping[str, Any], set[Path]]]) -> None:
    """Raise Refusal (409) where others own what is changed."""
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {_told(entry)}", "field": managing.shown(path)}
        for entry, paths in owned
        for path in sorted(paths)
    ]
    if causes:
        count = "1 conflict" if len(causes) == 1 else f"{len(causes)} conflicts"
        texts = "; ".join(f"{cause['message']}: {cause['field']}" for cause in causes)
        raise Refusal(409, f"Apply failed with {count}: {texts}", details={"causes": causes})


def _told(entry: Mapping[str, Any]) -> str:
    version = f" using {entry['apiVersion']}" if entry["operation"] == managing.UPDATE else ""
    below = f' with subresource "{entry["subresource"]}"' if "subresource" in entry else ""
    return f'"{entry["manager"]}"{below}{version}'
