"""Other live objects that rules consult, such as the autoscalers that target a workload.

Invariant: the cache is read and no request sent; a kind that cannot be read is unknown, never empty. Rules see these
objects without status and resourceVersion, so that the fingerprint changes only where a rule's answer may.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec
from cachetools import LRUCache

from genreconcile.cache import Cache, Record, Store
from genreconcile.errors import CacheError
from genreconcile.objects import Object, without_volatile

_PLACES: Final = 1024

_Where = tuple[str, str]
"""(kind, namespace)"""

Consulted = tuple[tuple[str, str, bytes], ...]
"""(kind, namespace, fingerprint) of each place that rules have consulted."""


class _Seen(NamedTuple):
    store: Store
    version: int
    objects: Sequence[Object]
    fingerprint: bytes


class Related:
    """The cached objects of consulted kinds, decoded once per change; thread-safe."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._seen: LRUCache[tuple[str, str], _Seen] = LRUCache(_PLACES)
        self._lock = threading.Lock()

    def read(self, kind: str, namespace: str) -> _Seen | None:
        """The objects of a kind in a namespace with their fingerprint, None where they are not known."""
        try:
            return self._current(self._cache.store(kind, namespace), kind, namespace)
        except CacheError:  # Also where one object is not readable: it may be the one that counts.
            return None

    def _current(self, store: Store, kind: str, namespace: str) -> _Seen:
        version = store.version  # Taken before the objects: a change meanwhile is seen next time.
        with self._lock:
            seen = self._seen.get((kind, namespace))
        if seen is None or seen.store is not store or seen.version != version:
            seen = _read(store, version, store.select(namespace or None))
            with self._lock:
                self._seen[kind, namespace] = seen
        return seen


def _read(store: Store, version: int, records: Sequence[Record]) -> _Seen:
    objects = [_lasting(record.decode()) for record in records]
    return _Seen(store, version, objects, hashlib.sha256(msgspec.json.encode(objects)).digest())


def _lasting(obj: Object) -> Object:
    """The object without the fields that change where no rule's answer does."""
    return {key: value for key, value in without_volatile(obj).items() if key != "status"}


class View:
    """The function ``Policy.others`` of one plan, which sees one state of each kind and namespace throughout."""

    def __init__(self, related: Related) -> None:
        self._related = related
        self._found: dict[tuple[str, str], _Seen | None] = {}
        self._asked: dict[_Where, None] = {}
        self._consulted: dict[tuple[_Where, ...], Consulted | None] = {}
        self._agreed: Consulted = ()

    def __call__(self, kind: str, namespace: str) -> Sequence[Object] | None:
        """The objects of a kind in a namespace, None where they are not known."""
        self._asked[kind, namespace] = None
        found = self._find(kind, namespace)
        return None if found is None else found.objects

    def begin(self) -> None:
        """Begin with another object: forget the places that rules have consulted."""
        self._asked = {}

    @property
    def consulted(self) -> Consulted | None:
        """The places that rules have consulted since ``begin``; None where one was not known."""
        if not self._asked:
            return ()
        asked = tuple(self._asked)
        if asked not in self._consulted:  # Most objects of a plan ask the same.
            self._consulted[asked] = self._fingerprints(asked)
        return self._consulted[asked]

    def _fingerprints(self, asked: tuple[_Where, ...]) -> Consulted | None:
        found = [(*place, self._find(*place)) for place in asked]
        if any(seen is None for _, _, seen in found):
            return None
        return tuple((kind, namespace, seen.fingerprint) for kind, namespace, seen in found if seen is not None)

    def agrees(self, consulted: Consulted) -> bool:
        """Whether the consulted places hold the same objects as then."""
        if consulted is self._agreed:  # As a rule, the entries of one plan share it.
            return True
        for kind, namespace, fingerprint in consulted:
            found = self._find(kind, namespace)
            if found is None or found.fingerprint != fingerprint:
                return False
        self._agreed = consulted
        return True

    def _find(self, kind: str, namespace: str) -> _Seen | None:
        place = (kind, namespace)
        if place not in self._found:
            self._found[place] = self._related.read(kind, namespace)
        return self._found[place]
