"""One write at a time for each object, whichever Reconciler or thread of this process it comes from.

Invariant: who holds a turn waits for no other turn, so that nobody waits for ever. A subscriber that is told of a write
by the thread that sent it may write the same object: that turn is its own, and the answer is there.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Hashable, Iterator
from weakref import WeakValueDictionary

_turns: WeakValueDictionary[Hashable, threading.RLock] = WeakValueDictionary()
_lock = threading.Lock()


@contextlib.contextmanager
def turn(place: Hashable) -> Iterator[None]:
    """Hold the turn of a place, an object's key on one server; it is forgotten when nobody wants it any more."""
    with _lock:
        own = _turns.get(place)
        if own is None:
            own = _turns[place] = threading.RLock()
    with own:
        yield
