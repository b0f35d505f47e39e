"""The objects of one call on their way into a plan: those that are known to be in sync, and those to be compared.

Invariant: an object that is not known to be in sync is compared; the plan is the same as if every object were compared.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from operator import itemgetter
from typing import Any

from genreconcile.cache import Cache, Store
from genreconcile.cache.related import View
from genreconcile.catalog import Catalog
from genreconcile.errors import CacheError, NoMember
from genreconcile.kinds.discovery import Resource
from genreconcile.manifests import Loaded, load_object, require_iterable
from genreconcile.manifests.usable import is_list, refuse_unusable
from genreconcile.objects import GVK, Object, ObjectKey, labels_of
from genreconcile.ownership import Membership
from genreconcile.plan.corrections import Note, corrections
from genreconcile.plan.entries import InSync, Settled
from genreconcile.plan.fresh import Fresh
from genreconcile.plan.insync import CallKey, InSyncMemory, digest_of, encoded, find, is_current
from genreconcile.plan.locate import locate

Verdict = Callable[[Fresh], InSync | None]
"""Gives the entry of an object that is in sync, None for one that is to be compared later."""


class Draft:
    """The expected objects of one call; ``view`` shows the objects that rules consult, ``members`` is the owner set."""

    def __init__(
        self, cache: Cache, catalog: Catalog, view: View, call_key: CallKey, members: Membership | None = None
    ) -> None:
        self._cache = cache
        self._catalog = catalog
        self.view = view
        self.call_key = call_key
        self.members = members
        self.entries: list[InSync | Fresh] = []
        self.resources: dict[GVK, Resource] = {}
        self._served: dict[Hashable, bool] = {}
        self._served_store: Store | None = None  # The store last found served, and for which namespace: as a
        self._served_namespace = ""  # rule, the next object has the same.
        self._last: Resource | None = None  # The resource last noted: as a rule, the next object has the same.
        self._shifts: list[tuple[int, int]] = [(0, 0)]
        """From which position on, and what to add for the index in expected: a List gives several entries."""
        self._is_spread = cache.namespaces is not None
        self.is_settled = True
        """Whether every object is known to be in sync."""
        self.repeated: Settled | None = None
        """The earlier call of which this is a repetition: the same entries, one by one."""
        self.notes: list[Note] = []
        """Warnings about fields that the server drops from the located objects."""

    def read(self, expected: Iterable[Mapping[str, Any]], memory: InSyncMemory, early: Verdict | None = None) -> None:
        """Make an entry of each expected object; ``early`` is asked about each of which no verdict is remembered.

        Raises LoadError, and what iterating over them raises.
        """
        add, known, settled = self.entries.append, memory.of(self.call_key), memory.settled(self.call_key)
        before: list[InSync] = settled.entries if settled is not None else []
        for index, obj in enumerate(require_iterable(expected)):
            data = encoded(obj)
            content = digest_of(data)
            in_sync: InSync | None = before[index] if index < len(before) else None
            if in_sync is None or in_sync.content != content or not (is_current(in_sync) and self._holds(in_sync)):
                settled = None
                in_sync = find(known, content)  # A newer one than that of the settled call, which may be long ago.
                if in_sync is not None and not self._holds(in_sync):
                    in_sync = None
            if in_sync is not None:
                add(in_sync)
                continue
            if data and type(obj) is dict and not is_list(obj):
                add(self._read(obj, f"expected[{index}]", content, early))
            else:
                self.is_settled = False
                origin = obj.origin if isinstance(obj, Loaded) else f"expected[{index}]"
                self.entries += _loaded(obj, origin, data, content)
                shift = index + 1 - len(self.entries)
                if shift != self._shifts[-1][1]:
                    self._shifts.append((len(self.entries), shift))
        if settled is not None and len(self.entries) == len(settled.entries):
            self.repeated = settled

    def _read(self, obj: Object, origin: str, content: bytes, early: Verdict | None) -> InSync | Fresh:
        refuse_unusable(obj, origin)
        entry = Fresh(obj, origin, content)
        in_sync = early(entry) if early is not None else None
        if in_sync is None:
            self.is_settled = False
            return entry
        self._note_resource(in_sync.resource)
        return in_sync

    def _note_resource(self, resource: Resource) -> None:
        if resource is not self._last:
            self.resources[resource.gvk] = self._last = resource

    def _holds(self, in_sync: InSync) -> bool:
        """Whether the entry's kind is still served and read as before, and rules would consult the same objects."""
        store, namespace = in_sync.store, in_sync.key.namespace
        if store is not self._served_store or namespace != self._served_namespace:
            place = (id(store), namespace) if self._is_spread else id(store)
            served = self._served.get(place)
            if served is None:
                served = self._served[place] = self._is_served(in_sync)
            if not served:
                return False
            self._served_store, self._served_namespace = store, namespace
        return not in_sync.consulted or self.view.agrees(in_sync.consulted)

    def _is_served(self, in_sync: InSync) -> bool:
        resource = in_sync.resource
        try:
            known = self._cache.store(resource, in_sync.key.namespace)
        except CacheError:
            return False
        if known is not in_sync.store or self._catalog.discovery.get(resource.gvk) != resource:
            return False
        self.resources[resource.gvk] = resource
        return True

    def locate(self, namespace: str) -> None:
        """Find the resource of each fresh object. Raises Unauthorized and Unreachable."""
        brought = [resource for entry in self.entries if isinstance(entry, InSync) for resource in entry.brings]
        fresh = [entry for entry in self.entries if isinstance(entry, Fresh)]
        locate(fresh, namespace, self._catalog, brought)
        for entry in fresh:
            resource = entry.resource
            if not isinstance(resource, Resource):
                continue
            if entry.has_status or not resource.namespaced:
                self.notes += corrections(entry, resource)
            if self.members is not None:
                self._mark(entry, resource, self.members)
            self._note_resource(resource)

    def places(self, further: Collection[str] = ()) -> dict[Resource, set[str]]:
        """The namespaces in which to read each kind: ``further``, and its objects' own unless the cache reads all."""
        found = {gvk: set(further) for gvk in self.resources}
        for entry in self.entries if self._is_spread else ():
            if isinstance(entry.resource, Resource):
                found[entry.resource.gvk].add(entry.key.namespace)
        return {self.resources[gvk]: names for gvk, names in found.items()}

    @staticmethod
    def _mark(entry: Fresh, resource: Resource, members: Membership) -> None:
        """Make the entry's object a member of the owner set; a fault becomes the entry's error."""
        try:
            members.require_place(entry.key, namespaced=resource.namespaced)
            entry.obj = members.marked(entry.obj, entry.key)
        except NoMember as error:
            entry.resource = NoMember(f"{entry.key}: not usable: {error}", error.path)

    @property
    def keys(self) -> list[ObjectKey]:
        """The key of each object."""
        return [entry.key for entry in self.entries]

    @property
    def origins(self) -> Iterator[tuple[ObjectKey, str]]:
        """The key and the origin of each object, such as ``expected[3]``."""
        for position, entry in enumerate(self.entries):
            _, shift = self._shifts[bisect_right(self._shifts, position, key=itemgetter(0)) - 1]
            yield entry.key, entry.origin if isinstance(entry, Fresh) else f"expected[{position + shift}]"

    @property
    def labels(self) -> Iterator[tuple[ObjectKey, Mapping[str, str]]]:
        """The key and the labels of each object."""
        for entry in self.entries:
            yield entry.key, entry.labels if isinstance(entry, InSync) else labels_of(entry.obj)

    def keep(self, only: Collection[ObjectKey]) -> None:
        """Drop the entries of all objects but ``only``."""
        self.entries = [entry for entry in self.entries if entry.key in only]
        kinds = {(key.group, key.kind) for key in self.keys}
        self.resources = {gvk: found for gvk, found in self.resources.items() if (gvk.group, gvk.kind) in kinds}


def _loaded(obj: Any, origin: str, data: bytes | bytearray, content: bytes) -> Iterator[Fresh]:
    loaded = list(load_object(obj, origin, data))
    for found in loaded:
        yield Fresh(found.obj, found.origin, content if len(loaded) == 1 else b"", is_copy=True)
