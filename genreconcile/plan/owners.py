"""From the name of a parent to the owner set that it heads, as the cache has it.

Invariant: only metadata of the parent are read, from the cache; where it is known, no request is sent.
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
    """An owner set as it was found; ``live`` is its parent, None where the parent is to be created."""

    parent: Parent
    live: Object | None
    inventory: Inventory

    def members(self, keys: Iterable[ObjectKey] = ()) -> Membership:
        """The set's members, in the namespaces that it records, its parent's, and those of the expected ``keys``."""
        key = self.parent.key
        namespaces = self.inventory.namespaces | {other.namespace for other in keys} | {key.namespace}
        uid = uid_of(self.live or {})
        return Membership(self.parent.id, key, self.parent.tool, uid, frozenset(namespaces - {""}))


@dataclasses.dataclass(frozen=True, slots=True)
class Head:
    """The parent of an owner set by its name, whether or not the parent exists."""

    parent: Parent
    resource: Resource

    @property
    def members(self) -> Membership:
        """The membership with which expected objects are marked; the namespaces of the set are not known yet."""
        return Membership(self.parent.id, self.parent.key, self.parent.tool)


class Owners:
    """Finds the owner sets of one cluster."""

    def __init__(self, cluster: Cluster, catalog: Catalog, cache: Cache) -> None:
        self._cluster = cluster
        self._catalog = catalog
        self._cache = cache
        self._permitted: set[GVK] = set()

    def find(self, ref: OwnerRef, namespace: str) -> Head:
        """The parent that ``ref`` names, in this namespace.

        Raises LoadError, PlanRefused where its kind may not be a parent, ClusterError.
        """
        resource, name = find_parent(ref, self._catalog.discovery.resources())
        key = ObjectKey(resource.gvk.group, resource.gvk.kind, namespace if resource.namespaced else "", name)
        self._require_permitted(resource, key)
        return Head(Parent(resource.gvk, key, ref.tool), resource)

    def open(self, head: Head) -> Owner:
        """The owner set of a parent whose kind is in the cache.

        Raises PlanRefused where the set is not ours, NotSynced where it cannot be read, CacheError, ClusterError.
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
        """Raise PlanRefused for a kind that may not be a parent; the definition of a custom kind is asked for once."""
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
    """The namespaces of an owner set, read from the server; its parent's alone where there is no set yet.

    Raises LoadError, PlanRefused where the set is not ours, ClusterError.
    """
    resource, name = find_parent(ref, Discovery(cluster).resources())
    where = namespace if resource.namespaced else ""
    parent = Parent(resource.gvk, ObjectKey(resource.gvk.group, resource.gvk.kind, where, name), ref.tool)
    try:
        live: Object | None = read_metadata(cluster, resource.path(where, name))
    except NotFound:
        live = None
    # The kinds of the set do not matter here, so their names are not looked up.
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
