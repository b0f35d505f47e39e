"""HTTP as genreconcile needs it: bodies unchanged, no redirects, no second write, blocked reads that can be ended.

Invariant: connections come from the client's own pool manager, so TLS, proxies and client certificates are as set up
there. ``urllib3`` is imported inside functions: its import takes a quarter of the start.
"""

from __future__ import annotations

import functools
import socket
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partialmethod
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from genreconcile.cluster.causes import no_answer
from genreconcile.cluster.message import Request
from genreconcile.errors import Unauthorized
from genreconcile.log import logger

if TYPE_CHECKING:
    import urllib3

    from genreconcile.cluster.message import Response

POOL_SIZE = 512
"""Kept connections: each watch holds one. More may be opened, and are closed after use."""

_log = logger("genreconcile.cluster")


class Answer:
    """A response as ``ApiClient`` sees it, from kubernetes 37 on.

    Its status is always 200, so that ``ApiClient`` reads no error's body.
    """

    status = 200

    def __init__(self, response: Response) -> None:
        self.response = response


class Transport:
    """Stands in for ``RESTClientObject``, which re-encodes bodies, follows redirects and leaves retries to urllib3.

    All requests go to ``host``, a URL, which may have a path, with the pairs of ``headers()``; a name may repeat.
    """

    def __init__(
        self, manager: urllib3.PoolManager, host: str, headers: Callable[[], Sequence[tuple[str, str]]] = tuple
    ) -> None:
        self._manager = manager
        self._headers = headers
        self._lock = threading.Lock()
        self._streams: weakref.WeakSet[Response] = weakref.WeakSet()
        parts = urlsplit(host)
        self._host = host
        self._authority = parts.netloc.rpartition("@")[2]
        self._before_target = len(f"{parts.scheme}://{parts.netloc}")
        self._shown = f"{parts.scheme}://{self._authority}"
        self._pool: urllib3.HTTPConnectionPool | None = None

    def request(self, method: str, url: str, **options: Any) -> Answer:
        """See ``send``; so ask the clients from kubernetes 37 on."""
        return Answer(self.send(method, url, **options))

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        _request_timeout: float | None = None,
        **_of_no_use: object,
    ) -> Response:
        """Send a request once; a GET a second time if the first met a connection that the server was just closing."""
        pool, target = self._pool or self._open(), url[self._before_target :]
        request = self._request(pool, method, target, headers or {}, body)
        try:
            response = _exchanged(pool, request, _request_timeout)
        except ConnectionError:
            if method != "GET":
                raise
            response = _exchanged(pool, request, _request_timeout)
        _log.debug("%s %s%s: %d", method, self._shown, target, response.status)
        return response

    # So ask the clients before kubernetes 37, which hand the answer on as it is.
    GET = partialmethod(send, "GET")
    POST = partialmethod(send, "POST")
    PUT = partialmethod(send, "PUT")
    PATCH = partialmethod(send, "PATCH")
    DELETE = partialmethod(send, "DELETE")

    def _open(self) -> urllib3.HTTPConnectionPool:
        """The pool of all requests, kept: finding it takes as long as an exchange."""
        with self._lock:
            pool = self._pool = self._manager.connection_from_url(self._host)
        return pool

    def _request(
        self,
        pool: urllib3.HTTPConnectionPool,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> Request:
        sent = _sendable(headers)
        if pool.proxy is not None and pool.scheme == "http":
            target, sent = self._shown + target, {**_sendable(pool.proxy_headers), **sent}
        if not target.isascii() or not target.isprintable() or " " in target:
            raise ValueError("the path has a character that no path may have")
        if body is not None:
            sent["Content-Length"] = str(len(body))
        always = [("Host", self._authority), ("Accept-Encoding", "identity")]
        own = [(name, _sendable_value(name, value)) for name, value in self._headers()]
        return Request(method, target, [*always, *sent.items(), *own], body)

    def stream(self, response: Response) -> None:
        """Let the answer, which may go on for hours, end when the connections are replaced."""
        with self._lock:
            self._streams.add(response)

    def replace(self, manager: urllib3.PoolManager) -> None:
        """Use another manager for later requests; idle connections and streams end, other answers are read on."""
        with self._lock:
            ending, self._streams = list(self._streams), weakref.WeakSet()
            old, self._manager, self._pool = self._manager, manager, None
        old.clear()
        for response in ending:
            response.end()

    def drop_idle(self) -> None:
        """Close the idle connections; one in use is closed after its answer. Later requests open new ones."""
        with self._lock:
            self._pool = None
            self._manager.clear()

    def close(self) -> None:
        """Close the idle connections."""
        self.drop_idle()


def _exchanged(pool: urllib3.HTTPConnectionPool, request: Request, timeout: float | None) -> Response:
    if _knows_urllib3():
        from genreconcile.cluster.exchange import exchange

        return exchange(pool, bytes(request), timeout)
    from genreconcile.cluster.urlopen import urlopen

    return urlopen(pool, request, timeout)


@functools.cache
def _knows_urllib3() -> bool:
    """Whether ``exchange``, which uses protected methods of urllib3, may send; else ``urlopen`` does."""
    import urllib3

    from genreconcile.cluster.exchange import what_is_unknown

    unknown = what_is_unknown(urllib3)
    if unknown:
        _log.info("%s: requests go out by its own urlopen, and take longer", unknown)
    return not unknown


def _sendable(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers, trimmed: a token's file ends with a line break. Raises Unauthorized for one that cannot be sent;
    ``http.client`` would quote it.
    """
    return {name: _sendable_value(name, value) for name, value in headers.items()}


def _sendable_value(name: str, value: str) -> str:
    trimmed = value.strip()
    if name.startswith("Impersonate-"):
        # Names of users may be in any script, and go out in UTF-8, as by Go; a space at an end would be lost.
        is_sendable = trimmed == value and value.isprintable()
    else:
        is_sendable = trimmed.isascii() and trimmed.isprintable()
    if not is_sendable:
        raise Unauthorized(
            f"the header {name.lower()} cannot be sent: it has a character that no header may have", code="GR604"
        )
    return trimmed


def chunks(name: str, response: Response) -> Iterator[bytes]:
    """The body as it arrives; Unreachable where it breaks off or stays silent."""
    with no_answer(name):
        while chunk := response.read1():
            yield chunk


def keepalive() -> list[tuple[int, int, int]]:
    """Socket options; as in client-go, a dead peer is noticed after 30 s and three probes 10 s apart."""
    options = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):
            options.append((socket.IPPROTO_TCP, getattr(socket, name), value))
    return options
