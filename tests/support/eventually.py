"""Waiting for what comes in the end.

Invariant: what does not come in time fails the test, and the failure says what was awaited and what was there instead.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

LONG = 45.0
"""Seconds that are enough on any machine; nobody waits for them to pass."""


def eventually(
    check: Callable[[], T],
    what: object = "",
    *,
    timeout: float = LONG,
    pause: float = 0.02,
    despite: tuple[type[Exception], ...] = (),
) -> T:
    """The first true answer of ``check``. An error ends the wait, but for those of ``despite``: not yet.

    ``what`` is awaited, the source of ``check`` unless given; a function is asked when the time is over.
    """
    answer, error = _poll(check, timeout, pause, despite)
    if answer:
        return answer
    last = repr(error or answer)
    raise AssertionError(f"never came in {timeout:g} seconds: {_said(what, check)}; the last answer: {last}") from error


def last_answer(check: Callable[[], T], *, timeout: float = LONG, pause: float = 0.02) -> T | None:
    """The first true answer, else the last one: for who judges by itself what did not come."""
    return _poll(check, timeout, pause, ())[0]


def _poll(
    check: Callable[[], T], timeout: float, pause: float, despite: tuple[type[Exception], ...]
) -> tuple[T | None, Exception | None]:
    deadline = time.monotonic() + timeout
    while True:
        answer, error = _asked(check, despite)
        if answer or time.monotonic() >= deadline:
            return answer, error
        time.sleep(pause)


def _asked(check: Callable[[], T], despite: tuple[type[Exception], ...]) -> tuple[T | None, Exception | None]:
    try:
        return check(), None
    except despite as error:
        return None, error


def _said(what: object, check: Callable[[], object]) -> object:
    if callable(what):
        return what()
    return what or _source(check)


def _source(check: Callable[[], object]) -> str:
    try:
        return " ".join(inspect.getsource(check).split())
    except (OSError, TypeError):
        return repr(check)
