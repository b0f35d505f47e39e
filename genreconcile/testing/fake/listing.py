"""Lists: in one answer or in pages, as things are or were at an older revision.

Invariant: the pages of one list show one revision; a page of history that is gone is refused, never guessed.
"""

from __future__ import annotations

import base64
import bisect
import json
from collections.abc import Mapping, Sequence
from typing import Any

from genreconcile.testing.fake.documents import Documents
from genreconcile.testing.fake.kinds import Kind
from genreconcile.testing.fake.options import require_list_options
from genreconcile.testing.fake.selecting import selection_of
from genreconcile.testing.fake.store import Key, Object, Store
from genreconcile.testing.fake.views import View, item_of, list_head, view_of
from genreconcile.testing.fake.wire import Answer, Refusal, Request, Target, json_answer

_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)


class Lists:
    """Answers to lists of one store."""

    def __init__(self, store: Store, documents: Documents) -> None:
        self._store = store
        self._documents = documents

    def answer(self, request: Request, kind: Kind, target: Target) -> Answer:
        """One list, or one page of it. Raises Refusal."""
        query = request.query
        require_list_options(query)
        selection = selection_of(request, kind)
        revision, found = self._found(query, kind, target)
        limit = 0 if query.get("resourceVersion") == "0" else _whole(query.get("limit") or "0")
        shown = self._documents.shown
        page: list[tuple[Key, Object]] = []
        more: dict[str, Any] = {}
        for index, (key, obj) in enumerate(found):
            if limit and len(page) == limit:
                more = {"continue": _token(revision, (key.namespace, key.name))}
                if selection.is_everything:
                    more["remainingItemCount"] = len(found) - index
                break
            if selection.takes(shown(kind, obj)):
                page.append((key, obj))
        return json_answer(listed(request, kind, view_of(request, kind, shown), page, revision, **more))

    def _found(self, query: Mapping[str, str], kind: Kind, target: Target) -> tuple[int, list[tuple[Key, Object]]]:
        """The revision that is shown, and the objects at it from the beginning of the page on."""
        start = None
        with self._store.changed:
            revision = self._store.revision
            if token := query.get("continue"):
                if query.get("resourceVersion") not in {None, "", "0"}:
                    raise Refusal(400, "specifying resource version is not allowed when using continue")
                revision, start = _read_token(token, self._store.revision)
            elif query.get("resourceVersionMatch") == "Exact":
                revision = _whole(query.get("resourceVersion") or "")
            self._require_reached(max(revision, _whole(query.get("resourceVersion") or "0")))
            exactly = None if revision == self._store.revision else revision
            try:
                found = self._store.list(kind.place, target.namespace, exactly)
            except Refusal as refusal:
                if start is None:
                    raise
                raise refusal.saying(_EXPIRED, {"continue": _token(0, start)}) from None
        if start is not None:
            found = found[bisect.bisect_left(found, start, key=lambda pair: (pair[0].namespace, pair[0].name)) :]
        return revision, found

    def _require_reached(self, revision: int) -> None:
        if revision > self._store.revision:
            causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
            message = f"Too large resource version: {revision}, current: {self._store.revision}"
            raise Refusal(504, message, details={"causes": causes, "retryAfterSeconds": 1})


def listed(
    request: Request, kind: Kind, view: View, found: Sequence[tuple[Key, Object]], revision: int, **metadata: Any
) -> dict[str, Any]:
    """Objects as a List."""
    items = [item_of(view(obj), kind) for _, obj in found]
    return {**list_head(request, kind), "metadata": {"resourceVersion": str(revision), **metadata}, "items": items}


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise Refusal(400, f"invalid resource version {text!r}") from None


def _token(revision: int, start: tuple[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps([revision, *start]).encode()).decode()


def _read_token(token: str, newest: int) -> tuple[int, tuple[str, str]]:
    try:
        revision, namespace, name = json.loads(base64.urlsafe_b64decode(token))
    except ValueError:
        raise Refusal(400, "continue key is not valid") from None
    return revision or newest, (namespace, name)
