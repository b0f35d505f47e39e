"""The resource of each expected object, and its namespace where it names none.

Invariant: a fault of one object is its own error; only Unauthorized and Unreachable are raised. A kind is looked up
once, however many objects of it there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from genreconcile.catalog import Catalog
from genreconcile.errors import ClusterError, InputError, ReconcileError, Unauthorized, Unreachable
from genreconcile.kinds.discovery import Resource
from genreconcile.kinds.order import defined_by, defines_kinds
from genreconcile.objects import GVK, Object, ObjectKey
from genreconcile.plan.drift import unusable

Located = tuple[Object, ObjectKey, Resource | ReconcileError]
"""An expected object in its namespace, with its key, and its resource or the error why it has none."""


class _Kind(NamedTuple):
    """A kind that objects name; ``error`` says why it has no resource."""

    gvk: GVK
    resource: Resource | None
    error: ReconcileError | None = None


def locate(
    objects: Sequence[Object], namespace: str, catalog: Catalog, brought: Iterable[Resource] = ()
) -> list[Located]:
    """Each object with its resource; ``brought`` are kinds that other objects of the expected set define.

    Raises Unauthorized and Unreachable.
    """
    names = {(obj["apiVersion"], obj["kind"]): obj for obj in objects}
    gvks = {name: GVK.of(obj) for name, obj in names.items()}
    defining = {name for name, gvk in gvks.items() if defines_kinds(gvk)}
    known = {resource.gvk: resource for resource in brought}
    for obj in objects if defining else ():
        if (obj["apiVersion"], obj["kind"]) in defining:
            known |= {resource.gvk: resource for resource in defined_by(obj)}
    kinds = {name: _kind(gvk, known.get(gvk), catalog) for name, gvk in gvks.items()}
    return [_located(obj, namespace, kinds[obj["apiVersion"], obj["kind"]]) for obj in objects]


def _kind(gvk: GVK, brought: Resource | None, catalog: Catalog) -> _Kind:
    try:
        resource = brought or catalog.resource(gvk)
        _require_verbs(resource)
    except (Unauthorized, Unreachable):
        raise
    except (ClusterError, InputError) as error:
        return _Kind(gvk, None, error)
    return _Kind(gvk, resource)


def _located(obj: Object, namespace: str, kind: _Kind) -> Located:
    metadata = obj["metadata"]
    own, gvk, resource = metadata.get("namespace") or "", kind.gvk, kind.resource
    # What the class itself would call, without a call of an interpreted function.
    key: ObjectKey = tuple.__new__(ObjectKey, (gvk.group, gvk.kind, own, metadata["name"]))
    if resource is None:
        error = kind.error or ReconcileError(f"{gvk}: no resource", code="GR001")
        return obj, key, unusable(key, error) if isinstance(error, InputError) else error
    if resource.namespaced and not own:
        placed = {**obj, "metadata": {**metadata, "namespace": namespace}}
        return placed, key._replace(namespace=namespace), resource
    if own and not resource.namespaced:
        # The server takes such an object, and drops the namespace (BeforeCreate in k8s.io/apiserver, registry/rest).
        free = {name: value for name, value in metadata.items() if name != "namespace"}
        return {**obj, "metadata": free}, key._replace(namespace=""), resource
    return obj, key, resource


def _require_verbs(resource: Resource) -> None:
    missing = sorted({"list", "watch"} - resource.verbs)
    if missing:
        raise InputError(f"the server cannot {missing[0]} {resource}; remove it", "/kind", code="GR213")
