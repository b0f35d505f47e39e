"""Progress lines of long steps, on standard error: the step, its share done, the time passed and the time left.

A line appears every few seconds also while nothing advances, so that silence always means trouble.
"""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import Self

INTERVAL = 10.0
"""Seconds between two lines."""


def say(text: str) -> None:
    """Write one line to standard error at once, even where standard error is a file."""
    sys.stderr.write(f"genreconcile: {text}\n")
    sys.stderr.flush()


def duration(seconds: float) -> str:
    """Return seconds as people say them: ``42s``, ``3m05s``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest:02}s" if minutes else f"{rest}s"


class Progress:
    """A long step of ``total`` equal parts, about ``guess`` seconds long; a context manager around the step."""

    def __init__(self, title: str, total: int, guess: float, interval: float = INTERVAL) -> None:
        self.title = title
        self.total = total
        self.done = 0
        self._guess = guess
        self._interval = interval
        self._began = time.monotonic()
        self._over = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="progress", daemon=True)

    def __enter__(self) -> Self:
        say(f"{self.title}: started, about {duration(self._guess)}")
        self._ticker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._ticker.join()
        say(f"{self.title}: {'failed' if error else 'done'} after {duration(self._elapsed())}")

    def advance(self, parts: int = 1) -> None:
        """Count parts as done."""
        self.done += parts

    def line(self) -> str:
        """Return the progress line of this moment."""
        share = min(self.done / self.total, 1.0) if self.total else 1.0
        elapsed = self._elapsed()
        return f"{self.title}: {share:.0%} after {duration(elapsed)}, {self._estimate(share, elapsed)}"

    def _estimate(self, share: float, elapsed: float) -> str:
        if share >= 1:
            return "almost done"
        left = self._left(share, elapsed)
        return f"about {duration(left)} left" if left else "longer than estimated"

    def _left(self, share: float, elapsed: float) -> float:
        """The seconds left: by the guess at first, and more and more by the measured speed as the step advances."""
        measured = elapsed / share * (1 - share) if share else 0.0
        return share * measured + (1 - share) * max(self._guess - elapsed, measured)

    def _elapsed(self) -> float:
        return time.monotonic() - self._began

    def _tick(self) -> None:
        while not self._over.wait(self._interval):
            say(self.line())
