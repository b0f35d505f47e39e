"""Deletes one object, and waits until it is gone.

Invariant: each deletion has preconditions, the uid and resourceVersion that were seen, and a propagation policy.
"""

from __future__ import annotations

import time
from typing import Any, Final

from genreconcile.engine import Engine
from genreconcile.errors import ClusterError, NotFound
from genreconcile.gojson import dumps, loads
from genreconcile.kinds.discovery import Resource
from genreconcile.objects import metadata_of, resource_version_of, uid_of
from genreconcile.plan import Change

_LOOK_AGAIN: Final = 1.0
"""Seconds after which the cache is asked for its store again: a kind that is added anew has another one."""


class Remover:
    """Deletes objects; thread-safe. Its methods raise ClusterError, NotLeading among them."""

    def __init__(self, engine: Engine) -> None:
        self._cluster = engine.cluster
        self._cache = engine.cache
        self._options = engine.options

    def remove(self, change: Change, resource: Resource, *, to_recreate: bool = False) -> str:
        """Delete exactly the object that was seen; returns the reason for its outcome, mostly ""."""
        live = change.live or {}
        options: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": self._options.deletion(to_recreate=to_recreate),
            "preconditions": {"uid": uid_of(live), "resourceVersion": resource_version_of(live)},
        }
        if self._options.dry_run:
            options["dryRun"] = ["All"]
        path = resource.path(change.key.namespace, change.key.name)
        try:
            data = self._cluster.request("DELETE", path, body=dumps(options))
        except NotFound as error:
            if not error.names(change.key.name):
                self._cache.discovery.invalidate()
                raise
            self._cache.record_delete(resource, change.key, uid_of(live))
            return "it was gone already"
        if not self._options.dry_run:
            self._record(data, change, resource)
        return ""

    def _record(self, data: bytes, change: Change, resource: Resource) -> None:
        answer = loads(data)
        if uid_of(answer) and "deletionTimestamp" in metadata_of(answer):
            self._cache.record_write(resource, data)
        else:
            self._cache.record_delete(resource, change.key, uid_of(change.live or {}))

    def wait_until_gone(self, change: Change, resource: Resource, deadline: float | None = None) -> None:
        """Wait until the object is gone. Raises ClusterError at ``deadline``, by default after ``wait_timeout``."""
        uid, until, key = uid_of(change.live or {}), deadline or self.deadline(), change.key
        while True:
            store = self._cache.store(resource, key.namespace)
            record = self._cache.record(resource, key.name, namespace=key.namespace)
            if record is None or record.uid != uid:
                return
            left = until - time.monotonic()
            if left <= 0:
                break
            store.wait_for_change((key.namespace, key.name), record, min(left, _LOOK_AGAIN))
        live = record.decode()
        held = ", ".join(map(str, metadata_of(live).get("finalizers") or ())) or "none"
        seconds = self._options.wait_timeout
        raise ClusterError(
            f"accepted, but not gone after {seconds:.0f} s; see to who removes its finalizers: {held}", code="GR809"
        )

    def deadline(self) -> float:
        """The end of a wait that begins now, as a time of ``time.monotonic``."""
        return time.monotonic() + self._options.wait_timeout
