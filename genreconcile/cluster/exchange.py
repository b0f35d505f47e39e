"""One request and its answer, over a connection of urllib3's pool.

urllib3 opens the connection, with TLS, proxies and client certificates. The other work of urllib3 and ``http.client``
takes three times as long per request as the exchange itself, so the request is put together here, and llhttp, the
parser of Node.js, reads the answer.

Invariants: a request goes out in one piece; a connection is used again only where its answer was read to the end, and
nothing came after it; an answer that broke off is an error; after one connection fell silent or was reset, no idle one
of its pool is used again, for a load balancer that forgot one has forgotten all.
"""

from __future__ import annotations

import contextlib
import http.client
import inspect
import queue
from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser
from urllib3.exceptions import ProtocolError

from genreconcile.cluster import message
from genreconcile.cluster.interrupt import Interrupt, register, shut
from genreconcile.cluster.leftovers import forget_errors
from genreconcile.cluster.permit import Permit

if TYPE_CHECKING:
    from urllib3.connectionpool import HTTPConnectionPool

_LONGEST_HEAD = 256 * 1024
_VERSIONS: Final = ((2, 2), (2, 9))
"""The first known version of urllib3, and the first unknown one: tests/unit has run with all between."""
_PROTECTED: Final = (
    ("HTTPConnectionPool", "_get_conn", ("self", "timeout")),
    ("HTTPSConnectionPool", "_prepare_proxy", ("self", "conn")),
)


def what_is_unknown(urllib3: ModuleType) -> str:
    """Why ``exchange`` cannot use this urllib3: its version, or a method that has changed; "" where it can."""
    first, beyond = _VERSIONS
    version = str(getattr(urllib3, "__version__", ""))
    known = f"{'.'.join(map(str, first))} to before {'.'.join(map(str, beyond))}"
    if not first <= _numbers(version) < beyond:
        return f"urllib3 {version} is none of {known}"
    for owner, name, expected in _PROTECTED:
        found = _parameters(getattr(getattr(urllib3, owner, None), name, None))
        if found != expected:
            return f"{owner}.{name} of urllib3 {version} takes {found}, not {expected}"
    queue_class = getattr(urllib3.HTTPConnectionPool, "QueueCls", None)
    if queue_class is not queue.LifoQueue:
        return f"HTTPConnectionPool.QueueCls of urllib3 {version} is {queue_class}, not LifoQueue"
    return ""


def _numbers(version: str) -> tuple[int, ...]:
    parts = version.split(".")[:2]
    return tuple(int(part) for part in parts) if all(part.isdecimal() for part in parts) else ()


def _parameters(method: object) -> tuple[str, ...] | None:
    return tuple(inspect.signature(method).parameters) if callable(method) else None


def exchange(pool: HTTPConnectionPool, request: bytes, timeout: float | None) -> Response:
    """Send the bytes of ``request`` and read the head of the answer; ``timeout`` is the longest silence in seconds.

    Raises urllib3's errors where no connection can be opened, OSError, urllib3's ProtocolError, and RemoteDisconnected
    where the server closed the connection without an answer. The thread's Interrupt can end the call, its Permit keeps
    it from being sent.
    """
    if Interrupt.is_current_set():  # Were it sent, the answer might come before the connection ends.
        raise ProtocolError("interrupted")
    connection: Any = pool._get_conn()  # noqa: SLF001 - there is no other way to a connection of a pool
    response = Response(pool, connection)
    try:
        connection.interrupt = None  # The one of the thread that had the connection before.
        if connection.is_closed:
            _open(pool, connection)
        connection.sock.settimeout(timeout)
        with Permit.sending():
            connection.sock.sendall(request)
        register(connection, connection.sock)
        response.read_head()
    except BaseException as error:
        connection.close()
        forget_errors()
        _drop_idle_after(error, pool)
        raise
    return response


def _open(pool: HTTPConnectionPool, connection: Any) -> None:
    connection.timeout = message.CONNECT_TIMEOUT
    connection.debuglevel = 0  # Configuration(debug=True) would have http.client print a proxy's credentials.
    if pool.proxy is not None and pool.scheme == "https":
        pool._prepare_proxy(connection)  # noqa: SLF001 - as above; it opens a tunnel, and connects
    else:
        connection.connect()


def _drop_idle_after(error: BaseException, pool: HTTPConnectionPool) -> None:
    """Close the idle connections after one fell silent or was reset: else each would cost a time-out of its own."""
    # An orderly close of one connection, RemoteDisconnected here, says nothing of the others.
    if not isinstance(error, OSError) or isinstance(error, http.client.RemoteDisconnected) or pool.pool is None:
        return
    idle: list[Any] = []
    with contextlib.suppress(queue.Empty):
        while (connection := pool.pool.get_nowait()) is not None:  # None, one never opened, lies at the bottom.
            idle.append(connection)
        idle.append(None)
    for connection in reversed(idle):
        if connection is not None:
            connection.close()
        _give_back(pool, connection)


def _give_back(pool: HTTPConnectionPool, connection: Any) -> None:
    """Put the connection into the pool, or close it where there is no room: the pool's ``_put_conn`` logs a warning."""
    idle = pool.pool  # None once the pool is closed.
    if idle is not None:
        with contextlib.suppress(queue.Full):
            idle.put_nowait(connection)
            return
    if connection is not None:
        connection.close()


class Response(message.Response):
    """An answer whose head has been read, and whose body is read on demand. Not thread-safe, but for ``end``."""

    def __init__(self, pool: HTTPConnectionPool, connection: Any) -> None:
        self._pool = pool
        self._connection = connection
        self._message = _Message()
        self._parser = self._message.parser
        self._buffer = bytearray(message.CHUNK)

    @property
    def status(self) -> int:
        """See ``message.Response``."""
        return int(self._parser.get_status_code())

    @property
    def headers(self) -> Mapping[str, str]:
        """See ``message.Response``."""
        return self._message.headers

    def read_head(self) -> None:
        """Read until all headers are known. Raises as ``exchange``."""
        length = 0
        while not self._message.is_begun:
            length += self._receive()
            if length > _LONGEST_HEAD and not self._message.is_begun:
                raise ProtocolError(f"the headers are longer than {_LONGEST_HEAD} bytes")

    def read1(self) -> bytes:
        """See ``message.Response``."""
        found = self._message
        try:
            while not found.parts and not found.is_whole:
                self._receive()
        except BaseException as error:
            self.close()
            forget_errors()
            _drop_idle_after(error, self._pool)
            raise
        if found.is_whole:
            self._release()
        parts, found.parts = found.parts, []
        return b"".join(parts)

    def wait_at_most(self, seconds: float) -> None:
        """See ``message.Response``."""
        if self._connection is not None:
            self._connection.sock.settimeout(seconds)

    def close(self) -> None:
        """See ``message.Response``."""
        if self._connection is not None:
            self._connection.close()
            self._release()

    def end(self) -> None:
        """See ``message.Response``."""
        connection = self._connection
        if connection is not None:
            shut(connection.sock)

    def _release(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self._message.is_followed or not self._message.is_kept_alive:
            connection.close()
        _give_back(self._pool, connection)  # A closed connection is opened again when it is used.

    def _receive(self) -> int:
        """Read from the socket and feed the parser; returns the number of bytes."""
        if self._connection is None:
            raise ProtocolError("the answer was closed before its end")
        length: int = self._connection.sock.recv_into(self._buffer)
        try:
            if length:
                self._parser.feed_data(memoryview(self._buffer)[:length])
            else:
                self._message.end()
        except (HttpParserError, HttpParserUpgrade) as error:
            raise ProtocolError("no HTTP") from error
        return length


class _Message:
    """An answer as the parser finds it; ``httptools`` calls the ``on_*`` methods."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.parts: list[bytes] = []
        self.is_begun = self.is_whole = self.is_kept_alive = self.is_followed = False
        self.parser = HttpResponseParser(self)

    def on_message_begin(self) -> None:
        self.is_followed = self.is_whole

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.is_begun:  # A header after the head is a trailer.
            self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        if self.parser.get_status_code() >= 200:
            self.is_begun = True
        else:  # An interim answer: the real one follows.
            self.headers.clear()

    def on_body(self, data: bytes) -> None:
        if not self.is_whole:
            self.parts.append(data)

    def on_message_complete(self) -> None:
        self.is_whole = self.is_begun
        self.is_kept_alive = self.parser.should_keep_alive()  # The parser forgets it after this call.

    def end(self) -> None:
        """Note that the connection has ended. Raises where the answer is not complete."""
        if not self.is_begun:
            raise http.client.RemoteDisconnected("the connection was closed without an answer")
        if not {"content-length", "transfer-encoding"}.isdisjoint(self.headers):
            raise ProtocolError("the connection was closed before the end of the answer")
        self.is_whole = True
