"""The lister: reads of the cache, without requests.

Invariant: an unknown object is never reported as absent. A read of a kind that was not added, whose list has not
arrived, or that may not be listed raises; so None and [] mean that there is no such object.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from genreconcile.arguments import require_namespace, require_text
from genreconcile.cache.scope import Scope
from genreconcile.cache.store import Store
from genreconcile.cache.transform import Record
from genreconcile.cache.watched import Watched
from genreconcile.errors import CacheError, ClusterError, NotSynced
from genreconcile.kinds.discovery import Resource
from genreconcile.objects import GVK, Object
from genreconcile.process import Process
from genreconcile.selector import ParsedSelector
from genreconcile.selector import parse as parse_selector

Kind = str | GVK | Resource
"""``apps/v1/Deployment``-like text, a GVK, or a Resource of Discovery."""


_UNWATCHED: Final = "the namespace is not watched; add it to namespaces"


class Lister:
    """The reads of a Cache; thread-safe."""

    _kinds: dict[GVK, Watched]
    _namespaces: tuple[str, ...] | None

    def __init__(self) -> None:
        self._process = Process()
        self._stopped_at: float | None = None
        self._stale: set[Watched] = set()

    def require_usable(self) -> None:
        """Raise CacheError where the objects are not kept current: after ``stop``, and in a process forked since."""
        self._require_process()
        if self._stopped_at is not None:
            raise CacheError("the cache: not usable any more: it was stopped; make a new one", code="GR004")

    def _require_process(self) -> None:
        if not self._process.is_this:
            raise CacheError(self._process.told("the cache"), code="GR003")

    @property
    def namespaces(self) -> tuple[str, ...] | None:
        """The watched namespaces, None for the whole cluster."""
        return self._namespaces

    def kinds(self) -> tuple[GVK, ...]:
        """The kinds that were added, sorted; without those of which merely parts are watched."""
        return tuple(sorted(gvk for gvk, watched in self._kinds.copy().items() if watched.is_added))

    def watched_kinds(self) -> tuple[GVK, ...]:
        """The kinds of which anything is watched, single objects included."""
        return tuple(self._kinds.copy())

    def has_synced(self, kind: Kind, namespace: str = "", name: str = "") -> bool:
        """Whether the kind's objects (in a namespace, or the one of a name) are known: its list has arrived, and it has
        not become forbidden since.
        """
        watched = self._kinds.get(gvk_of(kind))
        return watched is not None and watched.knows(namespace, name)

    def has_settled(self, kind: Kind) -> bool:
        """Whether the kind's objects are known in every namespace that is watched, or ``error`` says why not."""
        watched = self._kinds.get(gvk_of(kind))
        return watched is not None and watched.settled

    def error(self, kind: Kind, namespace: str = "", name: str = "") -> ClusterError | None:
        """The last error of the kind's list or watch (in a namespace, or of an object), None after a success. A synced
        kind that has an error may be behind.
        """
        watched = self._kinds.get(gvk_of(kind))
        return watched.error_in(namespace, name) if watched else None

    @property
    def has_stale(self) -> bool:
        """Whether any kind is stale, as ``stale_since`` tells."""
        return bool(self._stale) or self._stopped_at is not None

    def stale_since(self, kind: Kind, namespace: str = "", name: str = "") -> float | None:
        """The time, as of ``time.time``, since which no watch brings changes of the kind's objects (in a namespace, or
        of the one of a name): watches fail, and lists come now and then at best, or the cache was stopped. None while
        all is well.
        """
        seconds = self.stale_for(kind, namespace, name)
        return None if seconds is None else time.time() - seconds

    def stale_for(self, kind: Kind, namespace: str = "", name: str = "") -> float | None:
        """The seconds since ``stale_since``, by the monotonic clock; None while all is well."""
        watched = self._kinds.get(gvk_of(kind))
        moments = [watched.stale_since(namespace, name) if watched is not None else None, self._stopped_at]
        since = min((moment for moment in moments if moment is not None), default=None)
        return None if since is None else time.monotonic() - since

    def epoch(self, kind: Kind) -> int:
        """A number that grows when the server has gone back (a restored backup) and remembered verdicts are void."""
        return self._require(kind).store.epoch

    def get(self, kind: Kind, name: str, *, namespace: str = "") -> Object | None:
        """A copy of the object, None where there is none. Raises NotSynced and CacheError."""
        record = self.record(kind, name, namespace=namespace)
        return record.decode() if record else None

    def list(
        self,
        kind: Kind,
        *,
        namespace: str | None = None,
        selector: str | Mapping[str, Any] | ParsedSelector = "",
        owner: str = "",
    ) -> list[Object]:
        """Copies of the matching objects, sorted by namespace and name; ``owner`` is a uid. Raises as ``records``."""
        return [record.decode() for record in self.records(kind, namespace=namespace, selector=selector, owner=owner)]

    def record(self, kind: Kind, name: str, *, namespace: str = "") -> Record | None:
        """As ``get``, not decoded: for a look at uid, resourceVersion and labels alone."""
        require_text("name", name)
        watched = self._require(kind)
        if bool(namespace) != watched.resource.namespaced:
            has = "a" if watched.resource.namespaced else "no"
            raise CacheError(
                f"{kind} {name}: cannot be looked up: the kind has {has} namespace; pass it accordingly", code="GR707"
            )
        return self._readable(kind, namespace, name).store.get((namespace, name))

    def records(
        self,
        kind: Kind,
        *,
        namespace: str | None = None,
        selector: str | Mapping[str, Any] | ParsedSelector = "",
        owner: str = "",
    ) -> Sequence[Record]:
        """As ``list``, not decoded. Raises NotSynced, CacheError, and LoadError for a selector that is none."""
        require_namespace("namespace", namespace or "")
        watched = self._readable(kind, namespace)
        return watched.store.select(namespace or None, parse_selector(selector), owner)

    def uids(self, kind: Kind) -> Sequence[str]:
        """The uids of the kind's known objects, whether or not the kind has synced."""
        watched = self._kinds.get(gvk_of(kind))
        return [record.uid for record in watched.store.select()] if watched else []

    def count(self, kind: Kind) -> int:
        """The number of the kind's known objects, whether or not the kind has synced."""
        watched = self._kinds.get(gvk_of(kind))
        return len(watched.store) if watched else 0

    def store(self, kind: Kind, namespace: str = "") -> Store:
        """The Store of a kind, for many look-ups in a row. Raises NotSynced and CacheError here; look-ups do not."""
        return self._readable(kind, namespace).store

    def covers(self, namespace: str) -> bool:
        """Whether objects in a namespace, or without one, are watched once their kind is added."""
        return not namespace or self._namespaces is None or namespace in self._namespaces

    def watches(self, kind: Kind, namespace: str, name: str = "") -> bool:
        """Whether the objects of a kind in a namespace, or the one of a name, are watched; "" stands for all
        namespaces.
        """
        watched = self._kinds.get(gvk_of(kind))
        return watched is not None and watched.scope_of(namespace, name) is not None

    def is_complete(self, kind: Kind) -> bool:
        """Whether all objects of a kind are watched, as far as they are in the cache's namespaces."""
        watched = self._kinds.get(gvk_of(kind))
        return watched is not None and watched.is_complete(self._namespaces)

    def has_metadata_alone(self, kind: Kind) -> bool:
        """Whether a kind's objects are watched without anything but their metadata."""
        watched = self._kinds.get(gvk_of(kind))
        return watched is not None and watched.retention.metadata_only

    def size(self) -> int:
        """The bytes that all objects of the cache take, about."""
        return sum(watched.store.size() for watched in tuple(self._kinds.values()))

    def scopes(self, kind: Kind) -> Sequence[Scope]:
        """What is watched of a kind: namespaces, single objects, or all."""
        watched = self._kinds.get(gvk_of(kind))
        return watched.scopes if watched is not None else ()

    def _require(self, kind: Kind) -> Watched:
        self._require_process()
        watched = self._kinds.get(gvk_of(kind))
        if watched is None:
            raise CacheError(
                f"{kind}: not in the cache: the kind was not added; call add() or name it in kinds", code="GR702"
            )
        return watched

    def _readable(self, kind: Kind, namespace: str | None, name: str = "") -> Watched:
        watched, place = self._require(kind), namespace or ""
        if (place or name) and watched.scope_of(place, name) is None:
            raise CacheError(f"{kind} {place or name}: not in the cache: {_UNWATCHED}", code="GR703")
        if not place and not name and not watched.is_complete(self._namespaces):
            raise CacheError(
                f"{kind}: not in the cache in all namespaces; name one of them, or call add()", code="GR703"
            )
        if not watched.knows(place, name):
            raise NotSynced(not_synced(watched, place, name))
        return watched


def gvk_of(kind: Kind) -> GVK:
    """The GVK of a kind. Raises CacheError for a text that names none."""
    if isinstance(kind, Resource):
        return kind.gvk
    try:
        return kind if isinstance(kind, GVK) else GVK.parse(kind)
    except ValueError as error:
        raise CacheError(f"the cache: {error}", code="GR112") from None


def not_synced(watched: Watched, namespace: str = "", name: str = "") -> str:
    """The message of NotSynced, with the last error as its cause."""
    cause = watched.error_in(namespace, name) or "the list has not arrived"
    return f"{watched.resource}: not synced: {cause}; wait, or see to the cause"
