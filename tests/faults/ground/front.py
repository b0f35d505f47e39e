"""An HTTP server on the loopback interface, in front of a backend: it logs, and lets faults happen.

Invariants: each request is logged once, before its answer is sent; a request that meets no fault is answered as the
backend says. Nothing outlives ``close()``.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from faults.ground.faults import Faults
from faults.ground.log import Log
from faults.ground.wire import Answer, Backend, Dropped, Refusal, Request

HOST = "127.0.0.1"
_POLL = 0.01


class Front:
    """``token``: requests without it as their bearer token are refused with 401, None lets all in.

    ``context`` makes it speak TLS.
    """

    def __init__(self, backend: Backend, *, context: ssl.SSLContext | None = None) -> None:
        self.backend = backend
        self.faults = Faults()
        self.log = Log()
        self.token: str | None = None
        self.context = context
        self.accepted = 0
        """How many connections were opened."""
        self.swallowed = 0
        """How many requests came on connections that were forgotten."""
        self._connections: set[socket.socket] = set()
        self._forgotten: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._thawed = threading.Event()
        self._thawed.set()
        self._server: _Server | None = None
        self.listen()

    def listen(self) -> None:
        """Take connections, after ``refuse_connections`` on the same port."""
        self._server = server = _Server((HOST, getattr(self, "port", 0)), _Handler)
        server.front = self
        self.port: int = server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(_POLL,), daemon=True, name="ground front").start()

    @property
    def url(self) -> str:
        """Where to connect to."""
        return f"{'https' if self.context else 'http'}://{HOST}:{self.port}"

    def kubeconfig(self, folder: Path, **user: str) -> Path:
        """Write a kubeconfig for other processes; ``user`` are a user's fields, such as ``tokenFile``."""
        path = folder / "kubeconfig"
        name = "ground"
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "clusters": [{"name": name, "cluster": {"server": self.url}}],
            "users": [{"name": name, "user": user}],
        }
        path.write_text(json.dumps(config), "utf-8")
        return path

    def refuse_connections(self) -> None:
        """Be down: those that are open are reset, new ones refused."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()
        self.cut_connections()

    def cut_connections(self, *, reset: bool = True) -> None:
        """End all connections that are open."""
        with self._lock:
            for connection in self._connections:
                shut(connection, reset=reset)

    def freeze(self) -> None:
        """A network that swallows everything: connections open and stay, no byte comes back, nothing is carried out."""
        self._thawed.clear()

    def forget_connections(self) -> None:
        """A balancer that forgot its flows: on connections that are open now no byte comes any more; new ones work."""
        with self._lock:
            self._forgotten |= self._connections

    def is_forgotten(self, connection: socket.socket) -> bool:
        """Whether nothing gets through on this connection."""
        return connection in self._forgotten

    def thaw(self) -> None:
        """The network is back. What was swallowed stays so, and its connections end."""
        self._thawed.set()

    @property
    def is_frozen(self) -> bool:
        """Whether nothing gets through."""
        return not self._thawed.is_set()

    def close(self) -> None:
        """End everything."""
        self.backend.close()
        self.refuse_connections()
        self.thaw()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def opened(self, connection: socket.socket) -> None:
        """A connection was opened."""
        with self._lock:
            self.accepted += 1
            self._connections.add(connection)

    def closed(self, connection: socket.socket) -> None:
        """A connection has ended."""
        with self._lock:
            self._connections.discard(connection)
            self._forgotten.discard(connection)

    def handle(self, request: Request) -> Answer:
        """The answer as the client is to see it. Raises Dropped."""
        self._require_thawed(request)
        if self.token is not None and request.headers.get("authorization") != f"Bearer {self.token}":
            answer = Refusal(401, "Unauthorized").answer()
            self.log.note(request, answer, time.monotonic())
            return answer
        effects = self.faults.fire(request)
        try:
            early = next((found for effect in effects if (found := effect.before(request)) is not None), None)
        except Dropped:
            self.log.note(request, None, time.monotonic())
            raise
        answer = early or self.backend.answer(request)
        self.log.note(request, answer, time.monotonic())
        for effect in effects:
            answer = effect.after(request, answer)
        if not isinstance(answer.body, bytes):
            lines: Iterator[bytes] = answer.body
            for effect in effects:
                lines = effect.lines(lines)
            answer.body = self._while_remembered(self._while_thawed(lines), request)
        elif request.is_forgotten():
            self._swallow(request)
        return answer

    def _swallow(self, request: Request) -> None:
        while not request.is_gone():
            time.sleep(_POLL * 5)
        raise Dropped

    def _while_remembered(self, lines: Iterator[bytes], request: Request) -> Iterator[bytes]:
        for line in lines:
            if request.is_forgotten():
                break
            yield line
        if request.is_forgotten():
            self._swallow(request)

    def _require_thawed(self, request: Request) -> None:
        if request.is_forgotten():
            self.swallowed += 1
            self._swallow(request)
        if self.is_frozen:
            while not self._thawed.wait(_POLL * 5) and not request.is_gone():
                pass
            raise Dropped

    def _while_thawed(self, lines: Iterator[bytes]) -> Iterator[bytes]:
        for line in lines:
            if self.is_frozen:
                self._thawed.wait()
                raise Dropped
            yield line


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256
    front: Front

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """The handshake happens in the connection's own thread: one that hangs must not stop the others."""
        front = self.front
        try:
            connection = front.context.wrap_socket(request, server_side=True) if front.context else request
        except OSError:
            return
        front.opened(connection)
        try:
            super().process_request_thread(connection, client_address)
        finally:
            front.closed(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The client went away: nothing worth saying."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024
    server: _Server

    def log_message(self, *_: object) -> None:
        """The front has a log of its own."""

    def _any(self) -> None:
        url = urlsplit(self.path)
        request = Request(
            self.command,
            url.path,
            dict(parse_qsl(url.query, keep_blank_values=True)),
            {name.lower(): value for name, value in self.headers.items()},
            self.rfile.read(int(self.headers.get("Content-Length") or 0)),
            self._is_gone,
            lambda: self.server.front.is_forgotten(self.connection),
        )
        try:
            self._send(self.server.front.handle(request))
        except Dropped as dropped:
            self._drop(reset=dropped.reset)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _any  # noqa: N815 - the base class's names

    def _send(self, answer: Answer) -> None:
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
                self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
                self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

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


def shut(connection: socket.socket, *, reset: bool) -> None:
    """End a connection from any thread; ``reset`` by RST, where the peer would otherwise see a polite end."""
    with contextlib.suppress(OSError):
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
