"""The place of a key in an expected object, from which a rule's relative paths are resolved.

Invariant: a Place is a view; it never copies or changes the object.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from genreconcile.conditions import Condition, fulfils
from genreconcile.kinds.types import MISSING
from genreconcile.normalize.rule import KEY
from genreconcile.objects import GVK, Object, name_of, namespace_of
from genreconcile.pointer import split_pointer

Others = Callable[[str, str], Iterable[Object] | None]
"""(kind as ``group/version/Kind``, namespace or "") → the live objects there, None where they are not known."""


@dataclass(
    slots=True, repr=False
)  # Not frozen: each compared key makes one, and making a frozen one takes thrice the time.
class Place:
    """``key`` in ``holder``, an expected object or map; ``outer`` is the place of the holder itself, lists left out.

    ``live`` is the live object or map at the holder's place, None if there is none. ``others`` is set in the root place
    alone: it gives the objects that rules may consult.
    """

    holder: Mapping[str, Any]
    key: str
    outer: Place | None = None
    others: Others | None = None
    live: Mapping[str, Any] | None = None

    def resolve(self, at: str) -> Any:
        """The value at a path as in ``Condition``, MISSING where there is none."""
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
        """The outermost place: that of a key of the root object."""
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
            # While expected is prepared there is no live object, and the condition does not hold.
            place = self.root if condition.at.startswith("/") else self
            return place.live is not None and fulfils(Place(place.live, place.key).resolve(condition.at), condition)
        return fulfils(self.resolve(condition.at), condition)

    def _is_targeted(self, kind: str, at: str) -> bool:
        """Whether an object of ``kind`` in this namespace refers to this object at the pointer ``at``.

        Where those objects are not known, True if expected lacks the key: an autoscaler that cannot be read must not
        have its workload scaled down.
        """
        root = self.root
        found = root.others(kind, namespace_of(root.holder)) if root.others else None
        if found is None:
            return self.key not in self.holder
        return any(_names(value_at(other, at), root.holder) for other in found)


def value_at(obj: Object, at: str) -> Any:
    """The value at a JSON pointer, None where there is none; a pointer does not lead into a list."""
    value: Any = obj
    for token in split_pointer(at):
        value = value.get(token) if isinstance(value, Mapping) else None
    return value


def _names(reference: Any, obj: Mapping[str, Any]) -> bool:
    """Whether a reference (apiVersion, kind, name) is to this object, in whatever version."""
    if not isinstance(reference, Mapping):
        return False
    wanted, own = GVK.of(reference), GVK.of(obj)
    return (wanted.group, wanted.kind, reference.get("name")) == (own.group, own.kind, name_of(obj))
