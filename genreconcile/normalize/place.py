"""Where a walk stands in an expected object, and what a rule's relative paths mean there.

Invariant: a Place is a view; it never copies or changes the object.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from genreconcile.normalize.rule import Condition
from genreconcile.pointer import split_pointer
from genreconcile.schema import MISSING

KEY = "$key"
"""In a relative path: the key at which the rule is applied."""


@dataclass(frozen=True, slots=True)
class Place:
    """``key`` in ``holder``, an object or map of E; ``outer`` is where the holder itself stands, lists left out."""

    holder: Mapping[str, Any]
    key: str
    outer: Place | None = None

    def resolve(self, at: str) -> Any:
        """The value at a relative path, MISSING where there is none."""
        place: Place = self
        value: Any = self.holder
        if at.startswith("/"):
            value, at = self._root(), at[1:]
        for token in split_pointer("/" + at):
            if token == "..":
                if place.outer is None:
                    return MISSING
                place = place.outer
                value = place.holder
                continue
            value = value.get(self.key if token == KEY else token, MISSING) if isinstance(value, Mapping) else MISSING
            if value is MISSING:
                return MISSING
        return value

    def _root(self) -> Mapping[str, Any]:
        place: Place = self
        while place.outer is not None:
            place = place.outer
        return place.holder

    def holds(self, conditions: tuple[Condition, ...]) -> bool:
        """Whether all conditions of a rule hold here."""
        return all(self._holds(condition) for condition in conditions)

    def _holds(self, condition: Condition) -> bool:
        if condition.only is not None:
            return set(self.holder) <= {*condition.only, self.key}
        value = self.resolve(condition.at)
        if condition.present is not None:
            return (value is not MISSING and value is not None) == condition.present
        return (None if value is MISSING else value) in (condition.values or ())
