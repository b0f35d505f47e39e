"""Objects in the cache, watched until nothing more is to be waited for.

Invariant: an object's status is read again when the cache tells of a change, and when its time has come, and at no
other time.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from genreconcile.cache import CacheEvent
from genreconcile.engine import Engine
from genreconcile.errors import CacheError
from genreconcile.kinds.discovery import Resource
from genreconcile.objects import Object, ObjectKey
from genreconcile.readiness import NOT_FOUND, Status

_SETTLED: Final = frozenset({"Current", "Failed"})


class Place(NamedTuple):
    """An object that is waited for."""

    resource: Resource
    key: ObjectKey


class Waiting:
    """How objects are, as the cache of an Engine has them."""

    def __init__(self, engine: Engine) -> None:
        self._cache = engine.cache
        self._catalog = engine.catalog

    def until_settled(self, places: Iterable[Place], deadline: float) -> dict[ObjectKey, Status]:
        """The status of each object, once all are Current or Failed, or at ``deadline`` (``time.monotonic``)."""
        awaited = {place.key: place for place in places}
        news = _News()
        ends = (self._cache.subscribe(news.hear), self._cache.subscribe_states(news.hear_of_states))
        try:
            return self._settled(awaited, news, deadline)
        finally:
            for end in ends:
                end()

    def live(self, place: Place) -> Object | None:
        """The object, None where there is none. Raises CacheError where that is not known."""
        return self._cache.get(place.resource, place.key.name, namespace=place.key.namespace)

    def status(self, live: Object) -> Status:
        """How an object is at present."""
        return self._catalog.status(live, dt.datetime.now(dt.UTC))

    def _settled(self, awaited: Mapping[ObjectKey, Place], news: _News, deadline: float) -> dict[ObjectKey, Status]:
        found = {key: self._at(place) for key, place in awaited.items()}
        while any(status.state not in _SETTLED for status in found.values()):
            left = deadline - time.monotonic()
            if left <= 0:
                break
            timed = {key for key, status in found.items() if status.changes_in is not None}
            changed = news.within(min([left, *(found[key].changes_in or left for key in timed)]))
            again = awaited.keys() if changed is None else awaited.keys() & (changed or timed)
            found.update({key: self._at(awaited[key]) for key in again})
        return found

    def _at(self, place: Place) -> Status:
        try:
            live = self.live(place)
        except CacheError as error:
            return Status("Unknown", "NotReadable", str(error))
        return NOT_FOUND if live is None else self.status(live)


class _News:
    """What has changed since the last look, as the cache's threads tell it."""

    def __init__(self) -> None:
        self._changed: set[ObjectKey] = set()
        self._all = False
        self._told = threading.Condition()

    def hear(self, event: CacheEvent) -> None:
        with self._told:
            self._changed.add(event.key)
            self._told.notify_all()

    def hear_of_states(self) -> None:
        with self._told:
            self._all = True
            self._told.notify_all()

    def within(self, seconds: float) -> set[ObjectKey] | None:
        """The objects that have changed, waited for so long at most; None where any may be readable now, or no more."""
        with self._told:
            self._told.wait_for(lambda: self._changed or self._all, seconds)
            changed, everything = self._changed, self._all
            self._changed, self._all = set(), False
        return None if everything else changed
