"""The state machine of kinds that change: what is waited for, what is asked for, and when.

A kind is in one of these states, and only what is named here leads from one to the next:

    UNSERVED     the server does not serve the kind. Where its definition exists, discovery is asked for ``_LATE``
                 seconds, once for each version of the definition. The kind is served → UNDESCRIBED or DESCRIBED.
    UNDESCRIBED  served and new, and no OpenAPI document describes the kind: the index of documents is asked for up to
                 ``_PATIENCE`` seconds, or ``_IN_DOUBT``. The document comes → DESCRIBED; it does not → OVERDUE.
    OVERDUE      still no document: the index is asked after a pause, each twice as long. It comes → DESCRIBED.
    DESCRIBED    a document describes the kind, which costs no request. By an event, its definition has another
                 generation, other stored versions, or is gone → CHANGING. The document is gone → UNDESCRIBED.
    CHANGING     each plan asks for the kinds and the index first. Our own write has been waited for, or the lag of the
                 last event is over and reported once → DESCRIBED, or UNSERVED where the definition is gone.

An event of a definition may come in any state: it ends the pause between two questions about its kind.

Invariant: one Condition (news.py), notified of each event of a definition, of each change of a kind's state in the
cache, and of ``close``. What can be waited for is not polled. Where no event comes (discovery, the index of documents)
the server is asked in one place, ``_ask``, at one pace, for a limited time.
"""

from __future__ import annotations

import functools
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
from genreconcile.log import logger
from genreconcile.objects import GVK

_PACE: Final = 0.1  # Seconds between two questions to the server.
_LATE: Final = 10.0  # For a kind whose definition exists already.
_PATIENCE: Final = 10.0  # For the document of a new kind that has a definition.
_IN_DOUBT: Final = 2.0  # Where no definition is known: it may be newer than the cache.
_CHANGE_WAIT: Final = 3.0  # For a document in place of the old one: not every change brings one.
_AWAITED_WAIT: Final = 15.0  # The same, where an object needs the new document.
_FIRST_PAUSE: Final = 1.0  # Until an overdue kind is asked for again; doubled each time.
_LONGEST_PAUSE: Final = 60.0

_log = logger("genreconcile.planner")


class State(Enum):
    """The states of the module's docstring, without UNSERVED, which discovery tells."""

    UNDESCRIBED = "undescribed"
    OVERDUE = "overdue"
    DESCRIBED = "described"
    CHANGING = "changing"


class Followed(Source, Protocol):
    """What the Follower needs of the cache."""

    def subscribe_states(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Call back when a kind is synced, fails, or is not watched any more; returns a function that ends that."""


class Follower:
    """Follows the kinds of one server through one cache; ``definition`` returns that of a kind. Thread-safe."""

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
        # The cache holds these callbacks, and not the Follower: one that nobody closes can still be collected.
        self._ends = (self.definitions.forget, cache.subscribe_states(self._news.tell))

    def close(self) -> None:
        """Stop following; threads that wait go on at once."""
        for end in self._ends:
            end()
        self._news.end()

    def state(self, resource: Resource) -> State:
        """The state of a kind that is served. Raises ClusterError."""
        gvk = resource.gvk
        if not self._is_described(resource):
            return State.OVERDUE if gvk in self._overdue else State.UNDESCRIBED
        return State.CHANGING if self.definitions.is_changing(_kind(gvk)) else State.DESCRIBED

    def news(self) -> int:
        """A number that grows when a kind of the cache is synced, fails, or is not watched any more."""
        return self._news.count()

    def are_described(self, resources: Iterable[Resource]) -> bool:
        """Whether documents describe all of these kinds. Raises ClusterError."""
        return all(map(self._is_described, resources))

    def is_undescribed(self, resource: Resource) -> bool:
        """Whether the kind has a definition, and no document describes it."""
        if self._is_described(resource):
            return False
        definition = self._definition(resource.gvk)
        return definition is not None and definition is not UNREADABLE

    def until(self, is_true: Callable[[], bool], deadline: float) -> None:
        """Wait until ``is_true``, which looks at the cache's kinds or definitions, or until ``deadline``, a time of the
        clock. Raises what ``is_true`` raises.
        """
        while True:
            before, left = self._news.count(), deadline - self._clock()
            if is_true() or left <= 0 or self._news.is_over:
                return
            self._news.pause(self._news.count, before, left)

    def await_served(self, missing: Collection[Resource]) -> list[Resource]:
        """Wait for UNSERVED kinds with definitions; returns those that are served in time, if possible described."""
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

        ``deadline`` is a time of the clock. ``changed``: a new document is to replace the old one; not every change of
        a definition brings one, so that wait is short, but longer where an object needs it (``awaited``).
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
        """Ask the server by ``is_done`` until it returns True; an event of a definition of ``kinds`` ends a pause."""
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
        return list(filter(self._is_described, due))

    def _is_described(self, resource: Resource) -> bool:
        return self._served.types.is_custom(resource.gvk) is not None

    def _note(self, resource: Resource, *, is_described: bool) -> None:
        if is_described:
            self._overdue.pop(resource.gvk, None)
            return
        pause = self._overdue.get(resource.gvk, (0.0, _FIRST_PAUSE))[1]
        self._overdue[resource.gvk] = self._clock() + pause, min(2 * pause, _LONGEST_PAUSE)
        _log.info("%s: no OpenAPI document describes it; it is asked for again in %.0f s", resource, pause)


def _kind(gvk: GVK) -> GroupKind:
    return gvk.group, gvk.kind
