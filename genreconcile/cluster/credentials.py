"""Credentials that change while the program runs: read again when the server refuses the old ones.

Invariant: credentials are read again only after a 401, and at most once in ten seconds, for that may run a program. The
server did not carry out a request that it answered with 401, so the request may be sent again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

_NOT_AGAIN_WITHIN: Final = 10.0


class Renewable(Protocol):
    """The credentials that a connection sends with each request."""

    @property
    def current(self) -> object:
        """The credentials of now, or their version: unequal to a later ``current`` once they have changed."""

    def refresh(self) -> None:
        """Take over credentials that are known to have changed. Called before each request."""

    def renew(self, refused: object) -> bool:
        """Get others than ``refused``, the ``current`` of a request that met a 401; returns whether there are any."""


class Cooldown:
    """The ten seconds after credentials were asked for, in which they are not asked for again."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._asked_at = float("-inf")

    def is_over(self) -> bool:
        """Whether the last ``begin`` is at least ten seconds ago, or there was none."""
        return self._clock() - self._asked_at >= _NOT_AGAIN_WITHIN

    def begin(self) -> None:
        """Note that credentials are asked for now."""
        self._asked_at = self._clock()


class Credentials:
    """The credentials of ``configuration``, a ``kubernetes.client.Configuration`` changed in place; thread-safe.

    ``load`` returns a new Configuration, read from the source of the first one.
    """

    def __init__(
        self, configuration: Any, load: Callable[[], Any] | None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._configuration = configuration
        self._load = load
        self._cooldown = Cooldown(clock)
        self._lock = threading.Lock()

    @property
    def current(self) -> object:
        """See ``Renewable``."""
        return dict(self._configuration.api_key)

    def refresh(self) -> None:
        """See ``Renewable``. The client's own hook refreshes a token before each request."""

    def renew(self, refused: object) -> bool:
        """See ``Renewable``. Raises what ``load`` raises."""
        with self._lock:
            if self.current != refused:
                return True  # Another thread was faster.
            if self._load is None or not self._cooldown.is_over():
                return False
            self._cooldown.begin()
            fresh = self._load()
            self._configuration.api_key = dict(fresh.api_key)
            self._configuration.refresh_api_key_hook = fresh.refresh_api_key_hook
            return self.current != refused
