"""A ``Cluster`` in memory: what it is asked is handed to a backend in this process.

Invariant: it raises and returns what the engine's own client would over HTTP, without a network, threads or a clock.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping

from genreconcile.cluster import Interrupt, status_error
from genreconcile.errors import ClusterError, Unreachable
from genreconcile.mask import hiding_answer
from genreconcile.testing.fake.wire import Answer, Backend, Dropped, Request

_SUCCESS = range(200, 300)
_CHUNK = 64 * 1024
_AGENT = "genreconcile"


class MemoryCluster:
    """``backend`` answers: an ``Api``, a ``Script``, or either of them behind a ``Passage`` with faults.

    See ``genreconcile.cluster.Cluster``.
    """

    def __init__(self, backend: Backend, *, server: str = "https://memory", namespace: str = "") -> None:
        self.backend = backend
        self.server = server
        self.namespace = namespace

    def request(  # noqa: PLR0913 - as in Cluster
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        timeout: float | None = None,
    ) -> bytes:
        """The body of a 2xx answer. Raises ClusterError. ``timeout`` is nothing here: no answer takes time."""
        del timeout
        headers = {"content-type": content_type, "accept": accept, "user-agent": _AGENT}
        answer = self._answer(Request(method, path, dict(query or {}), headers, body or b""))
        if not isinstance(answer.body, bytes):
            raise TypeError(f"{method} {path}: the answer has no end; use stream")
        return answer.body

    @contextlib.contextmanager
    def stream(
        self, path: str, *, query: Mapping[str, str], read_timeout: float, accept: str = "application/json"
    ) -> Iterator[Iterator[bytes]]:
        """The lines of an answer as they come. Raises ClusterError, when entered and while read.

        ``read_timeout`` is nothing here. The answer ends with the block, or when the thread is interrupted.
        """
        del read_timeout
        gone = threading.Event()
        if interrupt := Interrupt.current():
            interrupt.register(gone.set)
        request = Request("GET", path, dict(query), {"accept": accept}, is_gone=gone.is_set)
        try:
            yield self._lines(request, self._answer(request))
        finally:
            gone.set()

    def close(self) -> None:
        """Nothing is open. The backend stays: others may ask it too."""

    def _answer(self, request: Request) -> Answer:
        if Interrupt.is_current_set():
            raise self._no_answer(request)
        try:
            answer = self.backend.answer(request)
        except Dropped:
            raise self._no_answer(request) from None
        if answer.status not in _SUCCESS:
            raise self._refused(request, answer)
        if answer.cut is not None:
            raise self._no_answer(request)
        return answer

    def _lines(self, request: Request, answer: Answer) -> Iterator[bytes]:
        try:
            for body in [answer.body] if isinstance(answer.body, bytes) else answer.body:
                yield from (body[start : start + _CHUNK] for start in range(0, len(body), _CHUNK))
        except Dropped:
            raise self._no_answer(request) from None
        if Interrupt.is_current_set():
            raise self._no_answer(request)

    def _refused(self, request: Request, answer: Answer) -> ClusterError:
        data = answer.json()
        status = data if isinstance(data, dict) and data.get("apiVersion") == "v1" else {}
        hide = hiding_answer(request.method, request.path, request.body or None)
        retry_after = answer.headers.get("Retry-After")
        return status_error(self._name(request), {**status, "code": answer.status}, retry_after, hide)

    def _no_answer(self, request: Request) -> Unreachable:
        return Unreachable(f"{self._name(request)}: no answer: the connection ended", code="GR605")

    def _name(self, request: Request) -> str:
        return f"{request.method} {self.server}{request.path}"
