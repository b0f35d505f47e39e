"""What a program counts of itself, in plain numbers: nothing here knows who reads them.

Invariant: thread-safe; a label's values are bounded: a field manager is any caller's text, and counts under its name
only where that is listed.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from genreconcile.apply.result import Outcome
from genreconcile.data import Managers, shipped
from genreconcile.kinds.order import kind_name
from genreconcile.objects import ObjectKey

BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""The upper bounds of the buckets for the seconds of a run."""
OTHER: Final = "other"
"""The manager that is not listed."""
UNKNOWN: Final = "unknown"
"""That of a field whose manager nobody knows."""

_WRITTEN: Final = frozenset({"configured", "created", "deleted"})


@dataclass(slots=True)
class Histogram:
    """Seconds: how many were in each of BUCKETS, and above; their number and sum."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    sum: float = 0.0

    def note(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.sum += seconds

    def copy(self) -> Histogram:
        """One that does not change any more."""
        return Histogram(list(self.counts), self.sum)


@dataclass(frozen=True, slots=True)
class Counts:
    """Figures at one moment. ``runs`` by (controller, result), ``seconds`` by controller, ``writes`` by (controller,
    kind, what was done), ``repairs`` by (controller, kind), ``drift`` by (kind, manager), ``fights`` by controller.
    """

    runs: Mapping[tuple[str, str], int]
    seconds: Mapping[str, Histogram]
    writes: Mapping[tuple[str, str, str], int]
    repairs: Mapping[tuple[str, str], int]
    drift: Mapping[tuple[str, str], int]
    fights: Mapping[str, int]


class Figures:
    """Counts since it was made."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs: Counter[tuple[str, str]] = Counter()
        self._seconds: dict[str, Histogram] = {}
        self._writes: Counter[tuple[str, str, str]] = Counter()
        self._repairs: Counter[tuple[str, str]] = Counter()
        self._drift: Counter[tuple[str, str]] = Counter()
        self._fights: dict[tuple[str, ObjectKey | str], int] = {}

    def expect(self, controller: str) -> None:
        """Show a controller from the start: a counter that appears with its first count tells of no increase."""
        with self._lock:
            self._seconds.setdefault(controller, Histogram())
            for result in ("success", "error", "requeue_after"):
                self._runs[controller, result] += 0

    def ran(self, controller: str, result: str, seconds: float) -> None:
        """Count a run."""
        with self._lock:
            self._runs[controller, result] += 1
            self._seconds.setdefault(controller, Histogram()).note(seconds)

    def wrote(self, controller: str, outcomes: Iterable[Outcome]) -> None:
        """Count what was written. A kind is shown from then on, in sync or not, so that its first repair counts."""
        with self._lock:
            for outcome in outcomes:
                kind = _kind(outcome)
                self._expect_kind(controller, kind)
                if outcome.status in _WRITTEN:
                    self._writes[controller, kind, outcome.status] += 1

    def _expect_kind(self, controller: str, kind: str) -> None:
        if (controller, kind) in self._repairs:
            return
        self._repairs[controller, kind] = 0
        for status in _WRITTEN:
            self._writes[controller, kind, status] += 0
        for manager in (*shipped(Managers).listed, OTHER, UNKNOWN):
            self._drift[kind, manager] += 0

    def repaired(self, controller: str, outcomes: Iterable[Outcome]) -> None:
        """Count objects that were not as they were stated, and were before; and the fields in which they were not."""
        with self._lock:
            for outcome in outcomes:
                kind = _kind(outcome)
                self._repairs[controller, kind] += 1
                for author in outcome.authors:
                    for manager in author.managers or (UNKNOWN,):
                        self._drift[kind, _listed(manager)] += 1

    def fought(self, controller: str, of: ObjectKey | str, objects: int) -> None:
        """Note how many objects of a parent, or of a set, somebody fights over now."""
        with self._lock:
            if objects:
                self._fights[controller, of] = objects
            else:
                self._fights.pop((controller, of), None)

    def now(self) -> Counts:
        """All counts, as they are now."""
        with self._lock:
            fights: Counter[str] = Counter(dict.fromkeys(self._seconds, 0))
            for (controller, _), objects in self._fights.items():
                fights[controller] += objects
            seconds = {name: histogram.copy() for name, histogram in self._seconds.items()}
            return Counts(
                dict(self._runs), seconds, dict(self._writes), dict(self._repairs), dict(self._drift), dict(fights)
            )


def _kind(outcome: Outcome) -> str:
    return kind_name(outcome.key.group, outcome.key.kind)


def _listed(manager: str) -> str:
    return manager if manager == UNKNOWN or manager in shipped(Managers).listed else OTHER
