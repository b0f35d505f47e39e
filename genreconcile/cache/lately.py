"""The managedFields of objects that a watch has just shown, for who asks by whom a field was changed.

Invariant: bounded in bytes, and thread-safe; what is answered is of the very version that is asked for.
"""

from __future__ import annotations

import threading
from typing import Final

import msgspec
from cachetools import LRUCache

from genreconcile.cache.transform import Record
from genreconcile.gojson import loads
from genreconcile.objects import Object

_BYTES: Final = 4 << 20
_MOST_OF_ONE: Final = 256 << 10
_TOKEN: Final = b'"managedFields"'

_Version = tuple[str, int]
"""(uid, resourceVersion)."""


class Lately:
    """The last objects that came by a watch, as the server sent them."""

    def __init__(self, size: int = _BYTES) -> None:
        self._objects: LRUCache[_Version, bytes] = LRUCache(size, len)
        self._lock = threading.Lock()

    def note(self, record: Record, data: msgspec.Raw) -> None:
        """Keep the object of an event: its bytes are copied, and nothing is decoded."""
        whole = bytes(data)
        if len(whole) <= _MOST_OF_ONE and record.uid and _TOKEN in whole:
            with self._lock:
                self._objects[record.uid, record.resource_version] = whole

    def find(self, uid: str, resource_version: int) -> Object | None:
        """The object with its managedFields, as a new dict; None where it is not known in this version."""
        with self._lock:
            found = self._objects.get((uid, resource_version))
        return None if found is None else loads(found)
