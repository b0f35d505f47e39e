"""The marks and finalizers that runs write on their parents, which are no reason to run these again.

Invariant: a write is own where the thread of the run sends it, to the parent of the run, as a patch of the very state
that the run saw or left. Whatever the server's answer has beyond the patch is news, and so is all that comes between.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from genreconcile.cluster import Around, Cluster
from genreconcile.controllers.status import News
from genreconcile.gojson import loads
from genreconcile.kinds.discovery import Resource
from genreconcile.objects import Object, name_of, namespace_of, resource_version_of
from genreconcile.plan.change import JSON_PATCH

_VERSION: Final = "/metadata/resourceVersion"


class _Parent(threading.local):
    """The parent of the run of this thread."""

    path: str = ""
    live: Object | None = None


class OwnWrites(Around):
    """Sends requests as ``cluster`` does, and tells ``news`` of those that runs send to their own parents."""

    def __init__(self, cluster: Cluster, resource: Resource, news: News) -> None:
        super().__init__(cluster)
        self._resource = resource
        self._news = news
        self._parent = _Parent()

    @contextmanager
    def of_run(self, parent: Object) -> Iterator[None]:
        """The time of a run, in its thread; ``parent`` is what it sees."""
        self._parent.path = self._resource.path(namespace_of(parent), name_of(parent))
        self._parent.live = parent
        try:
            yield
        finally:
            self._parent.path, self._parent.live = "", None

    @property
    def left(self) -> Object | None:
        """The parent as the run of this thread has left it, None outside of runs."""
        return self._parent.live

    def request(self, method: str, path: str, *, query: Mapping[str, str] | None = None, **more: Any) -> bytes:
        """See ``Cluster.request``."""
        is_own = path == self._parent.path and method == "PATCH" and "dryRun" not in (query or {})
        is_own = is_own and self._is_noted(more.get("body"), more.get("content_type"))
        answer = self._request(method, path, query=query, **more)
        if is_own:
            self._parent.live = loads(answer)
        return answer

    def _is_noted(self, body: bytes | None, content_type: str | None) -> bool:
        """Note a patch before it is sent, where it is one of the state that the run has left."""
        live = self._parent.live
        if live is None or not body or content_type != JSON_PATCH:
            return False
        operations = loads(body)
        versions = [operation.get("value") for operation in operations if operation["path"] == _VERSION]
        if resource_version_of(live) not in versions:
            return False
        self._news.writes(live, operations)
        return True
