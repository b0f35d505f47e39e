"""One request and its answer, over a connection of urllib3's pool.

urllib3 opens the connection: TLS, proxies and client certificates are its work. What it and ``http.client`` do beside
for each request costs three times what the exchange itself takes, so the request is put together here, and llhttp, the
parser of Node.js, reads the answer.

Invariants: a request goes out in one piece; a connection goes back to its pool only where its answer was read to the
end, and nothing came after it; an answer that broke off is an error.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
from collections.abc import Mapping
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import ProtocolError

from genreconcile.cluster.interrupt import Interrupt

CHUNK = 64 * 1024
_LONGEST_HEAD = 256 * 1024
_CONNECT_TIMEOUT = 10.0


def exchange(pool: HTTPConnectionPool, request: bytes, timeout: float | None) -> Response:
    """Send ``request``, whole as it goes out, and read the head of the answer; ``timeout`` is the longest silence in
    seconds.

    Raises what urllib3 raises where it cannot connect, OSError, urllib3's ProtocolError, and RemoteDisconnected where
    the server closed the connection without a word. Ends where the thread's Interrupt says so.
    """
    if Interrupt.is_current_set():  # Were it sent, the answer might come before the connection ends.
        raise ProtocolError("interrupted")
    connection: Any = pool._get_conn()  # noqa: SLF001 - there is no other way to a connection of a pool
    response = Response(pool, connection)
    try:
        connection.interrupt = None  # Of the thread that had it before.
        if connection.is_closed:
            _open(pool, connection)
        connection.sock.settimeout(timeout)
        connection.sock.sendall(request)
        _register(connection)
        response.read_head()
    except BaseException:
        connection.close()
        raise
    return response


def _open(pool: HTTPConnectionPool, connection: Any) -> None:
    connection.timeout = _CONNECT_TIMEOUT
    connection.debuglevel = 0  # Configuration(debug=True) would have http.client print a proxy's credentials.
    if pool.proxy is not None and pool.scheme == "https":
        pool._prepare_proxy(connection)  # noqa: SLF001 - as above; it opens a tunnel, and connects
    else:
        connection.connect()


def _register(connection: Any) -> None:
    """Tell the thread's Interrupt how to end what now waits for the answer."""
    interrupt = connection.interrupt = Interrupt.current()

    def end() -> None:
        if connection.interrupt is interrupt:  # Else another thread has it from the pool by now.
            _shut(connection.sock)

    if interrupt is not None:
        interrupt.register(end)


def _shut(sock: object) -> None:
    """Wake whoever reads from the socket. ``SSLSocket.shutdown`` would pull the TLS state from under that thread."""
    if isinstance(sock, socket.socket):
        with contextlib.suppress(OSError):  # Closed already.
            socket.socket.shutdown(sock, socket.SHUT_RDWR)


class Response:
    """An answer whose head was read, and whose body comes as it is asked for. Not thread-safe."""

    def __init__(self, pool: HTTPConnectionPool, connection: Any) -> None:
        self._pool = pool
        self._connection = connection
        self._message = _Message()
        self._parser = self._message.parser
        self._buffer = bytearray(CHUNK)

    @property
    def status(self) -> int:
        """The code."""
        return int(self._parser.get_status_code())

    @property
    def headers(self) -> Mapping[str, str]:
        """By the name in lower case; of several with one name the last."""
        return self._message.headers

    def read_head(self) -> None:
        """Read until all headers are known. Raises as ``exchange``."""
        length = 0
        while not self._message.is_begun:
            length += self._receive()
            if length > _LONGEST_HEAD and not self._message.is_begun:
                raise ProtocolError(f"the headers are longer than {_LONGEST_HEAD} bytes")

    def read(self, most: int | None = None) -> bytes:
        """The rest of the body, or the first ``most`` bytes of it. Raises as ``exchange``."""
        whole = io.BytesIO()  # What it returns is no copy, as a join of the parts would be.
        while (most is None or whole.tell() < most) and (part := self.read1()):
            whole.write(part)
        whole.truncate(most)
        return whole.getvalue()

    def read1(self) -> bytes:
        """What has come of the body, at most ``CHUNK`` bytes; b"" at its end. Raises as ``exchange``."""
        message = self._message
        try:
            while not message.parts and not message.is_whole:
                self._receive()
        except BaseException:
            self.close()
            raise
        if message.is_whole:
            self._release()
        parts, message.parts = message.parts, []
        return b"".join(parts)

    def close(self) -> None:
        """Let the connection go. Where the body was not read to its end, it is of no use to others."""
        if self._connection is not None:
            self._connection.close()
            self._release()

    def _release(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self._message.is_followed or not self._message.is_kept_alive:
            connection.close()
        self._pool._put_conn(connection)  # noqa: SLF001 - as above; a closed one is opened again

    def _receive(self) -> int:
        """Take what has come; its length."""
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
    """What the parser finds, as ``httptools`` calls back."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.parts: list[bytes] = []
        self.is_begun = self.is_whole = self.is_kept_alive = self.is_followed = False
        self.parser = HttpResponseParser(self)

    def on_message_begin(self) -> None:
        self.is_followed = self.is_whole

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.is_begun:  # Else it is a trailer.
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
        self.is_kept_alive = self.parser.should_keep_alive()  # Afterwards it forgets.

    def end(self) -> None:
        """The connection has ended. Raises where something is missing."""
        if not self.is_begun:
            raise http.client.RemoteDisconnected("the connection was closed without an answer")
        if not {"content-length", "transfer-encoding"}.isdisjoint(self.headers):
            raise ProtocolError("the connection was closed before the end of the answer")
        self.is_whole = True
