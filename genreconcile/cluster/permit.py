"""The question whether a request may be sent, asked as late as it can be.

Invariant: it is asked anew each time that bytes are about to go out, with the connection open: what opens a connection
(names, TLS, a proxy, credentials) may take longer than the answer holds.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Self

_thread = threading.local()


class Permit:
    """Calls ``ask`` immediately before the bytes of each request that this thread makes inside ``with permit:``.

    What ``ask`` raises is what the request raises, and nothing is sent. Only clusters with ``asks_permit`` call it.
    """

    def __init__(self, ask: Callable[[], None]) -> None:
        self._ask = ask
        self._outer: Permit | None = None

    @staticmethod
    def ask() -> None:
        """Ask what this thread is to ask: the last step before bytes go out."""
        permit: Permit | None = getattr(_thread, "permit", None)
        if permit is not None:
            permit._ask()  # noqa: SLF001 - its own class

    def __enter__(self) -> Self:
        self._outer = getattr(_thread, "permit", None)
        _thread.permit = self
        return self

    def __exit__(self, *_: object) -> None:
        _thread.permit = self._outer
