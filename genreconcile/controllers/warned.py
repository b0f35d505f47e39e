"""The warnings of plans, into the log of a program, whose plans nobody reads.

Invariant: one about the same thing is told once in ten minutes: each run of each parent finds it again.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable
from typing import Final

from cachetools import TTLCache

from genreconcile.log import logger
from genreconcile.notice import Notice

_log = logger("genreconcile.controllers")
_AGAIN: Final = 600.0
"""Seconds until a warning is told again."""
_MOST: Final = 10_000
_NUMBERS: Final = re.compile(r"\d+")


class Warned:
    """Of one controller or set, of this name; thread-safe. ``clock`` gives seconds that only grow."""

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._told: TTLCache[tuple[str, ...], bool] = TTLCache(_MOST, _AGAIN, timer=clock)
        self._lock = threading.Lock()

    def tell(self, warnings: Iterable[Notice], parent: object = "") -> None:
        """Log the warnings that were not logged lately, with the parent whose plan has them."""
        for warning in warnings:
            if self._is_new(warning):
                of = f"{self._name}: {parent}" if parent else self._name
                _log.warning("%s: %s", of, warning, extra={"code": warning.code})

    def _is_new(self, warning: Notice) -> bool:
        """What it is about comes first, with its name; the text may tell how long it has been so."""
        about, _, text = warning.partition(": ")
        what = (warning.code, about, _NUMBERS.sub("", text))
        with self._lock:
            is_new = what not in self._told
            if is_new:
                self._told[what] = True
        return is_new
