"""The objects of one call on their way into a plan: those with a verdict that holds still, and those to be judged.

Invariant: an object without such a verdict goes the whole way; where the verdict came from makes no difference to what
the plan says of an object.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from typing import Any

from genreconcile.cache import Cache, Store
from genreconcile.cache.related import View
from genreconcile.catalog import Catalog
from genreconcile.errors import CacheError, InputError
from genreconcile.kinds.discovery import Resource
from genreconcile.manifests import Loaded, load_object, require_iterable
from genreconcile.manifests.usable import is_list, refuse_unusable
from genreconcile.objects import GVK, ObjectKey, labels_of
from genreconcile.ownership import Membership
from genreconcile.plan.corrections import Note, corrections
from genreconcile.plan.entries import Fresh, Verdict
from genreconcile.plan.judgement import unusable
from genreconcile.plan.locate import locate
from genreconcile.plan.verdicts import Terms, Verdicts, digest_of, encoded


class Draft:
    """What one call expects; ``view`` shows the objects that rules consult, ``members`` is the owner set, if any."""

    def __init__(
        self, cache: Cache, catalog: Catalog, view: View, terms: Terms, members: Membership | None = None
    ) -> None:
        self._cache = cache
        self._catalog = catalog
        self.view = view
        self.terms = terms
        self.members = members
        self.entries: list[Verdict | Fresh] = []
        self.resources: dict[GVK, Resource] = {}
        self._served: dict[Hashable, bool] = {}
        self._served_store: Store | None = None  # The last one found served, and for which namespace: as a rule the
        self._served_namespace = ""  # next object is of the same.
        self._is_spread = cache.namespaces is not None
        self.is_settled = True
        """Whether there is a verdict on every object."""
        self.notes: list[Note] = []
        """What the server leaves out of the objects that were located."""

    def read(self, expected: Iterable[Mapping[str, Any]], verdicts: Verdicts) -> None:
        """Take the expected objects. Raises LoadError, and what iterating over them raises."""
        add, find, terms = self.entries.append, verdicts.find, self.terms
        for index, obj in enumerate(require_iterable(expected)):
            data = encoded(obj)
            content = digest_of(data)
            verdict = find(content, terms)
            if verdict is not None and self._holds(verdict):
                add(verdict)
                continue
            self.is_settled = False
            if data and type(obj) is dict and not is_list(obj):
                origin = f"expected[{index}]"
                refuse_unusable(obj, origin)
                add(Fresh(obj, origin, content))
            else:
                origin = obj.origin if isinstance(obj, Loaded) else f"expected[{index}]"
                self.entries += _loaded(obj, origin, data, content)

    def _holds(self, verdict: Verdict) -> bool:
        """Whether its kind is still served and read as it was then, and rules would consult the same."""
        store, namespace = verdict.store, verdict.key.namespace
        if store is not self._served_store or namespace != self._served_namespace:
            place = (id(store), namespace) if self._is_spread else id(store)
            served = self._served.get(place)
            if served is None:
                served = self._served[place] = self._is_served(verdict)
            if not served:
                return False
            self._served_store, self._served_namespace = store, namespace
        return not verdict.consulted or self.view.agrees(verdict.consulted)

    def _is_served(self, verdict: Verdict) -> bool:
        resource = verdict.resource
        try:
            known = self._cache.store(resource, verdict.key.namespace)
        except CacheError:
            return False
        if known is not verdict.store or self._catalog.discovery.get(resource.gvk) != resource:
            return False
        self.resources[resource.gvk] = resource
        return True

    def locate(self, namespace: str) -> None:
        """Find the resource of each fresh object. Raises Unauthorized and Unreachable."""
        brought = [resource for entry in self.entries if isinstance(entry, Verdict) for resource in entry.brings]
        fresh = [entry for entry in self.entries if isinstance(entry, Fresh)]
        located = locate([entry.obj for entry in fresh], namespace, self._catalog, brought)
        last = None
        for entry, (obj, key, resource) in zip(fresh, located, strict=True):
            if isinstance(resource, Resource):
                self.notes += corrections(entry.obj, key, resource)
            entry.obj, entry.key, entry.resource = obj, key, resource
            if self.members is not None and isinstance(resource, Resource):
                self._mark(entry, self.members)
            if resource is not last and isinstance(resource, Resource):
                self.resources[resource.gvk] = last = resource

    def places(self, further: Collection[str] = ()) -> dict[Resource, set[str]]:
        """The namespaces in which each kind is to be read, for all of them ``further`` too; none where all are read."""
        found = {gvk: set(further) for gvk in self.resources}
        for entry in self.entries if self._is_spread else ():
            if isinstance(entry.resource, Resource):
                found[entry.resource.gvk].add(entry.key.namespace)
        return {self.resources[gvk]: names for gvk, names in found.items()}

    @staticmethod
    def _mark(entry: Fresh, members: Membership) -> None:
        """Make it a member of the set."""
        try:
            entry.obj = members.marked(entry.obj, entry.key)
        except InputError as error:
            entry.resource = unusable(entry.key, error)

    @property
    def keys(self) -> list[ObjectKey]:
        """The key of each object."""
        return [entry.key for entry in self.entries]

    @property
    def origins(self) -> Iterator[tuple[ObjectKey, str]]:
        """The key of each object, and where it stands in what was handed over."""
        for index, entry in enumerate(self.entries):
            yield entry.key, entry.origin if isinstance(entry, Fresh) else f"expected[{index}]"

    @property
    def labels(self) -> Iterator[tuple[ObjectKey, Mapping[str, str]]]:
        """The key and the labels of each object."""
        for entry in self.entries:
            yield entry.key, entry.labels if isinstance(entry, Verdict) else labels_of(entry.obj)

    def keep(self, only: Collection[ObjectKey]) -> None:
        """Leave all others out."""
        self.entries = [entry for entry in self.entries if entry.key in only]
        kinds = {(key.group, key.kind) for key in self.keys}
        self.resources = {gvk: found for gvk, found in self.resources.items() if (gvk.group, gvk.kind) in kinds}


def _loaded(obj: Any, origin: str, data: bytes | bytearray, content: bytes) -> Iterator[Fresh]:
    loaded = list(load_object(obj, origin, data))
    for found in loaded:
        yield Fresh(found.obj, found.origin, content if len(loaded) == 1 else b"", is_copy=True)
