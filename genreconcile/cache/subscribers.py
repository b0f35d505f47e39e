"""The subscribers, which are told of changes.

Invariant: a callback that raises harms neither the cache nor the other callbacks.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, NamedTuple, TypeVar

from genreconcile.arguments import refused
from genreconcile.cache.scope import Scope
from genreconcile.cache.store import ADDED, DELETED, Delta
from genreconcile.cache.transform import Record
from genreconcile.errors import trace
from genreconcile.kinds.discovery import Resource
from genreconcile.log import logger
from genreconcile.objects import ObjectKey

_log = logger("genreconcile.cache")
_FAILED: Final = "GR714"

Callback = TypeVar("Callback", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class CacheEvent:
    """A change in the cache; ``type`` is ADDED, MODIFIED or DELETED.

    ``record`` is the object after the change, of DELETED its last known state, and ``resource_version`` its version;
    while a list is incomplete, the cache itself does not show the object yet. An object that was deleted and created
    anew between two lists gives DELETED and ADDED. ``before`` is the object before the change, None of ADDED.
    ``is_replayed``: the object was known before the subscription, which asked for what is known.
    """

    type: str
    resource: Resource
    key: ObjectKey
    resource_version: str
    record: Record
    before: Record | None = None
    is_replayed: bool = False

    @property
    def after(self) -> Record | None:
        """The object after the change, None of DELETED."""
        return None if self.type == DELETED else self.record


class Loss(NamedTuple):
    """A part of a kind that was known, and is not known any more: it is not served, or may not be listed. No event
    tells of its objects, which may be there or not. ``is_over``: it is known again.
    """

    resource: Resource
    scope: Scope
    is_over: bool = False

    def __str__(self) -> str:
        place = f" in {self.scope}" if any(self.scope) else ""
        return f"{self.resource}{place} {'known again' if self.is_over else 'lost'}"


class Callbacks(Generic[Callback]):
    """Callbacks in the order in which they were added; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.now: tuple[Callback, ...] = ()

    def add(self, callback: Callback) -> Callable[[], None]:
        """Returns what takes it out again; that may be called twice. It is an object that was not added before."""
        with self._lock:
            self.now += (callback,)

        def remove() -> None:
            with self._lock:
                self.now = tuple(other for other in self.now if other is not callback)

        return remove


class Subscribers:
    """Who is told of the changes of objects, who of the states of kinds, and who of losses; thread-safe. What is added
    is refused where it cannot be called.
    """

    def __init__(self) -> None:
        self._callbacks = Callbacks[Callable[[CacheEvent], object]]()
        self._of_states = Callbacks[Callable[[], object]]()
        self._of_losses = Callbacks[Callable[[Loss], object]]()

    def add(
        self, callback: Callable[[CacheEvent], object], skips: Callable[[CacheEvent], bool] | None = None
    ) -> Callable[[], None]:
        """Add a callback, which is not told of events that ``skips`` accepts; returns a function that removes it, and
        may be called twice.
        """
        _require_callable(callback, "one CacheEvent")

        def entry(event: CacheEvent) -> None:  # One object per subscription, also where a callback subscribes twice.
            if skips is None or not skips(event):
                callback(event)

        return self._callbacks.add(entry)

    def add_to_states(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Returns as ``add``."""
        _require_callable(callback, "no arguments")
        return self._of_states.add(functools.partial(callback))  # As in ``add``.

    def add_to_losses(self, callback: Callable[[Loss], object]) -> Callable[[], None]:
        """Returns as ``add``."""
        _require_callable(callback, "one Loss")
        return self._of_losses.add(functools.partial(callback))  # As in ``add``.

    def notify_of_states(self) -> None:
        """Tell all who wait for a state."""
        for callback in self._of_states.now:
            _tell(callback)

    def notify_of_loss(self, loss: Loss) -> None:
        """Tell all who want to know of losses."""
        for callback in self._of_losses.now:
            _tell(callback, loss)

    def notify(self, resource: Resource, deltas: Sequence[Delta]) -> None:
        """Tell all callbacks of these changes."""
        callbacks = self._callbacks.now
        if not callbacks:
            return
        for delta in deltas:
            event = _event(resource, delta)
            for callback in callbacks:
                _call(callback, event)

    @staticmethod
    def replay(callback: Callable[[CacheEvent], object], resource: Resource, records: Iterable[Record]) -> None:
        """Tell one callback of these records, as ADDED."""
        for record in records:
            _call(callback, _event(resource, Delta(ADDED, record), is_replayed=True))


def _event(resource: Resource, delta: Delta, *, is_replayed: bool = False) -> CacheEvent:
    record = delta.record
    key = ObjectKey(resource.gvk.group, resource.gvk.kind, record.namespace, record.name)
    return CacheEvent(delta.type, resource, key, str(record.resource_version), record, delta.before, is_replayed)


def _require_callable(callback: object, arguments: str) -> None:
    if not callable(callback):
        raise refused("callback", callback, f"cannot be called; give a function of {arguments}")


def _call(callback: Callable[[CacheEvent], object], event: CacheEvent) -> None:
    try:
        callback(event)
    except Exception as error:  # noqa: BLE001 - see the module's invariant
        _log.error(
            "%s: a subscriber failed on %s; the others go on\n%s",
            event.key,
            event.type,
            trace(error),
            extra={"code": _FAILED},
        )


def _tell(callback: Callable[..., object], *losses: Loss) -> None:
    try:
        callback(*losses)
    except Exception as error:  # noqa: BLE001 - see the module's invariant
        what = "; ".join(map(str, losses)) or "a change of states"
        _log.error("a subscriber failed on %s; the others go on\n%s", what, trace(error), extra={"code": _FAILED})
