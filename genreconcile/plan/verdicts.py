"""Remembered verdicts: an object that was in sync is so still while nothing that it depends on has changed.

Invariant: a verdict holds only for the content of expected, the namespace and policy of the call, the very record in
the cache (uid and resourceVersion), every other object that rules consulted, and one generation of schemas and rules.
Whatever cannot be told from these is judged anew. Beyond ``_FIRST_LOOK`` there are at most twice as many
as held at the last look.
"""

from __future__ import annotations

import hashlib
import threading
from typing import Any, Final

import msgspec

from genreconcile.gojson import encode
from genreconcile.plan.entries import Verdict

_FIRST_LOOK: Final = 4096
"""So many verdicts, of a few hundred bytes each, may be there before the first look for those that are void."""

Terms = tuple[str, str, int, str]
"""What a call decides: the namespace for objects that name none, the policy, the generation of schemas, and the id of
the owner set ("" without one).
"""


class Verdicts:
    """The verdicts of one Reconciler; thread-safe."""

    def __init__(self) -> None:
        self._found: dict[tuple[bytes, Terms], Verdict] = {}
        self._look_at = _FIRST_LOOK
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many verdicts take memory; each keeps the record that it was made from."""
        return len(self._found)

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
            self._found.pop((content, terms), None)  # So that the newest stand last.
            self._found[content, terms] = verdict
            if len(self._found) >= self._look_at:
                self._found = _holding(self._found)
                self._look_at = max(_FIRST_LOOK, 2 * len(self._found))


def _holding(found: dict[tuple[bytes, Terms], Verdict]) -> dict[tuple[bytes, Terms], Verdict]:
    """The verdicts that hold still; of those on one record and one kind of call the newest.

    What is expected may change while the object need not, and schemas may be read anew.
    """
    kept: dict[tuple[int, str, str, str], tuple[bytes, Terms]] = {}
    for (content, terms), verdict in found.items():
        if verdict.store.get(verdict.name) is verdict.record:
            namespace, fields, _, members = terms
            kept[id(verdict.record), namespace, fields, members] = (content, terms)
    return {place: found[place] for place in kept.values()}


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
