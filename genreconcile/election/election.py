"""The decisions of one who wants to hold a Lease; pure: times and answers come in, what to send goes out.

Invariants, where clocks run alike: who holds the Lease stops to believe so ``renew_deadline`` after the **start** of
its last successful renewal; who waits takes it no sooner than ``duration`` after it has seen the last renewal of
another. So at no time do two believe it. No clock is compared with another's: what a Lease tells of times is for
people.

A clock that jumps: one that goes back ends the belief of the holder, and lets who waits wait no longer than before;
one that goes ahead ends the belief early, and shortens a wait by no more than the time between two looks.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import Final, NamedTuple

from genreconcile.election.lease import Lease
from genreconcile.election.sight import Sight
from genreconcile.election.state import State, new_lease
from genreconcile.election.times import micro_time
from genreconcile.objects import Object

_RELEASED_DURATION: Final = 1
"""Seconds in a Lease that was given back: the least that the API server takes."""


class Look(NamedTuple):
    """The Lease is to be read."""


class Write(NamedTuple):
    """The Lease is to be written: created, or replaced under the resourceVersion in ``body``."""

    body: Object
    creates: bool

    @property
    def name(self) -> str:
        """The name of the Lease."""
        name: str = self.body["metadata"]["name"]
        return name


class Election:
    """One candidate named ``identity`` for a Lease in ``namespace``; not thread-safe.

    A try is ``begin``, then ``seen`` where a Look was asked for, then ``written``; or ``failed``, wherever it ends
    sooner. ``now`` is in seconds by one clock, ``wall`` the time of the day, which goes into the Lease.
    """

    def __init__(self, lease: Lease, identity: str, namespace: str) -> None:
        self.lease = lease
        self.identity = identity
        self._namespace = namespace
        self._until = -math.inf
        """Until when this one believes to hold the Lease."""
        self._latest = -math.inf
        self._started = 0.0
        self._live: Object | None = None
        """The Lease as the last answer had it, None where it may have changed since."""
        self._sight = Sight(lease)
        self._is_releasing = False

    @property
    def holder(self) -> str:
        """Who holds the Lease, as last seen; "" where nobody does."""
        return self._sight.state.holder

    def holds(self, now: float) -> bool:
        """Whether this one may act as the holder now."""
        if now < self._latest:
            self._until = -math.inf  # How much time has passed, nobody knows.
        self._latest = now
        return now < self._until

    def left(self, now: float) -> float:
        """The seconds for which it holds the Lease unless it renews it."""
        return self._until - now if self.holds(now) else 0.0

    def begin(self, now: float, wall: dt.datetime) -> Look | Write:
        """Begin a try."""
        is_holder = self.holds(now)
        if self._live is None or not (is_holder or self._is_releasing):
            return Look()
        return self._claim(now, wall, self._live)

    def seen(self, now: float, wall: dt.datetime, live: Object | None, patience: float = 0.0) -> Write | None:
        """Take what a Look has found, None for no Lease; None is returned where there is nothing to write. A Lease that
        is not this one's is left alone until nobody has held it for ``patience`` seconds.
        """
        self._sight.note(now, State() if live is None else State.of(live))
        if live is None:
            self._until = -math.inf
            self._live = None
            if self._is_releasing or not self._sight.is_free(patience):
                return None
            self._started = now
            return Write(self._state(State(), wall).into(new_lease(self._namespace, self.lease.name)), creates=True)
        if self.holder == self.identity:
            return self._claim(now, wall, live)
        self._until = -math.inf
        if self._is_releasing or not self._sight.is_free(patience):
            return None
        return self._claim(now, wall, live)

    def written(self, now: float, answer: Object) -> None:
        """The server has taken what was to be written."""
        self._live = answer
        self._sight.note(now, State.of(answer))
        is_ours = self.holder == self.identity
        self._until = min(self._started, now) + self.lease.renew_deadline if is_ours else -math.inf

    def failed(self) -> None:
        """A request of this try was refused or has no answer: it may have happened, or somebody was faster."""
        self._live = None

    @property
    def is_releasing(self) -> bool:
        """Whether it is given back."""
        return self._is_releasing

    def release(self) -> None:
        """Give the Lease back with the next try, and do not take it again."""
        self._is_releasing = True
        self._until = -math.inf

    def pause(self, now: float, random: float) -> float:
        """The seconds to the next try."""
        return self.lease.retry_period if self.holds(now) else self.lease.pause(random)

    def _claim(self, now: float, wall: dt.datetime, live: Object) -> Write:
        self._started = now
        return Write(self._state(State.of(live), wall).into(live), creates=False)

    def _state(self, before: State, wall: dt.datetime) -> State:
        at = micro_time(wall)
        if self._is_releasing:
            return State("", _RELEASED_DURATION, at, at, before.transitions)
        if before.holder == self.identity:
            return before._replace(duration=self.lease.duration, renewed=at)
        is_first = before == State()
        return State(self.identity, self.lease.duration, at, at, before.transitions + (not is_first))
