"""The part of a status that a kind has room for.

Invariant: pure; what does not fit is left out and told of, and a value of a wrong type is an InputError that quotes no
value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from genreconcile.errors import InputError, LoadError
from genreconcile.gojson import dumps, loads
from genreconcile.kinds.discovery import Resource
from genreconcile.kinds.types import MISSING, Type
from genreconcile.manifests.check import plain
from genreconcile.normalize import Registry, prepare
from genreconcile.normalize.compiled import Child, Node
from genreconcile.notice import NOTHING, Notice
from genreconcile.sizes import shown_path

CONDITIONS: Final = "conditions"
OBSERVED: Final = "observedGeneration"
_NO_RULES: Final = Registry.empty()
_NEEDED: Final = frozenset({"type", "status"})
_WHOLE: Final = ("integer", "number")
_MEMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(("type", "status", "reason", "message"), ("string",)),
    "lastTransitionTime": ("string", "date-time", "time"),
    OBSERVED: _WHOLE,
}
"""The fields of a condition, each with the scalars of a schema that hold it."""

NO_ROOM: Final = "GR912"
"""The code of what a kind has no room for."""
_THERE: Final = "declare it there"

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Room:
    """``status`` is None where nothing can be written. ``members`` are the fields of a condition that fit, none where
    there is no list of conditions; ``by_type``: the server keeps them apart by their type. ``warning`` is one text
    about all that does not fit, "" where everything does.
    """

    status: Child | None
    members: frozenset[str] = frozenset()
    by_type: bool = False
    observed: bool = False
    warning: Notice = NOTHING

    @classmethod
    def of(cls, resource: Resource, kind: Type | None) -> Room:
        """The room in the objects of a kind of this type, None: no schema describes it."""
        if "status" not in resource.subresources:
            advice = "declare it in the definition of the kind"
            return cls(
                None, warning=_told(resource, "no status is written: the kind has no status subresource", advice)
            )
        status = _NO_RULES.compile(resource.gvk, kind, {}, has_status=True).find("status")
        if status is None or not _may_be(status, "object", "map"):
            return cls(None, warning=_told(resource, "no status is written: its schema has no status", _THERE))
        members, by_type = _conditions(status.node.find(CONDITIONS))
        observed = _holds(status.node, OBSERVED, *_WHOLE)
        missing = [] if members else ["conditions (a list of objects with type and status)"]
        missing += [] if observed else [OBSERVED]
        told = _told(resource, f"its schema has no room in status for {' and '.join(missing)}: not written", _THERE)
        return cls(status, members, by_type, observed, told if missing else NOTHING)

    def completed(self, status: Any) -> Any:
        """A status with the defaults that the server adds to it."""
        return status if self.status is None else completed(status, self.status)


def fitted(keys: Mapping[str, Any], status: Child) -> tuple[dict[str, Any], list[str]]:
    """A run's keys as the server would store them, and the paths that are left out, for the schema lacks them.

    Raises InputError for a value that is no JSON or not of the schema's type, with its path.
    """
    try:
        copied = loads(dumps(plain(keys, "ctx.status")))
    except LoadError as error:
        raise InputError(str(error), "/status", is_free_of_values=True, code="GR904") from None
    left: list[str] = []
    prepared = prepare(_fitting(copied, status, ("status",), left), status.node)
    if prepared.errors:
        raise InputError.of([_in_status(error) for error in prepared.errors])
    return _completed(prepared.value, status), left


def _told(resource: Resource, what: str, advice: str) -> Notice:
    return Notice(f"{resource}: {what}; {advice}", NO_ROOM)


def _in_status(error: InputError) -> InputError:
    """The error of a key, whose text begins with its path; it tells of types alone."""
    return InputError(f"/status{error}", f"/status{error.path}", is_free_of_values=True, code="GR904")


def _conditions(child: Child | None) -> tuple[frozenset[str], bool]:
    """The fields of a condition that fit into a list, and whether the server keeps its members apart by their type."""
    if child is None or not _may_be(child, "list"):
        return frozenset(), False
    member, kind = child.node.member(), child.field.type
    if not _may_be(member, "object", "map"):
        return frozenset(), False
    found = frozenset(name for name, scalars in _MEMBERS.items() if _holds(member.node, name, *scalars))
    by_type = kind.shape == "list" and kind.list_type == "map" and kind.list_keys == ("type",)
    return (found, by_type) if found.issuperset(_NEEDED) else (frozenset(), False)


def _may_be(child: Child, *shapes: str) -> bool:
    return child.field.type.shape in {*shapes, "any"}


def _holds(node: Node, key: str, *scalars: str) -> bool:
    child = node.find(key)
    return child is not None and (child.field.type.scalar in scalars or _may_be(child))


def _fitting(value: Any, child: Child, path: Path, left: list[str]) -> Any:
    """The value without the keys that the schema does not know; their paths are added to ``left``."""
    if isinstance(value, list):
        return [_fitting(member, child.node.member(), (*path, at), left) for at, member in enumerate(value)]
    if not isinstance(value, dict):
        return value
    found = {key: child.node.find(key) for key in value}
    left += [shown_path((*path, key)) for key, below in found.items() if below is None]
    return {key: _fitting(value[key], below, (*path, key), left) for key, below in found.items() if below is not None}


def completed(value: Any, child: Child) -> Any:
    """A value with the defaults that the server adds to it."""
    return _completed(value, child, is_whole=True)


def default_of(child: Child, key: str) -> Any:
    """The value that the server gives to a key that an object here lacks, MISSING for none."""
    kind = child.field.type
    field = kind.fields.get(key) if kind.shape == "object" else None
    if field is None or field.default is MISSING:
        return MISSING
    return _completed(field.default, child.node.child(key), is_whole=True)


def _completed(value: Any, child: Child, *, is_whole: bool = False) -> Any:
    """The value with the defaults of the schema, ``is_whole`` everywhere, else in the members of lists.

    A list is compared as a whole, while in objects others may own a field that has a default.
    """
    if isinstance(value, list):
        return [_completed(member, child.node.member(), is_whole=True) for member in value]
    if not isinstance(value, dict):
        return value
    kind = child.field.type
    missing = [key for key in kind.fields if key not in value] if is_whole and kind.shape == "object" else []
    defaults = {key: default_of(child, key) for key in missing}
    own = {key: _completed(entry, child.node.child(key), is_whole=is_whole) for key, entry in value.items()}
    return own | {key: default for key, default in defaults.items() if default is not MISSING}
