"""The conditions that rules have in common, those about values as those about readiness.

Invariant: pure; None and MISSING both stand for no value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from genreconcile.kinds.types import MISSING


@dataclass(frozen=True, slots=True)
class Condition:
    """``at`` is a path relative to the object that holds the rule's last key; ``..`` leads to the enclosing object and
    a leading ``/`` to the root. ``of_live``: the path leads into live instead, from the object at the same place.
    The value there is one of ``values``, or none of ``not_values`` (None in either: missing), or ``present`` or not.
    ``only`` lists the keys besides the rule's own that the holding object may have. ``targeted_by`` is (kind, path): an
    object of that kind in the same namespace refers to this object at that path, by apiVersion, kind and name.
    """

    at: str = ""
    of_live: bool = False
    values: tuple[Any, ...] | None = None
    not_values: tuple[Any, ...] | None = None
    present: bool | None = None
    only: tuple[str, ...] | None = None
    targeted_by: tuple[str, str] | None = None


def fulfils(value: Any, condition: Condition) -> bool:
    """Whether a value meets ``present``, ``not_values`` or ``values``; None and MISSING both stand for no value."""
    if condition.present is not None:
        return (value is not MISSING and value is not None) == condition.present
    found = None if value is MISSING else value
    if condition.not_values is not None:
        return found not in condition.not_values
    return found in (condition.values or ())
