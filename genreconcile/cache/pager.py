"""A list in pages, as client-go's ``tools/pager`` reads it, but with two pages on their way while one is read.

Each page costs the server time that grows with the number of all objects: about 10 ms with 10,000 of them and 30 ms
with 100,000. So pages grow with the list. The head of a page tells the token of the next one, which is asked for then:
the server finds its objects while it still sends those of the page before.

Invariant: at most three pages stand in memory at a time. Each is small, or a small part of the list; but not the first,
for the size of the objects is not known before it, and so it travels alone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import Final, NamedTuple

from genreconcile.cache.wire import Page, read_page, token_ahead
from genreconcile.cluster import Cluster, Interrupt, Preview

PAGE = 500
_FEWEST = 50
_SMALL, _LARGEST = 3 * 1024 * 1024, 16 * 1024 * 1024  # Bytes of a page.
_NO_QUERY: Mapping[str, str] = {}
_PART = 32  # A page larger than _SMALL is at most this part of the bytes read so far.
AHEAD: Final = 2
"""Pages that are on their way, or have come and were not taken; with one, each is asked for when that before is taken.

The C library keeps the memory of each for its thread: up to 6 MB more with two, measured with 10,000 Deployments.
"""


class Pager:
    """Reads the list at ``path``, with ``query`` in each request; ``timeout`` is the longest silence in seconds.

    ``ahead`` is 1 or more, as AHEAD.
    """

    def __init__(  # noqa: PLR0913 - keyword-only settings
        self,
        cluster: Cluster,
        path: str,
        *,
        accept: str,
        timeout: float,
        query: Mapping[str, str] = _NO_QUERY,
        ahead: int = AHEAD,
    ) -> None:
        self._cluster = cluster
        self._path = path
        self._query = query
        self._accept = accept
        self._timeout = timeout
        self._ahead = ahead

    def page(self, query: Mapping[str, str], interrupt: Interrupt) -> Page:
        """One page. Raises ClusterError and msgspec.MsgspecError."""
        return read_page(self._fetch(query, interrupt))

    def pages(self, limit: int, interrupt: Interrupt) -> Generator[Page, None, None]:
        """All pages of one list, the first with ``limit`` objects; 0 asks for one with all. Raises as ``page``."""
        coming = _Coming(self._path, lambda query: self._fetch(query, interrupt), limit, self._ahead)
        try:
            token: str | None = ""
            while token is not None:
                page = coming.take(token)
                token = page.metadata.continue_ or None
                if token:
                    coming.ask(token)
                yield page
        finally:
            coming.end()

    def _fetch(self, query: Mapping[str, str], interrupt: Interrupt) -> bytes:
        with interrupt:
            return self._cluster.request(
                "GET", self._path, query={**self._query, **query}, accept=self._accept, timeout=self._timeout
            )


class _Asked(NamedTuple):
    """A page that was asked for, with the ``limit`` of its request."""

    limit: int
    data: Future[bytes]


class _Coming:
    """The pages of one list that are on their way, by their tokens; "" is that of the first."""

    def __init__(self, path: str, fetch: Callable[[Mapping[str, str]], bytes], limit: int, ahead: int) -> None:
        self._fetch = fetch
        self._ahead = ahead
        self._pool = ThreadPoolExecutor(ahead, f"genreconcile list {path}")
        self._room = threading.Semaphore(ahead)
        self._lock = threading.Lock()
        self._ended = False
        self._asked: dict[str, _Asked] = {}
        self._limit, self._read = limit, 0
        self.ask("")

    def ask(self, token: str) -> None:
        """Ask for the page, unless that was done."""
        with self._lock:
            if not self._ended and token not in self._asked:
                self._asked[token] = _Asked(self._limit, self._pool.submit(self._run, token, self._limit))

    def take(self, token: str) -> Page:
        """The page, when it has come. Raises as ``Pager.page``."""
        limit, coming = self._asked.pop(token)
        data = coming.result()
        self._room.release()
        page = read_page(data)
        self._read += len(data)
        self._limit = next_limit(limit, len(page.items or ()), len(data), self._read)
        return page

    def end(self) -> None:
        """Ask for no more, and wait for what is on its way."""
        with self._lock:
            self._ended = True
        self._room.release(self._ahead)
        self._pool.shutdown(cancel_futures=True)

    def _run(self, token: str, limit: int) -> bytes:
        self._room.acquire()
        if self._ended:
            raise CancelledError
        query = {"limit": str(limit)} if limit else {}
        with Preview(self._look_ahead):
            return self._fetch({**query, "continue": token} if token else query)

    def _look_ahead(self, beginning: bytes) -> None:
        """Ask for the page that follows, as soon as the head of this one has come."""
        # After the first page alone, a limit fits.
        following = token_ahead(beginning) if self._read and self._ahead > 1 else ""
        if following:
            self.ask(following)


def next_limit(limit: int, count: int, size: int, read: int) -> int:
    """The number of objects to ask for in the next page, after one of ``count`` objects and ``size`` bytes.

    ``limit`` is the number that was asked for in that page, ``read`` the bytes of all pages so far.
    """
    largest = min(max(_SMALL, read // _PART), _LARGEST)
    fit = largest * count // size if count else limit
    return max(_FEWEST, min(2 * limit, fit))
