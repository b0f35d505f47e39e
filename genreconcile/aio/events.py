"""The changes of a cache, iterated over by ``async for``.

Invariant: events come in the order in which the cache has told them, and none is left out: what cannot be kept is an
error in its place. Whoever does not iterate any more is not subscribed.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import weakref
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Final

from genreconcile.aio.threads import Threads
from genreconcile.arguments import require_flag, require_whole
from genreconcile.cache import Cache, CacheEvent
from genreconcile.errors import CacheError

_TURN: Final = 100
"""Events that are given without a turn for the other tasks of the loop."""
_LOOK_AGAIN: Final = 5.0
"""Seconds after which a cache is asked whether it still runs; one of this package tells that by itself."""


class EventsLost(CacheError):
    """More events have come than may wait: they are taken too slowly. All before the first lost one were given."""


class Events(AsyncIterator[CacheEvent]):
    """See ``Cache.events``. It ends by ``aclose``, and when nobody has it any more."""

    def __init__(self, cache: Cache, threads: Threads, *, replay: bool, most: int) -> None:
        require_flag("replay", replay)
        require_whole("most", most, 1)
        self._cache = cache
        self._threads = threads
        self._inbox = inbox = _Inbox(most)
        self._end = weakref.finalize(self, inbox.close)
        self._end.atexit = False
        self._given = 0
        inbox.hold(cache.subscribe_states(inbox.wake))
        self._is_subscribed = not replay
        if not replay:
            inbox.hold(cache.subscribe(inbox.put))

    async def __anext__(self) -> CacheEvent:
        self._given += 1
        if self._given % _TURN == 0:
            await asyncio.sleep(0)
        try:
            if not self._is_subscribed:  # The known objects may be many: they are told in a thread.
                await self._threads.run(self._subscribe)
            return await self._inbox.taken(self._cache.require_usable)
        except CacheError:
            self._end()
            raise

    async def aclose(self) -> None:
        """End the subscription, and with it the iteration."""
        self._end()

    def _subscribe(self) -> None:
        if not self._is_subscribed:
            self._is_subscribed = True
            self._inbox.hold(self._cache.subscribe(self._inbox.put, replay=True))


class _Inbox:
    """The events that wait to be taken: ``most``, beside those that are replayed; thread-safe."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._events: deque[CacheEvent] = deque()
        self._ends: list[Callable[[], None]] = []
        self._waiting: set[asyncio.Future[None]] = set()
        self._is_full = False
        self._is_closed = False

    def put(self, event: CacheEvent) -> None:
        """The cache's callback."""
        with self._lock:
            self._most += event.is_replayed
            self._is_full = self._is_full or len(self._events) >= self._most
            if not self._is_full and not self._is_closed:
                self._events.append(event)
        self.wake()

    def hold(self, end: Callable[[], None]) -> None:
        """Keep what ends a subscription until ``close``."""
        with self._lock:
            self._ends.append(end)
            is_closed = self._is_closed
        if is_closed:
            end()

    def close(self) -> None:
        """End the subscriptions, and forget what waits."""
        with self._lock:
            self._is_closed = True
            self._events.clear()
            ends = tuple(self._ends)
        for end in ends:
            end()
        self.wake()

    def wake(self) -> None:
        """Let whoever waits look again; from any thread."""
        with self._lock:
            waiting = tuple(self._waiting)
        for waiter in waiting:
            with contextlib.suppress(RuntimeError):  # Its loop is closed.
                waiter.get_loop().call_soon_threadsafe(_set, waiter)

    async def taken(self, require_usable: Callable[[], None]) -> CacheEvent:
        """The next event. Raises StopAsyncIteration when closed, EventsLost, and what ``require_usable`` raises."""
        while True:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            with self._lock:
                if self._events:
                    return self._events.popleft()
                self._require_going_on()
                self._waiting.add(waiter)
            try:
                require_usable()
                await asyncio.wait({waiter}, timeout=_LOOK_AGAIN)
            finally:
                with self._lock:
                    self._waiting.discard(waiter)

    def _require_going_on(self) -> None:
        if self._is_closed:
            raise StopAsyncIteration
        if self._is_full:
            raise EventsLost(
                f"the events of the cache: lost: more than {self._most:,} came before they were taken; take them "
                "faster, allow more by most, or iterate anew with replay=True",
                code="GR709",
            )


def _set(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
