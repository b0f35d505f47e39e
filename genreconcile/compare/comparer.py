"""The comparison of one cluster's objects, for planning and for judging the server's answers to writes.

Invariant: pure, but for ``Kinds``, which may ask the server; the type and the rules of a kind are looked up once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from genreconcile.compare import Comparison, Policy
from genreconcile.kinds.discovery import Resource
from genreconcile.kinds.types import Type
from genreconcile.normalize import Registry
from genreconcile.objects import GVK, Object


class Kinds(Protocol):
    """The rules, and the types of the kinds that the cluster serves."""

    rules: Registry

    def kind_type(self, resource: Resource) -> Type | None:
        """The type of a kind's objects, None where no schema describes them. Raises ClusterError."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind; ``uniform`` is one comparison for all its objects without annotated rules, None where rules differ."""

    type: Type | None
    has_status: bool
    uniform: Comparison | None


class Comparer:
    """Comparisons under one policy. Each plan or answer makes a Comparer of its own, for types of kinds may change."""

    def __init__(self, kinds: Kinds, policy: Policy) -> None:
        self._kinds = kinds
        self._policy = policy
        self._known: dict[GVK, _Kind] = {}

    def of(self, resource: Resource, expected: Object) -> Comparison:
        """The comparison of an expected object. Raises ClusterError, and InputError for its annotations."""
        known = self._known.get(resource.gvk)
        if known is None:
            known = self._known[resource.gvk] = self._kind(resource)
        rules = self._kinds.rules
        if known.uniform is not None and not rules.is_annotated(expected):
            return known.uniform
        node = rules.compile(resource.gvk, known.type, expected, has_status=known.has_status)
        return Comparison(node, known.type is not None, self._policy)

    def _kind(self, resource: Resource) -> _Kind:
        rules, kind = self._kinds.rules, self._kinds.kind_type(resource)
        has_status = "status" in resource.subresources
        if not rules.is_uniform(resource.gvk, kind, has_status=has_status):
            return _Kind(kind, has_status, None)
        node = rules.compile(resource.gvk, kind, {}, has_status=has_status)
        return _Kind(kind, has_status, Comparison(node, kind is not None, self._policy))
