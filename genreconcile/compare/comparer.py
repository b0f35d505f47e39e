"""The comparison of objects of one cluster: what a plan compares, and what is made of the server's answers, goes here.

Invariant: pure, but for what the kinds are asked for; what holds for all objects of a kind is looked up once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from genreconcile.compare import SUBSET, Diff, Policy, compare
from genreconcile.compare.quick import is_clean
from genreconcile.kinds.discovery import Resource
from genreconcile.kinds.types import Type
from genreconcile.normalize import Registry
from genreconcile.normalize.compiled import Node
from genreconcile.objects import GVK, Object

_EXACTLY: Final = Policy()


class Kinds(Protocol):
    """What is known of kinds: ``kind_type`` is None where no schema describes one, and raises ClusterError."""

    rules: Registry

    def kind_type(self, resource: Resource) -> Type | None:
        """The type of a kind's objects."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Under which rules and which policy one object is compared; ``typed`` as in Diff."""

    node: Node
    typed: bool = True
    policy: Policy = _EXACTLY

    def compare(self, expected: Object, live: Object, earlier: Object | None = None) -> Diff:
        """As genreconcile.compare.compare."""
        return compare(expected, live, self.node, typed=self.typed, policy=self.policy, earlier=earlier)

    def is_clean(self, expected: Object, live: Object) -> bool:
        """As genreconcile.compare.quick.is_clean: True only where ``compare`` finds nothing."""
        subset = self.policy.fields == SUBSET
        return is_clean(expected, live, self.node, subset=subset, others=self.policy.others)


@dataclass(frozen=True, slots=True)
class _Kind:
    """What holds for all objects of a kind; ``uniform`` is that of objects that are not annotated, if it is one."""

    type: Type | None
    has_status: bool
    uniform: Comparison | None


class Comparer:
    """Compares under one policy; one for each plan or answer, for a kind may look different in the next."""

    def __init__(self, kinds: Kinds, policy: Policy) -> None:
        self._kinds = kinds
        self._policy = policy
        self._known: dict[GVK, _Kind] = {}

    def of(self, resource: Resource, expected: Object) -> Comparison:
        """How an object is compared. Raises ClusterError, and InputError for its annotations."""
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
