"""The cluster of a program under a Lease: no write begins without it, and it is known when the last one has ended.

Invariants: from the question to the last byte there is one write of a process at a time, so a process that is stopped
there and sleeps past its Lease sends that one late, and no other; a write ends within ``timeout`` seconds of silence;
after ``end`` none begins, and after a ``wait`` that was not in vain none is on its way.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from genreconcile.cluster import Around, Cluster, Permit


class Writes(Around):
    """Sends requests as ``cluster`` does. ``may_write`` is the question before each write: it begins with a yes, and
    ends with the request that the same thread sends. ``holds`` says whether the Lease is held; ``timeout`` is in
    seconds. ``turn`` is that of the process, where it holds several Leases.
    """

    def __init__(
        self, cluster: Cluster, holds: Callable[[], bool], timeout: float, turn: threading.Lock | None = None
    ) -> None:
        super().__init__(cluster)
        self._holds = holds
        self._timeout = timeout
        self._turn = turn if turn is not None else threading.Lock()
        self._changed = threading.Condition()
        self._begun: set[int] = set()
        """The threads whose write is on its way."""
        self._is_closed = False

    def may_write(self) -> bool:
        """Whether this thread may send a write, now."""
        with self._changed:
            if self._is_closed or not self._holds():
                return False
            self._begun.add(threading.get_ident())
            return True

    def request(self, method: str, path: str, *, timeout: float | None = None, **more: Any) -> bytes:
        """See ``Cluster.request``."""
        if method == "GET":
            return self._request(method, path, timeout=timeout, **more)
        try:
            with Permit(turn=self._turn):
                return self._request(method, path, timeout=min(timeout or self._timeout, self._timeout), **more)
        finally:
            with self._changed:
                self._begun.discard(threading.get_ident())
                self._changed.notify_all()

    def end(self) -> None:
        """Let no write begin any more."""
        with self._changed:
            self._is_closed = True

    def wait(self, timeout: float) -> bool:
        """Wait until no write is on its way, at most ``timeout`` seconds; returns whether it is so."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._begun, timeout)
