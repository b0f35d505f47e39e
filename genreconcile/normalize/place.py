"""Where a walk stands in an expected object, and what a rule's relative paths mean there.

Invariant: a Place is a view; it never copies or changes the object.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from genreconcile.kinds.types import MISSING
from genreconcile.normalize.rule import KEY, Condition
from genreconcile.objects import GVK, Object, name_of, namespace_of
from genreconcile.pointer import split_pointer

Others = Callable[[str, str], Iterable[Object] | None]
"""(kind, namespace) → the live objects there, None where they are not known."""


@dataclass(
    slots=True, repr=False
)  # Not frozen: there is one for each key that is compared, and that takes thrice the time.
class Place:
    """``key`` in ``holder``, an object or map of E; ``outer`` is where the holder itself stands, lists left out.

    ``live`` is the live object or map at the same place. ``others``, at the root, gives the objects that a rule may
    consult.
    """

    holder: Mapping[str, Any]
    key: str
    outer: Place | None = None
    others: Others | None = None
    live: Mapping[str, Any] | None = None

    def resolve(self, at: str) -> Any:
        """The value at a relative path, MISSING where there is none."""
        place: Place = self
        value: Any = self.holder
        if at.startswith("/"):
            value, at = self.root.holder, at[1:]
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

    @property
    def root(self) -> Place:
        """The place of the key at the root of the object."""
        place: Place = self
        while place.outer is not None:
            place = place.outer
        return place

    def holds(self, conditions: tuple[Condition, ...]) -> bool:
        """Whether all conditions of a rule hold here."""
        return all(self._holds(condition) for condition in conditions)

    def _holds(self, condition: Condition) -> bool:
        if condition.only is not None:
            return set(self.holder) <= {*condition.only, self.key}
        if condition.targeted_by is not None:
            return self._is_targeted(*condition.targeted_by)
        if condition.of_live:
            # Without a live object, as when expected is prepared, nothing is known of it.
            place = self.root if condition.at.startswith("/") else self
            return place.live is not None and fulfils(Place(place.live, place.key).resolve(condition.at), condition)
        return fulfils(self.resolve(condition.at), condition)

    def _is_targeted(self, kind: str, at: str) -> bool:
        """Whether another object names this one. Unknown counts as yes where expected leaves the field to others.

        Never scale production down because the autoscalers could not be read.
        """
        root = self.root
        found = root.others(kind, namespace_of(root.holder)) if root.others else None
        if found is None:
            return self.key not in self.holder
        return any(_names(value_at(other, at), root.holder) for other in found)


def fulfils(value: Any, condition: Condition) -> bool:
    """Whether a value, None or MISSING where there is none, is what a condition asks for."""
    if condition.present is not None:
        return (value is not MISSING and value is not None) == condition.present
    found = None if value is MISSING else value
    if condition.not_values is not None:
        return found not in condition.not_values
    return found in (condition.values or ())


def value_at(obj: Object, at: str) -> Any:
    """What stands at a JSON pointer, None where nothing does; lists are not entered."""
    value: Any = obj
    for token in split_pointer(at):
        value = value.get(token) if isinstance(value, Mapping) else None
    return value


def _names(reference: Any, obj: Mapping[str, Any]) -> bool:
    """Whether a reference (apiVersion, kind, name) is to this object; the version does not matter."""
    if not isinstance(reference, Mapping):
        return False
    wanted, own = GVK.of(reference), GVK.of(obj)
    return (wanted.group, wanted.kind, reference.get("name")) == (own.group, own.kind, name_of(obj))
