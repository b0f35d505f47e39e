"""Remembered verdicts: an object that was in sync is so still while nothing that it depends on has changed.

Invariant: a verdict holds only for the content of expected, the namespace and policy of the call, the very record in
the cache (uid and resourceVersion), every other object that rules consulted, and one generation of schemas and rules.
Whatever cannot be told from these is judged anew. Bounded.
"""

from __future__ import annotations

import hashlib
import threading
from typing import Any, Final

import msgspec
from cachetools import FIFOCache

from genreconcile.gojson import encode
from genreconcile.planner.entries import Verdict

_SIZE: Final = 1 << 18
"""Verdicts kept, of a few hundred bytes each."""

Terms = tuple[str, str, int, str]
"""What a call decides: the namespace for objects that name none, the policy, the generation of schemas, and the id of
the owner set ("" without one).
"""


class Verdicts:
    """The verdicts of one Reconciler; thread-safe."""

    def __init__(self, size: int = _SIZE) -> None:
        self._found: FIFOCache[tuple[bytes, Terms], Verdict] = FIFOCache(size)
        self._lock = threading.Lock()

    def find(self, content: bytes, terms: Terms) -> Verdict | None:
        """The verdict on an object with this digest, if it holds still."""
        try:
            found = self._found[content, terms]
        except KeyError:
            return None
        return found if found.store.get(found.name) is found.record else None

    def note(self, content: bytes, terms: Terms, verdict: Verdict) -> None:
        """An object was in sync."""
        with self._lock:
            self._found[content, terms] = verdict


def encoded(obj: Any) -> bytes | bytearray:
    """JSON data in the order of its keys; b"" for what is none. Two Python spellings of one JSON document (a tuple and
    a list) are one content.
    """
    try:
        return encode(obj)
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError):
        return b""


def digest_of(data: bytes | bytearray) -> bytes:
    """A digest of what ``encoded`` gave."""
    return hashlib.sha256(data).digest() if data else b""
