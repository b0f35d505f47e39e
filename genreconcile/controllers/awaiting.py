"""The server of a program, waited for where it does not answer when the program starts.

Invariant: only what may pass by itself is waited for; what else is wrong, the start of the program says.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from typing import Final

from genreconcile.cache import Cache
from genreconcile.cache.pace import Pace
from genreconcile.cluster import Cluster, Interrupt
from genreconcile.controllers.signals import Signals
from genreconcile.errors import ClusterError, Throttled
from genreconcile.log import logger
from genreconcile.objects import GVK

_log = logger("genreconcile.controllers")
_TELL: Final = 60.0
"""Seconds until it is told again that the server does not answer."""
_WITHIN: Final = 0.5
"""Seconds that a question has to end once nobody waits for its answer: one that opens a connection takes longer."""


def await_server(cluster: Cluster, cache: Cache, kinds: Collection[GVK], signals: Signals) -> None:
    """Wait until the server tells its kinds, or does not for a reason that stays, or until ``signals`` end it.

    What the cache finds out of ``kinds`` costs no further request. Raises nothing.
    """

    def ask(*, again: bool) -> None:
        discovery = cache.discovery
        if again:
            _ask_whether_ready(cluster)
            discovery.invalidate()
        discovery.resources()
        if not all(map(discovery.get, kinds)):  # It has none, or has come up just now.
            _ask_whether_ready(cluster)
            discovery.invalidate()
            discovery.resources()

    asking = Asking(ask, cluster.server, cache.pace, on_end=signals.wake)
    asking.start()
    signals.wait(lambda: asking.is_over)
    asking.close()


def _ask_whether_ready(cluster: Cluster) -> None:
    """Raise ClusterError while a server that comes up says that it is not ready: it may not know all kinds yet."""
    try:
        cluster.request("GET", "/readyz")
    except ClusterError as error:
        if error.may_pass:
            raise


class Asking:
    """A thread that asks again and again, until there is an answer, or an error that stays. ``ask`` is told whether it
    is called ``again``, and ``on_end`` is called in the end.
    """

    def __init__(
        self,
        ask: Callable[..., object],
        server: str,
        pace: Pace,
        *,
        on_end: Callable[[], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._server = server
        self._pace = pace
        self._on_end = on_end
        self._clock = clock
        self._told_at: float | None = None
        self._ended = threading.Event()
        self._interrupt = Interrupt()
        self._thread = threading.Thread(target=self._run, name="genreconcile-server", daemon=True)
        self.is_over = False

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def close(self) -> None:
        """Ask no more."""
        self._ended.set()
        self._interrupt.set()
        self._thread.join(_WITHIN)

    def _run(self) -> None:
        try:
            with self._interrupt:
                self._ask_until_answered()
        except Exception:  # noqa: BLE001 - whatever it is, the start meets it again, and raises it
            _log.debug("%s: asked in vain", self._server, exc_info=True)
        finally:
            self.is_over = True
            if not self._ended.is_set():
                self._on_end()

    def _ask_until_answered(self) -> None:
        """Raises what is no reason to wait."""
        began, failures = self._clock(), 0
        while not self._ended.is_set():
            try:
                self._ask(again=failures > 0)
            except ClusterError as error:
                if not error.may_pass:
                    raise
                failures += 1
                self._tell(error)
                self._ended.wait(self._pause(failures, error))
            else:
                if failures:
                    _log.info("%s: answers, after %.0f s", self._server, self._clock() - began)
                return

    def _pause(self, failures: int, error: ClusterError) -> float:
        asked = error.retry_after if isinstance(error, Throttled) else None
        return max(self._pace.backoff(failures), min(asked or 0.0, self._pace.longest_asked))

    def _tell(self, error: ClusterError) -> None:
        now = self._clock()
        if self._ended.is_set() or (self._told_at is not None and now - self._told_at < _TELL):
            return
        self._told_at = now
        _log.warning("%s: not started yet: the server is waited for: %s", self._server, error)
