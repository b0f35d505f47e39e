"""The difference between an expected and a live object, as RFC 6902 operations.

Invariant: pure: dicts in, dicts out; neither side is changed.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from genreconcile.diff.foreign import without_foreign
from genreconcile.diff.operation import Covered, Difference, Spot
from genreconcile.diff.patch import Patch, to_patch
from genreconcile.diff.walk import SUBSET, Walk
from genreconcile.errors import InputError
from genreconcile.load.check import plain
from genreconcile.mask import Fields, fields_of
from genreconcile.normalize import Registry, prepare
from genreconcile.normalize.compiled import Node
from genreconcile.normalize.place import Others
from genreconcile.normalize.sensitive import sensitive_fields
from genreconcile.objects import GVK, Object, namespace_of, uid_of
from genreconcile.schema import TypeGraph

_DROPPED = frozenset({"system", "ignore"})
EXACT = "exact"


@dataclass(frozen=True, slots=True)
class Policy:
    """How to compare: ``fields`` is ``exact`` or ``subset``; ``others`` finds objects that rules may consult."""

    fields: str = EXACT
    others: Others | None = None


@dataclass(frozen=True, slots=True)
class Diff:
    """``patch`` brings live to expected and is empty without drift. ``differences`` are its operations with both
    values; ``covered`` are live-only values that a rule explains, with the rule's id. ``typed`` is False where no
    schema described the kind: then lists count as atomic and no default is known. ``sensitive`` are the secret fields.
    """

    patch: Patch
    differences: tuple[Difference, ...]
    covered: tuple[Covered, ...]
    typed: bool
    sensitive: Fields = field(default=(), repr=False)

    def __bool__(self) -> bool:
        """Whether there is drift."""
        return bool(self.differences)


def diff(  # noqa: PLR0913 - keyword-only settings, each with a default
    expected: Mapping[str, Any],
    live: Mapping[str, Any],
    *,
    rules: Registry | None = None,
    schema: TypeGraph | None = None,
    fields: str = EXACT,
    others: Iterable[Mapping[str, Any]] = (),
) -> Diff:
    """Compare an expected object with a live one; offline, no request is sent.

    ``rules`` are the shipped ones unless given. Without ``schema`` the comparison is untyped. ``fields`` is ``exact``,
    or ``subset`` to compare what ``expected`` sets and nothing else. ``others`` are live objects that rules may
    consult: autoscalers that target this one. InputError where ``expected`` holds what the schema does not know or the
    server could not store; ``path`` says where. LoadError where a side is no JSON data.
    """
    expected, live = _in_scope(plain(expected, "expected"), plain(live, "live"))
    gvk = GVK.of(expected)
    registry = rules if rules is not None else Registry.builtin()
    kind = schema.root(gvk) if schema is not None else None
    has_status = schema is None or schema.has_status(gvk)
    node = registry.compile(gvk, kind, dict(expected), has_status=has_status)
    policy = Policy(fields, functools.partial(_among, [dict(other) for other in others]))
    found = compare(expected, live, node, typed=kind is not None, policy=policy)
    sensitive = (*fields_of(gvk), *sensitive_fields(registry, gvk, kind, expected, live, has_status=has_status))
    return replace(found, patch=found.patch.shown(sensitive), sensitive=sensitive)


def compare(
    expected: Mapping[str, Any],
    live: Mapping[str, Any],
    node: Node,
    *,
    typed: bool = True,
    policy: Policy | None = None,
) -> Diff:
    """As diff(), under rules that are compiled already. InputError as well where an object is nested too deeply."""
    try:
        return _compared(expected, live, node, typed, policy or Policy())
    except RecursionError:
        raise InputError("nested too deeply; give a flatter object") from None


def _compared(expected: Mapping[str, Any], live: Mapping[str, Any], node: Node, typed: bool, policy: Policy) -> Diff:
    prepared = prepare(expected, node, drop=_DROPPED)
    if prepared.errors:
        raise _first(prepared.errors)
    walk = Walk()
    walk.root(prepared.value, live, node, Spot(subset=policy.fields == SUBSET, others=policy.others))
    found, covered = without_foreign(walk.found, live, node.foreign) if node.foreign else (walk.found, [])
    return Diff(to_patch(found, live), tuple(found), (*walk.covered, *covered), typed)


def _in_scope(expected: Object, live: Object) -> tuple[Object, Object]:
    """Both sides; the server drops the namespace of a cluster-scoped object, which is told by live that has none."""
    if uid_of(live) and not namespace_of(live) and namespace_of(expected):
        del expected["metadata"]["namespace"]
    return expected, live


def _among(objects: list[Object], kind: str, namespace: str) -> list[Object]:
    return [obj for obj in objects if str(GVK.of(obj)) == kind and namespace_of(obj) == namespace]


def _first(errors: list[InputError]) -> InputError:
    """One error that tells of all; its path is the first one's."""
    return InputError("; ".join(str(error) for error in errors), errors[0].path)


__all__ = ["EXACT", "SUBSET", "Covered", "Diff", "Difference", "Policy", "compare", "diff"]
