"""Objects that were found in sync: each still is while nothing that its comparison depends on has changed.

Invariant: an entry holds only for the content of expected, the namespace and policy of the call, the very record in
the cache (uid and resourceVersion), every other object that rules consulted, and one generation of schemas and rules;
any other object is compared anew. Beyond ``_FIRST_LOOK`` there are at most twice the entries held at the last look.
"""

from __future__ import annotations

import hashlib
import threading
from typing import Any, Final

import msgspec

from genreconcile.gojson import encode
from genreconcile.plan.entries import InSync

_FIRST_LOOK: Final = 4096
"""The number of entries, of a few hundred bytes each, before the first look for those that no longer hold."""

CallKey = tuple[str, str, int, str]
"""What all entries of a call depend on: the namespace for objects that name none, the policy, the generation of
schemas, and the name of the owner set ("" without one).
"""


class InSyncMemory:
    """The objects that one Reconciler found in sync; thread-safe."""

    def __init__(self) -> None:
        self._found: dict[tuple[bytes, CallKey], InSync] = {}
        self._look_at = _FIRST_LOOK
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many entries there are; each keeps its record in memory."""
        return len(self._found)

    def find(self, content: bytes, call_key: CallKey) -> InSync | None:
        """The entry of an object with this digest, None without one whose record is still the live one."""
        try:
            found = self._found[content, call_key]
        except KeyError:
            return None
        return found if found.store.get(found.name) is found.record else None

    def note(self, content: bytes, call_key: CallKey, in_sync: InSync) -> None:
        """Remember that an object was in sync."""
        with self._lock:
            self._found.pop((content, call_key), None)  # So that the newest entry is the last.
            self._found[content, call_key] = in_sync
            if len(self._found) >= self._look_at:
                self._found = _holding(self._found)
                self._look_at = max(_FIRST_LOOK, 2 * len(self._found))


def _holding(found: dict[tuple[bytes, CallKey], InSync]) -> dict[tuple[bytes, CallKey], InSync]:
    """The entries whose record is still the live one; of those with one record, namespace, policy and set the newest.

    One record has several where expected changes and the object need not, and where schemas are read anew.
    """
    kept: dict[tuple[int, str, str, str], tuple[bytes, CallKey]] = {}
    for (content, call_key), in_sync in found.items():
        if in_sync.store.get(in_sync.name) is in_sync.record:
            namespace, fields, _, members = call_key
            kept[id(in_sync.record), namespace, fields, members] = (content, call_key)
    return {place: found[place] for place in kept.values()}


def encoded(obj: Any) -> bytes | bytearray:
    """The JSON text of an object, keys in their order; b"" for what is no JSON data. A tuple reads as a list does."""
    try:
        return encode(obj)
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError):
        return b""


def digest_of(data: bytes | bytearray) -> bytes:
    """The digest of a text that ``encoded`` returned; b"" for b""."""
    return hashlib.sha256(data).digest() if data else b""
