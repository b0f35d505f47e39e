"""A list in pages, as client-go's ``tools/pager`` reads it: the next page travels while one is read.

Each page costs the server time that grows with the number of all objects: about 10 ms with 10,000 of them and 30 ms
with 100,000. So pages grow with the list.

Invariant: at most two pages stand in memory at a time. Each is small, or a small part of the list; but not the first,
for the size of the objects is not known before it.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

from genreconcile.cache.wire import Page, read_page
from genreconcile.cluster import Cluster, Interrupt

PAGE = 500
_FEWEST = 50
_SMALL, _LARGEST = 3 * 1024 * 1024, 16 * 1024 * 1024  # Bytes of a page.
_NO_QUERY: Mapping[str, str] = {}
_PART = 32  # A page larger than _SMALL is at most this part of the bytes read so far.


class Pager:
    """Reads the list at ``path``, with ``query`` in each request; ``timeout`` is the longest silence in seconds."""

    def __init__(
        self, cluster: Cluster, path: str, *, accept: str, timeout: float, query: Mapping[str, str] = _NO_QUERY
    ) -> None:
        self._cluster = cluster
        self._path = path
        self._query = query
        self._accept = accept
        self._timeout = timeout

    def page(self, query: Mapping[str, str], interrupt: Interrupt) -> Page:
        """One page. Raises ClusterError and msgspec.MsgspecError."""
        return read_page(self._fetch(query, interrupt))

    def pages(self, limit: int, interrupt: Interrupt) -> Generator[Page, None, None]:
        """All pages of one list, the first with ``limit`` objects; 0 asks for one with all. Raises as ``page``."""
        query = {"limit": str(limit)} if limit else {}
        read = 0
        with ThreadPoolExecutor(1, f"genreconcile list {self._path}") as pool:
            coming: Future[bytes] | None = pool.submit(self._fetch, query, interrupt)
            while coming is not None:
                data = coming.result()
                page = read_page(data)
                if page.metadata.continue_:
                    read += len(data)
                    limit = next_limit(limit, len(page.items or ()), len(data), read)
                    query = {"limit": str(limit), "continue": page.metadata.continue_}
                    coming = pool.submit(self._fetch, query, interrupt)
                else:
                    coming = None
                yield page

    def _fetch(self, query: Mapping[str, str], interrupt: Interrupt) -> bytes:
        with interrupt:
            return self._cluster.request(
                "GET", self._path, query={**self._query, **query}, accept=self._accept, timeout=self._timeout
            )


def next_limit(limit: int, count: int, size: int, read: int) -> int:
    """The number of objects to ask for in the next page, after one of ``count`` objects and ``size`` bytes.

    ``limit`` is the number that was asked for in that page, ``read`` the bytes of all pages so far.
    """
    largest = min(max(_SMALL, read // _PART), _LARGEST)
    fit = largest * count // size if count else limit
    return max(_FEWEST, min(2 * limit, fit))
