"""The reads of one run.

Invariant: where somebody has edited the parent, no read is older than that edit; before something is deleted for a read
that found less than before, the server itself has said so.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Final

from genreconcile.controllers.context import Finding
from genreconcile.controllers.reading import Reader
from genreconcile.controllers.reads import Read
from genreconcile.errors import CacheError, ClusterError, NotReadable
from genreconcile.kinds.discovery import Discovery
from genreconcile.objects import GVK, Object, namespace_of, resource_version_of

_Place = tuple[str, str]
_Objects = list[Object]  # In the class, ``list`` is its own.
_PATIENCE: Final = 1.0
"""Seconds that the cache has to come to what the server has."""
_PAUSE: Final = 0.02


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
        if self._is_first(read):
            # What is not watched yet is listed now, and so is as new.
            self._reader.not_older_than(self._seen, [read])
        return self._reader.get(read.kind, read.name, read.namespace, metadata_only=metadata_only)

    def list(self, read: Read, *, metadata_only: bool = False) -> list[Object]:
        """See ``Reads``."""
        if self._is_first(read) and not self._reader.is_as_new(read, self._seen):
            return self._as_on_server(read, metadata_only=metadata_only)
        return self._listed(read, metadata_only=metadata_only)

    def _listed(self, read: Read, *, metadata_only: bool) -> _Objects:
        return self._reader.list(read.kind, read.namespace, read.selector, metadata_only=metadata_only)

    def _as_on_server(self, read: Read, *, metadata_only: bool) -> _Objects:
        """The list, once the cache has what the server has for it now: nobody tells that a quiet kind has no news."""
        there = _versions(self._reader.confirm(read, metadata_only=metadata_only))
        deadline = time.monotonic() + _PATIENCE
        while True:
            found = self._listed(read, metadata_only=metadata_only)
            if self._is_as_new(_versions(found), there):
                return found
            if time.monotonic() >= deadline:
                raise NotReadable(f"{read}: not readable: the cache is behind the server; wait", "Stale")
            time.sleep(_PAUSE)

    def _is_as_new(self, here: Mapping[_Place, int], there: Mapping[_Place, int]) -> bool:
        is_there = all(here.get(place, 0) >= version for place, version in there.items())
        return is_there and all(version > self._seen for place, version in here.items() if place not in there)

    def confirm(self, findings: Iterable[Finding]) -> None:
        """Raise NotReadable where the server has objects that a read did not find."""
        for finding in findings:
            objects = self._reader.confirm(finding.read, metadata_only=finding.metadata_only)
            there = {(namespace_of(obj), obj["metadata"]["name"]) for obj in objects}
            if missing := there - finding.found.keys():
                place, name = min(missing)
                missed = f"{place}/{name}" if place else name
                raise NotReadable(f"{finding.read}: not readable: the cache does not have {missed} yet; wait", "Stale")

    def _is_first(self, read: Read) -> bool:
        """Whether a read has to be as new as the edit, and has not been so yet."""
        is_first = self._seen > 0 and read not in self._current
        self._current.add(read)
        return is_first


def _versions(objects: Iterable[Object]) -> dict[_Place, int]:
    return {(namespace_of(obj), obj["metadata"]["name"]): int(resource_version_of(obj)) for obj in objects}
