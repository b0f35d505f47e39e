"""Watches over the store: from a revision or from nothing, with bookmarks, an end, and 410 for compacted history.

Invariant: a watch shows each change once, in order, and none from before its beginning; errors come as events, as from
the real server. Time only ends it and paces its bookmarks.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence

from genreconcile.testing.fake.documents import Documents
from genreconcile.testing.fake.kinds import Kind
from genreconcile.testing.fake.options import require_list_options
from genreconcile.testing.fake.places import DEFINITIONS
from genreconcile.testing.fake.selecting import Selection, selection_of
from genreconcile.testing.fake.store import Change, Key, Object, Store
from genreconcile.testing.fake.views import bookmark, event, view_of
from genreconcile.testing.fake.wire import Refusal, Request, Target

_INITIAL_END = "k8s.io/initial-events-end"
_LOOK_ROUND = 0.1  # Seconds after which an idle watch looks whether its client is gone.
LONGEST_WATCH = 1800.0


class Watches:
    """``bookmarks`` are the seconds between them, None for a server that sends none.

    ``longest`` ends watches before the client's ``timeoutSeconds``.
    """

    def __init__(self, store: Store, documents: Documents, bookmarks: float | None, longest: float) -> None:
        self.bookmarks = bookmarks
        self._store = store
        self._documents = documents
        self._longest = longest
        self._is_closing = False

    def close(self) -> None:
        """End all of them."""
        with self._store.changed:
            self._is_closing = True
            self._store.changed.notify_all()

    def events(self, request: Request, kind: Kind, target: Target) -> Iterator[bytes]:
        """The lines of one watch. Raises Refusal (400, 422, 500)."""
        require_list_options(request.query)
        selection = selection_of(request, kind)
        position = _position(request.query)
        found: Sequence[tuple[Key, Object]] = ()
        with self._store.changed:
            if _shows_all(request.query, position):
                position, found = self._store.revision, self._store.list(kind.place, target.namespace)
            position = position or self._store.revision
        return self._lines(request, kind, target, selection, position, found)

    def _lines(  # noqa: PLR0913, PLR0917 - one watch
        self,
        request: Request,
        kind: Kind,
        target: Target,
        selection: Selection,
        position: int,
        found: Sequence[tuple[Key, Object]],
    ) -> Iterator[bytes]:
        view, shown = view_of(request, kind, self._documents.shown), self._documents.shown
        yield from (event("ADDED", view(obj)) for _, obj in found if selection.takes(shown(kind, obj)))
        bookmarks = self.bookmarks if request.query.get("allowWatchBookmarks") in {"true", "1"} else None
        if _ends_initial(request.query) and bookmarks is not None:
            yield bookmark(request, kind, position, **{_INITIAL_END: "true"})
        clock = _Clock(self._seconds(request), bookmarks)
        while not self._is_ended(clock, request):
            try:
                changes, newest = self._next(position, clock, request)
            except Refusal as refusal:
                yield event("ERROR", refusal.status)
                return
            for change in changes:
                if change.key.is_in(kind.place, target.namespace) and (seen := selection.shown(change)):
                    yield event(seen[0], view(seen[1]))
                if change.key == (*DEFINITIONS, "", kind.defines) and _is_redefined(change):
                    return
            position = max(position, newest)
            if clock.takes_bookmark():
                yield bookmark(request, kind, position)

    def _next(self, position: int, clock: _Clock, request: Request) -> tuple[list[Change], int]:
        """Wait for changes, the end, or the next bookmark."""
        with self._store.changed:
            while True:
                changes = self._store.changes_after(position)
                if changes or clock.is_bookmark_due or self._is_ended(clock, request):
                    return list(changes), self._store.revision
                self._store.changed.wait(_LOOK_ROUND)

    def _is_ended(self, clock: _Clock, request: Request) -> bool:
        return self._is_closing or clock.is_over or request.is_gone()

    def _seconds(self, request: Request) -> float:
        return min(float(request.query.get("timeoutSeconds") or LONGEST_WATCH), self._longest)


def _shows_all(query: Mapping[str, str], position: int) -> bool:
    """Whether a watch begins with the objects that are there."""
    asked = query.get("sendInitialEvents")
    return asked == "true" or (asked is None and not position)


def _ends_initial(query: Mapping[str, str]) -> bool:
    """Whether a bookmark says where the initial events end."""
    return query.get("sendInitialEvents", "true") == "true" and ("sendInitialEvents" in query or _is_zero(query))


def _is_zero(query: Mapping[str, str]) -> bool:
    return query.get("resourceVersion") == "0"


def _is_redefined(change: Change) -> bool:
    """Whether a definition is gone, or defines something else: its watches end, without an error."""
    return change.type == "DELETED" or change.before is None or change.before["spec"] != change.obj["spec"]


def _position(query: Mapping[str, str]) -> int:
    text = query.get("resourceVersion") or "0"
    try:
        return int(text)
    except ValueError:
        raise Refusal(500, f'resourceVersion: Invalid value: "{text}": invalid syntax', reason="") from None


class _Clock:
    """When a watch ends, and when its next bookmark is due; the last one comes at the end."""

    def __init__(self, seconds: float, bookmarks: float | None) -> None:
        self._end = time.monotonic() + seconds
        self._interval = bookmarks
        self._next = time.monotonic() + (bookmarks or 0.0)

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._end

    @property
    def is_bookmark_due(self) -> bool:
        return self._interval is not None and (self.is_over or time.monotonic() >= self._next)

    def takes_bookmark(self) -> bool:
        """Whether one is due; then the next is due an interval later."""
        due = self.is_bookmark_due
        if due:
            self._next = time.monotonic() + (self._interval or 0.0)
        return due
