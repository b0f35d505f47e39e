"""The managedFields of objects that a watch has just shown, for who asks by whom a field was changed.

Invariant: bounded in bytes, and thread-safe; what is answered is of the very version that is asked for.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Final

import msgspec
from cachetools import LRUCache

from genreconcile.cache.transform import Record
from genreconcile.gojson import loads
from genreconcile.objects import GVK, Object

_BYTES: Final = 4 << 20
_MOST_OF_ONE: Final = 256 << 10
_TOKEN: Final = b'"managedFields"'

_Version = tuple[str, int]
"""(uid, resourceVersion)."""


class Lately:
    """The last objects of some kinds that came by a watch, as the server sent them."""

    def __init__(self, size: int = _BYTES) -> None:
        self._kinds: frozenset[GVK] = frozenset()
        self._objects: LRUCache[_Version, bytes] = LRUCache(size, len)
        self._lock = threading.Lock()

    def follow(self, kinds: Iterable[GVK]) -> None:
        """Keep objects of these kinds from now on: those that are written. Most events are of others."""
        new = frozenset(kinds) - self._kinds
        if new:
            with self._lock:
                self._kinds |= new

    def note(self, kind: GVK, record: Record, data: msgspec.Raw) -> None:
        """Keep the object of an event, if its kind is followed: its bytes are copied, and nothing is decoded."""
        if kind not in self._kinds:
            return
        whole = bytes(data)
        if len(whole) <= _MOST_OF_ONE and record.uid and _TOKEN in whole:
            with self._lock:
                self._objects[record.uid, record.resource_version] = whole

    def find(self, uid: str, resource_version: int) -> Object | None:
        """The object with its managedFields, as a new dict; None where it is not known in this version."""
        with self._lock:
            found = self._objects.get((uid, resource_version))
        return None if found is None else loads(found)
