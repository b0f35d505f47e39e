"""One kind in the cache: its store, a reflector per scope, and the order in which subscribers hear of changes.

Invariant: subscribers hear of the changes of one kind in the order in which its store took them.
"""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from genreconcile.cache.feed import Feed, Upstream
from genreconcile.cache.reflector import Handover, Reflector
from genreconcile.cache.retention import Retention
from genreconcile.cache.store import DELETED, Delta, Mark, Store
from genreconcile.cache.transform import Record, read_at_least_the_name
from genreconcile.errors import ClusterError
from genreconcile.kinds.discovery import Resource

_LAG: Final = 2.0
"""Seconds that a watch may lag behind a write in another API version."""
_log = logging.getLogger("genreconcile.cache")

Notify = Callable[[Resource, Sequence[Delta]], None]
OnState = Callable[["Watched", ClusterError | None], None]


class Watched:
    """A watched kind. ``notify`` gets the changes; ``on_state`` is called when a scope is known (error None) or fails.

    A scope is a namespace, or "" for all objects; there is none before ``extend``.
    """

    def __init__(
        self, upstream: Upstream, resource: Resource, retention: Retention, notify: Notify, on_state: OnState
    ) -> None:
        self._upstream = upstream
        self.resource = resource
        self.retention = retention
        self.is_gone = False
        """Whether the server has answered that there is no such kind, and no success has come since."""
        self.read = retention.reader(resource.gvk)
        self.store = Store(remembers=retention.interest.remembers)
        self._notify = notify
        self._on_state = on_state
        # Held while the store changes and subscribers hear of it. Readers need only the store's own lock.
        self._order = threading.RLock()
        self._scopes: dict[str, _Scope] = {}  # Replaced as a whole: other threads iterate.
        self.renewing = threading.Lock()
        """Held by the thread that lists anew for ``CatchUp``."""
        self._reflectors: dict[str, Reflector] = {}  # By scope; replaced as above.

    @property
    def synced(self) -> bool:
        """Whether every scope is known."""
        return all(scope.synced for scope in self._scopes.values())

    @property
    def error(self) -> ClusterError | None:
        """The last error of the first scope that has one."""
        return next((scope.error for scope in self._scopes.values() if scope.error), None)

    @property
    def settled(self) -> bool:
        """Whether every scope is known, or has an error that says why not."""
        return all(scope.synced or scope.error for scope in self._scopes.values())

    def knows(self, namespace: str) -> bool:
        """Whether the objects of a namespace are known, "" for all of them."""
        scope = self._scopes.get(self.scope_of(namespace) or "") if namespace else None
        return self.synced if scope is None else scope.synced

    def error_in(self, namespace: str) -> ClusterError | None:
        """The last error of the scope that holds a namespace; with "" of the first scope that has one."""
        scope = self._scopes.get(self.scope_of(namespace) or "") if namespace else None
        return self.error if scope is None else scope.error

    def stale_since(self, namespace: str = "") -> float | None:
        """The moment of ``time.monotonic`` from which on the scope that holds a namespace has had no watch that was
        well, with "" the earliest of all scopes; None while the watches are well.
        """
        scope = self._scopes.get(self.scope_of(namespace) or "") if namespace else None
        scopes = self._scopes.values() if scope is None else (scope,)
        return min((found.stale_since for found in scopes if found.stale_since is not None), default=None)

    @property
    def names(self) -> tuple[str, ...]:
        """The scopes."""
        return tuple(self._scopes)

    def is_at(self, kind: object) -> bool:
        """Whether ``kind``, if it is a Resource, has the path that is watched: a CRD made anew may give another one."""
        served = self.resource
        return not isinstance(kind, Resource) or (kind.plural, kind.namespaced) == (served.plural, served.namespaced)

    def catch_up(self, record: Record) -> None:
        """Wait until an object just written in another API version is known; read it where the watch lags."""
        scope, name = self.scope_of(record.namespace), (record.namespace, record.name)
        if scope is None or self.store.wait_for(name, record.resource_version, scope, _LAG):
            return
        try:
            data = self._upstream.cluster.request("GET", self.resource.path(*name))
        except ClusterError as error:
            _log.info("%s: %s: not read in this version after a write in another: %s", self.resource, name, error)
        else:
            self.change(lambda: self.store.upsert(read_at_least_the_name(self.read, data)))

    def extend(self, namespaces: Iterable[str] | None) -> Sequence[str]:
        """Watch these namespaces as well; returns the new scopes, which the caller starts.

        None, or a kind without namespaces, means all objects.
        """
        names = namespaces if namespaces is not None and self.resource.namespaced else ("",)
        new = [name for name in names if name not in self._scopes]
        if new:
            self._scopes = {**self._scopes, **{name: _Scope(self, name) for name in new}}
        return new

    def start(self, names: Iterable[str] | None = None) -> None:
        """Start the reflectors, by default of every scope."""
        starting = {name: self._reflector(name) for name in (self._scopes if names is None else names)}
        self._reflectors = {**self._reflectors, **starting}
        for reflector in starting.values():
            reflector.start()

    def _reflector(self, name: str) -> Reflector:
        scope = self._scopes[name]
        feed = Feed(self._upstream, self.resource, name, self.read, self.retention.accept)
        return Reflector(feed, scope, handover=Handover(scope.synced, scope.stale_since))

    def relist(self, names: Iterable[str]) -> Sequence[Reflector]:
        """List these scopes anew, with new reflectors; until then the known objects stay readable.

        Returns the reflectors that end; the caller joins them.
        """
        ending = [reflector for name in names if (reflector := self._reflectors.get(name)) is not None]
        for reflector in ending:
            reflector.stop()
        self.start(names)
        return ending

    def lists(self, names: Iterable[str]) -> int:
        """How often each of these scopes has been listed at least."""
        return min((self._scopes[name].lists for name in names if name in self._scopes), default=0)

    def stop(self) -> Sequence[Reflector]:
        """Ask the reflectors to end; the caller joins them."""
        reflectors = list(self._reflectors.values())
        for reflector in reflectors:
            reflector.stop()
        return reflectors

    def scope_of(self, namespace: str) -> str | None:
        """The scope that holds a namespace, None where it is not watched."""
        return next((name for name in ("", namespace) if name in self._scopes), None)

    def change(self, mutate: Callable[[], list[Delta]]) -> None:
        """Change the store by ``mutate`` and tell the subscribers."""
        with self._order:
            deltas = mutate()
            if deltas:
                self._notify(self.resource, deltas)

    def replay(self, tell: Callable[[Sequence[Record]], None]) -> None:
        """Tell one subscriber of all objects; meanwhile the store does not change."""
        with self._order:
            tell(self.store.select())

    def state(self, error: ClusterError | None) -> None:
        """Tell that a scope became known (error None), or failed."""
        self._on_state(self, error)


class _Scope:
    """The sink of one reflector."""

    def __init__(self, watched: Watched, name: str) -> None:
        self._watched = watched
        self._name = name
        self.synced = False
        self.error: ClusterError | None = None
        self.stale_since: float | None = None
        self.lists = 0

    def mark(self) -> Mark:
        return self._watched.store.mark(self._name)

    def replace(
        self, parts: Iterator[Sequence[Record]], resource_version: int, mark: Mark, *, restored: bool = False
    ) -> None:
        watched, store = self._watched, self._watched.store
        if restored:  # All or nothing.
            every = [record for part in parts for record in part]
            watched.change(lambda: store.replace(every, resource_version, self._name, restored=True))
        else:
            intake = store.begin(resource_version, self._name, mark)
            for part in parts:
                watched.change(functools.partial(intake.take, part))
            watched.change(intake.finish)
        self.lists += 1

    def event(self, event_type: str, record: Record) -> None:
        store = self._watched.store
        if event_type == DELETED:
            name = (record.namespace, record.name)
            self._watched.change(lambda: store.delete(name, record.uid, record.resource_version))
        else:
            self._watched.change(lambda: store.upsert(record))
        store.progress(record.resource_version, self._name)

    def bookmark(self, resource_version: int) -> None:
        self._watched.store.progress(resource_version, self._name)

    def state(self, *, synced: bool, error: ClusterError | None, stale_since: float | None) -> None:
        self.synced, self.error, self.stale_since = synced, error, stale_since
        self._watched.state(error)
