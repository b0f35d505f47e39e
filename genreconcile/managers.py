"""The owners of fields by ``metadata.managedFields`` (KEP-555, structured merge diff's FieldsV1).

A path leads through keys and, in a list, through the index of a member in this very object. In FieldsV1 the member is
named by its keys (``k:{...}``), by its value (``v:...``) or by its index (``i:...``); ``.`` stands for the member or
map itself; a field with nothing below it is owned as a whole.

Invariant: the only reader of managedFields; pure; a field whose entry cannot be read is owned by nobody. The entries
are read once per object, however many paths are looked up.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from genreconcile.gojson import dumps_sorted, loads
from genreconcile.objects import metadata_of

LONGEST_MANAGER: Final = 128
"""Characters of a name (k8s.io/apimachinery/pkg/apis/meta/v1/validation)."""
_KEY, _VALUE, _INDEX = "k:", "v:", "i:"
_SELF: Final = "."
_MOST_KEYS: Final = 16
"""The number of different key sets that may name the members of one list; a type has one."""

Tokens = Sequence[str | int]


class Owner(NamedTuple):
    """The author of an entry of managedFields: ``operation`` is Apply or Update, ``subresource`` "" for the object
    itself. ``time`` (RFC 3339, UTC, whole seconds) is that of its last change, "" where the entry has none.
    """

    manager: str
    operation: str = ""
    subresource: str = ""
    time: str = ""

    def __str__(self) -> str:
        through = f" through {self.subresource}" if self.subresource else ""
        return f"{self.manager}{through}{f' at {self.time}' if self.time else ''}"


def has_managers(live: Mapping[str, Any]) -> bool:
    """Whether there are managedFields: the server drops them from very large objects, and users may."""
    return any(True for _ in _entries(live))


class Owners:
    """The owners of all fields of one object, which must not change meanwhile."""

    def __init__(self, live: Mapping[str, Any]) -> None:
        self._live = live
        self._root = _Level([(number, *entry) for number, entry in enumerate(_entries(live))], live)

    def of(self, path: Tokens) -> Sequence[Owner]:
        """The owners of the value at a path, as of ``owners_of``."""
        depth, level = self._deepest(path)
        return level.owners if path and depth == len(path) else level.owners_of_all if depth else ()

    def managers_of(self, path: Tokens, *, exact: bool = False) -> list[str]:
        """The managers that own the field at a path, as of the function ``managers_of``."""
        depth, level = self._deepest(path)
        is_owned = depth == len(path) if exact else depth > 0
        return sorted({owner.manager for owner in level.owners}) if path and is_owned else []

    @functools.cached_property
    def maker(self) -> Owner | None:
        """The maker of the object, as of ``maker_of_object``."""
        return maker_of_object(self._live)

    def _deepest(self, path: Tokens) -> tuple[int, _Level]:
        """The number of tokens of a path that an entry of managedFields follows, and the level there."""
        level = self._root
        for depth, token in enumerate(path):
            below = level.below(token)
            if not below.entries:
                return depth, level
            level = below
        return len(path), level


def owners_of(live: Mapping[str, Any], path: Tokens) -> list[Owner]:
    """The owners of the value at ``path``, of a part of it, or as a whole of a field that holds it.

    Sorted by manager. Several may own one value; nobody owns a default of the server.
    """
    # A struct that a manager wrote empty looks like one owned as a whole, unless another manager owns a part of it.
    return list(Owners(live).of(path))


def maker_of_object(live: Mapping[str, Any]) -> Owner | None:
    """The owner that most probably created the object, None without managedFields.

    Of the owners whose last change is in the second of the object's creation (if there are none, of all), the one of
    the most fields: a creator owns all fields that it wrote.
    """
    entries = [(owner, fields) for owner, fields in _entries(live) if not owner.subresource]
    created = metadata_of(live).get("creationTimestamp")
    first = [entry for entry in entries if entry[0].time == created] or entries
    return max(first, key=lambda entry: _size(entry[1]))[0] if first else None


def managers_of(live: Mapping[str, Any], path: Tokens, *, exact: bool = False) -> list[str]:
    """The managers that own the field at ``path``, sorted; where nobody does, those of its nearest owned parent.

    With ``exact`` the parents do not count.
    """
    return Owners(live).managers_of(path, exact=exact)


def _entries(live: Mapping[str, Any]) -> Iterator[tuple[Owner, Mapping[str, Any]]]:
    found = metadata_of(live).get("managedFields")
    for entry in found if isinstance(found, list) else ():
        if isinstance(entry, Mapping):
            fields = entry.get("fieldsV1")
            names = (entry.get(key) or "" for key in ("manager", "operation", "subresource", "time"))
            yield Owner(*map(str, names)), fields if isinstance(fields, Mapping) else {}


_Entry = tuple[int, Owner, Any]
"""The number of an entry of managedFields, its owner, and the part of its FieldsV1 at a level and below."""


class _Level:
    """One path: ``entries`` are the entries of managedFields that lead there, and ``value`` is the live value."""

    def __init__(self, entries: Sequence[_Entry], value: Any) -> None:
        self.entries = entries
        self._value = value
        self._below: dict[str | int, _Level] = {}

    @functools.cached_property
    def owners(self) -> Sequence[Owner]:
        """The owners of the entries, sorted."""
        return sorted(owner for _, owner, _ in self.entries)

    @functools.cached_property
    def owners_of_all(self) -> Sequence[Owner]:
        """The owners of the value as a whole, sorted."""
        return sorted(owner for _, owner, fields in self.entries if not fields)

    def below(self, token: str | int) -> _Level:
        """The level of a key, or of a member of the list here by its index."""
        found = self._below.get(token)
        if found is None:
            member = _member(self._value, token)
            entries = self._keys.get(f"f:{token}", ()) if isinstance(token, str) else self._members.at(member, token)
            found = self._below[token] = _Level(entries, member)
        return found

    @functools.cached_property
    def _keys(self) -> dict[str, list[_Entry]]:
        """The entries by the FieldsV1 keys below this level."""
        keys: dict[str, list[_Entry]] = {}
        for number, owner, fields in self.entries:
            for key, below in fields.items() if isinstance(fields, Mapping) else ():
                if below is not None:
                    keys.setdefault(key, []).append((number, owner, below))
        return keys

    @functools.cached_property
    def _members(self) -> _Members:
        return _Members(self._keys)


class _Members:
    """The entries for a list's members, by ``k:{"name":"web"}``, ``v:"text"`` and ``i:0``."""

    def __init__(self, keys: Mapping[str, Sequence[_Entry]]) -> None:
        # By the names of the keys, which are the same for all members of a list.
        self._by_keys: dict[tuple[str, ...], dict[Hashable, list[_Entry]]] = {}
        self._by_value: dict[Hashable, list[_Entry]] = {}
        self._by_index: dict[int, list[_Entry]] = {}
        for key, entries in keys.items():
            with contextlib.suppress(ValueError, AttributeError):
                self._enter(key, entries)

    def _enter(self, key: str, entries: Sequence[_Entry]) -> None:
        if key.startswith(_KEY):
            wanted = loads(key.removeprefix(_KEY))
            names, values = tuple(wanted), _identities(wanted.values())
            if names in self._by_keys or len(self._by_keys) < _MOST_KEYS:
                self._by_keys.setdefault(names, {}).setdefault(values, []).extend(entries)
        elif key.startswith(_INDEX):
            self._by_index.setdefault(int(key.removeprefix(_INDEX)), []).extend(entries)
        elif key.startswith(_VALUE):
            self._by_value.setdefault(_identity(loads(key.removeprefix(_VALUE))), []).extend(entries)

    def at(self, member: Any, index: int) -> Sequence[_Entry]:
        """The entries for a member, the first match of each."""
        found: list[_Entry] = []
        for names, by_values in self._by_keys.items() if isinstance(member, Mapping) else ():
            found += by_values.get(_identities(map(member.get, names)), ())
        found += self._by_value.get(_identity(member), ()) if self._by_value else ()
        found += self._by_index.get(index, ()) if member is not None else ()
        return list({entry[0]: entry for entry in reversed(found)}.values())


def _member(value: Any, token: str | int) -> Any:
    if isinstance(token, str):
        return value.get(token) if isinstance(value, Mapping) else None
    return value[token] if isinstance(value, list) and token < len(value) else None


def _identities(values: Iterable[Any]) -> Hashable:
    return tuple(map(_identity, values))


def _identity(value: Any) -> Hashable:
    """A hashable that is equal for equal values: 1 and 1.0 are equal, 1 and true are not."""
    return isinstance(value, bool), dumps_sorted(value) if isinstance(value, dict | list) else value


def _size(fields: Any) -> int:
    """The number of fields in a FieldsV1 set."""
    if not isinstance(fields, Mapping):
        return 0
    return sum(1 + _size(below) for key, below in fields.items() if key != _SELF)
