"""Waves that wait until what the ones before have is ready.

Invariant: an object that only those of later waves make ready is waited for by none.
"""

from __future__ import annotations

from collections.abc import Iterable

from genreconcile.data import Readiness, shipped
from genreconcile.kinds.order import kind_name, wave_of
from genreconcile.waiting.waiting import Place, Waiting


class WaveGate:
    """``places`` are the objects of all waves; ``deadline`` is a time of ``time.monotonic``."""

    def __init__(self, waiting: Waiting, places: Iterable[Place], deadline: float) -> None:
        later = shipped(Readiness).by_later
        self._waiting = waiting
        self._deadline = deadline
        self._places = [place for place in places if kind_name(place.key.group, place.key.kind) not in later]
        self._passed = -1
        self._blocker = ""

    def before(self, wave: int) -> str:
        """Wait until all objects of earlier waves are Current; what is not, and how it is, "" for nothing."""
        if self._blocker or wave <= self._passed:
            return self._blocker
        earlier = [place for place in self._places if wave_of(place.key.group, place.key.kind) < wave]
        found = self._waiting.until_settled(earlier, self._deadline)
        blocked = next(((key, status) for key, status in found.items() if not status.is_current), None)
        if blocked is not None:
            self._blocker = f"{blocked[0]}, of an earlier wave, is not ready: {blocked[1]}"
        self._passed = wave
        return self._blocker
