"""Runs functions under a deadline.

Invariant: a run that is over its deadline is abandoned: what it comes to later is thrown away. No more than twice as
many threads as workers run functions; where as many as there are workers have been abandoned, nothing is run until one
of them ends.
"""

from __future__ import annotations

import asyncio
import inspect
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol

from genreconcile.controllers.outcome import Stated, collected, collected_async
from genreconcile.controllers.retry import Retry
from genreconcile.errors import ReconcileError
from genreconcile.process import Process


class DeadlineExceeded(ReconcileError):
    """A function did not end in time; its result is thrown away."""


class Runner(Protocol):
    """Calls functions."""

    def run(self, function: Callable[[], Any]) -> Stated:
        """What the function states. Raises what it raises, InputError, DeadlineExceeded."""

    def call(self, function: Callable[[], Any]) -> None:
        """As ``run``, of a function that states nothing."""


class Inline:
    """Calls functions in the thread of the caller, without a deadline: for tests."""

    def run(self, function: Callable[[], Any]) -> Stated:
        """See ``Runner``."""
        return _stated(function)

    def call(self, function: Callable[[], Any]) -> None:
        """See ``Runner``."""
        _called(function)


class Deadlines:
    """Calls functions in threads of its own; ``seconds`` is the deadline of each, ``most`` the number of abandoned runs
    at which nothing more is run.
    """

    def __init__(self, name: str, seconds: float, most: int) -> None:
        self._name = name
        self._seconds = seconds
        self._most = most
        self._lock = threading.Lock()
        self._abandoned = 0
        self._idle: queue.SimpleQueue[_Thread] = queue.SimpleQueue()
        self._process = Process()

    @property
    def is_healthy(self) -> bool:
        """Whether functions can be run."""
        return self._abandoned < self._most

    def run(self, function: Callable[[], Any]) -> Stated:
        """See ``Runner``."""
        found: Stated = self._awaited(lambda: _stated(function))
        return found

    def call(self, function: Callable[[], Any]) -> None:
        """See ``Runner``."""
        self._awaited(lambda: _called(function))

    def _awaited(self, work: Callable[[], Any]) -> Any:
        if not self.is_healthy:
            raise DeadlineExceeded(
                f"the function of {self._name}: not run: {self._abandoned} runs have not ended in {self._seconds:g} s "
                "each; see what they wait for, and give each call in the function a time-out"
            )
        try:
            thread = self._idle.get_nowait()
        except queue.Empty:
            thread = _Thread(f"genreconcile-function-{self._name}")
        future = thread.submit(work)
        try:
            result = future.result(self._seconds)
        except TimeoutError:
            if not future.done():
                self._abandon(future)
                raise DeadlineExceeded(
                    f"the function of {self._name}: not ended within {self._seconds:g} s: its result is thrown away; "
                    "make it faster, or raise deadline"
                ) from None
            result = future.result()
        finally:
            if future.done():
                self._idle.put(thread)
        return result

    def _abandon(self, future: Future[Any]) -> None:
        with self._lock:
            self._abandoned += 1
        future.add_done_callback(self._ended)

    def _ended(self, _: Future[Any]) -> None:
        with self._lock:
            self._abandoned -= 1


class _Thread:
    """A thread that does one thing after the other; it ends with the process."""

    def __init__(self, name: str) -> None:
        self._work: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = queue.SimpleQueue()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def submit(self, work: Callable[[], Any]) -> Future[Any]:
        future: Future[Any] = Future()
        self._work.put((work, future))
        return future

    def _run(self) -> None:
        while True:
            work, future = self._work.get()
            try:
                result = work()
            except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits
                future.set_exception(error)
            else:
                future.set_result(result)
            del work, future


def _stated(function: Callable[[], Any]) -> Stated:
    try:
        found = function()
    except Retry as retry:  # Of a function that is no generator.
        return Stated(retry=retry)
    if inspect.isawaitable(found) or hasattr(found, "__aiter__"):
        return asyncio.run(collected_async(found))
    return collected(found)


def _called(function: Callable[[], Any]) -> None:
    found = function()
    if inspect.isawaitable(found):
        asyncio.run(_awaited(found))


async def _awaited(found: Any) -> None:
    await found
