"""The threads of one Reconciler or Cache, and how a coroutine waits for them.

Invariant: a coroutine goes on only when the thread that worked for it has ended its work, however often it is
cancelled; work that no thread has begun by then is never begun. Nothing belongs to one event loop, or uses its threads.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar, cast

from genreconcile.aio.call import Call, Cancelled
from genreconcile.arguments import require_whole
from genreconcile.errors import CacheError
from genreconcile.process import Process

P = ParamSpec("P")
S = TypeVar("S")
T = TypeVar("T")


class Threads:
    """At most ``count`` threads; more work waits for one of them. ``name`` is whose they are, for messages; ``wake`` is
    called when a call is cancelled.
    """

    def __init__(self, count: int, name: str, wake: Callable[[], object] = lambda: None) -> None:
        require_whole("threads", count, 1)
        self.name = name
        self.wake = wake
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="genreconcile-aio")
        self._process = Process()
        self._lock = threading.Lock()
        self._calls: set[Call] = set()
        self._is_closed = False

    @property
    def is_of_this_process(self) -> bool:
        """Whether the threads are there, and not those of the parent of a forked process."""
        return self._process.is_this

    def require_open(self) -> None:
        """Raise CacheError after ``close``, and in a forked process, where work would never be begun."""
        if not self._process.is_this:
            raise CacheError(self._process.told(self.name), code="GR003")
        if self._is_closed:
            raise self._closed()

    async def run(self, work: Callable[[], T], *, ends_waits: bool = False) -> T:
        """What ``work`` returns, or raises, in one of the threads, with the context variables of the caller."""
        self.require_open()
        call = Call(ends_waits=ends_waits)
        call.tell(self.wake)
        future = self._begun(call, work)
        try:
            return await _ended(future, functools.partial(_give_up, future, call))
        finally:
            with self._lock:
                self._calls.discard(call)

    async def close(self, work: Callable[[], object]) -> None:
        """Cancel all calls, do ``work`` in a thread of its own, and wait until all threads have ended."""
        with self._lock:
            self._is_closed = True
            calls = tuple(self._calls)
        for call in calls:
            call.cancel()

        def end() -> None:
            try:
                work()
            finally:
                self._pool.shutdown()

        await aside(end)()

    def _begun(self, call: Call, work: Callable[[], T]) -> Future[T]:
        with self._lock:
            if self._is_closed:
                raise self._closed()
            self._calls.add(call)
            return self._pool.submit(contextvars.copy_context().run, self._worked, call, work)

    def _worked(self, call: Call, work: Callable[[], T]) -> T:
        try:
            with call.entered():
                call.require_wanted()
                return work()
        except Cancelled:
            # Who has cancelled the call does not see this one: it is for the calls that ``close`` has cancelled.
            raise self._closed() from None

    def _closed(self) -> CacheError:
        return CacheError(f"{self.name}: not usable any more: it was closed; make a new one", code="GR004")


def aside(function: Callable[P, T]) -> Callable[P, Coroutine[Any, Any, T]]:
    """The function, awaited, in a thread of its own: it is always begun, also where all others are busy."""

    @functools.wraps(function)
    async def call(*args: P.args, **keywords: P.kwargs) -> T:
        pool = ThreadPoolExecutor(1, thread_name_prefix="genreconcile-aio")
        future = pool.submit(contextvars.copy_context().run, functools.partial(function, *args, **keywords))
        pool.shutdown(wait=False)
        return await _ended(future, lambda: None)

    call.__doc__ = _doc(function)
    return call


class Face(Generic[S]):
    """Something for asyncio before something that is not: see ``awaited``."""

    _threads: Threads
    _ends_waits = False

    def _opened(self) -> S:
        """What it stands before. Raises CacheError where that is not open."""
        raise NotImplementedError

    async def open(self) -> Self:
        """Begin; what it returns is the same."""
        raise NotImplementedError

    async def close(self) -> None:
        """End what ``open`` has begun."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def awaited(function: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[Face[S], P], Coroutine[Any, Any, T]]:
    """The method of a Face that calls ``function`` in one of its threads; all that it takes and gives is the same."""

    @functools.wraps(function)
    async def call(self: Face[S], *args: P.args, **keywords: P.kwargs) -> T:
        work = functools.partial(function, self._opened(), *args, **keywords)
        return await self._threads.run(work, ends_waits=self._ends_waits)

    call.__doc__ = _doc(function)
    return cast("Callable[Concatenate[Face[S], P], Coroutine[Any, Any, T]]", call)


def _doc(function: Callable[..., object]) -> str:
    return f"As ``genreconcile.{function.__qualname__}``, awaited: arguments, result and errors are the same."


def _give_up(future: Future[Any], call: Call) -> None:
    if not future.cancel():  # It has been begun.
        call.cancel()


async def _ended(future: Future[T], give_up: Callable[[], object]) -> T:
    """The result, once the thread has ended its work; ``give_up`` is called each time the task is cancelled."""
    ended = asyncio.wrap_future(future)
    cancelled: asyncio.CancelledError | None = None
    while not ended.done():
        try:
            await asyncio.wait({ended})
        except asyncio.CancelledError as error:
            cancelled = cancelled or error
            give_up()
    if cancelled is None:
        return ended.result()
    if not ended.cancelled():
        ended.exception()  # Else the loop would log that nobody has asked for it.
    raise cancelled
