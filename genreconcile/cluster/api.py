"""The protocol of an API server that takes and gives raw JSON.

Invariant: request bodies go out byte for byte as the caller hands them in; every failure is a ``ClusterError``, whose
text and details hold no value of any object.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Protocol


class Cluster(Protocol):
    """One API server. All methods may be called from many threads.

    ``server`` is the URL of the API server, for messages; ``namespace`` is the context's namespace, "" where the
    context names none. ``path`` is an encoded path such as ``/api/v1/pods``, ``query`` its parameters.
    An implementation that blocks registers a way to end the request with ``Interrupt.current()``. One that has an
    attribute ``asks_permit``, which is True, sends the bytes of a request inside ``with Permit.sending():``. One that
    calls ``Preview.current()`` with an answer's first bytes has long lists read faster.
    """

    server: str
    namespace: str

    def request(  # noqa: PLR0913 - the parts of an HTTP request
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        timeout: float | None = None,
    ) -> bytes:
        """Send one request and return the body of a 2xx answer. Raises ClusterError.

        ``timeout`` is the longest silence in seconds. After Unreachable a write may or may not have happened.
        """

    def stream(
        self, path: str, *, query: Mapping[str, str], read_timeout: float, accept: str = "application/json"
    ) -> AbstractContextManager[Iterator[bytes]]:
        """Send a GET; yields chunks of at most 64 KiB, as they arrive. Raises ClusterError, on entry and while read.

        ``read_timeout`` is the longest silence in seconds; a longer one raises Unreachable.
        """

    def close(self) -> None:
        """Close the idle connections."""
