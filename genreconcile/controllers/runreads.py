"""The reads of one run.

Invariant: where somebody has edited the parent, no read is older than that edit; before something is deleted for a read
that found less than before, the server itself has said so.
"""

from __future__ import annotations

from collections.abc import Iterable

from genreconcile.controllers.context import Finding
from genreconcile.controllers.reading import Reader
from genreconcile.controllers.reads import Read
from genreconcile.errors import CacheError, ClusterError, NotReadable
from genreconcile.kinds.discovery import Discovery
from genreconcile.objects import GVK, Object, namespace_of


class RunReads:
    """``seen`` is the resourceVersion of the edit that runs the parent, 0 where that was something else."""

    def __init__(self, reader: Reader, discovery: Discovery, seen: int = 0) -> None:
        self._reader = reader
        self._discovery = discovery
        self._seen = seen
        self._current: set[Read] = set()

    def home(self, kind: GVK, namespace: str) -> str:
        """The namespace in which a parent of ``namespace`` looks for objects of a kind: "" where they have none."""
        try:
            resource = self._discovery.get(kind)
        except (CacheError, ClusterError) as error:
            raise NotReadable(f"{kind}: not readable: {error}; wait, or see to the cause", "NotSynced") from error
        return namespace if resource is None or resource.namespaced else ""

    def get(self, read: Read, *, metadata_only: bool = False) -> Object | None:
        """See ``Reads``."""
        self._be_current(read)
        return self._reader.get(read.kind, read.name, read.namespace, metadata_only=metadata_only)

    def list(self, read: Read, *, metadata_only: bool = False) -> list[Object]:
        """See ``Reads``."""
        self._be_current(read)
        return self._reader.list(read.kind, read.namespace, read.selector, metadata_only=metadata_only)

    def confirm(self, findings: Iterable[Finding]) -> None:
        """Raise NotReadable where the server has objects that a read did not find."""
        for finding in findings:
            objects = self._reader.confirm(finding.read, metadata_only=finding.metadata_only)
            there = {(namespace_of(obj), obj["metadata"]["name"]) for obj in objects}
            if missing := there - finding.found.keys():
                place, name = min(missing)
                missed = f"{place}/{name}" if place else name
                raise NotReadable(f"{finding.read}: not readable: the cache does not have {missed} yet; wait", "Stale")

    def _be_current(self, read: Read) -> None:
        if self._seen and read not in self._current:
            self._current.add(read)
            # What is not watched yet is listed now, and so is as new.
            self._reader.not_older_than(self._seen, [read])
