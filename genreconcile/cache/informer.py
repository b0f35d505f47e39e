"""The shared cache: many kinds, one list and watch per kind (and namespace), from start to stop.

Invariant: threads run from ``start`` to ``stop`` only, and no call waits for changes that cannot come any more: after
the stop, and in a process that was forked since, it raises.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Self

from genreconcile.arguments import require_flag, require_name, require_namespace, require_seconds, texts
from genreconcile.cache.catchup import PATIENCE, CatchUp, matching
from genreconcile.cache.checks import as_kinds, require_parts
from genreconcile.cache.feed import Upstream
from genreconcile.cache.interest import NO_INTEREST, Interest
from genreconcile.cache.lately import Lately
from genreconcile.cache.lister import Kind, Lister, gvk_of, not_synced
from genreconcile.cache.pace import Pace
from genreconcile.cache.reflector import Reflector, join_all
from genreconcile.cache.retention import Retention
from genreconcile.cache.scope import Scope
from genreconcile.cache.sighting import Sighting
from genreconcile.cache.subscribers import CacheEvent, Loss, Subscribers
from genreconcile.cache.transform import Record, number, read, read_at_least_the_name
from genreconcile.cache.watched import Watched
from genreconcile.cluster import Cluster
from genreconcile.errors import CacheError, ClusterError, Forbidden, NotFound, NotSynced
from genreconcile.kinds.discovery import Discovery, Resource
from genreconcile.log import logger
from genreconcile.objects import GVK, ObjectKey

_log = logger("genreconcile.cache")


class Cache(Lister):
    """Objects of the ``kinds``, kept current from ``start()`` (or ``with``) to ``stop()``; thread-safe.

    ``namespaces`` None watches the whole cluster, else each kind in each of them; cluster-scoped kinds are always
    watched whole. ``metadata.managedFields`` (unless asked for) and the last-applied annotation are not kept.
    ``compress`` keeps objects packed: a fifth of the memory of their JSON, at the cost of time at each arrival and
    read, and of lists, of which one page at a time is on its way. ``watch_list`` lets the server stream the first list
    of each kind (KEP-3157, Kubernetes 1.34): no page stands in memory beside the kept objects, at the cost of time; a
    server that cannot stream lists in pages. ``pace`` holds the time-outs and pauses. After a fork the cache is of no
    use in the child.
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
            raise CacheError(f"namespaces: a string: {namespaces!r}; give a list of names", code="GR110")
        super().__init__()
        require_parts(cluster, discovery, pace)
        require_flag("compress", compress)
        require_flag("watch_list", watch_list)
        self.discovery = discovery or Discovery(cluster)
        """The kinds of the cluster, read again on the next look-up after the watch of a kind met a 404."""
        self._namespaces = None if namespaces is None else texts("namespaces", namespaces, require_name)
        self._first = as_kinds(kinds)
        self._compress = compress
        self.pace = pace or Pace()
        self.lately = Lately()
        """The objects that watches have brought last, with their managedFields."""
        self._upstream = Upstream(cluster, self.pace, watch_list, self.lately)
        self._lock, self._state = threading.RLock(), threading.Condition()
        self._kinds: dict[GVK, Watched] = {}
        self._subscribers = Subscribers()
        self._running = False
        self._catch_up = CatchUp(cluster, self._renew)
        self._ending: list[Reflector] = []

    def start(self) -> None:
        """Begin to list and watch. Raises as ``add`` does; CacheError after ``stop()``."""
        self.require_usable()
        with self._lock:
            if self._running:
                return
            for kind in self._first:
                self.add(kind)
            self._running = True
            for watched in self._kinds.values():
                watched.start()

    def stop(self) -> None:
        """End all threads, also those that wait for the server, within 2 s. The cached objects stay readable."""
        if not self._process.is_this:  # In a fork, connections are the parent's, and locks may be held for ever.
            return
        with self._lock:
            self._running = False
            self._stopped_at = self._stopped_at or time.monotonic()
            # All reflectors are asked to end before the first is waited for.
            ending = [reflector for watched in self._kinds.values() for reflector in watched.stop()]
            ending += self._ending
        join_all(ending)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = "stopped" if self._stopped_at is not None else "running" if self._running else "not started"
        where = "" if self._namespaces is None else f" in {', '.join(self._namespaces)}"
        return f"<Cache of {self._upstream.cluster.server}: {len(self._kinds)} kinds{where}, {state}>"

    def add(  # noqa: PLR0913 - keyword-only settings, each with a default
        self,
        kind: Kind,
        *,
        namespaces: Iterable[str] | None = None,
        keep_managers: bool = False,
        interest: Interest = NO_INTEREST,
        compress: bool | None = None,
        metadata_only: bool = False,
    ) -> Resource:
        """Watch a kind; returns its resource. For a watched kind a second call may only add to ``namespaces``,
        ``keep_managers`` and ``interest``, and end ``metadata_only``; all but the first list the kind anew.

        ``namespaces`` are some of the cache's, all by default. ``keep_managers``: ``metadata.managedFields`` are kept;
        ``interest``: the parts of them that questions ask for. ``compress`` is the cache's own setting by default.
        ``metadata_only``: objects have their metadata alone.

        Raises CacheError where the server has no such kind or cannot list and watch it, ClusterError where the server
        cannot be asked.
        """
        compress = self._compress if compress is None else compress
        retention = Retention(keep_managers, interest, compress, metadata_only)
        names = self._names(namespaces)
        return self._watch(kind, None if names is None else map(Scope, names), retention, is_added=True)

    def watch(self, kind: Kind, scope: Scope, *, metadata_only: bool = False) -> Resource:
        """Watch a part of a kind, whatever the cache's namespaces: a namespace, or a single object by its name, which
        an account may be allowed to watch where it may not see the others. Returns and raises as ``add``.
        """
        return self._watch(kind, [scope], Retention(compress=self._compress, metadata_only=metadata_only))

    def _watch(
        self, kind: Kind, scopes: Iterable[Scope] | None, retention: Retention, *, is_added: bool = False
    ) -> Resource:
        self.require_usable()
        with self._lock:
            known = self._kinds.get(gvk_of(kind))
            if known is not None and not known.is_at(kind):
                self._let_end(known.stop())
                known = None
            if known is not None and known.retention.covers(retention):
                known.is_added |= is_added
                new = known.extend(_wanted(scopes, known.resource, is_added=is_added))
                if self._running:
                    known.start(new)
                return known.resource
            resource = self._resource(kind)
            if known is not None:
                self._let_end(known.stop())
                self._stale.discard(known)
                retention = known.retention.widened(retention)
            watched = Watched(self._upstream, resource, retention, self._subscribers.notify, self._on_state)
            watched.is_added = is_added or (known is not None and known.is_added)
            watched.extend(_wanted(scopes, resource, is_added=is_added))
            watched.extend(known.scopes if known is not None else ())
            self._kinds[resource.gvk] = watched
            if self._running:
                watched.start()
        if known is not None:  # It is listed anew, and not known before that.
            self._subscribers.notify_of_states()
        return resource

    def _names(self, namespaces: Iterable[str] | None) -> tuple[str, ...] | None:
        """The wanted ones of the cache's namespaces, None for the whole cluster."""
        if isinstance(namespaces, str) or (self._namespaces is not None and namespaces is not None):
            namespaces = texts("namespaces", namespaces, require_namespace)
        if self._namespaces is None or namespaces is None:
            return self._namespaces
        wanted = set(namespaces)
        return tuple(name for name in self._namespaces if name in wanted)

    def cover(self, namespaces: Iterable[str] | None) -> None:
        """Let kinds be watched in these namespaces as well, None for the whole cluster: from the next ``add`` of each
        on. Raises CacheError and InputError as ``Cache``.
        """
        self.require_usable()
        more = None if namespaces is None else texts("namespaces", namespaces, require_name)
        with self._lock:
            if self._namespaces is not None:
                self._namespaces = None if more is None else tuple(dict.fromkeys((*self._namespaces, *more)))

    def _let_end(self, reflectors: Iterable[Reflector]) -> None:
        """Keep reflectors that were asked to end: ``stop`` waits for those that have not."""
        self._ending = [reflector for reflector in self._ending if not reflector.join(0)] + list(reflectors)

    def remove(self, kind: Kind) -> None:
        """Stop watching a kind and forget its objects, without events; a kind that is not watched is no error."""
        self._require_process()
        with self._lock:
            watched = self._kinds.pop(gvk_of(kind), None)
        if watched is not None:
            with self._state:
                self._stale.discard(watched)
            self._subscribers.notify_of_states()
            join_all(watched.stop())

    def relist(self, kind: Kind, timeout: float = 30.0) -> bool:
        """List a kind anew and wait for the list; whether it came within ``timeout`` seconds.

        Needed after a new schema: the server then shows objects differently under the same resourceVersion. The known
        objects stay readable meanwhile. Raises CacheError for a kind that was not added.
        """
        require_seconds("timeout", timeout)
        watched = self._require(kind)
        return self._renew(watched, watched.scopes, timeout)

    def _renew(self, watched: Watched, scopes: Sequence[Scope], timeout: float) -> bool:
        self.require_usable()
        with self._lock:  # Without it, a kind that is removed meanwhile would be read for ever.
            watched = self._require(watched.resource)  # Another thread may have removed the kind, and added it again.
            before = watched.lists(scopes)
            if self._running:
                self._let_end(watched.relist(scopes))
        with self._state:
            # A kind that is gone, or may not be listed, is not waited for.
            self._state.wait_for(
                lambda: watched.lists(scopes) > before or (watched.error and not watched.synced), timeout
            )
            return watched.lists(scopes) > before

    def catch_up(
        self,
        sighting: Sighting,
        timeout: float,
        places: Mapping[Resource, Collection[str]] | None = None,
        *,
        patience: float = PATIENCE,
    ) -> bool:
        """Wait until the cache is as new as ``sighting``; False where that is an object of no watched kind.

        With ``places``, resources with their namespaces (none: all), the wait is for these places at the version of
        ``sighting``. Events on their way have 1 s to come, those of one object ``patience`` seconds; then the server is
        asked. Raises NotSynced after ``timeout`` seconds.
        """
        self.require_usable()
        if places is not None:
            watched = [(self._kinds.get(resource.gvk), names) for resource, names in places.items()]
            every = [(found, found.scopes_in(names)) for found, names in watched if found is not None]
            self._catch_up.kinds(every, sighting.version, timeout)
            return True
        found = matching(list(self._kinds.values()), sighting)
        if found is None or sighting.key is None:
            return False
        self._catch_up.object(found, sighting.key, sighting.version, timeout, patience)
        return True

    def wait_for_sync(self, kinds: Iterable[Kind] | None = None, timeout: float = 30.0) -> None:
        """Wait until these kinds (by default all) have synced; ``timeout`` in seconds.

        Raises NotSynced, at once where every missing kind is forbidden, and CacheError for a kind that was not added.
        """
        require_seconds("timeout", timeout)
        self.require_usable()
        waited = [self._require(kind) for kind in (self.kinds() if kinds is None else kinds)]
        with self._state:
            self._state.wait_for(lambda: all(w.synced or isinstance(w.error, Forbidden) for w in waited), timeout)
        missing = [watched for watched in waited if not watched.synced]
        if missing:
            raise NotSynced("; ".join(map(not_synced, missing)))

    def wait_until_known(self, kind: Kind, namespace: str, name: str, timeout: float) -> bool:
        """Wait for a part of a kind, as ``has_synced`` names it, for ``timeout`` seconds at most; whether it is known.

        What the server refuses, or does not serve, is not waited for.
        """

        def known() -> bool:
            return self.has_synced(kind, namespace, name)

        self.require_usable()
        with self._state:
            self._state.wait_for(
                lambda: known() or isinstance(self.error(kind, namespace, name), Forbidden | NotFound), timeout
            )
        return known()

    def subscribe(self, callback: Callable[[CacheEvent], object], *, replay: bool = False) -> Callable[[], None]:
        """Call back for each later change; returns a function that ends the subscription.

        The events of one kind come one after the other, in the thread that brought the change: callbacks must be short
        and must not wait for other threads. They may read the cache. ``replay``: the known objects are told first, as
        ADDED, in this thread; then their later changes, with no gap between (client-go's ``AddEventHandler``).
        """
        self.require_usable()
        if not replay:
            return self._subscribers.add(callback)
        with self._lock:
            known = dict(self._kinds)
        waiting = set(known)  # Kinds whose changes are held back until their known objects were told.
        end = self._subscribers.add(callback, lambda event: event.resource.gvk in waiting)
        for gvk, watched in known.items():

            def tell(records: Sequence[Record], gvk: GVK = gvk, watched: Watched = watched) -> None:
                self._subscribers.replay(callback, watched.resource, records)
                waiting.discard(gvk)

            watched.replay(tell)
        return end

    def flush(self) -> None:
        """Return once the subscribers have heard of all that the cache shows. Not for callbacks."""
        self._require_process()
        for watched in tuple(self._kinds.values()):
            watched.flush()

    def subscribe_states(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Call back whenever a kind has become known, has failed, or is not watched any more, after ``has_synced``,
        ``has_settled`` and ``error`` say so; returns what ends that. For callbacks as for those of ``subscribe``.
        """
        self.require_usable()
        return self._subscribers.add_to_states(callback)

    def subscribe_losses(self, callback: Callable[[Loss], object]) -> Callable[[], None]:
        """Call back for each part of a kind that was known and is not any more, of which no event tells, and when it
        is known again; returns what ends that. For callbacks as for those of ``subscribe``.
        """
        self.require_usable()
        return self._subscribers.add_to_losses(callback)

    def record_write(self, resource: Resource, answer: bytes) -> None:
        """Store the server's answer to an own write, so that the next read sees it, if the kind is watched.

        Where the kind is watched in other API versions as well, wait for their views of the object.
        """
        faces = self._faces(resource)
        if not faces:
            return
        watched = next((face for face in faces if face.resource.gvk == resource.gvk), None)
        reader = watched.read if watched is not None else partial(read, gvk=resource.gvk)
        record = read_at_least_the_name(reader, answer)
        if watched is not None and watched.scope_of(record.namespace, record.name) is not None:
            watched.change(lambda: watched.store.upsert(record))
        for other in faces:
            if other is not watched:
                other.catch_up(record)

    def record_delete(self, resource: Resource, key: ObjectKey, uid: str) -> None:
        """Remove the object with this uid after an own deletion, in every version; later events of that uid are old."""
        for watched in self._faces(resource):
            watched.change(partial(watched.store.delete, (key.namespace, key.name), uid))

    def _faces(self, resource: Resource) -> Sequence[Watched]:
        """The kind in each API version that is watched."""
        group, _, kind = resource.gvk
        return [watched for gvk, watched in tuple(self._kinds.items()) if (gvk.group, gvk.kind) == (group, kind)]

    def wait_for(self, resource: Resource, key: ObjectKey, resource_version: str, timeout: float) -> bool:
        """Wait until the object is known at this resourceVersion or a later one; False after ``timeout`` seconds."""
        self.require_usable()
        watched = self._require(resource)
        scope = watched.scope_of(key.namespace, key.name)
        if scope is None:
            raise CacheError(
                f"{key}: cannot be waited for: its namespace is not watched; add it to namespaces", code="GR703"
            )
        return watched.store.wait_for((key.namespace, key.name), number(resource_version), scope, timeout)

    def _resource(self, kind: Kind) -> Resource:
        resource = kind if isinstance(kind, Resource) else self.discovery.get(gvk_of(kind))
        if resource is None:
            near = self.discovery.nearest(gvk_of(kind))
            raise CacheError(f"{kind}: cannot be watched: the server has no such kind; {_hint(near)}", code="GR704")
        if not resource.verbs >= {"list", "watch"}:
            raise CacheError(
                f"{kind}: cannot be watched: the server cannot list and watch it; leave it out", code="GR704"
            )
        return resource

    def _on_state(self, watched: Watched, error: ClusterError | None, loss: Loss | None) -> None:
        is_gone = isinstance(error, NotFound)
        # When a kind goes or comes back, the next look-up reads discovery again; a kind that is still gone is no news.
        if is_gone and (not watched.is_gone or self.discovery.knows(watched.resource.gvk)):
            self.discovery.invalidate()
        if error is None and watched.is_gone:
            self.discovery.invalidate()
        watched.is_gone = is_gone or (watched.is_gone and error is not None)
        if error is not None:
            _log.info("%s: %s", watched.resource, error)
        if error is None and watched.covered():
            with self._lock:
                self._let_end(watched.shed())
        with self._state:
            (self._stale.discard if watched.stale_since() is None else self._stale.add)(watched)
            self._state.notify_all()
        self._subscribers.notify_of_states()
        if loss is not None:
            self._subscribers.notify_of_loss(loss)


def _wanted(scopes: Iterable[Scope] | None, resource: Resource, *, is_added: bool) -> Iterable[Scope] | None:
    """The scopes to watch, None for all objects: a kind without namespaces that was added is watched whole, also where
    none of the cache's namespaces was wanted.
    """
    return None if is_added and not resource.namespaced else scopes


def _hint(near: str) -> str:
    return f"did you mean {near}?" if near else "install its CRD first"
