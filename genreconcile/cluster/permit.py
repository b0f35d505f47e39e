"""The question whether a request may be sent, asked as late as it can be.

Invariant: it is asked anew each time that bytes are about to go out, with the connection open: what opens a connection
(names, TLS, a proxy, credentials) may take longer than the answer holds.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Self

_thread = threading.local()


class Permit:
    """Is asked immediately before the bytes of each request that this thread makes inside ``with permit:``.

    ``turn`` is held while the bytes go out, and waited for first; then ``ask`` is called. What it raises is what the
    request raises, and nothing is sent. Permits that stand around others are asked last. Only clusters with
    ``asks_permit`` ask.
    """

    def __init__(self, ask: Callable[[], None] | None = None, turn: AbstractContextManager[Any] | None = None) -> None:
        self._ask = ask
        self._turn = turn
        self._outer: Permit | None = None

    @staticmethod
    @contextlib.contextmanager
    def sending() -> Iterator[None]:
        """Ask what this thread is to ask, and then send, inside: a cluster's part."""
        permit: Permit | None = getattr(_thread, "permit", None)
        with contextlib.ExitStack() as turns:
            if permit is not None:
                permit.enter(turns)
            yield

    def enter(self, turns: contextlib.ExitStack) -> None:
        """Wait for the turns of this one and of those around it, and ask; ``turns`` ends them."""
        if self._turn is not None:
            turns.enter_context(self._turn)
        if self._ask is not None:
            self._ask()
        if self._outer is not None:
            self._outer.enter(turns)

    def __enter__(self) -> Self:
        self._outer = getattr(_thread, "permit", None)
        _thread.permit = self
        return self

    def __exit__(self, *_: object) -> None:
        _thread.permit = self._outer
