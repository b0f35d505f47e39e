"""Warnings about owner references to be written whose owner the garbage collector would take for gone.

Invariant: only owners in references to be written are looked up, each once, and none that the cache shows with the uid
of its reference; where a lookup fails, there is no warning.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from cachetools import TTLCache

from genreconcile.cache import Cache
from genreconcile.catalog import Catalog
from genreconcile.cluster import Cluster
from genreconcile.cluster.partial import read_metadata
from genreconcile.errors import ClusterError, NotFound, ReconcileError, Unauthorized, Unreachable
from genreconcile.kinds.discovery import Resource
from genreconcile.notice import Notice
from genreconcile.objects import GVK, metadata_of, uid_of
from genreconcile.plan import Change
from genreconcile.plan.corrections import Note

_SIZE: Final = 4096
_SECONDS: Final = 600.0
_PATH: Final = "/metadata/ownerReferences"
_HARM: Final = "the garbage collector will delete this object"

Place = tuple[GVK, str, str]


class References:
    """Looks owners up on one server; thread-safe.

    An owner is in its dependent's own namespace, or cluster-scoped (the API convention on ``ownerReferences``): the API
    server accepts any other reference silently, and the garbage collector takes such an owner for gone.
    """

    def __init__(self, cluster: Cluster, catalog: Catalog, cache: Cache) -> None:
        self._cluster = cluster
        self._catalog = catalog
        self._cache = cache
        self._uids: TTLCache[Place, str] = TTLCache(_SIZE, _SECONDS)
        self._lock = threading.Lock()

    def notes(self, changes: Iterable[Change]) -> Iterator[Note]:
        """Warnings about the owner references in these changes. Raises Unauthorized and Unreachable."""
        for change in changes:
            if _writes_references(change):
                for reference in metadata_of(change.expected or {}).get("ownerReferences") or ():
                    if problem := self._problem(change, reference):
                        yield change.key, Notice(f"metadata.ownerReferences: {problem}", "GR221")

    def _problem(self, change: Change, reference: Any) -> str:
        if not isinstance(reference, Mapping):
            return ""  # The server will refuse the object.
        gvk, namespace = GVK.of(reference), change.key.namespace
        name, uid = str(reference.get("name") or ""), str(reference.get("uid") or "")
        try:
            resource = self._catalog.resource(gvk)
            if not resource.namespaced:
                return ""
            if not namespace:
                return f"{gvk.kind} {name} has a namespace, and this object has none: {_HARM}; remove the reference"
            # The parent of a controller's children is in the cache.
            is_seen = uid and self._seen_uid(resource, namespace, name) == uid
            found = uid if is_seen else self._uid(resource, namespace, name)
        except (Unauthorized, Unreachable):
            raise
        except ReconcileError:  # Such as Forbidden, or a kind that is not served: the write will tell.
            return ""
        if found == uid:
            return ""
        what = "there is none of this name there" if found is None else "the one there has another uid"
        return (
            f"{gvk.kind} {name} with uid {uid} is not in namespace {namespace}, for {what}: {_HARM}; "
            "name an owner in the same namespace, or one without a namespace"
        )

    def _seen_uid(self, resource: Resource, namespace: str, name: str) -> str:
        """The uid of the object in the cache, "" where the cache has none, or does not know."""
        try:
            record = self._cache.record(resource, name, namespace=namespace)
        except ReconcileError:
            return ""
        return record.uid if record is not None else ""

    def _uid(self, resource: Resource, namespace: str, name: str) -> str | None:
        """The uid of the object, None where there is none. Raises ClusterError and InputError."""
        place = (resource.gvk, namespace, name)
        with self._lock:
            known: str | None = self._uids.get(place)
        if known is not None:
            return known
        try:
            found = read_metadata(self._cluster, resource.path(namespace, name))
        except NotFound:
            return None
        except ValueError as error:
            raise ClusterError(
                f"{resource} {namespace}/{name}: not readable: {type(error).__name__}", code="GR611"
            ) from None
        with self._lock:
            self._uids[place] = uid_of(found)
        return uid_of(found)


def _writes_references(change: Change) -> bool:
    if change.operation == "update":
        return any(op["path"].startswith(_PATH) for op in change.writes)
    return change.operation == "create"
