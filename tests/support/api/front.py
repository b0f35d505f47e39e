"""A backend over HTTP, and the network between it and its clients: connections are cut, frozen, forgotten, refused.

Invariants: a request passes the network, then the log and the faults of ``Passage``, then the backend. Nothing outlives
``close()``.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from genreconcile.testing.fake.wire import Answer, Backend, Dropped, Refusal, Request
from support.api.listener import HOST, POLL, Exchange, Listener, shut
from support.api.passage import Passage


class Front(Passage):
    """``token``: requests without it as their bearer token are refused with 401, None lets all in.

    ``context`` makes it speak TLS.
    """

    def __init__(self, backend: Backend, *, context: ssl.SSLContext | None = None) -> None:
        super().__init__(backend)
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
        self._server = server = _Server(_Exchange, port=getattr(self, "port", 0), context=self.context)
        server.front = self
        self.port: int = server.server_port
        server.start()

    def present(self, context: ssl.SSLContext) -> None:
        """Speak TLS with another certificate on connections that are opened from now on."""
        self.context = context
        if self._server is not None:
            self._server.context = context

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
            server.close()
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
        super().close()
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
        answer = self.answer(request)
        if not isinstance(answer.body, bytes):
            answer.body = self._while_remembered(self._while_thawed(answer.body), request)
        elif request.is_forgotten():
            self._swallow(request)
        return answer

    def _swallow(self, request: Request) -> None:
        while not request.is_gone():
            time.sleep(POLL * 5)
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
            while not self._thawed.wait(POLL * 5) and not request.is_gone():
                pass
            raise Dropped

    def _while_thawed(self, lines: Iterator[bytes]) -> Iterator[bytes]:
        for line in lines:
            if self.is_frozen:
                self._thawed.wait()
                raise Dropped
            yield line


class _Server(Listener):
    front: Front

    def opened(self, connection: socket.socket) -> None:
        self.front.opened(connection)

    def closed(self, connection: socket.socket) -> None:
        self.front.closed(connection)


class _Exchange(Exchange):
    server: _Server

    def serve(self, request: Request) -> None:
        front = self.server.front
        request.is_forgotten = lambda: front.is_forgotten(self.connection)
        self.send(front.handle(request))
