"""What the runs of a controller have read, so that each change of it runs them again.

Invariant: a parent is woken by every change of what it has read, absent objects and lists included, and no call looks
at all parents. That holds for a run whose reads are added **before** it reads the cache: what changes between the
look and the end of the run wakes it then.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Collection, Hashable, Iterable
from collections.abc import Set as AbstractSet
from typing import Final, Generic, TypeVar

from genreconcile.arguments import require_whole
from genreconcile.cache import CacheEvent
from genreconcile.cache.scope import Scope
from genreconcile.controllers.news import is_news
from genreconcile.controllers.readers import Readers, ReadIndex
from genreconcile.controllers.reads import Read, bounded
from genreconcile.objects import GVK

K = TypeVar("K", bound=Hashable)

MOST_AT_ONCE: Final = 100
"""The most parents that one event wakes at normal priority."""


def is_crowd(parents: Collection[object]) -> bool:
    """Whether one event has woken so many parents that they enter the queue at low priority."""
    return len(parents) > MOST_AT_ONCE


class Dependencies(Generic[K]):
    """The reads of each parent; a parent is hashable, and neither None nor a set. Thread-safe.

    A parent that has more than ``most_reads`` is woken by all objects of the kinds that it has read most often.
    """

    def __init__(self, most_reads: int = 1000) -> None:
        require_whole("most_reads", most_reads, 1)
        self._most = most_reads
        self._lock = threading.Lock()
        self._of: dict[K, tuple[Readers[K], ...]] = {}
        self._readers: dict[Read, Readers[K]] = {}
        self._kinds: dict[GVK, ReadIndex[K]] = {}

    def add(self, parent: K, reads: Iterable[Read]) -> None:
        """Add to the reads of a parent: before a run reads, and so also for a run that fails."""
        with self._lock:
            new = {read for read in reads if not self._has(parent, read)}
            if new:
                self._set(parent, new.union(one.read for one in self._of.get(parent, ())))

    def replace(self, parent: K, reads: Iterable[Read]) -> None:
        """Take these for all reads of a parent, after a run that ended normally."""
        with self._lock:
            self._set(parent, set(reads))

    def drop(self, parent: K) -> None:
        """Forget the reads of a parent that is gone."""
        self.replace(parent, ())

    def woken(self, event: CacheEvent) -> Collection[K]:
        """The parents that have read what this change of an object concerns."""
        before, after = event.before, event.after
        with self._lock:
            index = self._kinds.get(event.resource.gvk)
            if index is None:
                return ()
            labels: AbstractSet[tuple[str, str]] = event.record.labels.items()
            if before is not None and before.labels != event.record.labels:
                labels |= before.labels.items()
            candidates = index.candidates(event.key.namespace, event.key.name, labels)
            if not candidates:
                return ()
            # Objects are decoded and compared outside of the lock.
            found = [(readers.read, tuple(readers.parents)) for readers in candidates]
        judge = functools.cache(functools.partial(is_news, before, after))
        return {parent for read, parents in found if _concerns(event, read, judge) for parent in parents}

    def readers_in(self, kind: GVK, scope: Scope) -> Collection[K]:
        """The parents that have read anything in a part of a kind."""
        with self._lock:
            index = self._kinds.get(kind)
            found = index.within(scope) if index is not None else ()
            return {parent for readers in found for parent in readers.parents}

    def reads_of(self, parent: K) -> AbstractSet[Read]:
        """The reads of a parent."""
        with self._lock:
            return {readers.read for readers in self._of.get(parent, ())}

    def kinds(self) -> Collection[GVK]:
        """The kinds that any parent has read."""
        with self._lock:
            return tuple(self._kinds)

    def places(self) -> AbstractSet[tuple[GVK, str]]:
        """The kinds and namespaces that any parent has read; "" as in a Read."""
        with self._lock:
            return {(kind, place) for kind, index in self._kinds.items() for place in index.places}

    def __len__(self) -> int:
        return len(self._of)

    def _has(self, parent: K, read: Read) -> bool:
        readers = self._readers.get(read)
        return readers is not None and parent in readers.parents

    def _set(self, parent: K, reads: AbstractSet[Read]) -> None:
        reads = bounded(reads, self._most)
        old = {readers.read: readers for readers in self._of.get(parent, ())}
        now = tuple([old.get(read) or self._enter(read, parent) for read in reads])
        for read in old.keys() - reads:
            self._leave(old[read], parent)
        if now:
            self._of[parent] = now
        else:
            self._of.pop(parent, None)

    def _enter(self, read: Read, parent: K) -> Readers[K]:
        readers = self._readers.get(read)
        if readers is None:
            readers = self._readers[read] = Readers(read)
            self._kinds.setdefault(read.kind, ReadIndex()).add(readers)
        readers.add(parent)
        return readers

    def _leave(self, readers: Readers[K], parent: K) -> None:
        readers.discard(parent)
        if readers.parents:
            return
        del self._readers[readers.read]
        index = self._kinds[readers.read.kind]
        index.remove(readers)
        if not index.places:
            del self._kinds[readers.read.kind]


def _concerns(event: CacheEvent, read: Read, judge: Callable[[tuple[str, ...]], bool]) -> bool:
    """Whether the object, or the list, is another one after the event; ``judge`` says so of an object's fields."""
    was, now = (
        record is not None and (bool(read.name) or read.selector.matches(record.labels))
        for record in (event.before, event.after)
    )
    return judge(read.fields) if was and now else was is not now
