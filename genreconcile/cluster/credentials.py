"""Credentials that change while the program runs: read again when the server refuses the old ones.

Invariant: nothing is read again unless the server has answered 401, and then not more than once in ten seconds, for a
program may have to be run for it. A request that met a 401 was not carried out, and may be sent again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

_NOT_AGAIN_WITHIN: Final = 10.0


class Renewable(Protocol):
    """What a connection knows of the credentials that it sends."""

    @property
    def current(self) -> object:
        """What is sent now; compare it with what is sent later."""

    def refresh(self) -> None:
        """Take what is known to have changed. Called before each request."""

    def renew(self, refused: object) -> bool:
        """Whether there are others than ``refused``, which was ``current`` when the refused request was sent."""


class Pace:
    """When something may be asked for again."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._asked_at = float("-inf")

    def is_due(self) -> bool:
        """Whether the last time is long enough ago."""
        return self._clock() - self._asked_at >= _NOT_AGAIN_WITHIN

    def note(self) -> None:
        """It is asked for now."""
        self._asked_at = self._clock()


class Credentials:
    """Those of ``configuration``, a ``kubernetes.client.Configuration``, which is changed in place; thread-safe.

    ``load`` returns a new Configuration from where the first one came from, and raises what that raises.
    """

    def __init__(
        self, configuration: Any, load: Callable[[], Any] | None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._configuration = configuration
        self._load = load
        self._pace = Pace(clock)
        self._lock = threading.Lock()

    @property
    def current(self) -> object:
        """See ``Renewable``."""
        return dict(self._configuration.api_key)

    def refresh(self) -> None:
        """See ``Renewable``: the client's own hook does it."""

    def renew(self, refused: object) -> bool:
        """See ``Renewable``. Raises what ``load`` raises."""
        with self._lock:
            if self.current != refused:
                return True  # Another thread was faster.
            if self._load is None or not self._pace.is_due():
                return False
            self._pace.note()
            fresh = self._load()
            self._configuration.api_key = dict(fresh.api_key)
            self._configuration.refresh_api_key_hook = fresh.refresh_api_key_hook
            return self.current != refused
