"""Who owns a field, as ``metadata.managedFields`` tell (KEP-555, structured merge diff's FieldsV1).

Invariant: pure; what cannot be read is owned by nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from genreconcile.gojson import loads
from genreconcile.objects import metadata_of

_KEY, _VALUE = "k:", "v:"


def managers_of(live: Mapping[str, Any], path: Sequence[str | int], *, exact: bool = False) -> list[str]:
    """The managers that own the field at ``path``, sorted; unless ``exact``, the nearest part of it that is owned."""
    entries = [entry for entry in metadata_of(live).get("managedFields") or () if isinstance(entry, Mapping)]
    depths: dict[str, int] = {}
    for entry in entries:  # A manager has one for each way in which it writes, such as that of status.
        name = str(entry.get("manager"))
        depths[name] = max(depths.get(name, 0), _depth(entry.get("fieldsV1"), live, path))
    deepest = len(path) if exact else max(depths.values(), default=0)
    return sorted(manager for manager, depth in depths.items() if depth == deepest and depth > 0)


def _depth(fields: Any, value: Any, path: Sequence[str | int]) -> int:
    """How many tokens of the path a manager's set follows."""
    for depth, token in enumerate(path):
        below = _step(fields, value, token)
        if below is None:
            return depth
        fields, value = below, _member(value, token)
    return len(path)


def _step(fields: Any, value: Any, token: str | int) -> Any:
    if not isinstance(fields, Mapping):
        return None
    if isinstance(token, str):
        return fields.get(f"f:{token}")
    member = _member(value, token)
    return next((below for key, below in fields.items() if _is_member(key, member)), None)


def _member(value: Any, token: str | int) -> Any:
    if isinstance(token, str):
        return value.get(token) if isinstance(value, Mapping) else None
    return value[token] if isinstance(value, list) and token < len(value) else None


def _is_member(key: str, member: Any) -> bool:
    """Whether ``k:{"name":"web"}`` or ``v:"text"`` names this member of a list."""
    try:
        if key.startswith(_KEY):
            wanted = loads(key.removeprefix(_KEY))
            return isinstance(member, Mapping) and all(member.get(name) == value for name, value in wanted.items())
        return key.startswith(_VALUE) and bool(loads(key.removeprefix(_VALUE)) == member)
    except ValueError:
        return False
