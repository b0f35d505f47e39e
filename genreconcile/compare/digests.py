"""Digests of list members, equal for two that differ in defaults and spelling alone.

Invariant: pure, and only a hint. Members that are the same have equal digests, unless rules read expected and live
differently; whether two members of equal digests are the same is for the walk to decide.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, Final

from genreconcile.compare.operation import Spot
from genreconcile.compare.values import canonical, default_of
from genreconcile.kinds.types import MISSING
from genreconcile.normalize.compiled import Child
from genreconcile.normalize.prepare import is_zero

_UNSEEN: Final = frozenset({"system", "ignore", "adopt", "managed", "refer"})


def digest(value: Any, child: Child, spot: Spot) -> Hashable:
    """The digest of a value with the field ``child``; ``spot`` is that of the list, or of the value."""
    if isinstance(value, Mapping):
        node = child.node.alternative() if child.field.type.shape == "any" else child.node
        entries = ((key, node.child(key), spot.under(value, key, value)) for key in value)
        return frozenset(
            (key, digest(value[key], below, place))
            for key, below, place in entries
            if not _is_filled_in(value[key], below, place)
        )
    if isinstance(value, list):
        member = child.node.member()
        members = [digest(entry, member, spot) for entry in value]
        return tuple(members) if is_ordered(child) else frozenset(Counter(members).items())
    return canonical(value, child)  # type: ignore[no-any-return]  # scalars are hashable


def is_ordered(child: Child) -> bool:
    """Whether the order of a list's members matters, or may matter."""
    order = child.first("list")
    if order is not None:
        return bool(order.argument == "ordered")
    return child.field.type.list_type not in {"set", "map"}


def digests(members: Iterable[Any], child: Child, spot: Spot) -> list[Hashable]:
    """The digest of each member."""
    return [digest(member, child, spot) for member in members]


def _is_filled_in(value: Any, child: Child, spot: Spot) -> bool:
    """Whether live may hold this value where expected lacks it: a zero, a default, or a value that others choose."""
    if not child.field.type.custom and (value is None or is_zero(value, child.field)):
        return True
    rule = child.explaining(spot.place) if child.rules and spot.place else None
    if rule is not None and rule.action in _UNSEEN:
        return True
    default = default_of(child, rule, spot.place)[0]
    if default is MISSING:
        return False
    return digest(default, child, spot) == digest(value, child, spot)
