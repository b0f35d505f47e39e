"""Whether the controller of a custom kind tells how its objects are, and has done so.

Invariant: pure; what a schema leaves open is not expected of anybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from genreconcile.kinds.types import TypeGraph
from genreconcile.objects import GVK

_SAID: Final = frozenset({"conditions", "observedGeneration"})


def schema_tells(schema: TypeGraph, gvk: GVK) -> bool:
    """Whether a kind is a custom one whose status is written apart, and in its schema has conditions or
    observedGeneration.
    """
    kind = schema.root(gvk)
    status = kind.fields.get("status") if kind is not None else None
    has_room = status is not None and not _SAID.isdisjoint(status.type.fields)
    return has_room and bool(schema.is_custom(gvk)) and schema.has_status(gvk)


def has_told(live: Mapping[str, Any]) -> bool:
    """Whether an object's status has either."""
    status = live.get("status")
    return isinstance(status, Mapping) and not _SAID.isdisjoint(status)
