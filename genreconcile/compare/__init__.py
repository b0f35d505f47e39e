"""The difference between an expected and a live object, as RFC 6902 operations.

Invariant: pure: dicts in, dicts out; neither side is changed.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from genreconcile.arguments import Fields, refused, require_choice, shown
from genreconcile.compare.coarse import bounded
from genreconcile.compare.foreign import without_foreign
from genreconcile.compare.operation import Covered, Difference, Intervention, Ours, Spot
from genreconcile.compare.owned import own_members, sorted_out
from genreconcile.compare.patch import Patch
from genreconcile.compare.walk import SUBSET, Walk
from genreconcile.errors import InputError
from genreconcile.kinds.types import TypeGraph
from genreconcile.manifests.check import plain
from genreconcile.mask import Fields as Sensitive
from genreconcile.mask import fields_of
from genreconcile.normalize import Registry, prepare, require_registry
from genreconcile.normalize.compiled import Node
from genreconcile.normalize.place import Others
from genreconcile.normalize.sensitive import sensitive_fields
from genreconcile.objects import GVK, Object, namespace_of, uid_of
from genreconcile.pointer import join_pointer

_DROPPED = frozenset({"system", "ignore"})
EXACT = "exact"
_TOLD = 5
NOBODY: Final = Ours()
"""A writer with the default field manager and without an owner set, which has added nothing."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How to compare: ``fields`` is ``exact`` or ``subset``; ``others`` gives the objects that rules may consult;
    ``ours`` is the writer for whom expected and live are compared.
    """

    fields: str = EXACT
    others: Others | None = None
    ours: Ours = NOBODY


@dataclass(frozen=True, slots=True, repr=False)
class Diff:
    """``patch`` brings live to expected; it is empty without ``differences``, which have both values of each operation.
    ``covered`` are live values that a rule explains, with the rule's id. ``typed`` is False where no schema describes
    the kind: then lists count as atomic and no default is known. ``sensitive`` are the paths of secret fields.
    ``interventions`` are drift that no patch repairs: values that a manager has set where the server or controllers
    choose them.
    """

    patch: Patch
    differences: tuple[Difference, ...]
    covered: tuple[Covered, ...]
    typed: bool
    sensitive: Sensitive = field(default=(), repr=False)
    interventions: tuple[Intervention, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is drift."""
        return bool(self.differences or self.interventions)

    def __repr__(self) -> str:
        told = ", ".join(f"{found.op} {join_pointer(found.path)}" for found in self.differences[:_TOLD])
        more = f" and {len(self.differences) - _TOLD} more" if len(self.differences) > _TOLD else ""
        return (
            f"<Diff {len(self.differences)} differences{': ' * bool(told)}{told}{more}{', untyped' * (not self.typed)}>"
        )


def diff(  # noqa: PLR0913 - keyword-only settings, each with a default
    expected: Mapping[str, Any],
    live: Mapping[str, Any],
    *,
    rules: Registry | None = None,
    schema: TypeGraph | None = None,
    fields: Fields = "exact",
    others: Iterable[Mapping[str, Any]] = (),
    field_manager: str = "genreconcile",
) -> Diff:
    """Compare an expected object with a live one; offline, no request is sent.

    ``rules`` are the shipped ones unless given. Without ``schema`` the comparison is untyped. ``fields`` is ``exact``,
    or ``subset`` to compare the fields that ``expected`` sets and no others. ``others`` are live objects that rules may
    consult, such as the autoscalers that target this one. ``field_manager`` is the manager that writes expected: values
    that another manager has set where the server allots them are ``interventions``. InputError, with the ``path``, for
    a field of ``expected`` that the schema does not know, or a value that the server cannot store. LoadError where a
    side is no JSON data. Neither side is changed.
    """
    _require_arguments(rules, schema, fields, others)
    expected, live = _in_scope(plain(expected, "expected"), plain(live, "live"))
    gvk = GVK.of(expected)
    registry = rules if rules is not None else Registry.builtin()
    kind = schema.root(gvk) if schema is not None else None
    has_status = schema is None or schema.has_status(gvk)
    node = registry.compile(gvk, kind, dict(expected), has_status=has_status)
    policy = Policy(fields, functools.partial(_among, [dict(other) for other in others]), Ours(field_manager))
    found = compare(expected, live, node, typed=kind is not None, policy=policy)
    sensitive = (*fields_of(gvk), *sensitive_fields(registry, gvk, kind, expected, live, has_status=has_status))
    return replace(found, patch=found.patch.shown(sensitive), sensitive=sensitive)


def _require_arguments(rules: Any, schema: Any, fields: Any, others: Any) -> None:
    require_choice("fields", fields, Fields)
    require_registry(rules)
    if schema is not None and not isinstance(schema, TypeGraph):
        source = shown(os.fspath(schema)) if isinstance(schema, str | os.PathLike) else "path"
        raise refused(
            "schema", schema, f"is no Schema; give gr.Schema.load({source}) or gr.Schema.from_cluster(cluster)"
        )
    if isinstance(others, Mapping | str | bytes) or not isinstance(others, Iterable):
        raise refused("others", others, "is no list of objects; give a list of dicts")


def compare(  # noqa: PLR0913 - keyword-only settings, each with a default
    expected: Mapping[str, Any],
    live: Mapping[str, Any],
    node: Node,
    *,
    typed: bool = True,
    policy: Policy | None = None,
    earlier: Mapping[str, Any] | None = None,
) -> Diff:
    """As ``diff``, with compiled rules. ``earlier`` is an earlier state of live, None where none was seen.

    InputError also for an object that is nested too deeply.
    """
    try:
        return _compared(expected, live, node, typed, policy or Policy(), earlier)
    except RecursionError:
        raise InputError("nested too deeply; give a flatter object") from None


def _compared(  # noqa: PLR0913, PLR0917 - all of a comparison
    expected: Mapping[str, Any],
    live: Mapping[str, Any],
    node: Node,
    typed: bool,
    policy: Policy,
    earlier: Mapping[str, Any] | None,
) -> Diff:
    prepared = prepare(expected, node, drop=_DROPPED)
    if prepared.errors:
        raise InputError.of(prepared.errors)
    walk = Walk()
    own = own_members(expected, live, node.shared, policy.ours)
    walk.root(prepared.value, live, node, Spot(subset=policy.fields == SUBSET, others=policy.others, own=own))
    found, covered = without_foreign(walk.found, live, node.foreign) if node.foreign else (walk.found, [])
    owned = sorted_out(walk.covered, live, policy.ours, earlier)
    explained = (*owned.covered, *covered)
    differences, patch = bounded([*found, *owned.differences], explained, live)
    return Diff(patch, tuple(differences), explained, typed, interventions=tuple(owned.interventions))


def _in_scope(expected: Object, live: Object) -> tuple[Object, Object]:
    """Both sides, expected without its namespace where live is cluster-scoped: the server drops it as well."""
    if uid_of(live) and not namespace_of(live) and namespace_of(expected):
        del expected["metadata"]["namespace"]
    return expected, live


def _among(objects: list[Object], kind: str, namespace: str) -> list[Object]:
    return [obj for obj in objects if str(GVK.of(obj)) == kind and namespace_of(obj) == namespace]


__all__ = [
    "EXACT",
    "NOBODY",
    "SUBSET",
    "Covered",
    "Diff",
    "Difference",
    "Intervention",
    "Ours",
    "Policy",
    "compare",
    "diff",
]
