"""An HTTP server on the loopback interface: requests are read, answers are written, whoever makes them.

Invariant: an answer goes out as it was given, whole or cut; a connection that is dropped ends in this moment.
"""

from __future__ import annotations

import contextlib
import http.server
import select
import socket
import ssl
import struct
import threading
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from genreconcile.testing.fake.wire import Answer, Dropped, Request

HOST = "127.0.0.1"
POLL = 0.01


class Exchange(http.server.BaseHTTPRequestHandler):
    """A connection; ``serve`` is called for each request on it, in the connection's thread."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024

    def serve(self, request: Request) -> None:
        """Answer by ``send``, or byte by byte. May raise Dropped."""
        raise NotImplementedError

    def send(self, answer: Answer) -> None:
        """Write an answer, each line of a watch as it comes."""
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        body = answer.body
        if isinstance(body, bytes):
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body if answer.cut is None else body[: answer.cut])
            self.wfile.flush()
            if answer.cut is not None:
                raise Dropped
            return
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        for line in body:
            if line:
                self.send_chunk(line)
        self.send_chunk(b"")

    def send_chunk(self, data: bytes) -> None:
        """Write one chunk of a body that is sent in chunks; b"" ends it."""
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Who wants to know what was asked notes it in ``serve``."""

    def _any(self) -> None:
        url = urlsplit(self.path)
        request = Request(
            self.command,
            url.path,
            dict(parse_qsl(url.query, keep_blank_values=True)),
            {name.lower(): value for name, value in self.headers.items()},
            self.rfile.read(int(self.headers.get("Content-Length") or 0)),
            self._is_gone,
        )
        try:
            self.serve(request)
        except Dropped as dropped:
            self._drop(reset=dropped.reset)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _any  # noqa: N815 - the base class's names

    def _drop(self, *, reset: bool) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.wfile.flush()
        shut(self.connection, reset=reset)

    def _is_gone(self) -> bool:
        """Whether the client has closed its side, which sends nothing while it waits."""
        with contextlib.suppress(OSError, ValueError):
            readable, _, _ = select.select([self.connection], [], [], 0)
            if not readable:
                return False
            return socket.socket.recv(self.connection, 1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        return True


class Listener(http.server.ThreadingHTTPServer):
    """Takes connections from ``start`` to ``close``, each in a thread of its own; ``context`` makes it speak TLS."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256

    def __init__(self, exchange: type[Exchange], *, port: int = 0, context: ssl.SSLContext | None = None) -> None:
        super().__init__((HOST, port), exchange)
        self.context = context
        self._thread = threading.Thread(target=self.serve_forever, args=(POLL,), daemon=True, name="listener")

    @property
    def url(self) -> str:
        """Where to connect to."""
        return f"{'https' if self.context else 'http'}://{HOST}:{self.server_port}"

    def start(self) -> None:
        """Take connections."""
        self._thread.start()

    def close(self) -> None:
        """Take none any more; those that are open go on."""
        self.shutdown()
        self.server_close()
        self._thread.join()

    def opened(self, connection: socket.socket) -> None:
        """A connection was opened."""

    def closed(self, connection: socket.socket) -> None:
        """A connection has ended."""

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """The handshake happens in the connection's own thread: one that hangs must not stop the others."""
        try:
            connection = self.context.wrap_socket(request, server_side=True) if self.context else request
        except OSError:
            return
        self.opened(connection)
        try:
            super().process_request_thread(connection, client_address)
        finally:
            self.closed(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The client went away: nothing worth saying."""


def shut(connection: socket.socket, *, reset: bool) -> None:
    """End a connection from any thread; ``reset`` by RST, where the peer would otherwise see a polite end."""
    with contextlib.suppress(OSError):
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
