"""The memory of patches that the server accepted and did not keep.

A patch that changes nothing, or whose change the server undoes, would be sent for ever. Each difference of such a
patch is remembered for its one object, and is not patched again while neither side changes.

Invariant: bounded, expiring, in memory, thread-safe. An entry lasts no longer than its object, and than the definition
and the admission by which the server decided; it holds for no other object, and for one set of rules alone.
"""

from __future__ import annotations

import hashlib
import math
import threading
import time
from collections.abc import Callable, Hashable, Iterable
from typing import Any, Final

from genreconcile.gojson import dumps_sorted
from genreconcile.memory.fights import Fights
from genreconcile.memory.remembered import Key, Remembered

RULE_GAP: Final = "rule gap"
"""The patch was accepted twice and changed nothing: a rule is missing."""
INSISTS: Final = "the server insists"
"""The server's answer still differed in the patched place."""

_ENOUGH: Final = 2
_ENOUGH_OF_ANY: Final = 4
"""The number of times that the server may insist on ever new values at one place."""


class Learned:
    """Remembered differences; at most ``size``, each for ``ttl`` seconds. ``fights`` are those that other writers undo.

    A key identifies a difference: the object's uid, the operation, the path, a digest of the expected object, and last
    a digest of the two values.
    """

    def __init__(
        self,
        *,
        size: int = 10_000,
        ttl: float = 3600.0,
        fights: Fights | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.fights = fights if fights is not None else Fights(clock=clock)
        # Keys without the values: another writer may write a new value each time. Such a fight takes one round more.
        self.places = Fights(rounds=self.fights.rounds + 1, clock=clock)
        self._seen: Remembered[int] = Remembered(size, clock)
        self._added: Remembered[bool] = Remembered(size, clock)
        self._ttl = ttl
        self._clock = clock
        self._lock = threading.Lock()

    def note(self, key: Key, what: str) -> None:
        """Count once more that ``what`` (RULE_GAP or INSISTS) has happened to this difference."""
        with self._lock:
            # A place counts new values alone: the same value, coming back each time, has a count of its own.
            places = (key,) if self._seen.get(_under(key, what)) else (key, key[:-1])
            for place in places:
                self._count_up(_under(place, what))

    def insist(self, key: Key) -> None:
        """Note that the server insists on this difference, as is known without a patch."""
        with self._lock:
            self._seen.put(_under(key, INSISTS), _ENOUGH, self._clock() + self._ttl)

    def _count_up(self, key: Key) -> None:
        self._seen.put(key, (self._seen.get(key) or 0) + 1, self._clock() + self._ttl)

    def note_repair(self, key: Key) -> None:
        """Note one more repair of the difference."""
        self.fights.note(key)
        self.places.note(key[:-1])

    def fight(self, key: Key) -> str:
        """The reason why the difference is left alone while another writer undoes its repairs, "" where none does."""
        return self.fights.reason(key) or self.places.reason(key[:-1])

    def pause(self, key: Key) -> float | None:
        """The seconds until the next repair of a difference that another writer undoes, None where it is due now."""
        pauses = [pause for pause in (self.fights.pause(key), self.places.pause(key[:-1])) if pause is not None]
        return max(pauses, default=None)

    def name_opponent(self, key: Key, opponent: str) -> None:
        """Note the name of the writer that undoes repairs of the difference."""
        self.fights.name(key, opponent)
        self.places.name(key[:-1], opponent)

    def is_next_round_a_fight(self, key: Key) -> bool:
        """Whether one more repair of the difference begins a fight, or continues one."""
        return self.fights.is_next_round_a_fight(key) or self.places.is_next_round_a_fight(key[:-1])

    def count(self, key: Key, what: str) -> int:
        """The number of times that ``what`` (RULE_GAP or INSISTS) has happened to this difference."""
        with self._lock:
            return self._seen.get(_under(key, what)) or 0

    def verdict(self, key: Key) -> str:
        """RULE_GAP or INSISTS, whichever has happened to the difference often enough, else ""."""
        if self.count(key[:-1], INSISTS) >= _ENOUGH_OF_ANY:
            return INSISTS
        return next((what for what in (RULE_GAP, INSISTS) if self.count(key, what) >= _ENOUGH), "")

    def note_added(self, uid: str, member: str) -> None:
        """Note that this process has added a member to a shared list, or has written a value (named by ``written``)."""
        with self._lock:
            self._added.put((uid, member), value=True, until=math.inf)

    def has_added(self, uid: str, member: str) -> bool:
        """Whether ``note_added`` was called with these arguments."""
        with self._lock:
            return bool(self._added.get((uid, member)))

    def forget(self, uid: Hashable) -> None:
        """Drop all entries of an object that is gone: a new object under its name has another uid."""
        self.fights.forget(uid)
        self.places.forget(uid)
        with self._lock:
            self._seen.forget(uid)
            self._added.forget(uid)

    @property
    def has_verdicts(self) -> bool:
        """Whether there are differences that the server did not keep."""
        return len(self._seen) > 0

    def forget_verdicts(self, uids: Iterable[Hashable] | None = None) -> None:
        """Drop the verdicts on the differences of these objects, None for all: the server may keep the patches now.
        Fights are kept.
        """
        with self._lock:
            if uids is None:
                self._seen.clear()
            for uid in uids or ():
                self._seen.forget(uid)

    def __len__(self) -> int:
        """The number of entries in memory, expired ones included."""
        return len(self._seen) + len(self._added) + len(self.fights) + len(self.places)


def _under(key: Key, what: str) -> Key:
    return (*key, what)


def digest(value: Any) -> str:
    """A short digest of JSON data, independent of the order of keys."""
    return hashlib.blake2b(dumps_sorted(value), digest_size=12).hexdigest()


def written(pointer: str, value: Any) -> str:
    """The name, for ``note_added``, of a value that was written at a JSON pointer."""
    return f"{pointer} {digest(value)}"
