"""A way to end, from another thread, a request that is blocked.

Invariant: a connection that another thread has taken from the pool since is left alone.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Any, Self

_thread = threading.local()


class Interrupt:
    """Ends the requests that threads make inside ``with interrupt:``, when another thread calls ``set()``.

    These requests, and all after ``set()``, fail with Unreachable. A connection that is still being opened ends by its
    own timeout.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ends: dict[int, Callable[[], None]] = {}
        self._set = False

    @staticmethod
    def current() -> Interrupt | None:
        """The interrupt that this thread runs under."""
        return getattr(_thread, "interrupt", None)

    @classmethod
    def is_current_set(cls) -> bool:
        """Whether this thread may send no more requests."""
        interrupt = cls.current()
        return interrupt is not None and interrupt.is_set

    @property
    def is_set(self) -> bool:
        """Whether ``set()`` was called."""
        return self._set

    def register(self, end: Callable[[], None]) -> None:
        """Take ``end``, which ends this thread's request: ``set()`` calls it, or ``register`` if that came before."""
        with self._lock:
            self._ends[threading.get_ident()] = end
            is_set = self._set
        if is_set:
            end()

    def set(self) -> None:
        """End the requests in progress and all later ones."""
        with self._lock:
            self._set = True
            ends = list(self._ends.values())
        for end in ends:
            end()

    def __enter__(self) -> Self:
        _thread.interrupt = self
        return self

    def __exit__(self, *_: object) -> None:
        _thread.interrupt = None
        with self._lock:
            self._ends.pop(threading.get_ident(), None)


def register(connection: Any, sock: object) -> None:
    """Let the thread's Interrupt end the wait for an answer at the connection's socket."""
    interrupt = connection.interrupt = Interrupt.current()

    def end() -> None:
        if connection.interrupt is interrupt:  # Else another thread has it from the pool by now.
            shut(sock)

    if interrupt is not None:
        interrupt.register(end)


def shut(sock: object) -> None:
    """Wake the thread that reads from the socket. ``SSLSocket.shutdown`` would pull the TLS state from under it."""
    if isinstance(sock, socket.socket):
        with contextlib.suppress(OSError):  # Closed already.
            socket.socket.shutdown(sock, socket.SHUT_RDWR)
