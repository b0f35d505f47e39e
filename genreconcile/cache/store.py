"""The objects of one resource, as compact records; thread-safe.

Invariants: the resourceVersion of an object (one uid) never decreases, whether it comes by list, watch or as the
answer to an own write, except where a list shows that the server itself went back (a new epoch); a uid that was
deleted does not return within an epoch.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import NamedTuple

from cachetools import LRUCache
from msgspec.structs import replace

from genreconcile.cache.index import Index
from genreconcile.cache.scope import EVERYTHING, Scope
from genreconcile.cache.transform import Name, Record
from genreconcile.selector import ParsedSelector

_TOMBSTONES = 4096
_BESIDE = 1400  # Bytes that a record takes beside its JSON: name, labels, index. Measured with objects of few labels.
_EVERY_LABEL = ParsedSelector()

ADDED, MODIFIED, DELETED = "ADDED", "MODIFIED", "DELETED"


class Delta(NamedTuple):
    """One change: ``type`` is ADDED, MODIFIED or DELETED, ``record`` the new one, of DELETED the last one, and
    ``before`` the one before the change, None of ADDED.
    """

    type: str
    record: Record
    before: Record | None = None


class WentBack(Exception):
    """The server shows an older state than it did before: it was restored from a backup, or lags behind."""


class Mark(NamedTuple):
    """A moment of a store: the resourceVersion up to which it is known, and the number of tombstones made so far."""

    resource_version: int = 0
    burials: int = 0


_NOTHING_YET = Mark()


class Store:
    """Records by (namespace, name).

    ``remembers``: a record with managers keeps, as ``earlier``, the last one without.
    """

    def __init__(self, *, remembers: bool = False) -> None:
        self._remembers = remembers
        self._changed = threading.Condition(threading.RLock())
        self._records: dict[Name, Record] = {}
        self._index = Index()
        self._tombstones: LRUCache[str, int] = LRUCache(_TOMBSTONES)
        self._former: LRUCache[Name, int] = LRUCache(_TOMBSTONES)
        self._burials = 0
        self._seen: dict[Scope, int] = {}
        self.epoch = 0
        self.version = 0
        """Grows with each change, as soon as ``get`` tells the change."""

    def __len__(self) -> int:
        return len(self._records)

    def get(self, name: Name) -> Record | None:
        """The record, None where there is none."""
        return self._records.get(name)

    def select(
        self, namespace: str | None = None, selector: ParsedSelector = _EVERY_LABEL, owner: str = ""
    ) -> Sequence[Record]:
        """Matching records, sorted by namespace and name; ``namespace`` None is all, ``owner`` is a uid."""
        with self._changed:
            names = self._index.candidates(namespace, selector, owner)
            found = [self._records[name] for name in (self._records if names is None else names)]
        matching = (
            record
            for record in found
            if namespace in {None, record.namespace}
            and selector.matches(record.labels)
            and (not owner or owner in record.owners)
        )
        return sorted(matching, key=lambda record: (record.namespace, record.name))

    def size(self) -> int:
        """The bytes that the records take, about."""
        with self._changed:
            records = list(self._records.values())
        return sum(map(_size, records))

    def upsert(self, record: Record) -> list[Delta]:
        """Take the object of a watch event, or of the answer to an own write, unless a newer one is known."""
        with self._changed:
            name = (record.namespace, record.name)
            old = self._records.get(name)
            if record.uid in self._tombstones or (old and not _is_newer(record, old)):
                return []
            if old is None and self._is_of_before(name, record):
                return []
            deltas = self._put(name, record, old)
            self._changed.notify_all()
            return deltas

    def delete(self, name: Name, uid: str, resource_version: int = 0) -> list[Delta]:
        """Remove the object with this uid, for good. ``resource_version`` is that of the deletion, 0: unknown."""
        with self._changed:
            self._bury(uid)
            old = self._records.get(name)
            # Without uids only the resourceVersion tells an old deletion from a new one.
            if old is None or old.uid != uid or (not uid and old.resource_version > resource_version):
                return []
            self._former[name] = old.resource_version
            self._changed.notify_all()
            return [self._drop(name, old)]

    def replace(
        self, records: Sequence[Record], resource_version: int, scope: Scope = EVERYTHING, *, restored: bool = False
    ) -> list[Delta]:
        """Take a whole list, made at ``resource_version``; objects that it lacks are removed, unless they are newer.

        ``restored``: the server has gone back. Then everything is replaced, and ``epoch`` grows.
        """
        with self._changed:
            if restored:
                self.epoch += 1
                self._tombstones.clear()
                self._former.clear()
                self._seen.pop(scope, None)
            intake = Intake(self, resource_version, scope, restored=restored)
            return [*intake.take(records), *intake.finish()]

    def begin(self, resource_version: int, scope: Scope = EVERYTHING, mark: Mark = _NOTHING_YET) -> Intake:
        """Begin a list that comes page by page, so that it never stands in memory beside the records that it replaces.

        ``mark`` was taken before the request.
        """
        return Intake(self, resource_version, scope, mark)

    def progress(self, resource_version: int, scope: Scope = EVERYTHING) -> None:
        """Note that all events of the scope up to this resourceVersion have arrived."""
        with self._changed:
            self._seen[scope] = max(resource_version, self._seen.get(scope, 0))
            self._changed.notify_all()

    def seen(self, scope: Scope = EVERYTHING) -> int:
        """The resourceVersion up to which the scope is known; 0 before the first list."""
        return self._seen.get(scope, 0)

    def mark(self, scope: Scope = EVERYTHING) -> Mark:
        """The mark of this moment."""
        with self._changed:
            return Mark(self.seen(scope), self._burials)

    def wait_for(self, name: Name, resource_version: int, scope: Scope, timeout: float) -> bool:
        """Wait until the object, or its whole scope, is known at this resourceVersion; False after ``timeout`` s."""

        def arrived() -> bool:
            record = self._records.get(name)
            newest = max(self.seen(scope), record.resource_version if record else 0)
            return newest >= resource_version

        with self._changed:
            return self._changed.wait_for(arrived, timeout)

    def wait_for_change(self, name: Name, record: Record | None, timeout: float) -> None:
        """Wait until the store has another record of the object than this one, for ``timeout`` seconds at most."""
        with self._changed:
            self._changed.wait_for(lambda: self._records.get(name) is not record, timeout)

    def _put(self, name: Name, record: Record, old: Record | None, *, bury: bool = True) -> list[Delta]:
        if old is None:
            deltas = [Delta(ADDED, record)]
        elif old.uid == record.uid:
            if self._remembers and record.managers:
                record = _with_earlier(record, old)
            deltas = [Delta(MODIFIED, record, old)]
        else:
            deltas = [Delta(DELETED, old, old), Delta(ADDED, record)]
            if bury:
                self._bury(old.uid)
        if old is not None:
            self._index.remove(name, old)
        self._records[name] = record
        self._index.add(name, record)
        self.version += 1  # After the change: a verdict on the record before, of this version, would be kept for good.
        return deltas

    def _is_of_before(self, name: Name, record: Record) -> bool:
        """Whether a later object had the name since: then this one is gone, though no event has told so yet."""
        former: int = self._former.get(name, 0)
        return 0 < record.resource_version < former

    def _bury(self, uid: str) -> None:
        if uid:  # Objects of some APIs have none.
            self._burials += 1
            self._tombstones[uid] = self._burials

    def _drop(self, name: Name, record: Record) -> Delta:
        del self._records[name]
        self._index.remove(name, record)
        self.version += 1  # As above.
        return Delta(DELETED, record, record)


class Intake:
    """A list on its way into a store. Where a page never comes, the store has newer objects, and has lost none."""

    def __init__(
        self,
        store: Store,
        resource_version: int,
        scope: Scope,
        mark: Mark = _NOTHING_YET,
        *,
        restored: bool = False,
    ) -> None:
        self._store = store
        self._resource_version = resource_version
        self._scope = scope
        self._mark = mark
        self._restored = restored
        self._listed: set[Name] = set()

    def take(self, records: Sequence[Record]) -> list[Delta]:
        """Take some of the objects; others may change the store between two calls.

        Raises WentBack, and takes none, where one of them contradicts the known history.
        """
        store, deltas = self._store, []
        with store._changed:  # noqa: SLF001 - a part of the store, which lives as long as one list
            if not self._restored and any(self._contradicts(record) for record in records):
                raise WentBack("its list shows an object as it was before")
            for record in records:
                name = (record.namespace, record.name)
                self._listed.add(name)
                old = store._records.get(name)  # noqa: SLF001 - as above
                if record.uid not in store._tombstones and (old is None or self._replaces(record, old)):  # noqa: SLF001 - as above
                    deltas += store._put(name, record, old, bury=not self._restored)  # noqa: SLF001 - as above
        return deltas

    def _contradicts(self, record: Record) -> bool:
        """Whether no consistent list could show this object, given the known history.

        Nothing else betrays a backup that was restored with a raised revision.
        """
        old = self._store._records.get((record.namespace, record.name))  # noqa: SLF001 - as above
        if old is not None and 0 < record.resource_version < old.resource_version <= self._resource_version:
            return True
        buried: int = self._store._tombstones.get(record.uid, 0)  # noqa: SLF001 - as above
        return self._resource_version > 0 and 0 < buried <= self._mark.burials

    def _replaces(self, record: Record, old: Record) -> bool:
        """Whether the list's record replaces the old one, also at an equal version: a CRD's new default comes so."""
        if self._restored:
            return True
        same_version = record.uid == old.uid and record.resource_version == old.resource_version
        return record.data != old.data and (same_version or _is_newer(record, old))

    def finish(self) -> list[Delta]:
        """End the list: objects of the scope that it lacked are removed, unless they are newer."""
        store, deltas = self._store, []
        with store._changed:  # noqa: SLF001 - as above
            for name, old in list(store._records.items()):  # noqa: SLF001 - as above
                is_newer = not self._restored and 0 < self._resource_version < old.resource_version
                if name not in self._listed and not is_newer and self._scope.holds(*name):
                    deltas.append(store._drop(name, old))  # noqa: SLF001 - as above
                    if not self._restored:  # The restored history may bring it back.
                        store._bury(old.uid)  # noqa: SLF001 - as above
                        store._former[name] = old.resource_version  # noqa: SLF001 - as above
            store.progress(self._resource_version, self._scope)
        return deltas


def _with_earlier(record: Record, old: Record) -> Record:
    """The record with ``earlier``: the last one that had no managers, or else the first that was seen."""
    earlier = old.earlier if old.managers and old.earlier is not None else old
    return replace(record, earlier=replace(earlier, earlier=None))


def _size(record: Record) -> int:
    earlier = 0 if record.earlier is None else _size(record.earlier)
    return _BESIDE + len(record.data) + len(record.managers) + earlier


def _is_newer(record: Record, old: Record) -> bool:
    """Whether the record is newer; without comparable versions, the one that comes later is."""
    return record.resource_version > old.resource_version or not (record.resource_version and old.resource_version)
