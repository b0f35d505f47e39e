"""Defaults that the server takes from another object, such as the class that is marked as the default of its kind.

Invariant: pure, and never a guess: unless exactly one object, not younger than live, can be the source, and the objects
of its kind are known, there is no default.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genreconcile.kinds.types import MISSING
from genreconcile.normalize.place import Place, value_at
from genreconcile.objects import Object, metadata_of


def referred(place: Place, argument: Mapping[str, Any]) -> Any:
    """The value at ``take`` of the one cluster-scoped object of ``kind`` with a value of ``in`` at ``at``, or MISSING.

    ``argument`` is a ``refer`` rule's. An object younger than live is no source: the server reads the source when it
    creates live.
    """
    root = place.root
    known = root.others(argument["kind"], "") if root.others else None
    found = [other for other in known or () if value_at(other, argument["at"]) in argument["in"]]
    if len(found) != 1 or _is_younger(found[0], root.live or {}):
        return MISSING
    value = value_at(found[0], argument["take"])
    return MISSING if value is None else value


def _is_younger(other: Object, live: Mapping[str, Any]) -> bool:
    """Compare creation times, which are whole seconds; False where they are equal, or one is missing."""
    theirs, own = (str(metadata_of(obj).get("creationTimestamp") or "") for obj in (other, live))
    return bool(own) and theirs > own
