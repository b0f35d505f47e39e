"""The record in a parent's annotations: the kinds of the set's members, and their namespaces.

Invariant: annotations are sorted, so that equal records give equal text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from genreconcile.errors import PlanRefused
from genreconcile.kinds.order import kind_name
from genreconcile.objects import ObjectKey

KINDS: Final = "applyset.kubernetes.io/contains-group-kinds"
RESOURCES: Final = "applyset.kubernetes.io/contains-group-resources"
NAMESPACES: Final = "applyset.kubernetes.io/additional-namespaces"

GroupKind = tuple[str, str]
"""(group, kind)."""
Named = Callable[[str, str], GroupKind | None]
"""(group, plural) → the kind, None where the server has none."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """``kinds`` of which the set may have members; ``namespaces`` of members, other than the parent's own."""

    kinds: frozenset[GroupKind] = frozenset()
    namespaces: frozenset[str] = frozenset()

    def __or__(self, other: Inventory) -> Inventory:
        return Inventory(self.kinds | other.kinds, self.namespaces | other.namespaces)

    def __sub__(self, other: Inventory) -> Inventory:
        return Inventory(self.kinds - other.kinds, self.namespaces - other.namespaces)

    def __and__(self, other: Inventory) -> Inventory:
        return Inventory(self.kinds & other.kinds, self.namespaces & other.namespaces)

    def covers(self, other: Inventory) -> bool:
        """Whether this record holds all kinds and namespaces of the other."""
        return self | other == self

    @classmethod
    def of(cls, keys: Iterable[ObjectKey], parent: ObjectKey) -> Inventory:
        """That of a set with these members."""
        members = list(keys)
        kinds = frozenset((key.group, key.kind) for key in members)
        return cls(kinds, frozenset(key.namespace for key in members) - {"", parent.namespace})

    def __str__(self) -> str:
        kinds = ", ".join(sorted(kind_name(*kind) for kind in self.kinds)) or "no kind"
        return f"{kinds} in {', '.join(sorted(self.namespaces))} as well" if self.namespaces else kinds

    def annotations(self) -> dict[str, str]:
        """The annotations of the parent that hold this record."""
        return {
            KINDS: ",".join(sorted(kind_name(*kind) for kind in self.kinds)),
            NAMESPACES: ",".join(sorted(self.namespaces)),
        }


def read_inventory(annotations: Mapping[str, str], parent: ObjectKey, named: Named) -> Inventory:
    """The record in a parent's annotations. Raises PlanRefused where they do not name the kinds of the set."""
    namespaces = frozenset(_parts(annotations.get(NAMESPACES, ""))) - {parent.namespace}
    if KINDS in annotations:
        return Inventory(frozenset(_kind(text) for text in _parts(annotations[KINDS])), namespaces)
    if RESOURCES not in annotations:
        raise PlanRefused(
            f"{parent}: not usable as an owner: its annotation {KINDS} is missing; add it, empty for an empty set",
            code="GR804",
        )
    found = {text: named(*_kind(text)) for text in _parts(annotations[RESOURCES])}
    unknown = sorted(text for text, kind in found.items() if kind is None)
    if unknown:
        raise PlanRefused(
            f"{parent}: not usable as an owner: the server has no {unknown[0]}, which {RESOURCES} names; correct it",
            code="GR804",
        )
    return Inventory(frozenset(kind for kind in found.values() if kind is not None), namespaces)


def read_what_is_there(annotations: Mapping[str, str], parent: ObjectKey) -> Inventory:
    """The record in a parent's annotations, whatever is missing or malformed in them."""
    kinds = frozenset(kind for text in _parts(annotations.get(KINDS, "")) if (kind := _kind(text))[1])
    return Inventory(kinds, frozenset(_parts(annotations.get(NAMESPACES, ""))) - {parent.namespace})


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _kind(text: str) -> GroupKind:
    """The parts of ``Kind.group`` or ``plural.group``."""
    name, _, group = text.partition(".")
    return group, name
