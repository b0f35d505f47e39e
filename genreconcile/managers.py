"""Who owns a field, as ``metadata.managedFields`` tell (KEP-555, structured merge diff's FieldsV1).

A path leads through keys and, in a list, through the index of a member in this very object. In FieldsV1 the member is
named by its keys (``k:{...}``), by its value (``v:...``) or by its index (``i:...``); ``.`` stands for the member or
map itself; what has nothing below it is owned as a whole.

Invariant: the only reader of managedFields; pure; what cannot be read is owned by nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from genreconcile.gojson import loads
from genreconcile.objects import metadata_of

_KEY, _VALUE, _INDEX = "k:", "v:", "i:"
_SELF: Final = "."

Tokens = Sequence[str | int]


class Owner(NamedTuple):
    """A field manager in one of the ways in which it writes: ``operation`` is Apply or Update, ``subresource`` "" for
    the object itself. ``time`` (RFC 3339, UTC, whole seconds) is that of its last change, "" where it is not told.
    """

    manager: str
    operation: str = ""
    subresource: str = ""
    time: str = ""

    def __str__(self) -> str:
        through = f" through {self.subresource}" if self.subresource else ""
        return f"{self.manager}{through}{f' at {self.time}' if self.time else ''}"


def has_managers(live: Mapping[str, Any]) -> bool:
    """Whether it can be told who owns what: the server drops managedFields from very large objects, as users may."""
    return any(True for _ in _entries(live))


def owners_of(live: Mapping[str, Any], path: Tokens) -> list[Owner]:
    """Who owns what stands at ``path``: the value itself, something inside of it, or all of what it is a part of.

    Sorted by manager. Several may own one value; nobody owns what the server has filled in.
    """
    found = [(owner, *_reach(fields, live, path)) for owner, fields in _entries(live)]
    # A struct that somebody wrote empty looks like one that is owned as a whole, unless another owns a part of it.
    deepest = max((depth for _, depth, _ in found), default=0)
    return sorted(owner for owner, depth, owns in found if owns and depth >= min(deepest, len(path)))


def maker_of_object(live: Mapping[str, Any]) -> Owner | None:
    """Who made the object, as far as that can be told.

    Of those who wrote in the second of its creation the one who owns most, for whoever creates an object owns all
    that he wrote; where nobody's last change is that old, of all. None without managedFields.
    """
    entries = [(owner, fields) for owner, fields in _entries(live) if not owner.subresource]
    created = metadata_of(live).get("creationTimestamp")
    first = [entry for entry in entries if entry[0].time == created] or entries
    return max(first, key=lambda entry: _size(entry[1]))[0] if first else None


def managers_of(live: Mapping[str, Any], path: Tokens, *, exact: bool = False) -> list[str]:
    """The managers that own the field at ``path``, sorted; unless ``exact``, the nearest part of it that is owned."""
    depths: dict[str, int] = {}
    for owner, fields in _entries(live):  # A manager has one entry for each way in which it writes.
        depths[owner.manager] = max(depths.get(owner.manager, 0), _reach(fields, live, path)[0])
    deepest = len(path) if exact else max(depths.values(), default=0)
    return sorted(manager for manager, depth in depths.items() if depth == deepest and depth > 0)


def _entries(live: Mapping[str, Any]) -> Iterator[tuple[Owner, Mapping[str, Any]]]:
    found = metadata_of(live).get("managedFields")
    for entry in found if isinstance(found, list) else ():
        if isinstance(entry, Mapping):
            fields = entry.get("fieldsV1")
            names = (entry.get(key) or "" for key in ("manager", "operation", "subresource", "time"))
            yield Owner(*map(str, names)), fields if isinstance(fields, Mapping) else {}


def _reach(fields: Any, value: Any, path: Tokens) -> tuple[int, bool]:
    """How many tokens of the path a manager's set follows, and whether it owns what stands at their end."""
    for depth, token in enumerate(path):
        below = _step(fields, value, token)
        if below is None:
            return depth, depth > 0 and not fields
        fields, value = below, _member(value, token)
    return len(path), bool(path)


def _step(fields: Any, value: Any, token: str | int) -> Any:
    if not isinstance(fields, Mapping):
        return None
    if isinstance(token, str):
        return fields.get(f"f:{token}")
    member = _member(value, token)
    return next((below for key, below in fields.items() if _is_member(key, member, token)), None)


def _member(value: Any, token: str | int) -> Any:
    if isinstance(token, str):
        return value.get(token) if isinstance(value, Mapping) else None
    return value[token] if isinstance(value, list) and token < len(value) else None


def _is_member(key: str, member: Any, index: int) -> bool:
    """Whether ``k:{"name":"web"}``, ``v:"text"`` or ``i:0`` names this member of a list."""
    try:
        if key.startswith(_KEY):
            wanted = loads(key.removeprefix(_KEY))
            return isinstance(member, Mapping) and all(
                _equal(member.get(name), value) for name, value in wanted.items()
            )
        if key.startswith(_INDEX):
            return member is not None and int(key.removeprefix(_INDEX)) == index
        return key.startswith(_VALUE) and _equal(loads(key.removeprefix(_VALUE)), member)
    except (ValueError, AttributeError):
        return False


def _equal(one: Any, other: Any) -> bool:
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _size(fields: Any) -> int:
    """How many fields a set names."""
    if not isinstance(fields, Mapping):
        return 0
    return sum(1 + _size(below) for key, below in fields.items() if key != _SELF)
