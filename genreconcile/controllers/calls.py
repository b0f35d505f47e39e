"""One call of a user's function in a thread, where another thread waits for it no longer than it wants.

Invariant: a call has one result, which is there before whoever waits is woken; one that was cancelled has none.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Final, TypeVar

from genreconcile.controllers.outcome import Stated, collected, collected_async
from genreconcile.controllers.retry import Retry
from genreconcile.errors import InputError

T = TypeVar("T")

_CANCELLED_WITHIN: Final = 1.0
"""Seconds that an asynchronous function has to end once it is cancelled."""


class Cancellation:
    """Lets a thread cancel what another one awaits."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cancel: Callable[[], object] | None = None
        self._is_asked = False

    def awaited(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The result of a coroutine, in an event loop of its own. Raises CancelledError."""
        return asyncio.run(self._cancellable(coroutine))

    def ask(self) -> bool:
        """Cancel what is awaited, or will be; returns whether something is."""
        with self._lock:
            self._is_asked = True
            if self._cancel is None:
                return False
            self._cancel()
            return True

    async def _cancellable(self, coroutine: Coroutine[Any, Any, T]) -> T:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        if task is None:
            raise RuntimeError("a coroutine outside of a task")
        with self._lock:
            self._cancel = lambda: loop.call_soon_threadsafe(task.cancel)
            if self._is_asked:
                task.cancel()
        try:
            return await coroutine
        finally:
            with self._lock:  # The loop, which closes next, takes no more calls.
                self._cancel = None


class Call:
    """``work`` is called once, by ``run``; ``key`` names for whom."""

    def __init__(self, key: Hashable, work: Callable[[Cancellation], Any]) -> None:
        self.key = key
        self._work = work
        self._cancellation = Cancellation()
        self._woken = threading.Event()
        self._result: Any = None
        self._error: BaseException | None = None

    def run(self) -> None:
        """Do it; ``wake`` then lets the result be taken. Raises nothing."""
        try:
            self._result = self._work(self._cancellation)
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits
            self._error = error

    def wait(self, seconds: float) -> None:
        """Wait for ``wake``."""
        self._woken.wait(seconds)

    def wake(self) -> None:
        """Let whoever waits go on."""
        self._woken.set()

    def cancel(self) -> bool:
        """Cancel it where it is asynchronous, and give it a moment to end; returns whether it is."""
        is_cancelled = self._cancellation.ask()
        if is_cancelled:
            self.wait(_CANCELLED_WITHIN)
        return is_cancelled

    def result(self) -> Any:
        """What a call that has ended came to. Raises what it raised, RuntimeError for what would end a thread."""
        self._woken.wait()
        if isinstance(self._error, Exception):
            raise self._error
        if self._error is not None:
            raise RuntimeError(f"the function ended by {type(self._error).__name__}; let it return") from self._error
        return self._result


def stated(function: Callable[[], Any], cancellation: Cancellation) -> Stated:
    """What a function states, with or without ``async``. Raises what it raises, but Retry; InputError."""
    try:
        found = function()
    except Retry as retry:  # Of a function that is no generator.
        return Stated(retry=retry)
    if inspect.isawaitable(found) or hasattr(found, "__aiter__"):
        return cancellation.awaited(collected_async(found))
    return collected(found)


def called(function: Callable[[], Any], cancellation: Cancellation) -> None:
    """Call a function that states nothing, with or without ``async``. Raises what it raises; InputError for an answer,
    which nobody would heed.
    """
    found = function()
    if inspect.isawaitable(found):
        found = cancellation.awaited(_awaited(found))
    if found is not None:
        raise InputError(
            f"on_delete returned a {type(found).__name__}; return nothing, and raise gr.Retry(seconds) to run it again",
            code="GR901",
        )


async def _awaited(found: Any) -> Any:
    return await found
