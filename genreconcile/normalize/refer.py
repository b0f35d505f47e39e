"""Defaults that stand in another object, such as the class that is marked as the default of its kind.

Invariant: pure, and never a guess: where more than one object, none, or a younger one could have been the source, or
where the objects are not known, there is no default.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genreconcile.kinds.types import MISSING
from genreconcile.normalize.place import Place, value_at
from genreconcile.objects import Object, metadata_of


def referred(place: Place, argument: Mapping[str, Any]) -> Any:
    """What the one cluster-scoped object of ``kind`` with a value of ``in`` at ``at`` holds at ``take``, or MISSING.

    An object that is younger than the live one says nothing of it: the server looked when it created the live one.
    """
    root = place.root
    known = root.others(argument["kind"], "") if root.others else None
    found = [other for other in known or () if value_at(other, argument["at"]) in argument["in"]]
    if len(found) != 1 or _is_younger(found[0], root.live or {}):
        return MISSING
    value = value_at(found[0], argument["take"])
    return MISSING if value is None else value


def _is_younger(other: Object, live: Mapping[str, Any]) -> bool:
    """By seconds; two objects of one second count as of one age, and so does an object without a time."""
    theirs, own = (str(metadata_of(obj).get("creationTimestamp") or "") for obj in (other, live))
    return bool(own) and theirs > own
