"""Whole lists of one resource, page by page or as a stream, into a sink.

Invariant: a list that is not whole takes nothing away; one that is older than what was known is believed only after
there were signs enough that the server has gone back.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

import msgspec

from genreconcile.cache.history import History, require_not_older
from genreconcile.cache.pace import Pace
from genreconcile.cache.pager import PAGE, Pager
from genreconcile.cache.reading import Reading
from genreconcile.cache.store import Mark
from genreconcile.cache.transform import Record, number
from genreconcile.cache.watchlist import QUERY, StreamedList, read_list
from genreconcile.cluster import Cluster, Interrupt, partial
from genreconcile.errors import ClusterError, Gone, Invalid, Throttled, Unauthorized, Unreachable

_PART = 250
_REFUSALS = 2  # So often a stream is refused until pages are asked for: who may not watch may list all the same.


class Accept(NamedTuple):
    """The media types that are asked for; ``of_watches`` is that of single objects."""

    of_lists: str
    of_watches: str


WHOLE = Accept("application/json", "application/json")
METADATA = Accept(partial.METADATA_OF_LISTS, partial.METADATA)


class ListSink(Protocol):
    """Where a list goes."""

    def mark(self) -> Mark:
        """What is known now."""

    def replace(
        self, parts: Iterator[Sequence[Record]], resource_version: int, mark: Mark, *, restored: bool = False
    ) -> None:
        """A whole list, whose parts come as they are taken; ``mark`` is that of before it was asked for.

        ``restored``: the server has gone back. Raises WentBack where only the list shows that. What ``parts`` raises
        goes through: then the list is not whole.
        """


class Lists:
    """``as_stream``: the first list comes as a stream, where the server can do that."""

    def __init__(  # noqa: PLR0913 - the parts of a reflector that a list needs
        self,
        cluster: Cluster,
        path: str,
        accept: Accept,
        *,
        reading: Reading,
        history: History,
        interrupt: Interrupt,
        pace: Pace,
        as_stream: bool,
        clock: Callable[[], float],
    ) -> None:
        self._cluster = cluster
        self._path = path
        self._accept = accept
        self._reading = reading
        self._history = history
        self._interrupt = interrupt
        self._pace = pace
        self._as_stream = as_stream
        self._clock = clock
        self._refusals = 0
        self._pager = Pager(cluster, path, accept=accept.of_lists, timeout=pace.list_timeout)
        self.requests = 0
        """How many the last list took."""

    def take(self, sink: ListSink) -> str:
        """One list; its resourceVersion. Raises ClusterError, WentBack and msgspec.MsgspecError."""
        self.requests = 0
        mark = sink.mark()
        # A stream tells its resourceVersion at its end: too late to see, before an object is replaced, a server that
        # went back. So it is only for those who know nothing yet.
        streamed = self._streamed() if self._as_stream and mark.resource_version == 0 else None
        if streamed:
            sink.replace(_in_parts(streamed.records), number(streamed.resource_version), mark)
            return streamed.resource_version
        try:
            return self._paged(PAGE, sink, mark)
        except Gone:  # The token expired while paging: one answer for all cannot.
            return self._paged(0, sink, mark)

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
                self._as_stream = False  # However this one ends.
                self.requests += 1
                in_time = itertools.takewhile(lambda _: self._clock() < deadline, self._reading.events(chunks))
                return read_list(in_time, self._reading.records)
        except (Unreachable, Unauthorized, Throttled):  # These say nothing of streams.
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
            del first  # It would stand in memory until the last one has come.
            records = itertools.chain.from_iterable(self._records(page.items or ()) for page in every)
            sink.replace(_in_parts(records), number(version), mark, restored=restored)
        return version

    def _records(self, items: Iterable[msgspec.Raw]) -> Iterator[Record]:
        self.requests += 1
        return self._reading.records(items)


def _in_parts(records: Iterable[Record]) -> Iterator[list[Record]]:
    """A few at a time: nobody reads the store while it takes some, and what they replace goes before more are made."""
    left = iter(records)
    while part := list(itertools.islice(left, _PART)):
        yield part
