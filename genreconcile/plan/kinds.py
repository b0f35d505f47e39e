"""Brings the kinds that a plan needs into the cache, with the schemas that the server has now.

Invariant: where nothing is new, no request is sent.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from cachetools import LRUCache

from genreconcile.engine import Engine
from genreconcile.errors import Forbidden, NotFound, Unauthorized, Unreachable
from genreconcile.kinds.discovery import Resource
from genreconcile.kinds.follow import Follower
from genreconcile.kinds.order import defined_by, defined_kind, defines_kinds, definition_name, is_definer, is_served
from genreconcile.kinds.storage import UNREADABLE, Definition
from genreconcile.kinds.types import document_path
from genreconcile.objects import GVK, metadata_of
from genreconcile.plan import Change, changes_schema
from genreconcile.plan.admission import Admission
from genreconcile.plan.brought import Brought

ONCE: Final = "once"
"""The ``follow_definitions`` under which no definition is watched, and each is read once, where that is allowed."""
_SETTLE: Final = 30.0  # Seconds within which the server serves a kind that was just defined.
_RECOVERS: Final = 3.0  # Seconds within which a watch that has just failed is mostly well again.


class Kinds:
    """Follows the kinds of one catalog through one cache."""

    def __init__(self, engine: Engine) -> None:
        catalog, cache, options = engine.catalog, engine.cache, engine.options
        self._catalog = catalog
        self._cache = cache
        self._sync_timeout = options.sync_timeout
        self._field_manager = options.field_manager
        self._follow = options.follow_definitions is True
        self._asks = options.follow_definitions == ONCE
        self._awaited: LRUCache[tuple[str, int], bool] = LRUCache(4096)
        self._followed: frozenset[Resource] = frozenset()
        self._synced: LRUCache[Hashable, Hashable] = LRUCache(1024)
        self.brought = Brought(catalog, cache)
        self._lock = threading.Lock()  # Of _awaited, _followed and _synced.
        self._follower = Follower(catalog.served, cache, self.definition)
        self._admission = Admission(cache, engine.learned, follow=self._follow)
        self.definitions = self._follower.definitions
        catalog.versions.lookup = self.definition

    def close(self) -> None:
        """Stop following; threads that wait go on at once."""
        self._follower.close()
        self._admission.forget()

    def is_pending(self, resource: Resource) -> bool:
        """Whether the server does not serve this kind of the expected set yet."""
        return self._catalog.discovery.get(resource.gvk) is None

    def needed(self, own: Mapping[Resource, AbstractSet[str]]) -> dict[Resource, set[str]]:
        """The namespaces in which to read each resource: those of the expected set, ``own``, and those read beside."""
        found: dict[Resource, set[str]] = {}
        for resource, namespaces in own.items():
            beside = self.consulted(resource)
            self.brought.note_beside(resource, beside)
            for kind in (resource, *beside):
                found.setdefault(kind, set()).update(namespaces)
        return found

    def consulted(self, resource: Resource) -> list[Resource]:
        """The resources that are read beside a kind: those that rules consult for it, and those of definitions."""
        if self.is_pending(resource):
            return []
        # Where no document describes the kind yet, it may be a custom one.
        follows = self._follow and self._catalog.is_custom(resource) is not False
        return [*(self.definers() if follows else ()), *self._catalog.consulted(resource)]

    def definers(self) -> list[Resource]:
        """The kinds whose objects define others."""
        return [resource for resource in self._catalog.discovery.resources() if is_definer(resource.gvk)]

    def definition(self, gvk: GVK) -> Definition | None:
        """The definition of a kind, None where there is none or it is not read yet; UNREADABLE where it cannot be."""
        if not self._follow:
            return self._catalog.served.asked.definition(gvk) if self._asks else UNREADABLE
        resource = self._catalog.discovery.get(gvk)
        for definer in self._followed if resource is not None else ():
            if resource is not None and self._cache.has_synced(definer):
                record = self._cache.record(definer, definition_name(resource))
                if record is not None:
                    return Definition(record, record.decode)
            elif self._cache.error(definer) is not None:
                return UNREADABLE
        return None

    def is_undescribed(self, resource: Resource) -> bool:
        """Whether a kind has a definition, and no OpenAPI document describes it yet: its schema is not known."""
        return self._follower.is_undescribed(resource)

    def follow_definitions(self) -> None:
        """Read schemas again where a definition has changed, and list the objects again, which may look different."""
        served = self._catalog.served
        if changing := self.definitions.changing():
            served.invalidate()
        self._admission.definitions_changing(changing)
        self._admission.look(served.discovery)
        if not served.is_stale:
            return
        before = self.definitions.changes
        changed = served.renew()
        for gvk in self._cache.kinds():
            if document_path(gvk.group, gvk.version) in changed:
                self._admission.definitions_changed({(gvk.group, gvk.kind)})
                self._cache.relist(gvk, self._sync_timeout)
        if changed:  # Only now that the objects are listed: until then, plans of other threads leave them alone.
            self.definitions.note_followed(before)

    def sync(
        self,
        resources: Mapping[Resource, AbstractSet[str]],
        listed: Iterable[Resource] = (),
        places: Collection[str] = (),
    ) -> None:
        """Wait until the cache has each of ``resources`` in its namespaces, and the metadata of each of ``listed`` in
        ``places``, or the errors why it cannot. Raises Unauthorized, Unreachable.
        """
        self._cache.require_usable()
        listed = tuple(listed)
        place = _place(resources, listed, places)
        moment = (self._catalog.generation, self._follower.news(), self._cache.namespaces)
        with self._lock:
            known = self._synced.get(place)
        if known == moment and not any(map(self.is_pending, resources)):
            return  # No news of any kind since all of these had come: so it is before most plans.
        if self._bring(resources, listed, places) and self._follower.are_described(resources):
            with self._lock:
                self._synced[place] = moment
            self.brought.note(resources, moment[0])

    def _bring(
        self, resources: Mapping[Resource, AbstractSet[str]], listed: Sequence[Resource], places: Collection[str]
    ) -> bool:
        """As ``sync``; whether all have come, or have errors."""
        compared = [resource for resource in resources if not self.is_pending(resource)]
        self._cache.lately.follow(resource.gvk for resource in compared)
        with self._lock:
            self._followed |= {resource for resource in compared if is_definer(resource.gvk)}
        for resource in compared:
            managers = self._catalog.rules.needs_managers(resource.gvk)
            interest = self._catalog.interest(resource, self._field_manager)
            self._cache.add(resource, namespaces=resources[resource], keep_managers=managers, interest=interest)
        waiting = list({*compared, *listed})
        for resource in listed:
            self._cache.add(resource, namespaces=places, metadata_only=True)
        deadline = time.monotonic() + self._sync_timeout
        self._follower.until(functools.partial(self._have_settled, waiting), deadline)
        new = [*self._await_served({*resources} - {*compared}), *self._follower.await_described(compared)]
        if new:
            self.sync(self.needed({resource: resources[resource] for resource in new}))
        return not waiting and not new

    def await_watches(self, resources: Iterable[Resource], places: Collection[str]) -> None:
        """Wait a moment for watches that have just failed: what they missed keeps an object from being deleted.

        A server ends the watches of a kind whose definition changes, and may refuse the next one for a moment. A watch
        that has failed for longer, or was refused, is not waited for.
        """
        waiting = [(resource, place) for resource in resources for place in places]
        is_over = lambda: not any(self._is_recovering(*place) for place in waiting)  # noqa: E731 - short
        self._follower.until(is_over, time.monotonic() + _RECOVERS)

    def _is_recovering(self, resource: Resource, namespace: str) -> bool:
        error = self._cache.error(resource, namespace)
        if error is None or isinstance(error, Unauthorized | Forbidden | NotFound | Unreachable):
            return False
        stale_for = self._cache.stale_for(resource, namespace)
        return stale_for is not None and stale_for < _RECOVERS and self._cache.has_synced(resource, namespace)

    def _have_settled(self, waiting: list[Resource]) -> bool:
        """Whether all have settled; those that have are taken out of the list."""
        waiting[:] = [resource for resource in waiting if not self._is_settled(resource)]
        return not waiting

    def _is_settled(self, resource: Resource) -> bool:
        if self._cache.has_synced(resource):
            return True
        error = self._cache.error(resource)
        if isinstance(error, Unauthorized | Unreachable):
            raise error
        return self._cache.has_settled(resource)

    def _await_served(self, pending: Collection[Resource]) -> list[Resource]:
        """Wait for kinds whose definitions exist: the server serves them a moment later. Returns the served ones.

        Each version of a definition is waited for once: the server may be unable to serve its kind.
        """
        defined = {other.gvk for other in self._lately_defined()} if pending else set()
        served = self._follower.await_served([resource for resource in pending if resource.gvk in defined])
        if served:
            self.follow_definitions()
        return served

    def _lately_defined(self) -> Iterator[Resource]:
        """The kinds of those definitions that were not waited for before."""
        for gvk in filter(is_definer, self._cache.kinds()):
            for record in self._cache.records(gvk) if self._cache.has_synced(gvk) else ():
                if self._is_new((record.uid, record.resource_version)):
                    yield from defined_by(record.decode())

    def _is_new(self, seen: tuple[str, int]) -> bool:
        with self._lock:
            is_new = seen not in self._awaited
            self._awaited[seen] = True
            return is_new

    def settle(self, written: Iterable[Change], awaited: Collection[GVK] = ()) -> None:
        """After a wave: wait until the kinds that ``written`` defines are served, and read their schemas again.
        Objects of ``awaited`` kinds need the new schema.
        """
        defining = [change for change in written if defines_kinds(change.gvk)]
        if not defining:
            return
        deadline = time.monotonic() + _SETTLE
        brought = {change: defined_by(change.expected or {}) for change in defining}
        for change in defining:
            if brought[change]:
                self._wait_until_served(change, deadline)
            self._note_own_write(change)
        self._admission.definitions_changed({defined_kind(change.expected or {}) for change in defining})
        self._catalog.served.invalidate()
        for change, resources in brought.items():
            for resource in resources:
                needs, changed = resource.gvk in awaited, changes_schema(change)
                self._follower.await_document(resource.gvk, deadline, changed=changed, awaited=needs)
        self.follow_definitions()

    def _note_own_write(self, change: Change) -> None:
        live = self._cache.get(self._catalog.resource(change.gvk), change.key.name, namespace=change.key.namespace)
        self.definitions.note_own_write(change.key, int(metadata_of(live or {}).get("generation") or 0))

    def _wait_until_served(self, change: Change, deadline: float) -> None:
        resource = self._catalog.resource(change.gvk)

        def is_done() -> bool:
            live = self._cache.get(resource, change.key.name, namespace=change.key.namespace)
            return live is None or is_served(live)

        self._follower.until(is_done, deadline)


def _place(
    resources: Mapping[Resource, AbstractSet[str]], listed: Iterable[Resource], places: Collection[str]
) -> Hashable:
    """What a call of ``sync`` asks for."""
    own = frozenset((resource, frozenset(names)) for resource, names in resources.items())
    return own, frozenset(listed), frozenset(places)
