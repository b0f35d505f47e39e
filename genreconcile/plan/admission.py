"""Forgets verdicts on patches when what led to them has changed: a definition, or the configuration of admission.

Invariant: admission is watched only once there is a verdict, and a kind that may not be read is not asked for again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from typing import Final

from genreconcile.cache import Cache, CacheEvent
from genreconcile.errors import Forbidden
from genreconcile.kinds.definitions import note_generation
from genreconcile.kinds.discovery import Discovery, Resource
from genreconcile.kinds.order import changes_writes
from genreconcile.memory.learned import Learned
from genreconcile.objects import ObjectKey, metadata_of

_READ: Final = frozenset({"list", "watch"})
_LAG: Final = 5.0
"""Seconds within which the server follows a written definition or configuration of admission."""


class Admission:
    """Forgets verdicts by the events of a cache; ``follow``: has the cache watch admission, too. Thread-safe."""

    def __init__(
        self,
        cache: Cache,
        learned: Learned,
        *,
        follow: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cache = cache
        self._learned = learned
        self._follow = follow
        self._clock = clock
        self._watched: set[Resource] | None = None
        self._changed_at: float | None = None
        self._is_new = False
        self._changing: frozenset[tuple[str, str]] = frozenset()
        self._lock = threading.Lock()
        self._generations: dict[ObjectKey, int | None] = {}
        self.forget = cache.subscribe(self._on_event)

    def look(self, discovery: Discovery) -> None:
        """Forget the verdicts that a change since the last look has made doubtful. Raises ClusterError."""
        if self._has_changed():
            self._learned.forget_verdicts()
        if self._follow and self._learned.has_verdicts:
            self._watch(discovery)

    def definitions_changing(self, kinds: frozenset[tuple[str, str]]) -> None:
        """Forget verdicts on each (group, kind) that has entered or left ``kinds``, those whose definitions change."""
        with self._lock:
            turned, self._changing = kinds ^ self._changing, kinds
        if turned:
            self.definitions_changed(turned)

    def definitions_changed(self, kinds: Collection[tuple[str, str]]) -> None:
        """Forget verdicts on the objects of these, each (group, kind), whose definitions have changed."""
        if not self._learned.has_verdicts:
            return
        for gvk in self._cache.kinds():
            if (gvk.group, gvk.kind) in kinds:
                self._learned.forget_verdicts(self._cache.uids(gvk))

    def _has_changed(self) -> bool:
        """Whether admission has changed: True once, and once more after the lag; True throughout would be a loop."""
        with self._lock:
            is_new, self._is_new = self._is_new, False
            if self._changed_at is not None and self._clock() > self._changed_at + _LAG:
                self._changed_at = None
                return True
        return is_new

    def _watch(self, discovery: Discovery) -> None:
        if self._watched is None:
            found = [resource for resource in discovery.resources() if changes_writes(resource.gvk)]
            known = self._cache.kinds()
            self._watched = {resource for resource in found if resource.gvk not in known and resource.verbs >= _READ}
            for resource in self._watched:
                self._cache.add(resource, metadata_only=True)
        refused = [resource for resource in self._watched if isinstance(self._cache.error(resource), Forbidden)]
        for resource in refused:
            self._watched.remove(resource)
            self._cache.remove(resource)

    def _on_event(self, event: CacheEvent) -> None:
        if not changes_writes(event.resource.gvk):
            return
        generation = None if event.type == "DELETED" else metadata_of(event.record.decode()).get("generation")
        has_synced = self._cache.has_synced(event.resource)
        with self._lock:
            if note_generation(self._generations, event, generation, has_synced=has_synced):
                self._changed_at, self._is_new = self._clock(), True
