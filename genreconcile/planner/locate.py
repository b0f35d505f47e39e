"""Where each expected object goes: its resource, and its namespace where it names none.

Invariant: what is wrong with one object is that object's error; only a server that cannot be asked at all raises.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from genreconcile.catalog import Catalog
from genreconcile.discovery import Resource
from genreconcile.errors import ClusterError, InputError, ReconcileError, Unauthorized, Unreachable
from genreconcile.objects import GVK, Object, ObjectKey, namespace_of
from genreconcile.order import defined_by
from genreconcile.plan.judgement import unusable

Located = tuple[Object, Resource | ReconcileError]
"""An expected object in its namespace, with its resource, or why it has none."""


def locate(
    objects: Sequence[Object], namespace: str, catalog: Catalog, brought: Iterable[Resource] = ()
) -> list[Located]:
    """Each object with its resource; ``brought`` are kinds that others of the set define.

    Raises Unauthorized and Unreachable.
    """
    known = {resource.gvk: resource for resource in brought}
    known |= {resource.gvk: resource for obj in objects for resource in defined_by(obj)}
    return [_located(obj, namespace, known, catalog) for obj in objects]


def _located(obj: Object, namespace: str, brought: Mapping[GVK, Resource], catalog: Catalog) -> Located:
    gvk = GVK.of(obj)
    try:
        resource = brought.get(gvk) or catalog.resource(gvk)
        _require_verbs(resource)
    except (Unauthorized, Unreachable):
        raise
    except ClusterError as error:
        return obj, error
    except InputError as error:
        return obj, unusable(ObjectKey.of(obj), error)
    if resource.namespaced and not namespace_of(obj):
        obj = {**obj, "metadata": {**obj["metadata"], "namespace": namespace}}
    elif not resource.namespaced and namespace_of(obj):
        scoped = InputError("the kind is cluster-scoped; remove metadata.namespace", "/metadata/namespace")
        return obj, unusable(ObjectKey.of(obj), scoped)
    return obj, resource


def _require_verbs(resource: Resource) -> None:
    missing = sorted({"list", "watch"} - resource.verbs)
    if missing:
        raise InputError(f"the server cannot {missing[0]} {resource}; remove it", "/kind")
