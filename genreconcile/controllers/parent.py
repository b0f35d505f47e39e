"""The parent object: what it says of itself, and the finalizer that this controller puts on it.

Invariant: a write names the very object that was seen, by its uid and resourceVersion; finalizers of others stay.
"""

from __future__ import annotations

from typing import Any, Final

from genreconcile.cache import Cache
from genreconcile.cluster import Cluster
from genreconcile.controllers.settings import ControllerSettings
from genreconcile.gojson import dumps, loads
from genreconcile.kinds.discovery import Resource
from genreconcile.objects import Object, ObjectKey, annotations_of, metadata_of, resource_version_of, uid_of
from genreconcile.plan.change import JSON_PATCH

_PAUSE: Final = "genreconcile.dev/reconcile"
_DISABLED: Final = "disabled"
_ORPHAN: Final = "orphan"


def is_going(parent: Object) -> bool:
    """Whether somebody has deleted it."""
    return "deletionTimestamp" in metadata_of(parent)


def is_paused(parent: Object) -> bool:
    """Whether its annotation ``genreconcile.dev/reconcile`` says ``disabled``."""
    return annotations_of(parent).get(_PAUSE) == _DISABLED


def leaves_dependents(parent: Object) -> bool:
    """Whether it was deleted so that its dependents stay."""
    return is_going(parent) and _ORPHAN in (metadata_of(parent).get("finalizers") or ())


class Finalizers:
    """Puts the finalizer of a controller on parents, and takes it off, and with it the one that it has without a name
    of its own, which an earlier program may have put there. Methods raise ClusterError, NotLeading among them.
    """

    def __init__(self, cluster: Cluster, cache: Cache, settings: ControllerSettings) -> None:
        self._cluster = cluster
        self._cache = cache
        self._name = settings.finalizer_name
        self._own = {self._name, settings.default_finalizer}
        self._query = {"fieldManager": settings.field_manager}

    def has(self, parent: Object) -> bool:
        """Whether a parent carries one of the two."""
        return not self._own.isdisjoint(metadata_of(parent).get("finalizers") or ())

    def add(self, resource: Resource, parent: Object) -> Object:
        """The parent with the finalizer; it is written where it is missing."""
        finalizers = metadata_of(parent).get("finalizers") or []
        if self._name in finalizers:
            return parent
        return self._write(resource, parent, [*finalizers, self._name])

    def remove(self, resource: Resource, parent: Object) -> None:
        """Take the finalizers off, where they are on."""
        if self.has(parent):
            finalizers = metadata_of(parent)["finalizers"]
            self._write(resource, parent, [name for name in finalizers if name not in self._own])

    def _write(self, resource: Resource, parent: Object, finalizers: list[str]) -> Object:
        value: dict[str, Any] = {"path": "/metadata/finalizers", "value": finalizers}
        operations = [
            {"op": "test", "path": "/metadata/uid", "value": uid_of(parent)},
            {"op": "replace", "path": "/metadata/resourceVersion", "value": resource_version_of(parent)},
            {"op": "add", **value} if finalizers else {"op": "remove", "path": "/metadata/finalizers"},
        ]
        key = ObjectKey.of(parent)
        path = resource.path(key.namespace, key.name)
        answer = self._cluster.request(
            "PATCH", path, query=self._query, body=dumps(operations), content_type=JSON_PATCH
        )
        written: Object = loads(answer)
        if is_going(written) and not metadata_of(written).get("finalizers"):
            self._cache.record_delete(resource, key, uid_of(parent))
        else:
            self._cache.record_write(resource, answer)
        return written
