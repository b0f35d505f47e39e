"""The shared cache: many kinds, one list and watch per kind (and namespace), read without requests.

Invariant: what is not known is never answered as absent. A kind that was not added, whose list has not arrived, or
that may not be listed raises; only then None and [] mean that there is no such object.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Self

from genreconcile.cache.pace import Pace
from genreconcile.cache.reflector import Reflector
from genreconcile.cache.store import Delta, Store
from genreconcile.cache.subscribers import CacheEvent, Subscribers
from genreconcile.cache.transform import Record, number, read
from genreconcile.cache.watched import Watched
from genreconcile.cluster import Cluster
from genreconcile.discovery import Discovery, Resource
from genreconcile.errors import CacheError, ClusterError, Forbidden, NotFound, NotSynced
from genreconcile.objects import GVK, Object, ObjectKey
from genreconcile.selector import Selector
from genreconcile.selector import parse as parse_selector

_STOP_WITHIN = 2.0

Kind = str | GVK | Resource
"""``apps/v1/Deployment``-like text, a GVK, or what Discovery gave."""

_log = logging.getLogger("genreconcile.cache")


class Cache:
    """Objects of the ``kinds``, kept current from ``start()`` (or ``with``) to ``stop()``; thread-safe.

    ``namespaces`` None watches the whole cluster, else each kind in each of them; kinds without namespaces are always
    watched whole. ``metadata.managedFields`` (unless asked for) and the last-applied annotation are not kept.
    ``compress`` keeps objects packed: a fifth of the memory of their JSON, for time at each arrival and each read.
    ``watch_list`` lets the server stream the first list of each kind (KEP-3157, Kubernetes 1.34): nothing stands in
    memory beside the objects as they are kept, for time; a server that cannot do so is asked in pages.
    ``pace`` says how long readers wait.
    """

    def __init__(  # noqa: PLR0913 - keyword-only settings, each with a default
        self,
        cluster: Cluster,
        kinds: Iterable[Kind] = (),
        *,
        namespaces: Iterable[str] | None = None,
        discovery: Discovery | None = None,
        compress: bool = False,
        watch_list: bool = False,
        pace: Pace | None = None,
    ) -> None:
        if isinstance(namespaces, str):
            raise CacheError(f"namespaces: a string: {namespaces!r}; give a list of names")
        self._cluster = cluster
        self.discovery = discovery or Discovery(cluster)
        """The kinds of the cluster: read again, before the next answer, where the watch of a kind ends in 404."""
        self._namespaces = None if namespaces is None else tuple(dict.fromkeys(namespaces))
        self._first = tuple(kinds)
        self._compress = compress
        self._watch_list = watch_list
        self._pace = pace
        self._lock = threading.RLock()
        self._state = threading.Condition()
        self._kinds: dict[GVK, Watched] = {}
        self._subscribers = Subscribers()
        self._running = self._stopped = False
        self._ending: list[Reflector] = []

    def start(self) -> None:
        """Begin to list and watch. Raises as ``add`` does; CacheError after ``stop()``."""
        with self._lock:
            if self._stopped:
                raise CacheError("the cache: cannot start: it was stopped; make a new one")
            if self._running:
                return
            for kind in self._first:
                self.add(kind)
            self._running = True
            for watched in self._kinds.values():
                watched.start(self._cluster)

    def stop(self) -> None:
        """End all threads, also those that wait for the server, within 2 s. What is cached stays readable."""
        with self._lock:
            self._running, self._stopped = False, True
            # All are asked before the first is waited for.
            ending = [reflector for watched in self._kinds.values() for reflector in watched.stop()]
            ending += self._ending
        _join(ending)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def add(
        self,
        kind: Kind,
        *,
        namespaces: Iterable[str] | None = None,
        keep_managers: bool = False,
        compress: bool | None = None,
        metadata_only: bool = False,
    ) -> Resource:
        """Watch a kind; a second time changes nothing, but may add some of the cache's ``namespaces``, which are all
        unless given. ``keep_managers``: ``metadata.managedFields`` are kept.
        ``compress`` is the cache's own setting unless given. ``metadata_only``: objects have their metadata and nothing
        else, until the kind is added without that; then it is listed anew.

        Raises CacheError where the server has no such kind or cannot list and watch it, ClusterError where it cannot
        be asked.
        """
        with self._lock:
            known, names = self._kinds.get(_gvk(kind)), self._names(namespaces)
            if known is not None and not known.is_at(kind):
                self._let_end(known.stop())
                known = None
            if known is not None and (metadata_only or not known.metadata_only):
                new = known.extend(names)
                if self._running:
                    known.start(self._cluster, new)
                return known.resource
            resource = self._resource(kind)
            if known is not None:
                self._let_end(known.stop())
            watched = Watched(
                resource,
                names if known is None or names is None else {*names, *known.names},
                self._notify,
                self._on_state,
                keep_managers=keep_managers,
                compress=self._compress if compress is None else compress,
                metadata_only=metadata_only,
                watch_list=self._watch_list,
                pace=self._pace,
            )
            self._kinds[resource.gvk] = watched
            if self._running:
                watched.start(self._cluster)
            return resource

    def _names(self, namespaces: Iterable[str] | None) -> tuple[str, ...] | None:
        """Of the cache's namespaces those that are wanted, None for the whole cluster."""
        if self._namespaces is None or namespaces is None:
            return self._namespaces
        wanted = set(namespaces)
        return tuple(name for name in self._namespaces if name in wanted)

    def _let_end(self, reflectors: Iterable[Reflector]) -> None:
        """These were asked to end; ``stop`` waits for those that have not."""
        self._ending = [reflector for reflector in self._ending if not reflector.join(0)] + list(reflectors)

    def remove(self, kind: Kind) -> None:
        """Stop to watch a kind and forget its objects, without events; nothing where it is not watched."""
        with self._lock:
            watched = self._kinds.pop(_gvk(kind), None)
        if watched is not None:
            _join(watched.stop())

    def relist(self, kind: Kind, timeout: float = 30.0) -> bool:
        """List a kind anew, and wait for it; whether it came within ``timeout`` seconds.

        For a new schema: the server then shows objects differently under the same resourceVersion. What is known stays
        readable meanwhile. Raises CacheError for a kind that was not added.
        """
        with self._lock:  # A kind that is removed meanwhile would be read for ever.
            watched = self._watched(kind)
            before = watched.lists
            if self._running:
                self._let_end(watched.relist(self._cluster))
        with self._state:
            # A kind that is gone, or may not be listed, is not waited for.
            self._state.wait_for(lambda: watched.lists > before or (watched.error and not watched.synced), timeout)
            return watched.lists > before

    @property
    def namespaces(self) -> tuple[str, ...] | None:
        """Those that are watched, None for the whole cluster."""
        return self._namespaces

    def kinds(self) -> tuple[GVK, ...]:
        """The kinds that were added, sorted."""
        with self._lock:
            return tuple(sorted(self._kinds))

    def has_synced(self, kind: Kind, namespace: str = "") -> bool:
        """Whether the kind's objects (in a namespace) are known: its list has arrived, and it has not become forbidden
        since.
        """
        watched = self._kinds.get(_gvk(kind))
        return watched is not None and watched.knows(namespace)

    def has_settled(self, kind: Kind) -> bool:
        """Whether the kind's objects are known in every namespace that is watched, or ``error`` says why not."""
        watched = self._kinds.get(_gvk(kind))
        return watched is not None and watched.settled

    def error(self, kind: Kind, namespace: str = "") -> ClusterError | None:
        """The last error of the kind's list or watch (in a namespace), None after a success. With one, a synced kind
        may be behind.
        """
        watched = self._kinds.get(_gvk(kind))
        return watched.error_in(namespace) if watched else None

    def epoch(self, kind: Kind) -> int:
        """Grows when the server was seen to go back in time (restored from a backup): remembered verdicts are void."""
        return self._watched(kind).store.epoch

    def wait_for_sync(self, kinds: Iterable[Kind] | None = None, timeout: float = 30.0) -> None:
        """Wait until these kinds (by default all) are known; ``timeout`` in seconds.

        Raises NotSynced, at once where all that is missing is forbidden, and CacheError for a kind that was not added.
        """
        waited = [self._watched(kind) for kind in (self.kinds() if kinds is None else kinds)]
        with self._state:
            self._state.wait_for(lambda: all(w.synced or isinstance(w.error, Forbidden) for w in waited), timeout)
        missing = [watched for watched in waited if not watched.synced]
        if missing:
            raise NotSynced("; ".join(map(_not_synced, missing)))

    def get(self, kind: Kind, name: str, *, namespace: str = "") -> Object | None:
        """A copy of the object, None where there is none. Raises NotSynced and CacheError."""
        record = self.record(kind, name, namespace=namespace)
        return record.decode() if record else None

    def list(
        self,
        kind: Kind,
        *,
        namespace: str | None = None,
        selector: str | Mapping[str, Any] | Selector = "",
        owner: str = "",
    ) -> list[Object]:
        """Copies of the matching objects, sorted by namespace and name; ``owner`` is a uid. Raises as ``records``."""
        return [record.decode() for record in self.records(kind, namespace=namespace, selector=selector, owner=owner)]

    def record(self, kind: Kind, name: str, *, namespace: str = "") -> Record | None:
        """As ``get``, not decoded: for a look at uid, resourceVersion and labels alone."""
        watched = self._readable(kind, namespace)
        if bool(namespace) != watched.resource.namespaced:
            has = "a" if watched.resource.namespaced else "no"
            raise CacheError(f"{kind} {name}: cannot be looked up: the kind has {has} namespace; pass it accordingly")
        return watched.store.get((namespace, name))

    def records(
        self,
        kind: Kind,
        *,
        namespace: str | None = None,
        selector: str | Mapping[str, Any] | Selector = "",
        owner: str = "",
    ) -> Sequence[Record]:
        """As ``list``, not decoded. Raises NotSynced, CacheError, and LoadError for a selector that is none."""
        watched = self._readable(kind, namespace)
        return watched.store.select(namespace or None, parse_selector(selector), owner)

    def uids(self, kind: Kind) -> Sequence[str]:
        """Those of all objects of a kind that are known, be it all that there are or not."""
        watched = self._kinds.get(_gvk(kind))
        return [record.uid for record in watched.store.select()] if watched else []

    def store(self, kind: Kind, namespace: str = "") -> Store:
        """What is known of a kind, for many look-ups in a row. Raises NotSynced and CacheError, now or never."""
        return self._readable(kind, namespace).store

    def subscribe(self, callback: Callable[[CacheEvent], object]) -> Callable[[], None]:
        """Call back for each later change; returns what ends that.

        Callbacks of one kind come one after the other, from the thread that brought the change: they must be short and
        must not wait for other threads. They may read the cache.
        """
        return self._subscribers.add(callback)

    def covers(self, namespace: str) -> bool:
        """Whether objects in a namespace, or without one, are watched once their kind is added."""
        return not namespace or self._namespaces is None or namespace in self._namespaces

    def watches(self, kind: Kind, namespace: str) -> bool:
        """Whether the objects of a kind in a namespace are watched; "" asks for those of all."""
        watched = self._kinds.get(_gvk(kind))
        return watched is not None and watched.scope_of(namespace) is not None

    def record_write(self, resource: Resource, answer: bytes) -> None:
        """Take the server's answer to an own write, so that the next read sees it; nothing where it is not watched.

        Where the kind is watched in other versions as well, their views of the object are waited for.
        """
        faces = self._faces(resource)
        if not faces:
            return
        watched = next((face for face in faces if face.resource.gvk == resource.gvk), None)
        record = (watched.read if watched is not None else partial(read, gvk=resource.gvk))(answer)
        if watched is not None and watched.scope_of(record.namespace) is not None:
            watched.change(lambda: watched.store.upsert(record))
        for other in faces:
            if other is not watched:
                other.catch_up(self._cluster, record)

    def record_delete(self, resource: Resource, key: ObjectKey, uid: str) -> None:
        """The object with this uid is gone by an own deletion, in every version: later news of that uid are old."""
        for watched in self._faces(resource):
            watched.change(partial(watched.store.delete, (key.namespace, key.name), uid))

    def _faces(self, resource: Resource) -> Sequence[Watched]:
        """A kind in each version that is watched."""
        group, _, kind = resource.gvk
        return [watched for gvk, watched in tuple(self._kinds.items()) if (gvk.group, gvk.kind) == (group, kind)]

    def wait_for(self, resource: Resource, key: ObjectKey, resource_version: str, timeout: float) -> bool:
        """Wait until the object is known at this resourceVersion or a later one; False after ``timeout`` seconds."""
        watched = self._watched(resource)
        scope = watched.scope_of(key.namespace)
        if scope is None:
            raise CacheError(f"{key}: cannot be waited for: its namespace is not watched; add it to namespaces")
        return watched.store.wait_for((key.namespace, key.name), number(resource_version), scope, timeout)

    def _resource(self, kind: Kind) -> Resource:
        resource = kind if isinstance(kind, Resource) else self.discovery.get(_gvk(kind))
        if resource is None:
            near = self.discovery.nearest(_gvk(kind))
            raise CacheError(f"{kind}: cannot be watched: the server has no such kind; {_hint(near)}")
        if not resource.verbs >= {"list", "watch"}:
            raise CacheError(f"{kind}: cannot be watched: the server cannot list and watch it; leave it out")
        return resource

    def _watched(self, kind: Kind) -> Watched:
        watched = self._kinds.get(_gvk(kind))
        if watched is None:
            raise CacheError(f"{kind}: not in the cache: the kind was not added; call add() or name it in kinds")
        return watched

    def _readable(self, kind: Kind, namespace: str | None) -> Watched:
        watched = self._watched(kind)
        if namespace and watched.scope_of(namespace) is None:
            raise CacheError(
                f"{kind} {namespace}: not in the cache: the namespace is not watched; add it to namespaces"
            )
        if not namespace and watched.resource.namespaced and set(watched.names) < set(self._namespaces or ()):
            raise CacheError(f"{kind}: not in the cache in all namespaces; name one of them, or call add()")
        if not watched.knows(namespace or ""):
            raise NotSynced(_not_synced(watched, namespace or ""))
        return watched

    def _notify(self, resource: Resource, deltas: Sequence[Delta]) -> None:
        self._subscribers.notify(resource, deltas)

    def _on_state(self, watched: Watched, error: ClusterError | None) -> None:
        is_gone = isinstance(error, NotFound)
        # The kind may be gone, or be back: who asks next is to know. That it is gone still is no news.
        if is_gone and (not watched.is_gone or self.discovery.knows(watched.resource.gvk)):
            self.discovery.invalidate()
        if error is None and watched.is_gone:
            self.discovery.invalidate()
        watched.is_gone = is_gone or (watched.is_gone and error is not None)
        if error is not None:
            _log.info("%s: %s", watched.resource, error)
        with self._state:
            self._state.notify_all()


def _gvk(kind: Kind) -> GVK:
    if isinstance(kind, Resource):
        return kind.gvk
    try:
        return kind if isinstance(kind, GVK) else GVK.parse(kind)
    except ValueError as error:
        raise CacheError(f"the cache: {error}") from None


def _hint(near: str) -> str:
    return f"did you mean {near}?" if near else "install its CRD first"


def _not_synced(watched: Watched, namespace: str = "") -> str:
    cause = watched.error_in(namespace) or "the list has not arrived"
    return f"{watched.resource}: not synced: {cause}; wait, or see to the cause"


def _join(ending: Iterable[Reflector]) -> None:
    deadline = time.monotonic() + _STOP_WITHIN
    for reflector in ending:
        if not reflector.join(max(0.0, deadline - time.monotonic())):
            _log.warning("%s: a reader has not ended yet; it ends with its connection attempt", reflector)
