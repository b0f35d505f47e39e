"""Whole lists of one resource, page by page or as a stream, into a sink.

Invariant: an incomplete list removes no object; a list that is older than the known state is believed only after
enough signs that the server has gone back.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

import msgspec

from genreconcile.cache.feed import Feed
from genreconcile.cache.history import History, require_not_older
from genreconcile.cache.pager import PAGE, Pager
from genreconcile.cache.reading import Reading
from genreconcile.cache.store import Mark
from genreconcile.cache.transform import Record, number
from genreconcile.cache.watchlist import QUERY, StreamedList, read_list
from genreconcile.cluster import Interrupt
from genreconcile.errors import ClusterError, Gone, Invalid, Throttled, Unauthorized, Unreachable

_PART = 250
_REFUSALS = 2  # Refusals of a stream until pages are asked for: an account that may not watch may still list.


class ListSink(Protocol):
    """The receiver of a list."""

    def mark(self) -> Mark:
        """The mark of what is known now; taken before a list is requested."""

    def replace(
        self, parts: Iterator[Sequence[Record]], resource_version: int, mark: Mark, *, restored: bool = False
    ) -> None:
        """Take a whole list, read part by part; ``mark`` was taken before the request.

        ``restored``: the server has gone back. Raises WentBack where only the list shows that. An error that ``parts``
        raises goes through: then the list is incomplete.
        """


class ListReader:
    """Reads whole lists of a feed. ``history`` is that of the whole list and watch; ``interrupt`` ends a read."""

    def __init__(self, feed: Feed, history: History, interrupt: Interrupt, clock: Callable[[], float]) -> None:
        self._cluster, self._pace, self._as_stream, _ = feed.upstream
        self._path, self._query = feed.path, feed.query
        self._accept = feed.accept
        self._reading = Reading(feed)
        self._history = history
        self._interrupt = interrupt
        self._clock = clock
        self._refusals = 0
        accept, silence = feed.accept.of_lists, self._pace.list_timeout
        self._pager = Pager(
            self._cluster, self._path, accept=accept, timeout=silence, query=self._query, ahead=feed.ahead
        )
        self.requests = 0
        """The number of requests for the last list."""

    def take(self, sink: ListSink) -> str:
        """Read one list into the sink; returns its resourceVersion. Raises ClusterError, WentBack and
        msgspec.MsgspecError.
        """
        self.requests = 0
        mark = sink.mark()
        # A stream tells its resourceVersion at its end: too late to see, before an object is replaced, that the server
        # went back. So it is only for a sink that knows nothing yet.
        streamed = self._streamed() if self._as_stream and mark.resource_version == 0 else None
        if streamed:
            sink.replace(_in_parts(streamed.records), number(streamed.resource_version), mark)
            return streamed.resource_version
        try:
            return self._paged(PAGE, sink, mark)
        except Gone:  # The continue token expired; a list in one answer needs none.
            return self._paged(0, sink, mark)

    def _streamed(self) -> StreamedList | None:
        """The list as a stream; None where the server cannot send one: then all lists come in pages.

        The watch that follows is another request, so that it begins, and may be silent, as each watch.
        """
        seconds, silence = self._pace.watch, self._pace.list_timeout
        query = {**self._query, **QUERY, "timeoutSeconds": str(max(1, round(seconds)))}
        accepted = self._accept.of_watches
        deadline = self._clock() + seconds
        try:
            stream = self._cluster.stream(self._path, query=query, read_timeout=silence, accept=accepted)
            with self._interrupt, stream as chunks:
                self._as_stream = False  # However this stream ends.
                self.requests += 1
                in_time = itertools.takewhile(lambda _: self._clock() < deadline, self._reading.events(chunks))
                return read_list(in_time, self._reading.records)
        except (Unreachable, Unauthorized, Throttled):  # These do not tell whether the server can stream.
            raise
        except Invalid:
            self._as_stream = False
            return None
        except ClusterError:
            self._refusals += 1
            self._as_stream = self._as_stream and self._refusals < _REFUSALS
            raise

    def _paged(self, limit: int, sink: ListSink, mark: Mark) -> str:
        with contextlib.closing(self._pager.pages(limit, self._interrupt)) as pages:
            first = next(pages)
            version = first.metadata.resource_version
            restored = self._history.has_gone_back
            if not restored:
                require_not_older(version, mark.resource_version)
            every = itertools.chain((first,), pages)
            del first  # The first page would stay in memory until the last one has come.
            records = itertools.chain.from_iterable(self._records(page.items or ()) for page in every)
            sink.replace(_in_parts(records), number(version), mark, restored=restored)
        return version

    def _records(self, items: Iterable[msgspec.Raw]) -> Iterator[Record]:
        self.requests += 1
        return self._reading.records(items)


def _in_parts(records: Iterable[Record]) -> Iterator[list[Record]]:
    """The records in small parts: readers of the store wait for one part only, and replaced records go part by part."""
    left = iter(records)
    while part := list(itertools.islice(left, _PART)):
        yield part
