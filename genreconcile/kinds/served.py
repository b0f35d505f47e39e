"""What the server says of its kinds and of their types, kept until something may have changed.

Invariant: what may change while the server is asked is asked for again. Nothing here waits.
"""

from __future__ import annotations

import itertools
import threading

from genreconcile.kinds.discovery import Discovery
from genreconcile.kinds.openapi import OpenAPIDocuments
from genreconcile.kinds.storage import Asked
from genreconcile.kinds.types import TypeGraph, document_path
from genreconcile.objects import GVK


class Served:
    """``types`` are those of ``documents``; ``asked`` has the definitions that nobody follows. Thread-safe."""

    def __init__(self, discovery: Discovery, documents: OpenAPIDocuments, types: TypeGraph, asked: Asked) -> None:
        self.discovery = discovery
        self.types = types
        self.asked = asked
        self._documents = documents
        self._lock = threading.Lock()
        self._changed: set[str] = set()
        self._wishes = itertools.count(1)
        self._wanted = self._renewed = 0
        self.generation = 0
        """Grows whenever kinds or their schemas may look different from then on."""

    def invalidate(self) -> None:
        """Kinds or their schemas may have changed: ask before the next answer. Waits for nobody who asks."""
        self.discovery.invalidate()
        self.asked.forget()
        self._wanted = next(self._wishes)

    @property
    def is_stale(self) -> bool:
        """Whether something may have changed since the last answer."""
        return self._renewed != self._wanted

    def renew(self) -> set[str]:
        """Ask now, where something may have changed; the paths of documents that did. Raises ClusterError."""
        self.discovery.resources()
        with self._lock:
            wanted = self._wanted
            if wanted == self._renewed:
                return set()
            changed = self._changed | self._documents.refresh()
            self._changed, self._renewed = set(), wanted
            self.generation += 1
            return changed

    def look(self) -> None:
        """Read the index of the documents now; the next ``renew`` tells what has changed. Raises ClusterError."""
        changed = self._documents.refresh()
        with self._lock:
            self._changed |= changed
            self.generation += bool(changed)

    def hash_of(self, gvk: GVK) -> str | None:
        """The content hash of the document of a kind, None where there is none. Raises ClusterError."""
        return self._documents.hashes().get(document_path(gvk.group, gvk.version))
