"""Which faults happen to which requests.

Invariant: a fault fires for the requests that it matches, counted from when it was added, and for no others; the log of
a run names each time.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from genreconcile.testing.fake.wire import WRITES, Request
from support.api.effects import Effect

_EVERY = frozenset({"get", "list", "watch", *WRITES})


@dataclass(eq=False)
class Fault:
    """An effect for the ``nth`` matching request (1 is the first) and the ``times - 1`` after it; None: for all.

    ``fired`` counts how often it has happened.
    """

    effect: Effect
    verbs: frozenset[str] = _EVERY
    resource: str = "*"
    path: str = "*"
    nth: int = 1
    times: int | None = 1
    where: Callable[[Request], bool] = lambda _: True
    fired: int = 0
    _seen: int = field(default=0, repr=False)

    def takes(self, request: Request) -> bool:
        """Whether it happens to this request, which is counted."""
        if not self._matches(request):
            return False
        self._seen += 1
        if self._seen < self.nth or (self.times is not None and self._seen >= self.nth + self.times):
            return False
        self.fired += 1
        return True

    def _matches(self, request: Request) -> bool:
        return (
            request.verb in self.verbs
            and fnmatchcase(request.target.resource, self.resource)
            and fnmatchcase(request.path, self.path)
            and self.where(request)
        )


class Faults:
    """The faults of one server; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self.log: list[str] = []

    def add(
        self,
        effect: Effect,
        *verbs: str,
        resource: str = "*",
        path: str = "*",
        nth: int = 1,
        times: int | None = 1,
        where: Callable[[Request], bool] = lambda _: True,
    ) -> Fault:
        """Add one: ``verbs`` are of Kubernetes, and ``write`` for all that change something; none: any request.

        ``resource`` (a plural) and ``path`` are patterns with ``*``.
        """
        known = frozenset(itertools.chain.from_iterable(WRITES if verb == "write" else {verb} for verb in verbs))
        if not known <= _EVERY:
            raise ValueError(f"no verbs: {sorted(known - _EVERY)}")
        fault = Fault(effect, known or _EVERY, resource, path, nth, times, where)
        with self._lock:
            self._faults.append(fault)
        return fault

    def remove(self, fault: Fault) -> None:
        """It does not happen any more."""
        with self._lock:
            self._faults.remove(fault)

    def clear(self) -> None:
        """The faults stop."""
        with self._lock:
            self._faults.clear()

    def fire(self, request: Request) -> list[Effect]:
        """The effects that a request meets."""
        with self._lock:
            taken = [fault for fault in self._faults if fault.takes(request)]
            self.log += [f"{request.verb} {request.path}: {fault.effect}" for fault in taken]
        return [fault.effect for fault in taken]
