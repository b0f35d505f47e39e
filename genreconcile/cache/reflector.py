"""Lists and then watches one resource, in a thread of its own, and hands on what it reads.

Invariants: after a list every change reaches the sink, in order, or a new list does (no gap), also where the server is
restored from a backup; the only requests are lists and watches of the resource, and their rate is bounded whatever the
server answers. Names and rules follow client-go's ``tools/cache`` reflector.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

import msgspec

from genreconcile.cache.history import History, require_not_older
from genreconcile.cache.pace import Pace
from genreconcile.cache.pager import PAGE, Pager
from genreconcile.cache.store import ADDED, DELETED, MODIFIED, Mark, WentBack
from genreconcile.cache.transform import Record, number, read_name
from genreconcile.cache.watchlist import QUERY, StreamedList, read_list
from genreconcile.cache.wire import WatchEvent, read_bookmark, read_events
from genreconcile.cluster import Cluster, Interrupt, status_error
from genreconcile.discovery import Resource
from genreconcile.errors import ClusterError, Forbidden, Gone, Invalid, NotFound, Throttled, trace
from genreconcile.gojson import loads

_KNOWN = frozenset({ADDED, MODIFIED, DELETED, "BOOKMARK"})
_PART = 250
_SLOW = 0.3  # Seconds to open a watch: an API server that starts listens before it serves.
_ROUNDING = 1.0  # A watch is asked for whole seconds.

_log = logging.getLogger("genreconcile.cache")


class _Accept(NamedTuple):
    of_lists: str
    of_watches: str


_WHOLE = _Accept("application/json", "application/json")
_METADATA = _Accept(
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json",
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json",
)


class Sink(Protocol):
    """Where a reflector's findings go; called from its thread."""

    def mark(self) -> Mark:
        """What is known now."""

    def replace(
        self, parts: Iterator[Sequence[Record]], resource_version: int, mark: Mark, *, restored: bool = False
    ) -> None:
        """A whole list, whose parts come as they are taken; ``mark`` is that of before it was asked for.

        ``restored``: the server has gone back. Raises WentBack where only the list shows that. What ``parts`` raises
        goes through: then the list is not whole.
        """

    def event(self, event_type: str, record: Record) -> None:
        """ADDED, MODIFIED or DELETED."""

    def bookmark(self, resource_version: int) -> None:
        """All events up to here have been sent."""

    def state(self, *, synced: bool, error: ClusterError | None) -> None:
        """Whether the objects are known, and the last error, None after a success."""


class Reflector:
    """One list and watch. ``reader`` makes records of JSON, or raises MsgspecError.

    ``watch_list``: the first list comes as a stream, where the server can do that. ``sleep(seconds)`` returns early,
    and True, once the reflector is to stop.
    """

    def __init__(  # noqa: PLR0913 - the last two are for tests
        self,
        cluster: Cluster,
        resource: Resource,
        namespace: str,
        sink: Sink,
        *,
        reader: Callable[[msgspec.Raw], Record],
        metadata_only: bool = False,
        watch_list: bool = False,
        pace: Pace | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], bool] | None = None,
    ) -> None:
        self._cluster = cluster
        self._resource = resource
        self._path = resource.path(namespace)
        self._sink = sink
        self._read = reader
        self._accept = _METADATA if metadata_only else _WHOLE
        self._watch_list = watch_list
        self._pace = pace or Pace()
        accepted, timeout = self._accept.of_lists, self._pace.list_timeout
        self._pager = Pager(cluster, self._path, accept=accepted, timeout=timeout)
        self._clock = clock
        self._stopping = threading.Event()
        self._sleep = sleep or self._stopping.wait
        self._interrupt = Interrupt()
        self._interrupt_of_check = Interrupt()
        self._resource_version = ""
        self._synced = False
        self._bookmarks = False
        self._history = History(clock)
        self._failures = 0
        self._retry_after = 0.0
        self._thread = threading.Thread(target=self.run, name=f"genreconcile{self._path}", daemon=True)

    def start(self) -> None:
        """Begin, once."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end, also where it is blocked in a read. Does not wait."""
        self._stopping.set()
        self._interrupt.set()
        self._interrupt_of_check.set()

    def join(self, timeout: float) -> bool:
        """Whether the thread has ended within ``timeout`` seconds."""
        if self._thread is threading.current_thread():  # A subscriber stops the cache.
            return True
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def run(self) -> None:
        """List and watch until stopped; no error ends it."""
        while not self._stopping.is_set():
            try:
                if not self._resource_version:
                    self._list()
                started = self._clock()
                self._watch()
                # A watch that ends at once is a failure, or a proxy that cuts each one would make a busy loop.
                self._failures += self._clock() - started < self._pace.too_short
            except ClusterError as error:
                self._failed(error)
            except WentBack as sign:
                self._resource_version = ""
                self._history.sign()
                self._failed(ClusterError(f"GET {self._cluster.server}{self._path}: {sign}; it is listed anew"))
            except Exception as error:  # noqa: BLE001 - also after a fault of ours the objects are read on, slowly
                known = isinstance(error, msgspec.MsgspecError)  # Names places, and quotes nothing.
                if not known:
                    _log.error("%s: the reader failed; it begins again with a list\n%s", self._resource, trace(error))
                self._resource_version = ""
                cause = error if known else type(error).__name__
                self._failed(ClusterError(f"GET {self._cluster.server}{self._path}: not readable: {cause}"))
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
        if isinstance(error, Forbidden | NotFound):  # What is not shown to us is unknown, not absent.
            self._resource_version = ""
            self._synced = False
        self._retry_after = (error.retry_after or 0.0) if isinstance(error, Throttled) else 0.0
        self._sink.state(synced=self._synced, error=error)

    def _delay(self) -> float:
        asked, self._retry_after = self._retry_after, 0.0
        return max(min(asked, self._pace.longest_asked), self._pace.backoff(self._failures))

    def _list(self) -> None:
        mark = self._sink.mark()
        # A stream tells its resourceVersion at its end: too late to see, before an object is replaced, a server that
        # went back. So it is only for those who know nothing yet.
        streamed = self._streamed() if self._watch_list and mark.resource_version == 0 else None
        if streamed:
            self._sink.replace(_in_parts(streamed.records), number(streamed.resource_version), mark)
            resource_version = streamed.resource_version
        else:
            resource_version = self._paged(mark)
        if self._stopping.is_set():
            return
        self._resource_version = resource_version
        self._synced = True
        self._history.settled()
        self._sink.state(synced=True, error=None)

    def _streamed(self) -> StreamedList | None:
        """The list as a stream, None where the server has no such thing: then the next ones come in pages.

        The watch that follows is another one, so that it begins, and may be silent, as each watch does.
        """
        seconds, silence = self._pace.watch, self._pace.list_timeout
        query, accepted = {**QUERY, "timeoutSeconds": str(max(1, round(seconds)))}, self._accept.of_watches
        deadline = self._clock() + seconds
        try:
            stream = self._cluster.stream(self._path, query=query, read_timeout=silence, accept=accepted)
            with self._interrupt, stream as chunks:
                self._watch_list = False  # However this one ends.
                in_time = itertools.takewhile(lambda _: self._clock() < deadline, self._events(chunks))
                return read_list(in_time, self._records)
        except Invalid:
            self._watch_list = False
            return None

    def _paged(self, mark: Mark) -> str:
        try:
            return self._take(PAGE, mark)
        except Gone:  # The token expired while paging: one answer for all cannot.
            return self._take(0, mark)

    def _take(self, limit: int, mark: Mark) -> str:
        with contextlib.closing(self._pager.pages(limit, self._interrupt)) as pages:
            first = next(pages)
            version = first.metadata.resource_version
            restored = self._history.has_gone_back
            if not restored:
                require_not_older(version, mark.resource_version)
            every = itertools.chain((first,), pages)
            del first  # It would stand in memory until the last one has come.
            records = itertools.chain.from_iterable(self._records(page.items or ()) for page in every)
            self._sink.replace(_in_parts(records), number(version), mark, restored=restored)
        return version

    def _records(self, items: Iterable[msgspec.Raw]) -> Iterator[Record]:
        for item in items:
            try:
                yield self._read(item)
            except msgspec.MsgspecError as error:
                # Known to be there, so that it is neither created nor deleted; who asks for it is told.
                found = read_name(item)
                _log.error("%s %s: not readable: %s; it is left alone", self._resource, _name_of(item), error)
                if found:
                    yield found
            except RecursionError:
                _log.error("%s: an object is nested too deeply; it is left out of the cache", self._resource)

    def _watch(self) -> None:
        started, opened, events = self._clock(), False, 0
        seconds = self._pace.seconds_of_watch(bookmarks=self._bookmarks)
        asked = max(1, round(seconds))
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._resource_version,
            "timeoutSeconds": str(asked),
        }
        silence = self._pace.silence_of_watch(seconds, bookmarks=self._bookmarks)
        try:
            watch = self._cluster.stream(self._path, query=query, read_timeout=silence, accept=self._accept.of_watches)
            with self._interrupt, watch as chunks:
                opened = True
                if self._history.is_doubtful:
                    if self._clock() - started > _SLOW:
                        self._history.missed()
                    self._check_history()
                self._sink.state(synced=self._synced, error=None)
                for event in self._events(chunks):
                    self._event(event)
                    events += 1
            if self._clock() - started < asked - _ROUNDING:
                self._history.cut()
        except ClusterError as error:
            if opened:
                self._history.cut()
            elif not isinstance(error, Throttled):
                self._history.missed()
            if not events:  # Perhaps this server sends no bookmarks, unlike the one before: find out again.
                self._bookmarks = False
            raise
        finally:
            self._judge(self._clock() - started, events)

    def _check_history(self) -> None:
        """A server that was restored from a backup meanwhile would keep quiet until it is where we were.

        Asked while the watch is open: were the server restored now, that would be cut. Raises WentBack, and Gone where
        only a list can tell.
        """
        if self._history.may_have_changed:
            self._failures = 0
            raise Gone(f"GET {self._cluster.server}{self._path}: the server was out of reach; listing again")
        page = self._pager.page({"limit": "1"}, self._interrupt_of_check)
        require_not_older(page.metadata.resource_version, number(self._resource_version))
        self._history.settled()

    def _judge(self, seconds: float, events: int) -> None:
        """After a watch that brought something, or lasted, failures count from the beginning."""
        if seconds >= self._pace.too_short or events:
            self._failures = 0

    def _events(self, chunks: Iterable[bytes]) -> Iterator[WatchEvent]:
        """Those that say something of an object. Raises the ClusterError that an ERROR brings."""
        for event in read_events(chunks):
            if event.type == "ERROR":
                raise status_error(f"watch {self._cluster.server}{self._path}", loads(bytes(event.object)))
            if event.type in _KNOWN:
                yield event
            else:
                name = _name_of(event.object)
                _log.warning("%s %s: an event of the unknown type %s is passed over", self._resource, name, event.type)

    def _event(self, event: WatchEvent) -> None:
        if event.type == "BOOKMARK":
            self._bookmarks = True
            self._resource_version = read_bookmark(event).resource_version or self._resource_version
            self._sink.bookmark(number(self._resource_version))
            return
        for record in self._records((event.object,)):
            self._sink.event(event.type, record)
            if record.resource_version:
                self._resource_version = str(record.resource_version)


def _in_parts(records: Iterable[Record]) -> Iterator[list[Record]]:
    """A few at a time: nobody reads the store while it takes some, and what they replace goes before more are made."""
    left = iter(records)
    while part := list(itertools.islice(left, _PART)):
        yield part


def _name_of(item: msgspec.Raw) -> str:
    found = read_name(item)
    return found.full_name if found else "an object without a name"
