"""The signals that end a program.

Invariant: the first SIGTERM or SIGINT ends all waits, and a second one the process.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Self


def _never() -> bool:
    return False


class Signals:
    """Hears them while it lasts, in the main thread of the process; elsewhere only ``end`` ends a wait.

    The signal writes to a pipe: a lock would not wake where the signal comes just before the thread sleeps.
    """

    def __init__(self) -> None:
        self._before: dict[int, Any] = {}
        self._is_stopping = self._is_over = False
        self._pipe = (-1, -1)
        self._wakeup = -1

    def __enter__(self) -> Self:
        self._pipe = os.pipe()
        os.set_blocking(self._pipe[1], False)
        if threading.current_thread() is threading.main_thread():
            self._wakeup = signal.set_wakeup_fd(self._pipe[1], warn_on_full_buffer=False)
            for number in (signal.SIGTERM, signal.SIGINT):
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._before:
            signal.set_wakeup_fd(self._wakeup)
        for end in self._pipe:
            os.close(end)

    @property
    def has_ended(self) -> bool:
        """Whether a signal came, or ``end`` was called."""
        return self._is_stopping or self._is_over

    def wait(self, is_done: Callable[[], bool] = _never) -> None:
        """Wait for the first of them, for ``end``, or until ``is_done`` after a ``wake``."""
        while not (self.has_ended or is_done()):
            os.read(self._pipe[0], 1)

    def wake(self) -> None:
        """Let ``wait`` look again, from another thread."""
        os.write(self._pipe[1], b"\0")

    def end(self) -> None:
        """End all waits, from another thread."""
        self._is_over = True
        self.wake()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self._is_stopping:
            os._exit(128 + number)
        self._is_stopping = True
