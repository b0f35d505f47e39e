"""One call that is awaited, in the threads that work for it.

Invariant: once it is cancelled, the writes that have begun end, and the object whose write has begun is written to its
end; no other write begins. An object that was deleted to be created again is created.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from genreconcile.cluster import Interrupt
from genreconcile.errors import ClusterError, Unreachable


class Cancelled(Unreachable):
    """Not sent, or not waited for: the call was cancelled, or what it was made with is being closed.

    The engine knows Unreachable wherever it sends anything, and gives up in good order.
    """


class _Here(threading.local):
    """What this thread works for. No context variable: threads that a call starts for others may inherit those."""

    call: Call | None = None
    is_in_object = False
    has_begun = False


_here = _Here()


class Call:
    """``ends_waits``: it ends while it waits for a state of the cache; a plan that does so may leave the cache behind
    the schemas that it has read.
    """

    def __init__(self, *, ends_waits: bool = False) -> None:
        self.ends_waits = ends_waits
        self._lock = threading.Lock()
        self._is_cancelled = False
        self._told: list[Callable[[], object]] = []

    @staticmethod
    def current() -> Call | None:
        """The call that this thread works for, if any."""
        return _here.call

    @property
    def is_over(self) -> bool:
        """Whether this thread is to begin nothing more."""
        return self._is_cancelled and not _here.has_begun

    def cancel(self) -> None:
        """Begin nothing more, and end what only waits or reads; from any thread, and again."""
        with self._lock:
            self._is_cancelled = True
            told = tuple(self._told)
        for tell in told:
            tell()

    def tell(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Call back when it is cancelled; returns what ends that."""
        with self._lock:
            self._told.append(callback)

        def end() -> None:
            with self._lock:
                self._told.remove(callback)

        return end

    def require_wanted(self) -> None:
        """Raise Cancelled where this thread is to begin nothing more."""
        if self.is_over:
            raise self.cancelled()

    @staticmethod
    def cancelled() -> Cancelled:
        """The error of what is not begun any more."""
        return Cancelled(
            "nothing was sent: the call was cancelled; the next one goes on where this one ended", code="GR007"
        )

    @contextlib.contextmanager
    def entered(self, *, for_object: bool = False) -> Iterator[None]:
        """Let this thread work for the call, inside; with ``for_object``, for one object of it."""
        before = _here.call, _here.is_in_object, _here.has_begun
        _here.call, _here.is_in_object, _here.has_begun = self, for_object, False
        try:
            yield
        finally:
            _here.call, _here.is_in_object, _here.has_begun = before

    @staticmethod
    def note_written() -> None:
        """A write has succeeded: what else belongs to its object is done as well."""
        _here.has_begun = _here.is_in_object

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Around a request that writes nothing, which ``cancel`` ends. Raises Cancelled."""
        if _here.has_begun:
            yield
            return
        with Interrupt() as interrupt:
            end = self.tell(interrupt.set)
            try:
                self.require_wanted()
                yield
            except ClusterError as error:
                if self._is_cancelled:
                    raise self.cancelled() from error
                raise
            finally:
                end()
