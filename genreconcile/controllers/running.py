"""Runs functions under a deadline.

Invariant: a run that is over its deadline is abandoned: what it comes to later is thrown away, and nothing is run for
its key before it has ended. No more than twice as many threads as workers run functions; where as many as there are
workers have been abandoned, nothing is run until one of them ends.
"""

from __future__ import annotations

import functools
import queue
import threading
from collections.abc import Callable, Hashable
from typing import Any, Protocol

from genreconcile.controllers.calls import Call, Cancellation, called, stated
from genreconcile.controllers.outcome import Stated
from genreconcile.errors import CacheError, ReconcileError
from genreconcile.process import Process


class DeadlineExceeded(ReconcileError):
    """A function did not end in time; its result is thrown away."""

    code = "GR903"


class Cut(ReconcileError):
    """A function did not end before the program did; its result is thrown away."""

    code = "GR903"


class Runner(Protocol):
    """Calls functions. ``key`` is the parent for which that is done, of which one call runs at a time."""

    def run(self, key: Hashable, function: Callable[[], Any]) -> Stated:
        """What the function states. Raises what it raises, InputError, DeadlineExceeded, Cut."""

    def call(self, key: Hashable, function: Callable[[], Any]) -> None:
        """As ``run``, of a function that states nothing."""


class Inline:
    """Calls functions in the thread of the caller, without a deadline: for tests."""

    def run(self, key: Hashable, function: Callable[[], Any]) -> Stated:
        """See ``Runner``."""
        found: Stated = self._ended(key, functools.partial(stated, function))
        return found

    def call(self, key: Hashable, function: Callable[[], Any]) -> None:
        """See ``Runner``."""
        self._ended(key, functools.partial(called, function))

    @staticmethod
    def _ended(key: Hashable, work: Callable[[Cancellation], Any]) -> Any:
        call = Call(key, work)
        call.run()
        call.wake()
        return call.result()


class Deadlines:
    """Calls functions in threads of its own, until ``close``; ``seconds`` is the deadline of each, ``most`` the number
    of abandoned runs at which nothing more is run. An asynchronous function is cancelled at its deadline.
    """

    def __init__(self, name: str, seconds: float, most: int) -> None:
        self._name = name
        self._seconds = seconds
        self._most = most
        self._lock = threading.Lock()
        self._running: set[Call] = set()
        self._abandoned: set[Call] = set()
        self._idle: list[_Thread] = []
        self._is_closed = False
        self._process = Process()

    @property
    def is_healthy(self) -> bool:
        """Whether functions can be run."""
        return len(self._abandoned) < self._most

    def run(self, key: Hashable, function: Callable[[], Any]) -> Stated:
        """See ``Runner``. Raises CacheError in a forked process."""
        found: Stated = self._awaited(Call(key, functools.partial(stated, function)))
        return found

    def call(self, key: Hashable, function: Callable[[], Any]) -> None:
        """See ``Runner``. Raises CacheError in a forked process."""
        self._awaited(Call(key, functools.partial(called, function)))

    def close(self) -> None:
        """Run nothing more, and abandon what runs; threads end, those of abandoned runs with these."""
        if not self._process.is_this:
            return
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
            running = list(self._running)
        for thread in idle:
            thread.end()
        for call in running:
            call.wake()

    def _awaited(self, call: Call) -> Any:
        self._start(call)
        call.wait(self._seconds)
        is_cancelled = self._is_running(call) and call.cancel()
        if self._abandon(call) or is_cancelled:
            raise self._cut() if self._is_closed else self._late()
        return call.result()

    def _start(self, call: Call) -> None:
        if not self._process.is_this:
            raise CacheError(self._process.told(f"the controller {self._name}"), code="GR003")
        with self._lock:
            if self._is_closed:
                raise self._cut()
            if not self.is_healthy:
                raise self._full()
            if any(other.key == call.key for other in self._abandoned):
                raise self._still_running()
            self._running.add(call)
            thread = self._idle.pop() if self._idle else None
        if thread is None:
            thread = _Thread(f"genreconcile-function-{self._name}", self._ended)
        thread.submit(call)

    def _is_running(self, call: Call) -> bool:
        with self._lock:
            return call in self._running

    def _abandon(self, call: Call) -> bool:
        """Wait no longer for a call; returns whether it has not ended."""
        with self._lock:
            if call not in self._running:
                return False
            self._running.remove(call)
            self._abandoned.add(call)
            return True

    def _ended(self, thread: _Thread, call: Call) -> None:
        with self._lock:
            self._running.discard(call)
            self._abandoned.discard(call)
            if not self._is_closed:
                self._idle.append(thread)
                return
        thread.end()

    def _late(self) -> DeadlineExceeded:
        return DeadlineExceeded(
            f"the function of {self._name}: not ended within {self._seconds:g} s: its result is thrown away; "
            "make it faster, or raise deadline"
        )

    def _full(self) -> DeadlineExceeded:
        return DeadlineExceeded(
            f"the function of {self._name}: not run: {self._most} runs have not ended in {self._seconds:g} s each; see "
            "what they wait for, and give each call in the function a time-out"
        )

    def _still_running(self) -> DeadlineExceeded:
        return DeadlineExceeded(
            f"the function of {self._name}: not run: its run before has not ended, which is over its deadline of "
            f"{self._seconds:g} s; see what it waits for, and give each call in the function a time-out"
        )

    def _cut(self) -> Cut:
        return Cut(f"the function of {self._name}: cut: the program ends; its result is thrown away")


class _Thread:
    """A thread that runs one call after the other, until ``end``."""

    def __init__(self, name: str, ended: Callable[[_Thread, Call], None]) -> None:
        self._calls: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._ended = ended
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def submit(self, call: Call) -> None:
        self._calls.put(call)

    def end(self) -> None:
        self._calls.put(None)

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            call.run()
            self._ended(self, call)  # First: whoever is woken may need a thread at once.
            call.wake()
            del call
