"""The state machine of kinds that change: what is waited for, what is asked for, and when.

A kind is in one of these states, and only what is named here leads from one to the next:

    UNSERVED     the server does not have it. Where its definition is there, discovery is asked for ``_LATE`` seconds,
                 once for each state of that definition. It is served → UNDESCRIBED or DESCRIBED.
    UNDESCRIBED  served, no OpenAPI document describes it, and it is met for the first time: the index is asked for up
                 to ``_PATIENCE`` seconds, or ``_IN_DOUBT``. The document comes → DESCRIBED; it does not → OVERDUE.
    OVERDUE      as before, and asked for again when a pause is over, each twice as long. The document → DESCRIBED.
    DESCRIBED    a document describes it; that costs no request. An event: its definition has another generation, other
                 stored versions, or is gone → CHANGING. The document is found gone → UNDESCRIBED.
    CHANGING     whoever plans asks for kinds and index first. Our own write, waited for, or the lag after the last
                 event is over, and told once more → DESCRIBED, or UNSERVED where the definition is gone.

An event of a definition may come in any state: it ends the pause of who asks for its kind.

Invariant: one Condition (news.py), notified of each event of a definition, of each change of what the cache knows, and
of the end. What can be waited for is not polled. Where no event tells (discovery, the index of the documents) the
server is asked in one place, ``_ask``, at one pace, in a bound.
"""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable, Collection, Iterable
from enum import Enum
from typing import Final, Protocol

from genreconcile.errors import ClusterError, Unauthorized, Unreachable
from genreconcile.kinds.definitions import Definitions, GroupKind, Source
from genreconcile.kinds.discovery import Resource
from genreconcile.kinds.news import News, Wait
from genreconcile.kinds.served import Served
from genreconcile.kinds.storage import UNREADABLE, Lookup
from genreconcile.objects import GVK

_PACE: Final = 0.1  # Seconds from one question to the server to the next.
_LATE: Final = 10.0  # For a kind whose definition was there before us.
_PATIENCE: Final = 10.0  # For the document of a kind that is met for the first time, and that something defines.
_IN_DOUBT: Final = 2.0  # Where nothing is known to define it: that may be younger than what has been read.
_CHANGE_WAIT: Final = 3.0  # For another document than the one that is there: not every change brings one.
_AWAITED_WAIT: Final = 15.0  # Where an object needs it.
_FIRST_PAUSE: Final = 1.0  # Until an overdue kind is asked for again; twice as many each time.
_LONGEST_PAUSE: Final = 60.0

_log = logging.getLogger("genreconcile.planner")


class State(Enum):
    """See the module; UNSERVED is for discovery to say."""

    UNDESCRIBED = "undescribed"
    OVERDUE = "overdue"
    DESCRIBED = "described"
    CHANGING = "changing"


class Followed(Source, Protocol):
    """The cache, as far as it is needed here."""

    def subscribe_states(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Call back when a kind becomes known, fails, or is not watched any more; returns what ends that."""


class Follower:
    """Follows the kinds of one server through one cache; ``definition`` gives what defines a kind. Thread-safe."""

    def __init__(
        self,
        served: Served,
        cache: Followed,
        definition: Lookup,
        *,
        clock: Callable[[], float] = time.monotonic,
        wait: Wait | None = None,
    ) -> None:
        self._served = served
        self._definition = definition
        self._clock = clock
        self._news = News(wait)
        self._overdue: dict[GVK, tuple[float, float]] = {}  # When to ask again, and the pause after that.
        self.definitions = Definitions(cache, self._news, clock=clock)
        # The cache holds neither this nor what it has read, should nobody close it.
        self._ends = (self.definitions.forget, cache.subscribe_states(self._news.tell))

    def close(self) -> None:
        """Follow no longer; who waits goes on at once."""
        for end in self._ends:
            end()
        self._news.end()

    def state(self, resource: Resource) -> State:
        """Of a kind that is served. Raises ClusterError."""
        gvk = resource.gvk
        if self._served.types.is_custom(gvk) is None:
            return State.OVERDUE if gvk in self._overdue else State.UNDESCRIBED
        return State.CHANGING if self.definitions.is_changing(_kind(gvk)) else State.DESCRIBED

    def is_undescribed(self, resource: Resource) -> bool:
        """Whether something defines the kind, and no document describes it."""
        if self._served.types.is_custom(resource.gvk) is not None:
            return False
        definition = self._definition(resource.gvk)
        return definition is not None and definition is not UNREADABLE

    def until(self, is_true: Callable[[], bool], deadline: float) -> None:
        """Wait until something is true of what the cache says of kinds or of definitions; ``deadline`` is a time of
        the clock. What ``is_true`` raises is passed on.
        """
        while True:
            before, left = self._news.count(), deadline - self._clock()
            if is_true() or left <= 0 or self._news.is_over:
                return
            self._news.pause(self._news.count, before, left)

    def await_served(self, missing: Collection[Resource]) -> list[Resource]:
        """UNSERVED kinds whose definitions are there: returns those that are served in time, described if possible."""
        deadline, served = self._clock() + _LATE, list[Resource]()

        def is_done() -> bool:
            if self._clock() >= deadline:
                return True
            self._served.invalidate()
            left = [resource for resource in missing if resource not in served]
            served.extend(resource for resource in left if self._served.discovery.get(resource.gvk) is not None)
            return len(served) == len(missing)

        if missing:
            self._ask({_kind(resource.gvk) for resource in missing}, is_done)
        for resource in served:
            self.await_document(resource.gvk, deadline, changed=False)
        return served

    def await_described(self, resources: Iterable[Resource]) -> list[Resource]:
        """Wait for UNDESCRIBED kinds, and ask again for OVERDUE ones; returns those that are described now."""
        states = [(resource, self.state(resource)) for resource in resources]
        met = [resource for resource, state in states if state is State.UNDESCRIBED]
        due = [resource for resource, state in states if resource in met or self._is_due(resource, state)]
        started, described = self._clock(), list[Resource]()

        def is_done() -> bool:
            described[:] = self._described(due)
            return not any(self._may_come(resource, started) for resource in met if resource not in described)

        if due:
            self._ask({_kind(resource.gvk) for resource in met}, is_done)
        for resource in due:
            self._note(resource, is_described=resource in described)
        return described

    def await_document(self, gvk: GVK, deadline: float, *, changed: bool, awaited: bool = False) -> None:
        """Wait until the server's documents describe a kind; they follow its definition with a delay.

        ``deadline`` is a time of the clock. ``changed``: a description is there, and another is to come; not every
        change of a definition brings one, so that wait is short; longer where an object needs it (``awaited``).
        """
        before = self._served.hash_of(gvk)
        patience = _AWAITED_WAIT if awaited else _CHANGE_WAIT
        until = min(deadline, self._clock() + patience) if changed else deadline

        def is_done() -> bool:
            if self._clock() >= until:
                return True
            self._served.look()
            is_described = self._served.types.root(gvk) is not None
            return is_described and not (changed and self._served.hash_of(gvk) == before)

        self._ask({_kind(gvk)}, is_done)

    def _ask(self, kinds: Collection[GroupKind], is_done: Callable[[], bool]) -> None:
        """Ask the server by ``is_done`` until that says so; an event of the definitions of ``kinds`` ends a pause."""
        told = functools.partial(self.definitions.told, kinds)
        while not self._news.is_over:
            before = told()
            if is_done():
                return
            self._news.pause(told, before, _PACE)

    def _is_due(self, resource: Resource, state: State) -> bool:
        return state is State.OVERDUE and self._overdue.get(resource.gvk, (0.0, 0.0))[0] <= self._clock()

    def _may_come(self, resource: Resource, started: float) -> bool:
        patience = _IN_DOUBT if self._definition(resource.gvk) is None else _PATIENCE
        return self._clock() - started < patience

    def _described(self, due: list[Resource]) -> list[Resource]:
        try:
            self._served.look()
        except (Unauthorized, Unreachable):
            raise
        except ClusterError as error:
            _log.info("%s: its OpenAPI document was not asked for: %s", due[0], error)
        return [resource for resource in due if self._served.types.is_custom(resource.gvk) is not None]

    def _note(self, resource: Resource, *, is_described: bool) -> None:
        if is_described:
            self._overdue.pop(resource.gvk, None)
            return
        pause = self._overdue.get(resource.gvk, (0.0, _FIRST_PAUSE))[1]
        self._overdue[resource.gvk] = self._clock() + pause, min(2 * pause, _LONGEST_PAUSE)
        _log.info("%s: no OpenAPI document describes it; it is asked for again in %.0f s", resource, pause)


def _kind(gvk: GVK) -> GroupKind:
    return gvk.group, gvk.kind
