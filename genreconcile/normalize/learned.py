"""What the server did with patches that our rules asked for and it did not want.

A patch that changes nothing, or whose change the server undoes, would be sent for ever. Each difference of such a
patch is remembered for its one object, and is not patched again while neither side changes.

Invariant: bounded, expiring, in memory; never generalised to another object; thread-safe.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Hashable
from typing import Any, Final

from cachetools import TTLCache

from genreconcile.gojson import dumps_sorted

RULE_GAP: Final = "rule gap"
"""The patch was accepted twice and changed nothing: a rule is missing."""
INSISTS: Final = "the server insists"
"""The server's answer still differed in the patched place."""

_ENOUGH: Final = {RULE_GAP: 2, INSISTS: 2}


class Learned:
    """Remembered differences; at most ``size``, each for ``ttl`` seconds."""

    def __init__(self, *, size: int = 10_000, ttl: float = 3600.0) -> None:
        self._seen: TTLCache[Hashable, dict[str, int]] = TTLCache(size, ttl)
        self._lock = threading.Lock()

    def note(self, key: Hashable, what: str) -> None:
        """``what`` (RULE_GAP or INSISTS) has happened to this difference once more."""
        with self._lock:
            counts = self._seen.get(key, {})
            self._seen[key] = {**counts, what: counts.get(what, 0) + 1}

    def count(self, key: Hashable, what: str) -> int:
        """How often that has happened to this difference."""
        with self._lock:
            return self._seen.get(key, {}).get(what, 0)

    def verdict(self, key: Hashable) -> str:
        """RULE_GAP or INSISTS where that has happened often enough, else ""."""
        with self._lock:
            counts = self._seen.get(key, {})
        return next((what for what, count in counts.items() if count >= _ENOUGH[what]), "")

    def __len__(self) -> int:
        """How many differences have a verdict."""
        with self._lock:
            seen = list(self._seen)
        return sum(1 for key in seen if self.verdict(key))


def digest(value: Any) -> str:
    """A short digest of JSON data, independent of the order of keys."""
    return hashlib.blake2b(dumps_sorted(value), digest_size=12).hexdigest()
