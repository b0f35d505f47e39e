"""A real API server behind a front that lets faults happen to what passes.

Invariant: without a fault nothing is changed; the lines of a watch are passed on whole, as they come.

::

    with ProxiedServer(control_plane.kubeconfig) as server:
        server.faults.add(cut(2, line_share=0.5), "watch", resource="configmaps")
        with gr.Reconciler(server.connect(), namespaces=[namespace]) as reconciler: ...

The front ends TLS (``tls=True``: speaks it itself, with a certificate of its own) and is the user of the kubeconfig.
"""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from genreconcile.cluster import Cluster
from genreconcile.testing.certificates import Authority
from genreconcile.testing.fake.wire import Answer, Refusal, Request
from support.api.client import Admin, cluster_of
from support.api.front import Front
from support.api.listener import shut
from support.api.tls import client_context, server_context

_PASSED_ON = ("content-type", "accept")
_TIMEOUT = 90.0


class _Own:
    """A connection that ends with the thread that has it, or with what that thread puts in its place."""

    def __init__(self, connection: http.client.HTTPSConnection) -> None:
        self.connection = connection

    def __del__(self) -> None:
        self.connection.close()


class Upstream:
    """The API server of a kubeconfig, as a backend; thread-safe."""

    def __init__(self, kubeconfig: Path) -> None:
        config = json.loads(kubeconfig.read_text("utf-8"))
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self._address = urlsplit(cluster["server"])
        self._context = client_context(cluster, user)
        self._local = threading.local()
        self._lock = threading.Lock()
        self._watches: set[http.client.HTTPSConnection] = set()

    def answer(self, request: Request) -> Answer:
        """See ``Backend``."""
        is_watch = request.verb == "watch"
        connection = self._new() if is_watch else self._own()
        try:
            response = self._send(connection, request)
            headers = {"Content-Type": response.getheader("Content-Type") or "application/json"}
            if wait := response.getheader("Retry-After"):
                headers["Retry-After"] = wait
            if is_watch and response.status == 200:
                return Answer(200, self._lines(connection, response), headers)
            body = response.read()
            if is_watch:
                connection.close()
            return Answer(response.status, body, headers)
        except (OSError, http.client.HTTPException) as error:
            connection.close()  # The next request opens it again.
            return Refusal(503, f"upstream: {error}").answer()

    def close(self) -> None:
        """See ``Backend``."""
        with self._lock:
            for connection in self._watches:
                if connection.sock is not None:
                    shut(connection.sock, reset=True)

    def _send(self, connection: http.client.HTTPSConnection, request: Request) -> http.client.HTTPResponse:
        query = f"?{urlencode(request.query)}" if request.query else ""
        headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
        connection.request(request.method, request.path + query, request.body or None, headers)
        return connection.getresponse()

    def _lines(self, connection: http.client.HTTPSConnection, response: http.client.HTTPResponse) -> Iterator[bytes]:
        with self._lock:
            self._watches.add(connection)
        try:
            while line := response.readline():
                yield line
        except (OSError, http.client.HTTPException):
            return
        finally:
            with self._lock:
                self._watches.discard(connection)
            connection.close()

    def _own(self) -> http.client.HTTPSConnection:
        """A connection for each thread, which serves one client."""
        found: _Own | None = getattr(self._local, "own", None)
        if found is None:
            found = self._local.own = _Own(self._new())
        return found.connection

    def _new(self) -> http.client.HTTPSConnection:
        address = self._address
        return http.client.HTTPSConnection(
            address.hostname or "", address.port, timeout=_TIMEOUT, context=self._context
        )


class ProxiedServer(Front):
    """The API server of ``kubeconfig`` (JSON), reached with its user; ``seed`` is unused but in reports."""

    def __init__(self, kubeconfig: Path, *, admin: Path | None = None, seed: int = 0, tls: bool = False) -> None:
        self.seed = seed
        self.authority = Authority() if tls else None
        super().__init__(Upstream(kubeconfig), context=server_context(self.authority) if self.authority else None)
        self._upstream = Upstream(admin or kubeconfig)
        self.admin = Admin(self._upstream.answer)

    def connect(self, **settings: Any) -> Cluster:
        """A Cluster that reaches the server through the faults; ``settings`` as ``cluster_of``."""
        return cluster_of(self.url, authority=self.authority, **settings)

    def renew_certificate(self) -> None:
        """Present a new certificate of the same authority to new connections, and end the old ones."""
        if self.authority is not None:
            self.present(server_context(self.authority))
            self.cut_connections()
