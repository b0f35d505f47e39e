"""The definitions that have changed, by watch events, and whether the server's OpenAPI documents have followed.

Invariant: our own write is no change, nor is a new status, unless the stored versions in it change; without an event
no request. A change is reported until its lag is over, and once after that, by ``changing`` alone.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection
from typing import Final, Protocol

from genreconcile.kinds.discovery import Resource
from genreconcile.kinds.news import News
from genreconcile.kinds.order import defined_kind, defines_kinds, stored_versions
from genreconcile.objects import Object, ObjectKey, metadata_of

_LAG: Final = 5.0
"""Seconds within which the server's documents follow a definition that changed."""

GroupKind = tuple[str, str]
"""The (group, kind) that a definition defines, ("", "") where it names none."""


class _Record(Protocol):
    def decode(self) -> Object:
        """The object."""


class Event(Protocol):
    """A change of an object."""

    @property
    def type(self) -> str:
        """ADDED, MODIFIED or DELETED."""

    @property
    def resource(self) -> Resource:
        """How the object's kind is served."""

    @property
    def key(self) -> ObjectKey:
        """The object's key."""

    @property
    def record(self) -> _Record:
        """The object as it is now, or was before it was deleted."""


class Source(Protocol):
    """What calls back for changes of objects: the cache."""

    def subscribe(self, callback: Callable[[Event], object]) -> Callable[[], None]:
        """Call back for each change of an object; returns a function that ends that."""

    def has_synced(self, kind: Resource) -> bool:
        """Whether all objects of a kind are known."""


def note_generation(
    known: dict[ObjectKey, int | None], event: Event, generation: int | None, *, has_synced: bool
) -> bool:
    """Whether an event changes the object's generation in ``known``, which is updated, or deletes the object.

    A lower generation, as after a restore from a backup, is a change; an object of the first list is none.
    """
    before = known.get(event.key)
    known[event.key] = generation
    return event.type == "DELETED" or (generation != before if before is not None else has_synced)


class Definitions:
    """Knows the generation of each definition; thread-safe. ``news`` is told of each event of a definition."""

    def __init__(
        self,
        source: Source,
        news: News | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._news = news or News()
        self._condition = self._news.condition
        self._clock = clock
        self._generations: dict[ObjectKey, int | None] = {}
        self._stored: dict[ObjectKey, tuple[str, ...]] = {}
        self._kinds: dict[ObjectKey, GroupKind] = {}
        self._changing: dict[ObjectKey, float] = {}
        self._told: Counter[GroupKind] = Counter()
        self._changes, self._followed = 0, -1
        self.forget = source.subscribe(self._on_event)

    @property
    def are_changing(self) -> bool:
        """Whether ``changing`` returns any kind, by a call of it."""
        return bool(self.changing())

    def changing(self) -> frozenset[GroupKind]:
        """The kinds whose definitions have changed so lately that the server's documents may still follow.

        Each kind is returned once after that time, too: nobody may have asked meanwhile.
        """
        now = self._clock()
        with self._condition:
            found = frozenset(self._kinds[key] for key in self._changing)
            self._changing = {key: until for key, until in self._changing.items() if until > now}
            return found

    def is_changing(self, kind: GroupKind) -> bool:
        """Whether ``changing`` would return this kind."""
        with self._condition:
            return any(self._kinds[key] == kind for key in self._changing)

    @property
    def are_ahead(self) -> bool:
        """Whether a definition has changed, and no document has followed yet: objects and schema may not fit."""
        with self._condition:
            return bool(self._changing) and self._followed < self._changes

    @property
    def changes(self) -> int:
        """How many events have changed a generation until now, deletions among them."""
        return self._changes

    def note_followed(self, changes: int) -> None:
        """Note that a document has changed since the property ``changes`` had this value."""
        with self._condition:
            self._followed = max(self._followed, changes)

    def note_own_write(self, key: ObjectKey, generation: int) -> None:
        """Note that we wrote this generation, and have waited until the server follows it."""
        with self._condition:
            self._generations[key] = generation
            self._changing.pop(key, None)

    def told(self, kinds: Collection[GroupKind]) -> int:
        """How many events there were of the definitions of these kinds."""
        with self._condition:
            return sum(self._told[kind] for kind in kinds)

    def _on_event(self, event: Event) -> None:
        if not defines_kinds(event.resource.gvk):
            return
        # From the event itself: while the first list arrives the cache does not answer.
        definition = event.record.decode()
        generation = 0 if event.type == "DELETED" else int(metadata_of(definition).get("generation") or 0)
        stored, kind = stored_versions(definition), defined_kind(definition)
        has_synced = self._source.has_synced(event.resource)
        with self._condition:
            before = self._stored.get(event.key, stored)
            self._stored[event.key], self._kinds[event.key] = stored, kind
            is_news = note_generation(self._generations, event, generation, has_synced=has_synced)
            if is_news or stored != before:
                self._changing[event.key] = self._clock() + _LAG
            self._changes += is_news
            self._told[kind] += 1
            self._news.tell()
