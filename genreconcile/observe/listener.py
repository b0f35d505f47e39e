"""``/metrics``, ``/healthz`` and ``/readyz`` of a program, over HTTP.

Invariant: read-only; an answer holds figures and names of kinds and controllers, and nothing of any object.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self

from genreconcile.arguments import refused
from genreconcile.errors import InputError
from genreconcile.observe.metrics import exposition
from genreconcile.observe.state import State

_PLAIN: Final = "text/plain; charset=utf-8"
_HIGHEST_PORT: Final = 65535
_LOOK: Final = 0.1
"""Seconds until the end is noticed at the latest."""

Answer = tuple[int, str, bytes]
"""(status, content type, body)."""


def parse_address(text: str) -> tuple[str, int]:
    """``HOST:PORT`` or ``:PORT``, which is on all addresses; an IPv6 host in brackets. Raises InputError."""
    host, colon, port = text.rpartition(":") if isinstance(text, str) else ("", "", "")
    if not colon or not port.isdecimal() or int(port) > _HIGHEST_PORT or (":" in host and not host.startswith("[")):
        raise refused("listen", text, "is no address; write it as :8080 or 127.0.0.1:8080")
    return host.removeprefix("[").removesuffix("]"), int(port)


class Listener:
    """Listens while it lasts. ``ask`` gives the program's state. Raises InputError for an address that cannot be used,
    and where the extra ``metrics`` is not installed.
    """

    def __init__(self, address: str, ask: Callable[[], State]) -> None:
        host, port = parse_address(address)
        metrics = exposition(ask)

        def told() -> Answer:
            body, content_type = metrics()
            return 200, content_type, body

        self._answers: Mapping[str, Callable[[], Answer]] = {
            "/metrics": told,
            "/healthz": lambda: _probe(ask().is_healthy, "too many functions have not ended in time"),
            "/readyz": lambda: _probe(ask().is_ready, "not all parents are known, or it has ended"),
        }
        try:
            self._server = _Server((host, port), self._answers)
        except OSError as error:
            raise InputError(
                f"listen: not usable: {address}: {error.strerror or error}; choose another port", code="GR114"
            ) from None
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_LOOK,), name="genreconcile-endpoints", daemon=True
        )

    @property
    def port(self) -> int:
        """The port, also where 0 was given, for any that is free."""
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _probe(is_well: bool, why_not: str) -> Answer:
    return (200, _PLAIN, b"ok\n") if is_well else (503, _PLAIN, f"{why_not}\n".encode())


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], answers: Mapping[str, Callable[[], Answer]]) -> None:
        if ":" in address[0]:
            import socket

            self.address_family = socket.AF_INET6
        super().__init__(address, _Handler)
        self.answers = answers


class _Handler(BaseHTTPRequestHandler):
    server_version = "genreconcile"
    sys_version = ""
    timeout = 10  # Seconds for a request: who sends none holds a thread no longer.

    def do_GET(self) -> None:
        """Answer one of the paths."""
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        """As GET, without a body."""
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        answers: Any = getattr(self.server, "answers", {})
        found = answers.get(self.path.partition("?")[0])
        status, content_type, body = found() if found is not None else (404, _PLAIN, b"not found\n")
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing: a probe comes every few seconds."""
