"""The difference between an expected and a live object, as RFC 6902 operations.

Invariant: pure: dicts in, dicts out; neither side is changed.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from genreconcile.arguments import Fields, refused, require_choice, shown
from genreconcile.compare.comparison import EXACT, NOBODY, Comparison, Diff, Policy
from genreconcile.compare.operation import Covered, Difference, Intervention, Ours
from genreconcile.compare.walk import SUBSET
from genreconcile.kinds.types import TypeGraph
from genreconcile.manifests.check import plain
from genreconcile.mask import fields_of
from genreconcile.normalize import Registry, require_registry
from genreconcile.normalize.sensitive import sensitive_fields
from genreconcile.objects import GVK, Object, metadata_of, namespace_of, uid_of


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
    placed = _placed(expected, live)
    node = registry.compile(gvk, kind, placed, has_status=has_status)
    among = functools.partial(_among, [dict(other) for other in others], namespace_of(placed))
    policy = Policy(fields, among, Ours(field_manager))
    found = Comparison(node, kind is not None, policy).compare(expected, live)
    sensitive = (*fields_of(gvk), *sensitive_fields(registry, gvk, kind, placed, live, has_status=has_status))
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


def _in_scope(expected: Object, live: Object) -> tuple[Object, Object]:
    """Both sides, expected without its namespace where live is cluster-scoped: the server drops it as well."""
    if uid_of(live) and not namespace_of(live) and namespace_of(expected):
        del expected["metadata"]["namespace"]
    return expected, live


def _placed(expected: Object, live: Object) -> Object:
    """Expected, in the namespace of live where it names none: rules for a namespace are meant for it as well."""
    namespace = namespace_of(live)
    if namespace_of(expected) or not namespace:
        return expected
    return {**expected, "metadata": {**metadata_of(expected), "namespace": namespace}}


def _among(objects: list[Object], here: str, kind: str, namespace: str) -> list[Object]:
    """Those of a kind in a namespace; without one, those ``here``, and those that are cluster-scoped."""
    places = {namespace} if namespace else {"", here}
    return [obj for obj in objects if str(GVK.of(obj)) == kind and namespace_of(obj) in places]


__all__ = [
    "EXACT",
    "NOBODY",
    "SUBSET",
    "Comparison",
    "Covered",
    "Diff",
    "Difference",
    "Intervention",
    "Ours",
    "Policy",
    "diff",
]
