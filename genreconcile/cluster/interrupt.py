"""A way to end, from another thread, a request that is blocked.

Invariant: a connection that has gone back to the pool, and on to another thread, is left alone.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Any, Self

_thread = threading.local()


class Interrupt:
    """Ends from another thread the requests that one thread makes inside ``with interrupt:``.

    They then fail with Unreachable, those after ``set()`` as well. A connection that is still being opened ends by
    its own timeout.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._end: Callable[[], None] | None = None
        self._set = False

    @staticmethod
    def current() -> Interrupt | None:
        """The interrupt that this thread runs under."""
        return getattr(_thread, "interrupt", None)

    @classmethod
    def is_current_set(cls) -> bool:
        """Whether this thread is to send nothing more."""
        interrupt = cls.current()
        return interrupt is not None and interrupt.is_set

    @property
    def is_set(self) -> bool:
        """Whether it was set."""
        return self._set

    def register(self, end: Callable[[], None]) -> None:
        """Say how to end the request in progress; called by ``set()``, and at once if that came before."""
        with self._lock:
            self._end = end
            is_set = self._set
        if is_set:
            end()

    def set(self) -> None:
        """End the request in progress and all later ones."""
        with self._lock:
            self._set = True
            end = self._end
        if end is not None:
            end()

    def __enter__(self) -> Self:
        _thread.interrupt = self
        return self

    def __exit__(self, *_: object) -> None:
        _thread.interrupt = None
        with self._lock:
            self._end = None


def register(connection: Any, sock: object) -> None:
    """Tell the thread's Interrupt how to end what now waits at the socket of the connection for the answer."""
    interrupt = connection.interrupt = Interrupt.current()

    def end() -> None:
        if connection.interrupt is interrupt:  # Else another thread has it from the pool by now.
            shut(sock)

    if interrupt is not None:
        interrupt.register(end)


def shut(sock: object) -> None:
    """Wake whoever reads from the socket. ``SSLSocket.shutdown`` would pull the TLS state from under that thread."""
    if isinstance(sock, socket.socket):
        with contextlib.suppress(OSError):  # Closed already.
            socket.socket.shutdown(sock, socket.SHUT_RDWR)
