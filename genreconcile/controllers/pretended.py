"""A cluster on which writes are kept, and answered as if they had been carried out: what a dry run runs on.

Invariant: nothing but reads, and questions for rights, reaches the server. Whoever writes an object and reads it again,
by its path or in the cache that keeps the answers, finds what it wrote; lists and watches are the server's.
"""

from __future__ import annotations

import datetime as dt
import itertools
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Self
from urllib.parse import unquote

from jsonpatch import JsonPatch

from genreconcile.access import Right, is_review
from genreconcile.cluster import Around, Cluster
from genreconcile.compare.patch import tested_value
from genreconcile.errors import ClusterError, Conflict, Invalid, NotFound
from genreconcile.gojson import dumps, loads
from genreconcile.objects import Object, metadata_of, name_of, resource_version_of
from genreconcile.plan.change import JSON_PATCH

STATUS: Final = "status"
_NAMESPACES: Final = "namespaces"
_BEYOND: Final = 2**62
"""Versions from here on are later than all of the server's, so that a cache keeps what was pretended."""
_VERBS: Final = {"POST": "create", "PATCH": "patch", "DELETE": "delete"}
_GONE: Final = dumps({"kind": "Status", "apiVersion": "v1", "status": "Success"})


class Place(NamedTuple):
    """What a path names; ``name`` is "" for a collection, ``subresource`` "" for the object itself."""

    group: str
    plural: str
    namespace: str
    name: str
    subresource: str = ""

    @classmethod
    def of(cls, path: str) -> Self:
        """Read a path such as ``/apis/apps/v1/namespaces/shop/deployments/web/status``."""
        parts = [unquote(part) for part in path.strip("/").split("/")]
        group, rest = ("", parts[2:]) if parts[0] == "api" else (parts[1], parts[3:])
        namespace = ""
        if rest[0] == _NAMESPACES and len(rest) > 2 and rest[2] != STATUS:
            namespace, rest = rest[1], rest[2:]
        plural, name, subresource = (*rest, "", "")[:3]
        return cls(group, plural, namespace, name, subresource)


class Sent(NamedTuple):
    """A write that was kept: ``live`` is the object before it, None of a creation; ``operations`` those of a patch."""

    verb: str
    place: Place
    live: Object | None
    operations: Sequence[Mapping[str, Any]] = ()

    @property
    def right(self) -> Right:
        """The right that it takes."""
        place = self.place
        plural = f"{place.plural}/{place.subresource}" if place.subresource else place.plural
        return Right(self.verb, place.group, plural, place.namespace)


def is_pretended(version: int) -> bool:
    """Whether a resourceVersion is one of those that are pretended."""
    return version >= _BEYOND


class PretendedCluster(Around):
    """Reads of ``cluster``; thread-safe. ``complete`` gives a new object what the server adds to it, ``now`` the time
    of the day.
    """

    def __init__(self, cluster: Cluster, complete: Callable[[Object], Object], now: Callable[[], dt.datetime]) -> None:
        super().__init__(cluster)
        self._complete = complete
        self._now = now
        self._lock = threading.RLock()
        self._objects: dict[str, Object | None] = {}
        """What is at a path, None where it was deleted; the server has the rest."""
        self._sent: list[Sent] = []
        self._versions = itertools.count(_BEYOND)

    def taken(self) -> list[Sent]:
        """The writes since the last call, in their order."""
        with self._lock:
            found, self._sent = self._sent, []
            return found

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
        **more: Any,
    ) -> bytes:
        """See ``Cluster.request``."""
        if method == "GET" or is_review(path):
            with self._lock:
                known = path in self._objects
                return dumps(self._at(path)) if known else self._request(method, path, query=query, body=body, **more)
        is_kept = method == "DELETE" or content_type == JSON_PATCH or method == "POST"
        if method not in _VERBS or not is_kept:
            raise ClusterError(
                f"{method} {self.server}{path}: not sent: this is a dry run, which writes nothing", code="GR909"
            )
        with self._lock:
            return self._kept(method, path, loads(body or b"{}"), is_dry="dryRun" in (query or {}))

    def _kept(self, method: str, path: str, body: Any, *, is_dry: bool) -> bytes:
        place = Place.of(path)
        if method == "POST":
            place = place._replace(name=name_of(body))
            path, live, sent = f"{path}/{place.name}", None, Sent("create", place, None)
            found: Object | None = self._made(path, body)
        else:
            path = path.removesuffix(f"/{place.subresource}") if place.subresource else path
            live = self._at(path)
            operations = body if method == "PATCH" else ()
            sent = Sent(_VERBS[method], place, live, operations)
            found = self._patched(path, live, operations) if method == "PATCH" else None
        if not is_dry:
            self._objects[path] = found
            self._sent.append(sent)
        return _GONE if found is None else dumps(found)

    def _at(self, path: str) -> Object:
        """The object at a path, as it would be by now. Raises ClusterError."""
        if path not in self._objects:
            found: Object = loads(self._request("GET", path))
            return found
        known = self._objects[path]
        if known is None:
            name = Place.of(path).name
            raise NotFound(f"GET {self.server}{path}: 404 NotFound: deleted", status=404, details={"name": name})
        return known

    def _made(self, path: str, body: Object) -> Object:
        if self._objects.get(path) is not None:
            raise Conflict(f"POST {self.server}{path}: 409: it is there", status=409, reason="AlreadyExists")
        number = next(self._versions)
        given = {
            "uid": f"planned-{number - _BEYOND}",
            "resourceVersion": str(number),
            "generation": 1,
            "creationTimestamp": f"{self._now():%Y-%m-%dT%H:%M:%SZ}",
        }
        return self._complete({**body, "metadata": {**metadata_of(body), **given}})

    def _patched(self, path: str, live: Object, operations: Sequence[Mapping[str, Any]]) -> Object:
        """The object after a patch. Raises Conflict and Invalid as the server does, where it is not as expected."""
        after: Object = loads(dumps(live))
        for operation in loads(dumps(operations)):  # In turn: a test may look at what an operation before has added.
            if operation["path"] == "/metadata/resourceVersion" and operation["value"] != resource_version_of(live):
                raise Conflict(f"PATCH {self.server}{path}: 409: it has changed", status=409, reason="Conflict")
            if operation["op"] != "test":
                after = JsonPatch([operation]).apply(after, in_place=True)
            elif tested_value(after, operation["path"]) != operation["value"]:
                raise Invalid(f"PATCH {self.server}{path}: 422: the test of {operation['path']} failed", status=422)
        metadata = {**metadata_of(after), "resourceVersion": str(next(self._versions))}
        if after.get("spec") != live.get("spec") and "generation" in metadata:
            metadata["generation"] += 1
        return {**after, "metadata": metadata}
