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
from genreconcile.plan.fresh import Fresh


class _Kind(NamedTuple):
    """A kind that objects name; ``error`` says why it has no resource."""

    gvk: GVK
    resource: Resource | None
    error: ReconcileError | None = None


def locate(entries: Sequence[Fresh], namespace: str, catalog: Catalog, brought: Iterable[Resource] = ()) -> None:
    """Note the resource of each object, or why it has none, and its key.

    An object that names no namespace and needs one is put into ``namespace``. ``brought`` are kinds that other objects
    of the expected set define.

    Raises Unauthorized and Unreachable.
    """
    gvks = {entry.kind: GVK.of(entry.obj) for entry in {entry.kind: entry for entry in entries}.values()}
    defining = {kind for kind, gvk in gvks.items() if defines_kinds(gvk)}
    known = {resource.gvk: resource for resource in brought}
    for entry in entries if defining else ():
        if entry.kind in defining:
            known |= {resource.gvk: resource for resource in defined_by(entry.obj)}
    kinds = {kind: _kind(gvk, known.get(gvk), catalog) for kind, gvk in gvks.items()}
    for entry in entries:
        _locate(entry, namespace, kinds[entry.kind])


def in_namespace(obj: Object, namespace: str) -> Object:
    """A usable object, put into a namespace; it shares all else."""
    return {**obj, "metadata": {**obj["metadata"], "namespace": namespace}}


def key_of(gvk: GVK, namespace: str, name: str) -> ObjectKey:
    """The key of an object of this kind."""
    # What the class itself would call, without a call of an interpreted function.
    return tuple.__new__(ObjectKey, (gvk.group, gvk.kind, namespace, name))


def _kind(gvk: GVK, brought: Resource | None, catalog: Catalog) -> _Kind:
    try:
        resource = brought or catalog.resource(gvk)
        _require_verbs(resource)
    except (Unauthorized, Unreachable):
        raise
    except (ClusterError, InputError) as error:
        return _Kind(gvk, None, error)
    return _Kind(gvk, resource)


def _locate(entry: Fresh, namespace: str, kind: _Kind) -> None:
    own, gvk, resource = entry.namespace, kind.gvk, kind.resource
    place = own
    if resource is not None:
        entry.resource = resource
        if resource.namespaced and not own:
            place = namespace
            entry.obj = in_namespace(entry.obj, namespace)
        elif own and not resource.namespaced:
            # The server takes it, and drops the namespace (BeforeCreate in k8s.io/apiserver, registry/rest).
            place = ""
            free = {name: value for name, value in entry.obj["metadata"].items() if name != "namespace"}
            entry.obj = {**entry.obj, "metadata": free}
    entry.key = key_of(gvk, place, entry.name)
    if resource is None:
        error = kind.error or ReconcileError(f"{gvk}: no resource", code="GR001")
        entry.resource = unusable(entry.key, error) if isinstance(error, InputError) else error


def _require_verbs(resource: Resource) -> None:
    missing = sorted({"list", "watch"} - resource.verbs)
    if missing:
        raise InputError(f"the server cannot {missing[0]} {resource}; remove it", "/kind", code="GR213")
