"""What the server leaves out of an expected object, or would let harm it: told, where it would happen without a word.

Invariant: a warning comes once for each object while a Reconciler lives; what is told changes nothing of the plan.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from cachetools import LRUCache

from genreconcile.kinds.discovery import Resource
from genreconcile.objects import Object, ObjectKey

_SIZE: Final = 65_536
_DEPTH: Final = 8

Note = tuple[ObjectKey, str]
"""An object, and what there is to tell of it."""


class Told:
    """Which warnings were given; thread-safe. The oldest of very many may come a second time."""

    def __init__(self) -> None:
        self._told: LRUCache[Note, bool] = LRUCache(_SIZE)
        self._lock = threading.Lock()

    def new(self, notes: Iterable[Note]) -> list[str]:
        """Those that were not given before, as ``<object>: <note>``."""
        with self._lock:
            found = [note for note in dict.fromkeys(notes) if note not in self._told]
            self._told.update(dict.fromkeys(found, True))
        return [f"{key}: {text}" for key, text in found]


def corrections(obj: Object, key: ObjectKey, resource: Resource) -> Iterator[Note]:
    """What the server leaves out of an object as it was written; ``key`` is the one that it goes by.

    Sources: ``BeforeCreate`` in k8s.io/apiserver/pkg/registry/rest, and each resource's strategy for ``status``.
    """
    if not resource.namespaced and obj["metadata"].get("namespace"):
        yield key, "metadata.namespace: left out: the kind is cluster-scoped; remove it"
    if "status" in obj and "status" in resource.subresources and says_something(obj["status"]):
        yield key, "status: not compared, and not written: it is a controller's to write; remove it"


def says_something(value: Any, depth: int = _DEPTH) -> bool:
    """Whether there is more than what Go writes of a struct that nobody filled in: zeros, and mappings of them."""
    if isinstance(value, Mapping):
        return depth == 0 or any(says_something(entry, depth - 1) for entry in value.values())
    return bool(value)
