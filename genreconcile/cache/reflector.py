"""Lists and then watches one resource, in a thread of its own, and hands the objects to a sink.

Invariants: after a list every change reaches the sink, in order, or a new list does (no gap), also where the server is
restored from a backup, and where it refuses watches; the only requests are lists and watches of the resource, and their
rate is bounded whatever the server answers. Names and rules follow client-go's ``tools/cache`` reflector.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple, Protocol

import msgspec

from genreconcile.cache.attempt import ROUNDING, Attempt
from genreconcile.cache.feed import Feed
from genreconcile.cache.freshness import Freshness
from genreconcile.cache.history import History, require_not_older
from genreconcile.cache.list_reader import ListReader, ListSink
from genreconcile.cache.pager import Pager
from genreconcile.cache.reading import BOOKMARK, Reading
from genreconcile.cache.store import DELETED, WentBack
from genreconcile.cache.transform import Record, number
from genreconcile.cache.wire import WatchEvent, read_bookmark
from genreconcile.cluster import Interrupt
from genreconcile.errors import FAULT, ClusterError, Forbidden, Gone, NotFound, Throttled, Unreachable, trace
from genreconcile.log import logger

_SLOW = 0.3  # Seconds to open a watch: a server that has just started takes longer, for it listens before it serves.

_STOP_WITHIN = 2.0  # Seconds.
_log = logger("genreconcile.cache")


class Sink(ListSink, Protocol):
    """The receiver of a reflector's objects and state; called in the reflector's thread."""

    def event(self, event_type: str, record: Record) -> None:
        """Take an object that was ADDED, MODIFIED or DELETED."""

    def bookmark(self, resource_version: int) -> None:
        """Note that all events up to this resourceVersion have been sent."""

    def state(self, *, synced: bool, error: ClusterError | None, stale_since: float | None) -> None:
        """Take the reflector's state: whether the objects are known; the last error, None after a success; and the
        moment of the reflector's clock from which on no watch was well, None while one is.
        """


class Handover(NamedTuple):
    """The last state that the reflector before this one told the sink; by default there was none."""

    synced: bool = False
    stale_since: float | None = None


class Timing(NamedTuple):
    """``clock`` is in seconds; ``sleep(seconds)`` returns True, and early, once the reflector must stop.

    Without ``sleep`` the reflector waits for its own ``stop``.
    """

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], bool] | None = None


_FIRST: Final = Handover()
_REAL_TIME: Final = Timing()


class Reflector:
    """One list and watch of ``feed``, for ``sink``."""

    def __init__(self, feed: Feed, sink: Sink, *, handover: Handover = _FIRST, timing: Timing = _REAL_TIME) -> None:
        self._cluster, self._pace, _, self._lately = feed.upstream
        self._resource = feed.resource
        self._path, self._url, self._query = feed.path, feed.url, feed.query
        self._sink = sink
        self._accept = feed.accept
        self._clock = timing.clock
        self._stopping = threading.Event()
        self._sleep = timing.sleep or self._stopping.wait
        self._interrupt = Interrupt()
        self._interrupt_of_look = Interrupt()
        self._reading = Reading(feed)
        self._history = History(self._clock)
        self._freshness = Freshness(self._pace, self._clock, handover.stale_since)
        self._list_reader = ListReader(feed, self._history, self._interrupt, self._clock)
        accept = self._accept.of_lists
        self._look = Pager(self._cluster, self._path, accept=accept, timeout=self._pace.grace, query=self._query)
        self._resource_version = ""
        self._synced = handover.synced
        self._has_listed = False
        self._failures = 0
        self._retry_after = 0.0
        self._thread = threading.Thread(target=self.run, name=f"genreconcile{self._path}", daemon=True)

    def start(self) -> None:
        """Start the thread, once."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end, also where it is blocked in a read. Does not wait."""
        self._stopping.set()
        self._interrupt.set()
        self._interrupt_of_look.set()

    def join(self, timeout: float) -> bool:
        """Whether the thread has ended within ``timeout`` seconds."""
        if self._thread is threading.current_thread():  # A subscriber may stop the cache from here.
            return True
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def run(self) -> None:
        """List and watch until stopped; no error ends it."""
        while not self._stopping.is_set():
            try:
                self._list_if_due()
                started = self._clock()
                self._watch()
                # Short watches that bring events are well, but one after the other would make a busy loop.
                self._failures += self._clock() - started < self._pace.too_short
            except ClusterError as error:
                self._failed(error)
            except WentBack as sign:
                self._resource_version = ""
                self._history.sign()
                self._failed(ClusterError(f"GET {self._url}: {sign}; it is listed anew", code="GR708"))
            except Exception as error:  # noqa: BLE001 - also after a fault of ours the objects are read on, slowly
                known = isinstance(error, msgspec.MsgspecError)  # Its text names places, and quotes no value.
                if not known:
                    _log.error(
                        "%s: the reader failed; it begins again with a list\n%s",
                        self._resource,
                        trace(error),
                        extra={"code": FAULT},
                    )
                self._resource_version = ""
                cause = error if known else type(error).__name__
                self._failed(ClusterError(f"GET {self._url}: not readable: {cause}", code="GR611"))
            if self._failures and not self._stopping.is_set() and self._sleep(self._delay()):
                break

    def _failed(self, error: ClusterError) -> None:
        if self._stopping.is_set():
            return
        self._failures += 1
        if isinstance(error, Gone):
            self._resource_version = ""
            _log.debug("%s: the resourceVersion has expired; listing again", self._resource)
            return
        # Objects that the server hides are unknown, not absent; where only watches are refused, a list has them.
        if isinstance(error, Forbidden | NotFound) and not self._has_listed:
            self._resource_version = ""
            self._synced = False
        self._retry_after = (error.retry_after or 0.0) if isinstance(error, Throttled) else 0.0
        self._tell(error)

    def _tell(self, error: ClusterError | None) -> None:
        self._sink.state(synced=self._synced, error=error, stale_since=self._freshness.stale_since)

    def _delay(self) -> float:
        asked, self._retry_after = self._retry_after, 0.0
        return max(min(asked, self._pace.longest_asked), self._pace.backoff(self._failures))

    def _list_if_due(self) -> None:
        self._has_listed = False
        if not self._resource_version:
            self._list()
        elif self._freshness.is_list_due:
            try:
                self._list()
            except (Forbidden, NotFound):  # The kind is gone, or may not be listed any more.
                raise
            except ClusterError as error:  # A watch may succeed where a list does not.
                _log.info("%s: no list instead of a watch: %s", self._resource, error)

    def _list(self) -> None:
        resource_version = self._list_reader.take(self._sink)
        if self._stopping.is_set():
            return
        self._resource_version = resource_version
        self._synced = self._has_listed = True
        self._history.settled()
        self._freshness.listed(self._list_reader.requests)
        self._tell(None)

    def _watch(self) -> None:
        attempt = Attempt(self._pace, self._clock)
        asked = max(1, round(attempt.seconds))
        query = {
            **self._query,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._resource_version,
            "timeoutSeconds": str(asked),
        }
        accepted = self._accept.of_watches
        try:
            watch = self._cluster.stream(self._path, query=query, read_timeout=attempt.silence, accept=accepted)
            with self._interrupt, watch as chunks:
                self._opened(attempt)
                for event in self._reading.events(chunks):
                    self._event(event)
                    attempt.heard()
            self._ended(attempt, asked)
        except ClusterError as error:
            self._broken(attempt, error)
        except (WentBack, msgspec.MsgspecError):
            self._freshness.failed(throttled=False)
            raise

    def _ended(self, attempt: Attempt, asked: float) -> None:
        if attempt.lasted < asked - ROUNDING:
            self._history.cut()
        if not attempt.was_well:
            raise ClusterError(f"watch {self._url}: it ended at once", code="GR708")
        self._failures = 0
        self._freshness.ended()

    def _broken(self, attempt: Attempt, error: ClusterError) -> None:
        """Raise ``error``, unless a watch that was well lost its connection: then the next watch is opened at once, and
        the sink is told only where the watch may have been dead for long.
        """
        if attempt.is_open:
            self._history.cut()
        elif not isinstance(error, Throttled):
            self._history.missed()
        if not attempt.was_well:
            self._freshness.failed(throttled=isinstance(error, Throttled))
            if isinstance(error, Forbidden | NotFound) and not self._has_listed:
                self._list()  # A list tells whether only watches are refused.
            raise error
        self._failures = 0
        if not isinstance(error, Unreachable):
            self._freshness.ended()
            raise error
        if attempt.is_silent:
            self._freshness.silent(attempt.heard_at)
            self._tell(error)
        else:
            self._freshness.ended()

    def _opened(self, attempt: Attempt) -> None:
        attempt.opened()
        doubt = self._doubt(attempt) if self._history.is_doubtful else None
        self._freshness.opened()
        self._tell(doubt)

    def _doubt(self, attempt: Attempt) -> ClusterError | None:
        """The error that keeps open whether the server has gone back; None where it has not.

        A server that was restored from a backup sends no event until it has passed the known resourceVersion. It is
        asked while the watch is open: a restore from now on would cut that. Without an answer the watch is read all
        the same, and the next one is doubted as well. Raises WentBack, and Gone where only a list can tell.
        """
        if attempt.lasted > _SLOW:
            self._history.missed()
        if self._history.may_have_changed:
            self._failures = 0
            raise Gone(f"GET {self._url}: the server was out of reach; listing again", code="GR708")
        try:
            page = self._look.page({"limit": "1"}, self._interrupt_of_look)
        except ClusterError as error:
            return error
        require_not_older(page.metadata.resource_version, number(self._resource_version))
        self._history.settled()
        return None

    def _event(self, event: WatchEvent) -> None:
        if event.type == BOOKMARK:
            self._resource_version = read_bookmark(event).resource_version or self._resource_version
            self._sink.bookmark(number(self._resource_version))
            return
        for record in self._reading.records((event.object,)):
            if self._lately is not None and event.type != DELETED:
                self._lately.note(self._resource.gvk, record, event.object)  # Before anybody hears of it.
            self._sink.event(event.type, record)
            if record.resource_version:
                self._resource_version = str(record.resource_version)


def join_all(ending: Iterable[Reflector]) -> None:
    """Wait for reflectors that were asked to end, 2 s for all of them together."""
    deadline = time.monotonic() + _STOP_WITHIN
    for reflector in ending:
        if not reflector.join(max(0.0, deadline - time.monotonic())):
            _log.warning(
                "%s: a reader has not ended yet; it ends with its connection attempt",
                reflector,
                extra={"code": "GR712"},
            )
