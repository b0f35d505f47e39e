"""The queue of a controller: which key runs next.

Invariant: a key that was added is given in the end, as long as somebody gets and until ``close``; a key that was given
is not given again before ``done``. Nothing here polls.

Each key has one entry. What arrives joins it, so that it has the highest priority and the earliest time of all that
arrived. So an event runs a key early that backs off or waits for an explicit time: what failed may succeed now. Only
``min_interval`` is not cut short, and further failures back off for longer. What must not run early is held:
``retry(key, hold=True)``.
"""

from __future__ import annotations

import math
import random as randomness
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from genreconcile.arguments import require_seconds, require_whole
from genreconcile.controllers.backoff import Backoff
from genreconcile.controllers.entry import Entry, Priority
from genreconcile.controllers.floors import Floors
from genreconcile.controllers.schedule import Schedule
from genreconcile.controllers.steady import Steady
from genreconcile.controllers.tokens import Tokens
from genreconcile.observe import Measures

K = TypeVar("K", bound=Hashable)

_LONGEST_WAIT: Final = threading.TIMEOUT_MAX


@dataclass(slots=True)
class _Run:
    started: float
    priority: Priority


class Queue(Generic[K]):
    """Keys to run, for any number of threads. A key is hashable, and not None.

    ``min_interval`` is the shortest time in seconds from one start of a key to its next. ``clock`` gives seconds and
    may jump: after a jump forward what is due by then is due, after one back all waits go on from where they were.
    ``random`` gives numbers from 0 to 1. Retries that back off take tokens, nothing else does: ``retry_rate`` of them
    come in a second, and ``retry_burst`` are there at first.

    ``clock`` and ``random`` are called under the lock of the queue, and must not call it. A signal handler may call
    ``close``. Raises InputError for unusable arguments.
    """

    def __init__(
        self,
        *,
        min_interval: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = randomness.random,
        retry_rate: float = 10.0,
        retry_burst: int = 100,
    ) -> None:
        require_seconds("min_interval", min_interval)
        require_seconds("retry_rate", retry_rate, zero=False)
        require_whole("retry_burst", retry_burst, 1)
        self._time = Steady(clock)
        self._backoff: Backoff[K] = Backoff(random)
        self._schedule: Schedule[K] = Schedule(Tokens(retry_rate, retry_burst))
        self._entries: dict[K, Entry[K]] = {}
        """All that are to run; those of keys in work are not scheduled."""
        self._runs: dict[K, _Run] = {}
        self._floors: Floors[K] = Floors(min_interval)
        self._adds = self._retries = self._gets = 0
        self._waited = 0.0
        self._is_closed = False
        self._lock = threading.RLock()  # A signal handler may close while its thread adds.
        self._changed = threading.Condition(self._lock)
        self._leader: object = None
        """Whoever waits for the next time; the others wait to be called."""

    def __len__(self) -> int:
        """The keys that are to run, now or later; a key in work counts where something arrived meanwhile."""
        return len(self._entries)

    @property
    def is_closed(self) -> bool:
        """Whether ``close`` was called."""
        return self._is_closed

    def add(self, key: K, priority: Priority = Priority.NORMAL, after: float = 0.0) -> None:
        """Let a key run in ``after`` seconds, or earlier if anything else says so; one in work runs again after it.

        After ``close`` nothing happens. Raises InputError for an unusable ``after``.
        """
        require_seconds("after", after)
        with self._lock:
            now = self._now()
            self._arrive(Entry.of(key, priority, now + after), now)

    def retry(self, key: K, after: float | None = None, *, hold: bool = False) -> None:
        """Let a key in work run again, with the priority that it was given with; another key with a normal one.

        Without ``after`` it has failed: it backs off, longer with each failure since ``forget``, and takes a token.
        With ``after``, in seconds, neither. ``hold`` keeps it from running before, whatever arrives.

        After ``close`` nothing happens. Raises InputError for an unusable ``after``.
        """
        require_seconds("after", after or 0.0)
        with self._lock:
            if self._is_closed:
                return
            now = self._now()
            self._retries += 1
            due = now + (self._backoff.delay(key) if after is None else after)
            if hold:
                self._hold(key, due, now)
            run = self._runs.get(key)
            priority = Priority.NORMAL if run is None else run.priority
            self._arrive(Entry.of(key, priority, due, is_limited=after is None), now)

    def forget(self, key: K) -> None:
        """Let the back-off of a key begin anew: it has succeeded, or is gone. What is to run stays so."""
        with self._lock:
            self._backoff.forget(key)

    def failures(self, key: K) -> int:
        """The failures of a key since it was last forgotten."""
        with self._lock:
            return self._backoff.failures(key)

    def get(self, timeout: float | None = None) -> K | None:
        """The next key, which is the caller's until it calls ``done``; waits for one.

        None after ``close``, at once, and when none came within ``timeout`` seconds of real time; with 0 nothing waits.
        """
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        with self._lock:
            try:
                while not self._is_closed:
                    now = self._now()
                    if (entry := self._schedule.take(now)) is not None:
                        return self._begin(entry, now)
                    left = deadline - time.monotonic()
                    if left <= 0:
                        return None
                    self._wait(self._schedule.next(now) - now, left)
                return None
            finally:
                self._call_next()

    def done(self, key: K) -> None:
        """The run of a key has ended; what arrived meanwhile may run. Raises ValueError for a key not in work."""
        with self._lock:
            if self._runs.pop(key, None) is None:
                raise ValueError(f"{key}: not done: it is not in work")
            if (entry := self._entries.get(key)) is not None:
                self._put(entry, self._now())

    def close(self) -> None:
        """Give no key any more: whoever waits gets None. What is in work may end."""
        with self._lock:
            self._is_closed = True
            self._changed.notify_all()

    def next_time(self) -> float | None:
        """The reading of the clock from which ``get`` gives a key without waiting; None where none will come by itself.

        The time has passed where one is ready. A key in work counts after ``done``.
        """
        with self._lock:
            at = self._schedule.next(self._now())
            return None if self._is_closed or at == math.inf else self._time.reading(at)

    def wake(self) -> None:
        """Look at the clock: for whoever sets it. Getters wait in real time, and notice a jump only after that."""
        with self._lock:
            self._leader = None
            self._changed.notify_all()

    def measures(self) -> Measures[K]:
        """How it stands."""
        with self._lock:
            now = self._now()
            running = {key: now - run.started for key, run in self._runs.items()}
            depth = self._schedule.due(now)
            return Measures(depth, self._adds, self._retries, self._gets, self._waited, running)

    def _now(self) -> float:
        now = self._time.now()
        self._floors.expire(now)
        return now

    def _arrive(self, entry: Entry[K], now: float) -> None:
        if self._is_closed:
            return
        if (floor := self._floors.of(entry.key)) is not None:
            entry.hold(floor)
        if (waiting := self._entries.setdefault(entry.key, entry)) is entry:
            self._adds += 1
        elif not waiting.join(entry, now):
            return
        if entry.key not in self._runs:
            self._put(waiting, now)

    def _hold(self, key: K, until: float, now: float) -> None:
        floor = self._floors.hold(key, until)
        if (entry := self._entries.get(key)) is not None:
            entry.hold(floor)
            if key not in self._runs:
                self._put(entry, now)

    def _put(self, entry: Entry[K], now: float) -> None:
        before = self._schedule.next(now)
        self._schedule.put(entry, now)
        if entry.due <= now or entry.due < before:
            self._leader = None
            self._changed.notify()

    def _begin(self, entry: Entry[K], now: float) -> K:
        key = entry.key
        del self._entries[key]
        self._runs[key] = _Run(now, entry.priority)
        self._gets += 1
        self._waited += now - entry.due
        self._floors.start(key, now)
        return key

    def _wait(self, until_next: float, left: float) -> None:
        """One waits for the next time, all others to be called (leader and follower): no herd wakes at each time."""
        if self._leader is not None or left < until_next:
            self._changed.wait(None if left == math.inf else min(left, _LONGEST_WAIT))
            return
        self._leader = me = object()
        try:
            self._changed.wait(min(until_next, _LONGEST_WAIT))
        finally:
            if self._leader is me:
                self._leader = None

    def _call_next(self) -> None:
        """Whoever leaves sees to it that somebody waits for the next time."""
        if self._leader is None and len(self._schedule):
            self._changed.notify()
