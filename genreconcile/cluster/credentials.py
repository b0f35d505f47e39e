"""Credentials that change while the program runs: read again when the server refuses the old ones.

Invariant: nothing is read again unless the server has answered 401, and then not more than once in ten seconds, for a
program may have to be run for it. A request that met a 401 was not carried out, and may be sent again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Final

_NOT_AGAIN_WITHIN: Final = 10.0


class Credentials:
    """Those of ``configuration``, a ``kubernetes.client.Configuration``, which is changed in place; thread-safe.

    ``load`` returns a new Configuration from where the first one came from, and raises what that raises.
    """

    def __init__(
        self, configuration: Any, load: Callable[[], Any] | None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._configuration = configuration
        self._load = load
        self._clock = clock
        self._lock = threading.Lock()
        self._read_at = float("-inf")

    @property
    def current(self) -> object:
        """What is sent now; compare it with what is sent later."""
        return dict(self._configuration.api_key)

    def renew(self, refused: object) -> bool:
        """Whether there are others than ``refused``, which was ``current`` when the refused request was sent.

        Raises what ``load`` raises.
        """
        with self._lock:
            if self.current != refused:
                return True  # Another thread was faster.
            if self._load is None or self._clock() - self._read_at < _NOT_AGAIN_WITHIN:
                return False
            self._read_at = self._clock()
            fresh = self._load()
            self._configuration.api_key = dict(fresh.api_key)
            self._configuration.refresh_api_key_hook = fresh.refresh_api_key_hook
            return self.current != refused
