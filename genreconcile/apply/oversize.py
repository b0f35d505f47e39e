"""Writes that the server refuses as too large: the error names the largest parts, and the same is not sent again.

Invariant: bounded, expiring, in memory; a write that differs in anything is sent. No error shows a value.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Final

from genreconcile.cluster.refusal import REFUSED_BY
from genreconcile.errors import ClusterError, TooLarge
from genreconcile.memory.learned import digest
from genreconcile.memory.remembered import Key, Remembered
from genreconcile.objects import uid_of
from genreconcile.plan import Change
from genreconcile.sizes import TOO_LARGE, in_words, largest

_TOO_LARGE_STATUS: Final = 413
_SIZE: Final = 1000
_LIFETIME: Final = 3600.0
"""Seconds until the same is sent again: the server's limits may have been raised."""


class Oversize:
    """The writes that were refused for their size; thread-safe."""

    def __init__(self) -> None:
        self._refused: Remembered[str] = Remembered(_SIZE, time.monotonic)
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def watched(self, change: Change, body: bytes) -> Iterator[None]:
        """Around the request that writes a change. Raises TooLarge, at once where the same was refused before."""
        self._require_unknown(change)
        try:
            yield
        except ClusterError as error:
            is_size = error.status == _TOO_LARGE_STATUS or TOO_LARGE in error.details
            if not is_size or REFUSED_BY in error.details:  # Admission refuses with any status.
                raise
            raise self._noted(change, body, error) from None

    def _require_unknown(self, change: Change) -> None:
        with self._lock:
            told = self._refused.get(_key(change)) if len(self._refused) else None
        if told is not None:
            raise TooLarge(f"{told}; the same was refused before, and was not sent again", status=_TOO_LARGE_STATUS)

    def _noted(self, change: Change, body: bytes, error: ClusterError) -> TooLarge:
        cause = error.details.get(TOO_LARGE) or "request entity too large"
        parts = f"a request of {in_words(len(body))}; the object's largest parts are {largest(change.expected)}"
        told = f"{error.status}: {cause}: {parts}; make it smaller, or split it"
        with self._lock:
            self._refused.put(_key(change), told, time.monotonic() + _LIFETIME)
        return TooLarge(told, status=error.status, reason=error.reason)


def _key(change: Change) -> Key:
    return uid_of(change.live or {}) or str(change.key), digest([change.expected, change.writes])
