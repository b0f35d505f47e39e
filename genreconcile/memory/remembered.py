"""A bounded memory of values by object.

Invariant: bounded, expiring, in memory; what is remembered of an object goes when the object does. Not thread-safe:
the lock of who remembers guards it.

No cache of ``cachetools`` does this. ``TLRUCache`` drops single entries, so an object would be half remembered, counts
reads as well as notes, and looks at every key to forget one object; one such cache for each object takes four times the
memory, and twenty times as long to read. ``FIFOCache`` goes by what was put, but entries in it do not expire.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

_FIRST_LOOK: Final = 256
"""The number of entries at which expired ones are first looked for."""

Key = tuple[Hashable, ...]
"""The uid of an object, and then whatever identifies the value."""
Value = TypeVar("Value")


class Remembered(Generic[Value]):
    """Values by key; at most ``size``, each until a time of ``clock``, in seconds.

    Expired ones are dropped at the latest when there are twice as many entries as after the last time.
    """

    def __init__(self, size: int, clock: Callable[[], float]) -> None:
        self._size = size
        self._clock = clock
        self._objects: dict[Hashable, dict[Key, tuple[Value, float]]] = {}
        self._count = 0
        self._look_at = min(_FIRST_LOOK, size)

    def __len__(self) -> int:
        """The number of entries in memory, expired ones included."""
        return self._count

    def get(self, key: Key) -> Value | None:
        """The value of a key, None where there is none or it has expired."""
        value, until = self._objects.get(key[0], {}).get(key, (None, 0.0))
        return value if until > self._clock() else None

    def put(self, key: Key, value: Value, until: float) -> None:
        """Remember a value until a time; its object is now the most recent one."""
        if self._count >= self._look_at:
            self._make_room()
        entries = self._objects.pop(key[0], {})
        self._count += key not in entries
        entries[key] = (value, until)
        self._objects[key[0]] = entries

    def forget(self, uid: Hashable) -> None:
        """Drop all values of the object with this uid."""
        self._count -= len(self._objects.pop(uid, ()))

    def clear(self) -> None:
        """Drop all values."""
        self._objects, self._count = {}, 0

    def _make_room(self) -> None:
        """Drop expired values and, while that is too few, those of the least recent objects."""
        now = self._clock()
        lasting = {
            uid: kept
            for uid, entries in self._objects.items()
            if (kept := {key: entry for key, entry in entries.items() if entry[1] > now})
        }
        self._objects, self._count = lasting, sum(map(len, lasting.values()))
        while self._count > self._size * 3 // 4:
            self.forget(next(iter(self._objects)))
        self._look_at = min(self._size, max(_FIRST_LOOK, 2 * self._count))
