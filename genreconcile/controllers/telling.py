"""What the program of a process tells of itself: its figures, and Events of what its controllers do.

Invariant: the controllers of one process share the figures; each writes Events under its own name.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from genreconcile.cache import Cache
from genreconcile.cluster import Cluster
from genreconcile.observe import EventCounts, Figures, Measures, Observer, Recorder, State, kinds_of
from genreconcile.ownership import controller_tool


class Running(Protocol):
    """A Program, or one of shards."""

    @property
    def cache(self) -> Cache:
        """The cache through which it reads."""

    @property
    def queues(self) -> Mapping[str, Sequence[Measures[Any]]]:
        """Its queues as they are now, by name of controller or set."""

    @property
    def holdings(self) -> Mapping[int, bool] | None:
        """Whether it works in each of its shards, None without shards."""

    @property
    def is_leading(self) -> bool:
        """Whether it works."""

    @property
    def is_ready(self) -> bool:
        """Whether it works, or could at once."""

    @property
    def is_healthy(self) -> bool:
        """Whether functions can be run."""


class Telling:
    """For one process. With ``events`` its controllers write Events through ``cluster``."""

    def __init__(self, cluster: Cluster, *, events: bool) -> None:
        self._cluster = cluster
        self._has_events = events
        self._figures = Figures()
        self._observers: dict[str, Observer] = {}
        self._recorders: list[Recorder] = []
        self._lock = threading.Lock()

    def observer(self, name: str) -> Observer:
        """That of a controller or set; the same one for each shard."""
        with self._lock:
            if name not in self._observers:
                self._observers[name] = Observer(name, self._figures, self._recorder(name))
            return self._observers[name]

    def _recorder(self, name: str) -> Recorder | None:
        if not self._has_events:
            return None
        self._recorders.append(Recorder(self._cluster, controller_tool(name)))
        return self._recorders[-1]

    def state(self, program: Running) -> State:
        """What a program is like now. Sends no request."""
        counts = [recorder.counts for recorder in self._recorders]
        return State(
            counts=self._figures.now(),
            queues=program.queues,
            kinds=kinds_of(program.cache),
            is_leading=program.is_leading,
            is_ready=program.is_ready,
            is_healthy=program.is_healthy,
            holdings=program.holdings,
            events=EventCounts(*map(sum, zip(*counts, strict=True))) if counts else EventCounts(),
        )

    def close(self) -> None:
        """Send the Events that are left, within a moment."""
        for recorder in self._recorders:
            recorder.close()
