"""One kind in the cache: its store, a reflector per scope, and the order in which subscribers hear of changes.

Invariant: subscribers hear of the changes of one kind in the order in which its store took them.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from genreconcile.cache.feed import Feed, Upstream
from genreconcile.cache.reflector import Handover, Reflector
from genreconcile.cache.retention import Retention
from genreconcile.cache.scope import EVERYTHING, Scope, holding
from genreconcile.cache.store import DELETED, Delta, Mark, Store
from genreconcile.cache.subscribers import Loss
from genreconcile.cache.transform import Record, read_at_least_the_name
from genreconcile.errors import ClusterError
from genreconcile.kinds.discovery import Resource
from genreconcile.log import logger

_LAG: Final = 2.0
"""Seconds that a watch may lag behind a write in another API version."""
_log = logger("genreconcile.cache")

Notify = Callable[[Resource, Sequence[Delta]], None]
OnState = Callable[["Watched", ClusterError | None, Loss | None], None]


class Watched:
    """A watched kind. ``notify`` gets the changes; ``on_state`` is called when a scope is known (error None) or fails,
    with the Loss where it is one, or the end of one.

    There is no scope before ``extend``. Several may hold an object: then the one that is best is asked.
    """

    def __init__(
        self, upstream: Upstream, resource: Resource, retention: Retention, notify: Notify, on_state: OnState
    ) -> None:
        self._upstream = upstream
        self.resource = resource
        self.retention = retention
        self.is_added = False
        """Whether the kind was added, and not only parts of it."""
        self.is_gone = False
        """Whether the server has answered that there is no such kind, and no success has come since."""
        self.read = retention.reader(resource.gvk)
        self.store = Store(remembers=retention.interest.remembers)
        self._notify = notify
        self._on_state = on_state
        # Held while the store changes and subscribers hear of it. Readers need only the store's own lock.
        self._order = threading.RLock()
        self._scopes: dict[Scope, _Watch] = {}  # Replaced as a whole: other threads iterate.
        self.renewing = threading.Lock()
        """Held by the thread that lists anew for ``CatchUp``."""
        self._reflectors: dict[Scope, Reflector] = {}  # By scope; replaced as above.

    @property
    def synced(self) -> bool:
        """Whether every scope is known."""
        return all(watch.synced for watch in self._all())

    @property
    def error(self) -> ClusterError | None:
        """The last error of the first scope that has one."""
        return next((watch.error for watch in self._all() if watch.error), None)

    @property
    def settled(self) -> bool:
        """Whether every scope is known, or has an error that says why not."""
        return all(watch.synced or watch.error for watch in self._all())

    def knows(self, namespace: str, name: str = "") -> bool:
        """Whether an object is known, or without ``name`` those of a namespace, with neither all of the kind."""
        found = self._asked(namespace, name)
        return bool(found) and all(watch.synced for watch in found)

    def error_in(self, namespace: str, name: str = "") -> ClusterError | None:
        """The last error of the scope that is asked for an object or a namespace, or of the first that has one."""
        found = self._asked(namespace, name) if namespace or name else self._all()
        return next((watch.error for watch in found if watch.error), None)

    def stale_since(self, namespace: str = "", name: str = "") -> float | None:
        """The moment of ``time.monotonic`` from which on the scope that is asked has had no watch that was well, with
        neither a namespace nor a name the earliest of all scopes; None while the watches are well.
        """
        found = self._asked(namespace, name) if namespace or name else self._all()
        return min((watch.stale_since for watch in found if watch.stale_since is not None), default=None)

    def _all(self) -> Collection[_Watch]:
        """The watches of the kind as it was added, or else those of its parts."""
        watches = self._scopes
        added = [watch for scope, watch in watches.items() if not scope.name] if self.is_added else ()
        return added or watches.values()

    def _asked(self, namespace: str, name: str) -> Collection[_Watch]:
        """The best watch that holds an object or a namespace; without either all watches, none for a part of a kind."""
        watches = self._scopes
        if namespace or name:
            best = _best(watches, namespace, name)
            if best is not None or name:
                return () if best is None else (watches[best],)
        return self._all() if self.is_added or EVERYTHING in watches else ()

    def is_complete(self, namespaces: Collection[str] | None) -> bool:
        """Whether all objects are watched, as far as they are in these namespaces; None is all."""
        everywhere = EVERYTHING in self._scopes
        return everywhere or (namespaces is not None and all(Scope(name) in self._scopes for name in namespaces))

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """What is watched."""
        return tuple(self._scopes)

    def scopes_in(self, namespaces: Collection[str]) -> Sequence[Scope]:
        """The scopes in these namespaces; all where none is."""
        found = [scope for scope in self._scopes if not scope.namespace or scope.namespace in namespaces]
        return (found if namespaces else ()) or self.scopes

    def is_at(self, kind: object) -> bool:
        """Whether ``kind``, if it is a Resource, has the path that is watched: a CRD made anew may give another one."""
        served = self.resource
        return not isinstance(kind, Resource) or (kind.plural, kind.namespaced) == (served.plural, served.namespaced)

    def catch_up(self, record: Record) -> None:
        """Wait until an object just written in another API version is known; read it where the watch lags."""
        name = (record.namespace, record.name)
        scope = self.scope_of(*name)
        if scope is None or self.store.wait_for(name, record.resource_version, scope, _LAG):
            return
        try:
            data = self._upstream.cluster.request("GET", self.resource.path(*name))
        except ClusterError as error:
            _log.info("%s: %s: not read in this version after a write in another: %s", self.resource, name, error)
        else:
            self.change(lambda: self.store.upsert(read_at_least_the_name(self.read, data)))

    def extend(self, scopes: Iterable[Scope] | None) -> Sequence[Scope]:
        """Watch these scopes as well, None for all objects; returns the new ones, which the caller starts."""
        wanted = (EVERYTHING,) if scopes is None else scopes
        fitting = [scope if self.resource.namespaced else Scope(name=scope.name) for scope in wanted]
        new = [scope for scope in dict.fromkeys(fitting) if scope not in self._scopes]
        if new:
            self._scopes = {**self._scopes, **{scope: _Watch(self, scope) for scope in new}}
        return new

    def covered(self) -> Collection[Scope]:
        """The scopes that a wider one has come to know. Until then both go on: the wider one may be forbidden."""
        scopes = self._scopes
        known = {scope for scope, watch in scopes.items() if watch.synced}
        return [one for one in scopes if any(other != one and other in known for other in holding(*one))]

    def shed(self) -> Sequence[Reflector]:
        """Stop watching what is covered; returns the reflectors that end, for the caller to join."""
        shed = self.covered()
        ending = [reflector for scope in shed if (reflector := self._reflectors.get(scope)) is not None]
        self._scopes = {scope: watch for scope, watch in self._scopes.items() if scope not in shed}
        self._reflectors = {scope: one for scope, one in self._reflectors.items() if scope not in shed}
        for reflector in ending:
            reflector.stop()
        return ending

    def start(self, scopes: Iterable[Scope] | None = None) -> None:
        """Start the reflectors, by default of every scope."""
        starting = {scope: self._reflector(scope) for scope in (self._scopes if scopes is None else scopes)}
        self._reflectors = {**self._reflectors, **starting}
        for reflector in starting.values():
            reflector.start()

    def _reflector(self, scope: Scope) -> Reflector:
        watch = self._scopes[scope]
        feed = Feed(self._upstream, self.resource, scope, self.read, self.retention.accept, self.retention.ahead)
        return Reflector(feed, watch, handover=Handover(watch.synced, watch.stale_since))

    def relist(self, scopes: Iterable[Scope]) -> Sequence[Reflector]:
        """List these scopes anew, with new reflectors; until then the known objects stay readable.

        Returns the reflectors that end; the caller joins them.
        """
        wanted = [scope for scope in scopes if scope in self._scopes]
        ending = [reflector for scope in wanted if (reflector := self._reflectors.get(scope)) is not None]
        for reflector in ending:
            reflector.stop()
        self.start(wanted)
        return ending

    def lists(self, scopes: Iterable[Scope]) -> int:
        """How often each of these scopes has been listed at least."""
        return min((self._scopes[scope].lists for scope in scopes if scope in self._scopes), default=0)

    def stop(self) -> Sequence[Reflector]:
        """Ask the reflectors to end; the caller joins them."""
        reflectors = list(self._reflectors.values())
        for reflector in reflectors:
            reflector.stop()
        return reflectors

    def scope_of(self, namespace: str, name: str = "") -> Scope | None:
        """The best scope that holds an object, or without ``name`` a namespace; None where it is not watched."""
        return _best(self._scopes, namespace, name)

    def change(self, mutate: Callable[[], list[Delta]]) -> None:
        """Change the store by ``mutate`` and tell the subscribers."""
        with self._order:
            deltas = mutate()
            if deltas:
                self._notify(self.resource, deltas)

    def flush(self) -> None:
        """Return once the subscribers have heard of all that the store shows."""
        with self._order:
            pass

    def replay(self, tell: Callable[[Sequence[Record]], None]) -> None:
        """Tell one subscriber of all objects; meanwhile the store does not change."""
        with self._order:
            tell(self.store.select())

    def state(self, error: ClusterError | None, loss: Loss | None) -> None:
        """Tell that a scope became known (error None), or failed."""
        self._on_state(self, error, loss)


class _Watch:
    """The state of one scope, and the sink of its reflector."""

    def __init__(self, watched: Watched, scope: Scope) -> None:
        self._watched = watched
        self._scope = scope
        self.synced = False
        self.error: ClusterError | None = None
        self.stale_since: float | None = None
        self.lists = 0
        self._is_lost = False

    def faults(self) -> tuple[bool, bool, bool]:
        """What is to be said against asking it, the worst first."""
        return not self.synced, self.error is not None, self.stale_since is not None

    def mark(self) -> Mark:
        return self._watched.store.mark(self._scope)

    def replace(
        self, parts: Iterator[Sequence[Record]], resource_version: int, mark: Mark, *, restored: bool = False
    ) -> None:
        watched, store = self._watched, self._watched.store
        if restored:  # All or nothing.
            every = [record for part in parts for record in part]
            watched.change(lambda: store.replace(every, resource_version, self._scope, restored=True))
        else:
            intake = store.begin(resource_version, self._scope, mark)
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
        store.progress(record.resource_version, self._scope)

    def bookmark(self, resource_version: int) -> None:
        self._watched.store.progress(resource_version, self._scope)

    def state(self, *, synced: bool, error: ClusterError | None, stale_since: float | None) -> None:
        loss = None
        if synced is not self.synced and (self.synced or self._is_lost):  # To be known for the first time is no news.
            self._is_lost = not synced
            loss = Loss(self._watched.resource, self._scope, is_over=synced)
        self.synced, self.error, self.stale_since = synced, error, stale_since
        self._watched.state(error, loss)


def _best(watches: Mapping[Scope, _Watch], namespace: str, name: str) -> Scope | None:
    """See ``Watched.scope_of``."""
    found = [scope for scope in holding(namespace, name) if scope in watches]
    if len(found) < 2:  # As a rule, and each read of an object asks.
        return found[0] if found else None
    return min(found, key=lambda scope: watches[scope].faults())
