"""The types of a kind's fields as far as field ownership and list identity need them, whatever schema they come from.

Invariant: pure; where no schema says otherwise, a list is one value and an object is taken apart.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, Final

Schema = Mapping[str, Any]
_REF: Final = "#/components/schemas/"


class Shape:
    """The type of one place. ``schema`` may refer to ``types``, the components of an OpenAPI v3 document.

    What is below it is made once, when it is first asked for.
    """

    def __init__(self, schema: Schema, types: Mapping[str, Schema]) -> None:
        self.schema = schema
        self._types = types
        self._below: dict[str, Shape] = {}

    def below(self, key: str) -> Shape:
        """The type of a member of an object."""
        properties = self.resolved.get("properties") or {}
        name = key if key in properties else ""  # All others are of one type.
        found = self._below.get(name)
        if found is None:
            field = properties[key] if name else self.resolved.get("additionalProperties")
            found = self._below[name] = Shape(field if isinstance(field, Mapping) else {}, self._types)
        return found

    @functools.cached_property
    def item(self) -> Shape:
        """The type of the members of a list."""
        items = self.resolved.get("items")
        return Shape(items if isinstance(items, Mapping) else {}, self._types)

    @functools.cached_property
    def resolved(self) -> Schema:
        """The schema itself, where it is a reference."""
        schema = self.schema
        while True:
            inner = schema.get("allOf")
            found = inner[0] if isinstance(inner, list) and len(inner) == 1 else schema
            name = found.get("$ref")
            if not isinstance(name, str):
                return found if found is not schema and "$ref" not in schema else schema
            schema = self._types.get(name.removeprefix(_REF), {})

    @functools.cached_property
    def is_atomic(self) -> bool:
        """Whether one manager owns an object here as a whole."""
        return "atomic" in {self.resolved.get("x-kubernetes-map-type"), self.schema.get("x-kubernetes-map-type")}

    @functools.cached_property
    def list_type(self) -> str:
        """``atomic``, ``set`` or ``map``."""
        return str(self.schema.get("x-kubernetes-list-type") or self.resolved.get("x-kubernetes-list-type") or "atomic")

    @functools.cached_property
    def keys(self) -> tuple[str, ...]:
        """The fields that tell the members of a list of type ``map`` apart."""
        return tuple(self.resolved.get("x-kubernetes-list-map-keys") or ())

    @functools.cached_property
    def is_embedded(self) -> bool:
        """Whether Go holds an object here as a value: it is there also where nobody wrote it."""
        return self.schema.get("default") == {}

    def identity(self, member: Any) -> dict[str, Any]:
        """The keys of a member of a list of type ``map``, those with a default filled in."""
        found = {}
        for key in self.keys:
            default = self.item.below(key).schema.get("default")
            if isinstance(member, Mapping) and (key in member or default is not None):
                found[key] = member.get(key, default)
        return found
