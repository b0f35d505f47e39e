"""Objects that were found in sync: each still is while nothing that its comparison depends on has changed.

Invariant: an entry holds only for the content of expected, the namespace and policy of the call, the very record in
the cache (uid and resourceVersion), every other object that rules consulted, and one generation of schemas and rules;
any other object is compared anew. Beyond ``_FIRST_LOOK`` there are at most twice the entries held at the last look, and
those of the last call in which all was in sync.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from genreconcile.gojson import encode
from genreconcile.plan.entries import InSync, Settled

_FIRST_LOOK: Final = 4096
"""The number of entries, of a few hundred bytes each, before the first look for those that no longer hold."""

CallKey = tuple[str, str, int, str]
"""What all entries of a call depend on: the namespace for objects that name none, the policy, the generation of
schemas, and the name of the owner set ("" without one).
"""

_NOTHING: Final[Mapping[bytes, InSync]] = {}


class InSyncMemory:
    """The objects that one Reconciler found in sync; thread-safe."""

    def __init__(self) -> None:
        self._found: dict[CallKey, dict[bytes, InSync]] = {}
        self._settled: tuple[CallKey, Settled] | None = None
        self._count = 0
        self._look_at = _FIRST_LOOK
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many entries there are; each keeps its record in memory."""
        return self._count

    def of(self, call_key: CallKey) -> Mapping[bytes, InSync]:
        """The entries of a call by digest; the record of each may be another one by now: ``find``."""
        return self._found.get(call_key) or _NOTHING

    def settled(self, call_key: CallKey) -> Settled | None:
        """The last call of all whose objects were in sync, if it is one of this key. Its records may be others now."""
        last = self._settled
        return last[1] if last is not None and last[0] == call_key else None

    def note_settled(self, call_key: CallKey, settled: Settled) -> None:
        """Remember a call whose objects were all in sync, in place of the one before.

        One is enough: a Reconciler with many sets finds the objects of all by their digests.
        """
        self._settled = call_key, settled

    def note(self, call_key: CallKey, in_sync: Sequence[InSync]) -> None:
        """Remember that objects were in sync."""
        if not in_sync:
            return
        with self._lock:
            found = self._found.setdefault(call_key, {})
            for entry in in_sync:
                if found.pop(entry.content, None) is None:  # So that the newest entry is the last.
                    self._count += 1
                found[entry.content] = entry
            if self._count >= self._look_at:
                if self._count > len(in_sync):  # Else all are new, and hold.
                    self._found = _holding(self._found)
                self._count = sum(map(len, self._found.values()))
                self._look_at = max(_FIRST_LOOK, 2 * self._count)


def find(entries: Mapping[bytes, InSync], content: bytes) -> InSync | None:
    """The entry of an object with this digest, None without one whose record is still the live one."""
    found = entries.get(content)
    return found if found is not None and is_current(found) else None


def is_current(in_sync: InSync) -> bool:
    """Whether the entry's record is still the live one."""
    store = in_sync.store
    version = store.version  # Taken before the record: a change meanwhile is seen next time.
    if in_sync.version != version:
        if store.get(in_sync.name) is not in_sync.record:
            return False
        in_sync.version = version
    return True


def _holding(found: dict[CallKey, dict[bytes, InSync]]) -> dict[CallKey, dict[bytes, InSync]]:
    """The current entries; of those with one record, namespace, policy and set the newest.

    One record has several where expected changes and the object need not, and where schemas are read anew.
    """
    newest: dict[tuple[int, str, str, str], tuple[CallKey, bytes]] = {}
    for call_key in sorted(found, key=_generation):
        namespace, fields, _, members = call_key
        for content, in_sync in found[call_key].items():
            if is_current(in_sync):
                newest[id(in_sync.record), namespace, fields, members] = (call_key, content)
    kept: dict[CallKey, dict[bytes, InSync]] = {}
    for call_key, content in newest.values():
        kept.setdefault(call_key, {})[content] = found[call_key][content]
    return kept


def _generation(call_key: CallKey) -> int:
    return call_key[2]


def encoded(obj: Any) -> bytes | bytearray:
    """The JSON text of an object, keys in their order; b"" for what is no JSON data. A tuple reads as a list does."""
    try:
        return encode(obj)
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError):
        return b""


def digest_of(data: bytes | bytearray) -> bytes:
    """The digest of a text that ``encoded`` returned; b"" for b""."""
    return hashlib.sha256(data).digest() if data else b""
