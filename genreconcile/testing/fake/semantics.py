"""What a kind's schema does to its objects: what is unknown, filled in, refused; and what counts as a new generation.

Invariant: pure; one object for each version of a kind, made of its definition.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Protocol

from genreconcile.testing.fake import structural
from genreconcile.testing.fake.kinds import Kind, recorded
from genreconcile.testing.fake.shape import Shape
from genreconcile.testing.fake.structural import Cause

_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_SYSTEM = frozenset({"apiVersion", "kind", "metadata"})


class Semantics(Protocol):
    """One version of a kind."""

    shape: Shape

    def decoded(self, obj: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """A copy without unknown fields, and the paths of these. Raises Refusal (400)."""

    def defaulted(self, obj: Mapping[str, Any]) -> dict[str, Any]:
        """A copy with defaults."""

    def problems(self, obj: Mapping[str, Any], old: Mapping[str, Any] | None) -> list[Cause]:
        """What is refused in an object, or in what became of ``old``."""

    def is_new_generation(self, obj: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
        """Whether ``metadata.generation`` counts the change."""

    @property
    def has_generation(self) -> bool:
        """Whether the server sets ``metadata.generation``."""


class Custom:
    """A version of a kind that a CustomResourceDefinition brings; ``schema`` is its ``openAPIV3Schema``."""

    has_generation = True

    def __init__(self, kind: Kind, schema: Mapping[str, Any]) -> None:
        self._kind = kind
        self._schema = schema
        metadata = {"$ref": f"#/components/schemas/{_META}"}
        properties = {**(schema.get("properties") or {}), "metadata": metadata}
        self.shape = Shape({**schema, "properties": properties}, recorded()["api/v1"]["components"]["schemas"])

    def decoded(self, obj: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """See ``Semantics``."""
        unknown = list(structural.unknown(obj, self._schema))
        found: dict[str, Any] = structural.pruned(dict(obj), self._schema)
        return {**found, "metadata": copy.deepcopy(obj.get("metadata") or {})}, unknown

    def defaulted(self, obj: Mapping[str, Any]) -> dict[str, Any]:
        """See ``Semantics``."""
        system = {key: value for key, value in obj.items() if key in _SYSTEM}
        found: dict[str, Any] = structural.defaulted(dict(obj), self._schema)
        return {**found, **system}

    def problems(self, obj: Mapping[str, Any], old: Mapping[str, Any] | None) -> list[Cause]:
        """See ``Semantics``."""
        del old  # Ratcheting is not modelled.
        return list(structural.problems(obj, self._schema))

    def is_new_generation(self, obj: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
        """See ``Semantics``."""
        aside = {"apiVersion", "metadata", "status"} if self._kind.has_status else {"apiVersion", "metadata"}
        return _without(obj, aside) != _without(old, aside)


class BuiltIn:
    """A built-in kind; ``types`` are the components of the document that describes it."""

    has_generation = True

    def __init__(self, kind: Kind, types: Mapping[str, Mapping[str, Any]]) -> None:
        own = {"group": kind.group, "version": kind.version, "kind": kind.kind}
        schema = next(found for found in types.values() if own in (found.get("x-kubernetes-group-version-kind") or ()))
        self.shape = Shape(schema, types)

    def decoded(self, obj: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """See ``Semantics``."""
        return copy.deepcopy(dict(obj)), []

    def defaulted(self, obj: Mapping[str, Any]) -> dict[str, Any]:
        """See ``Semantics``."""
        return dict(obj)

    def problems(self, obj: Mapping[str, Any], old: Mapping[str, Any] | None) -> list[Cause]:
        """See ``Semantics``."""
        del obj, old
        return []

    def is_new_generation(self, obj: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
        """See ``Semantics``."""
        aside = {"apiVersion", "metadata", "status"}
        return _without(obj, aside) != _without(old, aside)


def _without(obj: Mapping[str, Any], keys: set[str]) -> dict[str, Any]:
    return {name: value for name, value in obj.items() if name not in keys}
