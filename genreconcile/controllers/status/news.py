"""Whether a change of a parent is news for its function, or nothing but the status that the function gave it.

Invariant: level-triggered: what counts is whether the object is as the last run left it, not who changed it how often.
So an edit of others that lies between, comes together with our write, or undoes it, is always news; whatever is not
known is news.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from cachetools import LRUCache
from jsonpatch import JsonPatch

from genreconcile.gojson import dumps, dumps_sorted, loads
from genreconcile.objects import Object, annotations_of, metadata_of, uid_of

_MOST: Final = 200_000
_SIZE: Final = 16
_VOLATILE: Final = frozenset({"resourceVersion", "managedFields", "annotations"})
_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"  # The cache does not keep it.
_CHANGES: Final = frozenset({"add", "remove"})


def _as_it_is(status: Any) -> Any:
    return status


class News:
    """The state in which the last run left each parent, as a digest; thread-safe."""

    def __init__(self) -> None:
        self._left: LRUCache[str, bytes] = LRUCache(_MOST)
        self._lock = threading.Lock()

    def saw(self, parent: Object) -> None:
        """Note at the beginning of a run the parent that its function is given."""
        self._note(uid_of(parent), _digest(parent))

    def writes(
        self, live: Object, operations: Sequence[Mapping[str, Any]], completed: Callable[[Any], Any] = _as_it_is
    ) -> None:
        """Note, before they are sent, the operations on the status of ``live``.

        ``completed`` gives a status with what the server adds to it. Where ``live`` is not as the function was given
        it, others have changed it: then the answer is news as well.
        """
        # The server compares for itself; the tests of jsonpatch know no member that is not there.
        changes = [operation for operation in operations if operation["op"] in _CHANGES]
        if self.has_news(live):
            self.forget(uid_of(live))
            return
        try:
            # Copies, for jsonpatch puts the values of operations themselves into the object, and then changes them.
            left = JsonPatch(loads(dumps(changes))).apply(loads(dumps(live)), in_place=True)
            digest = _digest({**left, "status": completed(left["status"])} if "status" in left else left)
        except RecursionError:
            digest = b""
        self._note(uid_of(live), digest)

    def has_news(self, now: Object) -> bool:
        """Whether the parent, as it is now, is another than the last run left it."""
        digest = _digest(now)
        with self._lock:
            return not digest or digest != self._left.get(uid_of(now))

    def forget(self, uid: str) -> None:
        """Drop what is known of a parent that is gone."""
        with self._lock:
            self._left.pop(uid, None)

    def _note(self, uid: str, digest: bytes) -> None:
        with self._lock:
            self._left[uid] = digest


def _digest(obj: Object) -> bytes:
    """The digest of an object as the cache has it; b"" for one that is nested too deeply, which is always news."""
    metadata = {key: value for key, value in metadata_of(obj).items() if key not in _VOLATILE}
    annotations = {key: value for key, value in annotations_of(obj).items() if key != _LAST_APPLIED}
    whole = {**obj, "metadata": {**metadata, "annotations": annotations}}
    try:
        return hashlib.blake2b(dumps_sorted(whole), digest_size=_SIZE).digest()
    except RecursionError:
        return b""
