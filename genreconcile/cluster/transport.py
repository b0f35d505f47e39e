"""HTTP as genreconcile needs it: bodies unchanged, no redirects, no second write, blocked reads that can be ended.

Invariant: only the client's own pool manager is used, so TLS, proxies and client certificates are as it set them up.
``urllib3`` is imported inside functions: it costs a quarter of a start.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from genreconcile.cluster.interrupt import Interrupt
from genreconcile.errors import Unauthorized, Unreachable

if TYPE_CHECKING:
    import urllib3

_CHUNK = 64 * 1024
_CONNECT_TIMEOUT = 10.0


class Answer:
    """What ``ApiClient`` reads of a response. It says 200 so that the body of an error comes to us unread."""

    status = 200

    def __init__(self, response: urllib3.BaseHTTPResponse) -> None:
        self.response = response


class Transport:
    """Stands in for ``RESTClientObject``, which re-encodes bodies, follows redirects and leaves retries to urllib3."""

    def __init__(self, pool: urllib3.PoolManager) -> None:
        from urllib3.poolmanager import pool_classes_by_scheme

        self._pool = pool
        if pool.pool_classes_by_scheme is pool_classes_by_scheme:  # A SOCKS proxy's pools are others, and stay.
            pool.pool_classes_by_scheme = _interruptible_pools()

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        post_params: object = None,  # noqa: ARG002 - the signature of RESTClientObject.request
        _request_timeout: float | None = None,
    ) -> Answer:
        """Send, once. A GET goes a second time if the first met a connection that the server was just closing."""
        import urllib3

        options: dict[str, Any] = {
            "headers": _sendable(headers or {}),
            "body": body,
            "timeout": urllib3.Timeout(connect=_CONNECT_TIMEOUT, read=_request_timeout),
            "preload_content": False,
            "redirect": False,
            "retries": False,
        }
        try:
            return Answer(self._pool.request(method, url, **options))
        except urllib3.exceptions.ProtocolError:
            if method != "GET":
                raise
            return Answer(self._pool.request(method, url, **options))

    def close(self) -> None:
        """Close the idle connections."""
        self._pool.clear()


def _sendable(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers, trimmed: a token's file ends with a line break. ``http.client`` would quote what it cannot send."""
    trimmed = {name: value.strip() for name, value in headers.items()}
    for name, value in trimmed.items():
        if not value.isascii() or not value.isprintable():
            raise Unauthorized(f"the header {name} cannot be sent: it has a character that no header may have")
    return trimmed


def chunks(name: str, response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    """The body as it arrives; Unreachable where it breaks off or stays silent."""
    with no_answer(name):
        while chunk := response.read1(_CHUNK):
            yield chunk


@contextlib.contextmanager
def no_answer(name: str) -> Iterator[None]:
    """Turn what urllib3 and the system raise into Unreachable. Nothing is chained: such objects hold the headers."""
    from urllib3.exceptions import HTTPError

    try:
        yield
    except (HTTPError, OSError, ValueError) as error:
        raise Unreachable(f"{name}: no answer: {_cause(error)}; check the address and the network") from None


def _cause(error: Exception) -> str:
    """The operating system's own words; of what others say only the kind, for it may quote an answer."""
    cause = error.__cause__ or error.__context__ or error
    text = f": {cause}" if isinstance(cause, OSError) else ""
    return f"{type(cause).__name__}{text}"[:300]


def keepalive() -> list[tuple[int, int, int]]:
    """Socket options; as in client-go, a dead peer is noticed after 30 s and three probes 10 s apart."""
    options = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):
            options.append((socket.IPPROTO_TCP, getattr(socket, name), value))
    return options


@cache
def _interruptible_pools() -> dict[str, Any]:
    """Connection pools whose connections register with the thread's Interrupt."""
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

    class Pool(HTTPConnectionPool):
        ConnectionCls = _interruptible(HTTPConnection)

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = _interruptible(HTTPSConnection)

    return {"http": Pool, "https": SecurePool}


def _interruptible(base: Any) -> Any:
    """A connection class that registers with the thread's Interrupt, and sends header and body in one piece.

    Two pieces would be two TLS records, and wake the server twice.
    """

    class Connection(base):  # type: ignore[misc]  # whichever class of urllib3
        debuglevel = 0  # Configuration(debug=True) would have http.client print the headers.
        held: list[bytes] | None = None

        def connect(self) -> None:
            _watched(self, super().connect)

        def request(self, *args: Any, **kwargs: Any) -> None:
            _watched(self, self._request_at_once, *args, **kwargs)

        def _request_at_once(self, *args: Any, **kwargs: Any) -> None:
            self.held = []
            try:
                super().request(*args, **kwargs)
            finally:
                held, self.held = self.held, None
            if held:
                super().send(b"".join(held))

        def send(self, data: Any) -> None:
            if self.held is not None and isinstance(data, bytes):
                self.held.append(data)
            else:
                super().send(data)

    return Connection


def _watched(connection: Any, send: Callable[..., None], *args: Any, **kwargs: Any) -> None:
    """Register afterwards: now there is a socket, and what blocks is the wait for the answer."""
    interrupt = connection.interrupt = Interrupt.current()

    def end() -> None:
        if connection.interrupt is interrupt:  # Else another thread has it from the pool by now.
            _shut(connection.sock)

    send(*args, **kwargs)
    if interrupt is not None:
        interrupt.register(end)


def _shut(sock: object) -> None:
    """Wake whoever reads from the socket. ``SSLSocket.shutdown`` would pull the TLS state from under that thread."""
    if isinstance(sock, socket.socket):
        with contextlib.suppress(OSError):  # Closed already.
            socket.socket.shutdown(sock, socket.SHUT_RDWR)
