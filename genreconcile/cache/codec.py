"""Objects of one kind, compressed with the first of them as the dictionary: they are much alike.

Invariant: equal bytes give equal packed bytes, as long as the codec lives; packed bytes can always be unpacked, so the
dictionary never changes. Thread-safe.
"""

from __future__ import annotations

import threading
import zlib
from typing import Final

_LEVEL: Final = 3
# Small windows and tables: objects are small, and both are made anew for each of them.
_WINDOW: Final = -13
_MEMORY: Final = 6


class Codec:
    """Packs the objects of one kind."""

    def __init__(self) -> None:
        self._dictionary: bytes | None = None
        self._lock = threading.Lock()

    def pack(self, data: bytes) -> bytes:
        """Compress an object's JSON."""
        if self._dictionary is None:
            with self._lock:
                self._dictionary = self._dictionary or data[-(1 << -_WINDOW) :] or b"{}"
        packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW, _MEMORY, zdict=self._dictionary)
        return packer.compress(data) + packer.flush()

    def unpack(self, packed: bytes) -> bytes:
        """Return the JSON that ``pack`` was given."""
        return zlib.decompressobj(_WINDOW, zdict=self._dictionary or b"{}").decompress(packed)
