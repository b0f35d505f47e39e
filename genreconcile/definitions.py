"""Objects that define kinds, followed through the cache: when one changes, kinds and schemas are read again.

Invariant: what we wrote ourselves, and what only a status says, is no change, unless it says in which versions objects
are stored; no event, no request.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from genreconcile.cache import Cache, CacheEvent
from genreconcile.kinds.order import defined_kind, defines_kinds, stored_versions
from genreconcile.objects import ObjectKey, metadata_of

_LAG: Final = 5.0
"""Seconds within which the server's documents follow a definition that changed."""


class Definitions:
    """Knows the generation of each definition; thread-safe."""

    def __init__(self, cache: Cache, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._cache = cache
        self._clock = clock
        self._generations: dict[ObjectKey, int] = {}
        self._stored: dict[ObjectKey, tuple[str, ...]] = {}
        self._kinds: dict[ObjectKey, tuple[str, str]] = {}
        self._changing: dict[ObjectKey, float] = {}
        self._followed = False
        self._lock = threading.Lock()
        self.forget = cache.subscribe(self._on_event)

    @property
    def are_changing(self) -> bool:
        """Whether one has changed so lately that the server's documents may still follow.

        It is said once after that time, too: nobody may have asked meanwhile.
        """
        return bool(self.changing())

    def changing(self) -> frozenset[tuple[str, str]]:
        """As ``are_changing``: the (group, kind) that such a definition defines, ("", "") where it does not say."""
        now = self._clock()
        with self._lock:
            found = frozenset(self._kinds[key] for key in self._changing)
            self._changing = {key: until for key, until in self._changing.items() if until > now}
            return found

    @property
    def are_ahead(self) -> bool:
        """Whether one has changed, and no document has followed yet: objects and schema may not fit."""
        return self.are_changing and not self._followed

    def note_followed(self) -> None:
        """A document has changed since."""
        self._followed = True

    def note_own_write(self, key: ObjectKey, generation: int) -> None:
        """We wrote this generation, and have waited for what it brings."""
        with self._lock:
            self._generations[key] = generation
            self._changing.pop(key, None)

    def _on_event(self, event: CacheEvent) -> None:
        if not defines_kinds(event.resource.gvk):
            return
        # From the event itself: while the first list arrives the cache does not answer.
        definition = event.record.decode()
        generation = 0 if event.type == "DELETED" else int(metadata_of(definition).get("generation") or 0)
        stored = stored_versions(definition)
        with self._lock:
            known, before = self._generations.get(event.key), self._stored.get(event.key, stored)
            self._generations[event.key], self._stored[event.key] = generation, stored
            self._kinds[event.key] = defined_kind(definition)
            # It is lower where the server was restored from a backup. A first sight is no news in the first list.
            is_news = generation != known if known is not None else self._cache.has_synced(event.resource)
            if event.type == "DELETED" or is_news or stored != before:
                self._changing[event.key] = self._clock() + _LAG
            if event.type == "DELETED" or is_news:
                self._followed = False
