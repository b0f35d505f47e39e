"""Two writers that keep undoing each other.

A difference (one path, the same two values) that was repaired ``rounds`` times within ``window`` seconds is a fight:
from then on it is left alone for a time that doubles with each further round.

Invariant: bounded, in memory, thread-safe; time is monotonic. Repairs that are no fight are kept no longer than
``window``, and nothing is kept longer than its object.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Final

from genreconcile.memory.remembered import Key, Remembered

NEXT_REPAIR: Final = ": next repair in "
"""What a reason says before the seconds, which change from time to time."""
_FIRST_PAUSE: Final = 30.0
_LONGEST_PAUSE: Final = 3600.0


@dataclass(slots=True)
class _Fight:
    """The repairs of one difference; ``level`` is 0 before they are a fight, and grows with each further round."""

    repairs: list[float] = field(default_factory=list)
    level: int = 0
    opponent: str = "another writer"

    @property
    def pause(self) -> float:
        return min(_FIRST_PAUSE * 2 ** (self.level - 1), _LONGEST_PAUSE) if self.level else 0.0


class Fights:
    """Repairs, each under the key of its difference; at most ``size`` keys, and ``window`` is in seconds."""

    def __init__(
        self, *, rounds: int = 5, window: float = 600.0, size: int = 10_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.rounds = rounds
        self._window = window
        self._clock = clock
        self._fights: Remembered[_Fight] = Remembered(size, clock)
        self._lock = threading.Lock()

    def note(self, key: Key) -> int:
        """Note one more repair of the difference; returns the number of repairs within the window."""
        now = self._clock()
        with self._lock:
            fight = self._fights.get(key) or _Fight()
            goes_on = fight.level > 0 and now - fight.repairs[-1] <= fight.pause + self._window
            fight.repairs = [at for at in (*fight.repairs, now) if at > now - self._window]
            fight.level = fight.level + 1 if goes_on or len(fight.repairs) >= self.rounds else 0
            self._fights.put(key, fight, now + fight.pause + self._window)
            return len(fight.repairs)

    def is_next_round_a_fight(self, key: Key) -> bool:
        """Whether one more repair of the difference begins a fight, or continues one."""
        with self._lock:
            fight = self._fights.get(key)
            return fight is not None and (fight.level > 0 or len(fight.repairs) + 1 >= self.rounds)

    def name(self, key: Key, opponent: str) -> None:
        """Note the name of the other writer."""
        with self._lock:
            fight = self._fights.get(key)
            if fight is not None:
                fight.opponent = opponent

    def forget(self, uid: Hashable) -> None:
        """Drop all fights over an object that is gone."""
        with self._lock:
            self._fights.forget(uid)

    def __len__(self) -> int:
        """The number of keys in memory, expired ones included."""
        return len(self._fights)

    def pause(self, key: Key) -> float | None:
        """The seconds until the next repair is due, None where it is due now or there is no fight."""
        with self._lock:
            fight = self._fights.get(key)
            left = fight.repairs[-1] + fight.pause - self._clock() if fight is not None and fight.level else 0.0
        return left if left > 0 else None

    def reason(self, key: Key) -> str:
        """The reason why the difference is left alone for now, "" where it is not."""
        left = self.pause(key)
        if left is None:
            return ""
        with self._lock:
            fight = self._fights.get(key) or _Fight()
        return f"a fight with {fight.opponent}, who keeps undoing it{NEXT_REPAIR}{left:.0f} s"
