"""From the name of an owner to the set that it heads, as the cache has it.

Invariant: the parent is read from the cache, its metadata alone; where it is known no request is sent.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from genreconcile.cache import Cache
from genreconcile.catalog import Catalog
from genreconcile.cluster import Cluster
from genreconcile.cluster.partial import read_metadata
from genreconcile.errors import ClusterError, LoadError, NotFound, NotSynced, PlanRefused
from genreconcile.kinds.discovery import Discovery, Resource
from genreconcile.kinds.order import definition_name, is_definer
from genreconcile.objects import GVK, Object, ObjectKey, labels_of, uid_of
from genreconcile.ownership import (
    Inventory,
    Membership,
    Parent,
    default_parent,
    may_be_parent,
    parent_label,
)
from genreconcile.plan import OwnerRef


@dataclasses.dataclass(frozen=True, slots=True)
class Owner:
    """A set as it was found; ``live`` is its parent, None where that is to be created."""

    parent: Parent
    live: Object | None
    inventory: Inventory

    def members(self, keys: Iterable[ObjectKey] = ()) -> Membership:
        """Who belongs to it, in the namespaces that it records and those of these expected objects."""
        key = self.parent.key
        namespaces = self.inventory.namespaces | {other.namespace for other in keys} | {key.namespace}
        uid = uid_of(self.live or {})
        return Membership(self.parent.id, key, self.parent.tool, uid, frozenset(namespaces - {""}))


@dataclasses.dataclass(frozen=True, slots=True)
class Head:
    """The parent of a set by its name, whether or not it is there."""

    parent: Parent
    resource: Resource

    @property
    def members(self) -> Membership:
        """For marking expected objects: where there are others is not known yet."""
        return Membership(self.parent.id, self.parent.key, self.parent.tool)


class Owners:
    """Finds the sets of one cluster."""

    def __init__(self, cluster: Cluster, catalog: Catalog, cache: Cache) -> None:
        self._cluster = cluster
        self._catalog = catalog
        self._cache = cache
        self._permitted: set[GVK] = set()

    def find(self, ref: OwnerRef, namespace: str) -> Head:
        """The parent that ``ref`` names, in this namespace.

        Raises LoadError, PlanRefused where its kind may not be one, ClusterError.
        """
        resource, name = find_parent(ref, self._catalog.discovery.resources())
        key = ObjectKey(resource.gvk.group, resource.gvk.kind, namespace if resource.namespaced else "", name)
        self._require_permitted(resource, key)
        return Head(Parent(resource.gvk, key, ref.tool), resource)

    def open(self, head: Head) -> Owner:
        """The set, its parent's kind being in the cache.

        Raises PlanRefused where it is not ours, NotSynced where it cannot be read, CacheError, ClusterError.
        """
        parent, resource, key = head.parent, head.resource, head.parent.key
        if not self._cache.has_synced(resource, key.namespace):
            error = self._cache.error(resource, key.namespace) or "its list has not arrived"
            raise NotSynced(f"{key}: not usable as an owner: its kind cannot be read: {error}")
        live = self._cache.get(resource, key.name, namespace=key.namespace)
        if live is None and not may_be_parent(key):
            raise PlanRefused(f"{key}: not usable as an owner: there is no such object; create it first")
        return Owner(parent, live, parent.inventory(live, self._catalog.kind_named))

    def _require_permitted(self, resource: Resource, key: ObjectKey) -> None:
        """A parent is a ConfigMap, a Secret, or a custom resource whose definition allows it. Asked once."""
        if may_be_parent(key) or resource.gvk in self._permitted:
            return
        name = definition_name(resource)
        definers = (other for other in self._catalog.discovery.resources() if is_definer(other.gvk))
        if not any(parent_label() in labels_of(self._definition(definer, name)) for definer in definers):
            raise PlanRefused(
                f"{key}: not usable as an owner: its definition {name} does not have the label {parent_label()}; "
                "set it, with an empty value, or choose another parent"
            )
        self._permitted.add(resource.gvk)

    def _definition(self, definer: Resource, name: str) -> Object:
        try:
            found = read_metadata(self._cluster, definer.path(name=name))
        except NotFound:
            return {}
        except ClusterError as error:
            told = type(error)(f"{name}: cannot be looked up: {error}", status=error.status, reason=error.reason)
            raise told from error
        return found


def recorded_namespaces(cluster: Cluster, ref: OwnerRef, namespace: str) -> frozenset[str]:
    """The namespaces of a set, asked of the server; that of its parent alone where there is none yet.

    Raises as ``Owners`` does.
    """
    resource, name = find_parent(ref, Discovery(cluster).resources())
    where = namespace if resource.namespaced else ""
    parent = Parent(resource.gvk, ObjectKey(resource.gvk.group, resource.gvk.kind, where, name), ref.tool)
    try:
        live: Object | None = read_metadata(cluster, resource.path(where, name))
    except NotFound:
        live = None
    # Which kinds it has does not matter here.
    return Owner(parent, live, parent.inventory(live, lambda group, plural: (group, plural))).members().namespaces


def find_parent(ref: OwnerRef, resources: Iterable[Resource]) -> tuple[Resource, str]:
    """The resource and the name of ``configmaps/name`` or ``plural.group/name``. Raises LoadError."""
    text, slash, name = ref.text.rpartition("/")
    if not name or "/" in text or (slash and not text):
        raise LoadError(f"owner: not usable: {ref.text!r} is no name of an object; write configmaps/name")
    plural, _, group = (text or default_parent()).partition(".")
    for resource in resources:
        if resource.gvk.group == group and plural in {resource.plural, resource.gvk.kind.lower()}:
            return resource, name
    raise LoadError(f"owner: not usable: the server has no resource {text}; write plural/name or plural.group/name")
