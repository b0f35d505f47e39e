"""The kinds that earlier plans have brought into the cache, each with those that are read beside it.

Invariant: an answer sends no request. It holds for one generation of schemas and rules, and for the very Store: others
may remove a kind from a shared cache and add it again, and then keep less of its objects than these rules need.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from cachetools import LRUCache

from genreconcile.cache import Cache, Store
from genreconcile.catalog import Catalog
from genreconcile.errors import CacheError
from genreconcile.kinds.discovery import Resource
from genreconcile.objects import GVK

_KINDS: Final = 1024


class Brought:
    """The kinds that the plans of one Reconciler have brought into its cache; thread-safe."""

    def __init__(self, catalog: Catalog, cache: Cache) -> None:
        self._catalog = catalog
        self._cache = cache
        self._beside: LRUCache[Resource, Sequence[Resource]] = LRUCache(_KINDS)
        self._generations: weakref.WeakKeyDictionary[Store, dict[str, int]] = weakref.WeakKeyDictionary()
        """For each store the namespaces in which it was brought ("" for all), with the generation of then."""
        self._lock = threading.Lock()

    def note_beside(self, resource: Resource, kinds: Sequence[Resource]) -> None:
        """Note the kinds that are read beside one, before they are brought."""
        with self._lock:
            self._beside[resource] = kinds

    def note(self, resources: Mapping[Resource, AbstractSet[str]], generation: int) -> None:
        """Note that these were brought in their namespaces; a kind that may not be read is left out."""
        for resource, namespaces in resources.items():
            for namespace in {self._place(name) for name in namespaces} or {""}:
                store = self._store(resource, namespace)
                if store is not None:
                    with self._lock:
                        self._generations.setdefault(store, {})[namespace] = generation

    def _place(self, namespace: str) -> str:
        """What is brought at once: a namespace, or "" where the cache reads all of them."""
        return namespace if self._cache.namespaces is not None else ""

    def find(self, gvk: GVK, namespace: str) -> tuple[Resource, Store] | None:
        """Where the objects of a kind in a namespace are, None unless it and those beside it were brought."""
        resource = self._catalog.discovery.known(gvk)
        if resource is None:
            return None
        with self._lock:
            beside = self._beside.get(resource)
        if beside is None:
            return None
        place = self._place(namespace)
        own, *others = (self._brought(kind, place) for kind in (resource, *beside))
        return (resource, own) if own is not None and None not in others else None

    def _brought(self, resource: Resource, place: str) -> Store | None:
        store = self._store(resource, place)
        with self._lock:
            noted = self._generations.get(store, {}).get(place) if store is not None else None
        return store if noted == self._catalog.generation else None

    def _store(self, resource: Resource, place: str) -> Store | None:
        try:
            return self._cache.store(resource, place)
        except CacheError:
            return None
