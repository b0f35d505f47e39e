"""From the name of a parent to the owner set that it heads, as the cache has it.

Invariant: only metadata of the parent are read, from the cache; where it is known, no request is sent.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable

from genreconcile.cache import Cache
from genreconcile.catalog import Catalog
from genreconcile.cluster import Cluster
from genreconcile.cluster.partial import read_metadata
from genreconcile.errors import ClusterError, LoadError, NotFound, NotSynced, PlanRefused
from genreconcile.kinds.discovery import Discovery, Resource
from genreconcile.kinds.order import definition_name, is_definer
from genreconcile.objects import GVK, Object, ObjectKey, labels_of, metadata_of, uid_of
from genreconcile.ownership import (
    ANYWHERE,
    Inventory,
    Membership,
    Parent,
    ParentRef,
    default_parent,
    is_shared_tool,
    may_be_parent,
    parent_label,
    require_same,
)
from genreconcile.plan import OwnerRef


@dataclasses.dataclass(frozen=True, slots=True)
class Owner:
    """An owner set as it was found; ``live`` is its parent, None where the parent is to be created.

    ``inventory`` is what the parent records, and ``searched`` where members are looked for; ``sees_all``: in all
    namespaces, whatever is recorded.
    """

    head: Head
    live: Object | None
    inventory: Inventory
    searched: Inventory
    sees_all: bool = False

    @property
    def parent(self) -> Parent:
        """The parent, whether or not it exists."""
        return self.head.parent

    @property
    def recorded(self) -> Inventory:
        """What the parent records of what is searched; all of that where its record is lost."""
        is_lost = self.live is not None and self.parent.is_lost(self.live)
        return self.searched if is_lost else self.searched & self.inventory

    @property
    def is_leaving(self) -> bool:
        """Whether the parent is being deleted."""
        return "deletionTimestamp" in metadata_of(self.live or {})

    def members(self, keys: Iterable[ObjectKey] = ()) -> Membership:
        """The set's members, in the namespaces that are searched, its parent's, and those of the expected ``keys``."""
        members, key = self.head.members, self.parent.key
        there = self.searched.namespaces | {other.namespace for other in keys} | {key.namespace}
        return dataclasses.replace(
            members,
            parent_uid=uid_of(self.live or {}),
            namespaces=None if self.sees_all else members.place.of(there),
            is_leaving=self.is_leaving,
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Head:
    """The parent of an owner set by its name, whether or not the parent exists; ``ref`` as a controller knows it."""

    parent: Parent
    resource: Resource
    ref: ParentRef | None = None

    @property
    def members(self) -> Membership:
        """The membership with which expected objects are marked; the namespaces of the set are not known yet."""
        parent, ref = self.parent, self.ref
        place, adopt = (ref.place, ref.adopt) if ref is not None else (ANYWHERE, "any")
        return Membership(parent.id, parent.key, parent.tool, parent.uid, place=place, adopt=adopt)

    @property
    def name(self) -> str:
        """A text that is another one for another set, or for other rules of the same set."""
        members = self.members
        if self.ref is None:
            return members.id
        return f"{members.id} {members.parent_uid} {members.adopt} {members.place}"


class Owners:
    """Finds the owner sets of one cluster."""

    def __init__(self, cluster: Cluster, catalog: Catalog, cache: Cache) -> None:
        self._cluster = cluster
        self._catalog = catalog
        self._cache = cache
        self._permitted: set[GVK] = set()

    def find(self, ref: OwnerRef | ParentRef, namespace: str) -> Head:
        """The parent that ``ref`` names, in this namespace.

        Raises LoadError, InputError, PlanRefused where its kind may not be a parent, ClusterError.
        """
        if isinstance(ref, ParentRef):
            return Head(ref.parent, self._catalog.resource(ref.gvk), ref)
        resource, name = find_parent(ref, self._catalog.discovery.resources())
        key = ObjectKey(resource.gvk.group, resource.gvk.kind, namespace if resource.namespaced else "", name)
        if is_shared_tool(ref.tool):
            self._require_permitted(resource, key)
        return Head(Parent(resource.gvk, key, ref.tool), resource)

    def open(self, head: Head, expected: Collection[ObjectKey] = (), seen: Iterable[GVK] = ()) -> Owner:
        """The owner set of a parent whose kind is in the cache; one that is being deleted gets no ``expected``.

        Members of a controller's set are looked for in the kinds that earlier plans have ``seen`` as well.

        Raises PlanRefused where the set is not ours, ParentChanged where a controller's parent is gone or another
        object, NotSynced where it cannot be read, CacheError, ClusterError.
        """
        parent, resource, key = head.parent, head.resource, head.parent.key
        if not self._cache.has_synced(resource, key.namespace):
            error = self._cache.error(resource, key.namespace) or "its list has not arrived"
            raise NotSynced(f"{key}: not usable as an owner: its kind cannot be read: {error}")
        live = self._cache.get(resource, key.name, namespace=key.namespace)
        if head.ref is not None:
            require_same(parent, uid_of(live or {}))
            if live is not None and expected:
                parent.require_staying(live)
        elif live is None and not may_be_parent(key):
            raise PlanRefused(f"{key}: not usable as an owner: there is no such object; create it first", code="GR803")
        found = parent.inventory(live, self._catalog.kind_named)
        if head.ref is None:
            return Owner(head, live, found, found)
        searched = self._searched(head.ref, found) | Inventory(frozenset((gvk.group, gvk.kind) for gvk in seen))
        return Owner(head, live, found, searched, sees_all=self._cache.namespaces is None)

    def _searched(self, ref: ParentRef, recorded: Inventory) -> Inventory:
        """Where members of a controller's set are looked for: what is recorded widens nothing.

        A namespace that is not watched is told of only where the controller itself has named it.
        """
        place = ref.place
        named = (ref.known.namespaces | place.named) - {ref.key.namespace}
        watched = {name for name in named | recorded.namespaces if self._cache.covers(name)}
        return Inventory(ref.known.kinds, place.of(watched | (recorded.namespaces & named)))

    def _require_permitted(self, resource: Resource, key: ObjectKey) -> None:
        """Raise PlanRefused for a kind that may not be a parent; the definition of a custom kind is asked for once."""
        if may_be_parent(key) or resource.gvk in self._permitted:
            return
        name = definition_name(resource)
        definers = (other for other in self._catalog.discovery.resources() if is_definer(other.gvk))
        if not any(parent_label() in labels_of(self._definition(definer, name)) for definer in definers):
            raise PlanRefused(
                f"{key}: not usable as an owner: its definition {name} does not have the label {parent_label()}; "
                "set it, with an empty value, or choose another parent",
                code="GR803",
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


def recorded_namespaces(cluster: Cluster, discovery: Discovery, ref: OwnerRef, namespace: str) -> frozenset[str]:
    """The namespaces of an owner set, read from the server; its parent's alone where there is no set yet.

    Raises LoadError, PlanRefused where the set is not ours, ClusterError.
    """
    resource, name = find_parent(ref, discovery.resources())
    where = namespace if resource.namespaced else ""
    parent = Parent(resource.gvk, ObjectKey(resource.gvk.group, resource.gvk.kind, where, name), ref.tool)
    try:
        live: Object | None = read_metadata(cluster, resource.path(where, name))
    except NotFound:
        live = None
    # The kinds of the set do not matter here, so their names are not looked up.
    found = parent.inventory(live, lambda group, plural: (group, plural))
    return Owner(Head(parent, resource), live, found, found).members().namespaces or frozenset()


def find_parent(ref: OwnerRef, resources: Iterable[Resource]) -> tuple[Resource, str]:
    """The resource and the name of ``configmaps/name`` or ``plural.group/name``. Raises LoadError."""
    text, slash, name = ref.text.rpartition("/")
    if not name or "/" in text or (slash and not text):
        raise LoadError(f"owner: not usable: {ref.text!r} is no name of an object; write configmaps/name", code="GR811")
    plural, _, group = (text or default_parent()).partition(".")
    for resource in resources:
        if resource.gvk.group == group and plural in {resource.plural, resource.gvk.kind.lower()}:
            return resource, name
    raise LoadError(
        f"owner: not usable: the server has no resource {text}; write plural/name or plural.group/name", code="GR811"
    )
