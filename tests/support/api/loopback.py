"""An HTTP server that behaves as a test says, byte by byte where it wants: for tests of the client itself.

Invariant: each request is in ``seen`` before it is answered; what is written is sent at once, unbuffered.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from typing import Any

from genreconcile.testing.fake.wire import Answer, Request
from support.api.listener import Exchange, Listener


class Talk(Exchange):
    """A connection to a ``Loopback``."""

    wbufsize = 0
    server: Loopback

    def serve(self, request: Request) -> None:
        """Let the test behave."""
        self.server.seen.append((self.command, self.path, dict(self.headers), request.body))
        self.server.behave(self)

    def answer(self, code: int = 200, body: bytes = b"{}", **headers: Any) -> None:
        """Send a whole answer; a header's ``_`` stands for ``-``."""
        named = {name.replace("_", "-"): str(value) for name, value in headers.items()}
        self.send(Answer(code, body, named))

    def chunks(self, *chunks: bytes) -> None:
        """Begin an answer in chunks, and send these; it stays without an end."""
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for chunk in chunks:
            self.send_chunk(chunk)


class Loopback(Listener):
    """``behave`` answers each request, by ``{}`` if nothing else is said. A context manager.

    ``seen`` are (method, path, headers, body) of the requests so far; ``release`` is set at the end, for what waits.
    """

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        super().__init__(Talk, context=context)
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self.behave: Callable[[Talk], object] = Talk.answer
        self.release = threading.Event()
        self.start()

    def __exit__(self, *_: object) -> None:
        self.release.set()
        self.close()
