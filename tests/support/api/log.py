"""What was asked and what became of it.

Invariant: an entry is there before the client can have its answer, also where the client never gets it.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from genreconcile.testing.fake.wire import WRITES, Answer, Request, Target

_SUCCESS = range(200, 300)


@dataclass(frozen=True, slots=True)
class Entry:
    """One request. ``status`` is what the backend answered, 0 where it never saw the request.

    ``name`` is the object's name, also where the server made it up; ``at`` the time on ``time.monotonic``.
    """

    number: int
    at: float
    verb: str
    method: str
    path: str
    query: dict[str, str]
    target: Target
    name: str
    status: int
    is_dry_run: bool
    body: bytes = field(default=b"", repr=False)

    @property
    def changed(self) -> bool:
        """Whether the cluster may have changed by it."""
        return self.verb in WRITES and self.status in _SUCCESS and not self.is_dry_run

    @property
    def object(self) -> tuple[str, str, str]:
        """(plural, namespace, name)."""
        return self.target.resource, self.target.namespace, self.name


class Log:
    """All requests so far; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[Entry] = []

    def note(self, request: Request, answer: Answer | None, at: float) -> Entry:
        """Enter a request; ``answer`` None where the backend never saw it."""
        target = request.target
        with self._lock:
            entry = Entry(
                len(self._entries) + 1,
                at,
                request.verb,
                request.method,
                request.path,
                dict(request.query),
                target,
                target.name or _name(request, answer),
                answer.status if answer else 0,
                request.is_dry_run,
                request.body,
            )
            self._entries.append(entry)
        return entry

    def __len__(self) -> int:
        return len(self._entries)

    def entries(self, *verbs: str, since: int = 0, where: Callable[[Entry], bool] = lambda _: True) -> list[Entry]:
        """Those of these verbs (none named: all) with a number above ``since``."""
        with self._lock:
            found = self._entries[since:]
        return [entry for entry in found if (not verbs or entry.verb in verbs) and where(entry)]

    def writes(self, *, since: int = 0) -> list[Entry]:
        """The writes that were sent, whatever became of them."""
        return self.entries(*WRITES, since=since)

    def counts(self, *verbs: str, since: int = 0) -> Counter[tuple[str, str, str]]:
        """How often each object (plural, namespace, name) was created and deleted, or what ``verbs`` say."""
        found = self.entries(*(verbs or ("create", "delete")), since=since)
        return Counter(entry.object for entry in found if entry.changed)

    def tally(self, *, since: int = 0) -> dict[tuple[str, str, str], tuple[int, int]]:
        """(creates, deletes) of each object that had any: what a run is compared by with the run without faults."""
        creates, deletes = self.counts("create", since=since), self.counts("delete", since=since)
        return {name: (creates[name], deletes[name]) for name in creates | deletes}


def _name(request: Request, answer: Answer | None) -> str:
    made: Any = answer.json() if request.verb == "create" and answer else None
    metadata = made.get("metadata") if isinstance(made, dict) else None
    return str((metadata or {}).get("name") or "")
