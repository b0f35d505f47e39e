"""Warnings about fields of an expected object that the server drops silently.

Invariant: a warning is given once per object in the life of a Reconciler, and changes nothing else of the plan.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from cachetools import LRUCache

from genreconcile.kinds.discovery import Resource
from genreconcile.notice import Notice
from genreconcile.objects import ObjectKey
from genreconcile.plan.fresh import Fresh

_SIZE: Final = 65_536
_DEPTH: Final = 8

Note = tuple[ObjectKey, Notice]
"""The key of an object, and the text of a warning about it."""


class Told:
    """The warnings that were given; thread-safe. Beyond ``_SIZE`` of them, the oldest may be given again."""

    def __init__(self) -> None:
        self._told: LRUCache[Note, bool] = LRUCache(_SIZE)
        self._lock = threading.Lock()

    def new(self, notes: Iterable[Note]) -> list[Notice]:
        """The warnings that were not given before, as ``<object>: <text>``."""
        with self._lock:
            found = [note for note in dict.fromkeys(notes) if note not in self._told]
            self._told.update(dict.fromkeys(found, True))
        return [Notice(f"{key}: {text}", text.code) for key, text in found]


def corrections(entry: Fresh, resource: Resource) -> Iterator[Note]:
    """Warnings about fields of a located object, as the caller wrote it, that the server drops.

    Sources: ``BeforeCreate`` in k8s.io/apiserver/pkg/registry/rest, and each resource's strategy for ``status``.
    """
    key = entry.key
    if not resource.namespaced and entry.namespace:
        yield key, Notice("metadata.namespace: left out: the kind is cluster-scoped; remove it", "GR212")
    if entry.has_status and "status" in resource.subresources and says_something(entry.obj["status"]):
        yield key, Notice("status: not compared, and not written: it is a controller's to write; remove it", "GR220")


def says_something(value: Any, depth: int = _DEPTH) -> bool:
    """Whether a value is more than Go's JSON of an empty struct: zeros, and mappings of zeros."""
    if isinstance(value, Mapping):
        return depth == 0 or any(says_something(entry, depth - 1) for entry in value.values())
    return bool(value)
