"""Reads of a controller's function through the cache, which begins to watch what is read.

Invariant: absence is proved. None, or a list without an object, is given only where the kind is synced, its watch is
well and no error stands; in all other cases a read raises NotReadable.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import msgspec

from genreconcile.arguments import refused, require_flag, require_seconds, require_text, require_whole
from genreconcile.cache import Cache, Kind, Record, Sighting
from genreconcile.cache.lister import gvk_of
from genreconcile.cache.scope import Scope
from genreconcile.cluster import Cluster
from genreconcile.controllers.confirming import Server
from genreconcile.controllers.reads import Read
from genreconcile.errors import CacheError, ClusterError, Forbidden, NotFound, NotReadable, NotSynced, ReconcileError
from genreconcile.kinds.discovery import Resource
from genreconcile.mask import fields_of
from genreconcile.objects import Object, ObjectKey
from genreconcile.selector import ParsedSelector, parse
from genreconcile.sizes import in_words

MOST_SINGLE: Final = 50
"""The most objects of a kind with secret fields that are watched one by one in a namespace."""
MOST_PARTS: Final = 500
"""The most parts of a kind that are watched, each by a thread and a connection, before all of it is."""

_MOMENT: Final = 0.05
"""Seconds for events of an object that may well be unchanged: to read it costs little."""


class Reader:
    """Reads through ``cache``; thread-safe. Objects are the caller's own, and as the cache has them.

    Of a kind with secret fields only what is read is watched: single objects by their names, up to ``MOST_SINGLE`` in a
    namespace, then the namespace. ``timeout``: the seconds that a read waits for what has just begun to be watched, and
    for the server's answers. ``cache_limit``: the bytes of cached objects from which on nothing new is watched.
    """

    def __init__(
        self, cluster: Cluster, cache: Cache, *, timeout: float = 30.0, cache_limit: int | None = None
    ) -> None:
        require_seconds("timeout", timeout, zero=False)
        if cache_limit is not None:
            require_whole("cache_limit", cache_limit, 0)
        self._cache = cache
        self._timeout = timeout
        self._limit = cache_limit
        self._server = Server(cluster, timeout)

    def get(self, kind: Kind, name: str, namespace: str = "", *, metadata_only: bool = False) -> Object | None:
        """The object, None where there is none; with ``metadata_only`` apiVersion, kind and metadata.

        Raises NotReadable, and InputError where the namespace does not fit the kind.
        """
        require_text("name", name)
        if not name:
            raise refused("name", name, "is no name; give the object's, or call list()")
        read = Read(gvk_of(kind), namespace, name)
        with self._current(read, metadata_only):
            record = self._cache.record(read.kind, name, namespace=namespace)
            return None if record is None else _decoded(record, metadata_only)

    def list(
        self,
        kind: Kind,
        namespace: str = "",
        selector: str | Mapping[str, Any] | ParsedSelector = "",
        *,
        metadata_only: bool = False,
    ) -> list[Object]:
        """The matching objects, sorted by namespace and name; ``namespace`` "" is all that the cache may watch.

        Raises as ``get``, and LoadError for a selector that is none.
        """
        read = Read(gvk_of(kind), namespace, selector=parse(selector))
        with self._current(read, metadata_only):
            records = self._cache.records(read.kind, namespace=namespace or None, selector=read.selector)
            return [_decoded(record, metadata_only) for record in records]

    def confirm(self, read: Read, *, metadata_only: bool = False) -> Sequence[Object]:
        """What the server itself has for a read, an object as a list of at most one, by one consistent read.

        It is for what is absent, or fewer than before, where a deletion would follow. Raises NotReadable.
        """
        resource = self._resource(read)
        places = [read.namespace] if read.namespace or not resource.namespaced else self._cache.namespaces or [""]
        with _telling(read):
            records = self._server.records(read, resource, places, metadata_only=metadata_only)
            records.sort(key=lambda record: (record.namespace, record.name))
            return [_decoded(record, metadata_only) for record in records]

    def not_older_than(self, seen: Object | str | int, reads: Collection[Read] = ()) -> None:
        """Wait until later reads are as new as ``seen``: an object that came from elsewhere than the cache, or a
        resourceVersion. That holds for this object, and for all of ``reads`` that are watched.

        Of a quiet kind an object costs one request, and a list a second and a list of all that is watched. Raises
        NotReadable, LoadError for what is no state.
        """
        sighting = Sighting.of(seen)
        if sighting.key is not None:
            with _telling(sighting.key):
                self._cache.catch_up(sighting, self._timeout)
        for read in reads:
            with _telling(read):
                self._catch_up(read, sighting.version)

    def is_as_new(self, read: Read, version: int) -> bool:
        """Whether the cache has seen all that a read concerns up to a resourceVersion; events on their way have a
        moment to come. Raises NotReadable.
        """
        with _telling(read):
            resource = self._resource(read)
            if not self._cache.watches(resource, read.namespace):
                return True  # It is listed when it is read.
            key = ObjectKey(read.kind.group, read.kind.kind, read.namespace, read.name)
            return self._cache.wait_for(resource, key, str(version), _MOMENT)

    def _catch_up(self, read: Read, version: int) -> None:
        if read.name:
            key = ObjectKey(read.kind.group, read.kind.kind, read.namespace, read.name)
            self._cache.catch_up(Sighting(version, key), self._timeout, patience=_MOMENT)
        else:
            places = {self._resource(read): [read.namespace] if read.namespace else []}
            self._cache.catch_up(Sighting(version), self._timeout, places)

    @contextmanager
    def _current(self, read: Read, metadata_only: bool) -> Iterator[None]:
        """The time in which the cache is read; what it cannot tell is NotReadable."""
        require_flag("metadata_only", metadata_only)
        resource = self._resource(read)
        if not self._cache.covers(read.namespace):
            advice = "add it to the controller's namespaces"
            raise _not_readable(read, "NotWatched", "the namespace is not watched", advice)
        with _telling(read):
            if not self._is_known(read, metadata_only):
                self._await(read, resource, metadata_only)
            self._require_well(read)
            yield

    def _is_known(self, read: Read, metadata_only: bool) -> bool:
        cache, place = self._cache, (read.kind, read.namespace, read.name)
        is_enough = metadata_only or not cache.has_metadata_alone(read.kind)
        return is_enough and cache.watches(*place) and cache.has_synced(*place)

    def _resource(self, read: Read) -> Resource:
        with _telling(read):
            resource = self._cache.discovery.get(read.kind)
        if resource is None:
            near = self._cache.discovery.nearest(read.kind)
            advice = f"did you mean {near}?" if near else "install its definition, and wait"
            raise _not_readable(read, "NotServed", "the server has no such kind", advice)
        if not resource.verbs >= {"list", "watch"}:
            raise _not_readable(read, "NotServed", "the server cannot list and watch the kind", "leave it out")
        if (read.namespace and not resource.namespaced) or (
            read.name and bool(read.namespace) is not resource.namespaced
        ):
            needed = (
                "the kind has no namespace; leave it out" if read.namespace else "the kind has namespaces; give one"
            )
            raise refused("namespace", read.namespace, f"does not fit {read.kind}: {needed}")
        return resource

    def _await(self, read: Read, resource: Resource, metadata_only: bool) -> None:
        """Watch what is read, if it is not watched, and wait for it unless it has failed before."""
        cache, scope = self._cache, self._scope(read)
        is_there = cache.is_complete(read.kind) if scope is None else scope in cache.scopes(read.kind)
        if not is_there or (cache.has_metadata_alone(read.kind) and not metadata_only):
            self._begin(read, resource, scope, metadata_only)
        elif cache.error(read.kind, read.namespace, read.name) is not None:
            return
        cache.wait_until_known(read.kind, read.namespace, read.name, self._timeout)

    def _begin(self, read: Read, resource: Resource, scope: Scope | None, metadata_only: bool) -> None:
        cache = self._cache
        self._require_room(read)
        if scope is None:
            cache.add(resource, metadata_only=metadata_only)
        else:
            cache.watch(resource, scope, metadata_only=metadata_only)

    def _scope(self, read: Read) -> Scope | None:
        """What is watched for a read, None for the whole kind."""
        scopes = self._cache.scopes(read.kind)
        if not fields_of(read.kind) or (len(scopes) >= MOST_PARTS and Scope(read.namespace, read.name) not in scopes):
            return None
        single = sum(1 for scope in scopes if scope.name and scope.namespace == read.namespace)
        scope = Scope(read.namespace, read.name)
        if single >= MOST_SINGLE and scope not in scopes:
            scope = Scope(read.namespace)
        return scope if any(scope) else None

    def _require_room(self, read: Read) -> None:
        if self._limit is None:
            return
        size = self._cache.size()
        if size >= self._limit:
            cause = f"it is not watched yet, and the cache holds {in_words(size)} of {in_words(self._limit)}"
            raise _not_readable(read, "CacheLimit", cause, "raise cache_limit, or read with metadata_only")

    def _require_well(self, read: Read) -> None:
        cache, place = self._cache, (read.kind, read.namespace, read.name)
        error = cache.error(*place)
        if not cache.has_synced(*place):
            if error is not None:
                raise error
            cause = f"not synced: its list has not arrived within {self._timeout:g} s"
            raise _not_readable(read, "NotSynced", cause, "wait")
        since = cache.stale_since(*place)
        if since is not None:
            moment = dt.datetime.fromtimestamp(since, dt.UTC).isoformat(timespec="seconds")
            cause = f"stale since {moment}: {error or 'no watch brings changes'}"
            raise _not_readable(read, "Stale", cause, "wait, or see to the cause")
        if error is not None:
            raise error


@contextmanager
def _telling(read: Read | ObjectKey) -> Iterator[None]:
    """Each error of the cache and of the server is a NotReadable that names the read."""
    try:
        yield
    except NotReadable:
        raise
    except (CacheError, ClusterError) as error:
        raise _of_error(read, error) from error
    except (msgspec.MsgspecError, RecursionError) as error:
        cause = "the server's answer is malformed, or nested too deeply"
        raise _not_readable(read, "Unreadable", cause, "see to the object") from error


def _of_error(read: Read | ObjectKey, error: ReconcileError) -> NotReadable:
    if isinstance(error, Forbidden):
        return _not_readable(read, "Forbidden", f"forbidden: {error}", "grant get, list and watch")
    if isinstance(error, NotFound):
        return _not_readable(read, "NotServed", f"not served: {error}", "install its definition, and wait")
    reason = "NotSynced" if isinstance(error, NotSynced | ClusterError) else "Unreadable"
    return _not_readable(read, reason, str(error), "wait, or see to the cause")


def _not_readable(read: Read | ObjectKey, reason: str, cause: str, advice: str) -> NotReadable:
    return NotReadable(f"{read}: not readable: {cause}; {advice}", reason)


def _decoded(record: Record, metadata_only: bool) -> Object:
    obj = record.decode()
    return {key: obj[key] for key in ("apiVersion", "kind", "metadata") if key in obj} if metadata_only else obj
