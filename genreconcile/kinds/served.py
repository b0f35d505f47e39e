"""The server's kinds and their types, kept until something may have changed.

Invariant: after an ``invalidate`` while the server is asked, it is asked again. Nothing here waits.
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
    """``types`` are those of ``documents``; ``asked`` reads definitions that are not watched. Thread-safe."""

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
        """Grows whenever kinds or their schemas may have changed."""

    def invalidate(self) -> None:
        """Note that kinds or their schemas may have changed. Does not wait for a thread that asks the server."""
        self.discovery.invalidate()
        self.asked.forget()
        self._wanted = next(self._wishes)

    @property
    def is_stale(self) -> bool:
        """Whether something may have changed since the last answer."""
        return self._renewed != self._wanted

    def renew(self) -> set[str]:
        """Ask the server where something may have changed; the paths of changed documents. Raises ClusterError."""
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
