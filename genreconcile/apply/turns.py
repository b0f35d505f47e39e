"""One write at a time for each object, whichever Reconciler or thread of this process it comes from.

Invariant: a thread that holds a turn waits for no other turn, so that none waits for ever. A subscriber of the cache
that the thread of a write calls may write the same object: the thread has that turn already, and the answer is there.
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
    """Hold the turn of ``place``, an object's key on one server; a turn that nobody holds or awaits is forgotten."""
    with _lock:
        own = _turns.get(place)
        if own is None:
            own = _turns[place] = threading.RLock()
    with own:
        yield
