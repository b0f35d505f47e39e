"""An expected set and the cache → a Plan.

Invariant: sends no write; where nothing is new, sends no request at all.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from msgspec.structs import replace

from genreconcile.access import Access, Right, Use
from genreconcile.cache import Sighting
from genreconcile.cache.related import View
from genreconcile.compare import EXACT
from genreconcile.engine import Engine
from genreconcile.errors import ReconcileError
from genreconcile.log import logger
from genreconcile.manifests import refuse_duplicates
from genreconcile.notice import Notice
from genreconcile.objects import GVK, ObjectKey
from genreconcile.plan import Change, Plan, Prune, deferred
from genreconcile.plan.assembly import assemble, unmatched, unseen
from genreconcile.plan.comparing import DraftComparer
from genreconcile.plan.corrections import Told
from genreconcile.plan.deletions import NO_DELETIONS
from genreconcile.plan.draft import Draft
from genreconcile.plan.early import EarlyComparer
from genreconcile.plan.entries import InSync, Settled
from genreconcile.plan.evidence import Evidence
from genreconcile.plan.further import Further, deletable, require_served
from genreconcile.plan.insync import InSyncMemory
from genreconcile.plan.kinds import Kinds
from genreconcile.plan.owners import Head, Owners
from genreconcile.plan.permits import Needs, every, permit
from genreconcile.plan.references import References
from genreconcile.plan.scope import Scope
from genreconcile.plan.stale import stale

__all__ = ["Call", "Planner"]


_NOTHING: Final = Prune()
_log = logger("genreconcile.plan")


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """What a plan is made from, so that it can be made again; ``fields`` is exact or subset."""

    expected: Iterable[Mapping[str, Any]]
    namespace: str
    prune: Prune = _NOTHING
    fields: str = EXACT


class Planner:
    """Makes the plans of one engine. With ``access``, rights are checked before objects are read. Thread-safe."""

    def __init__(self, engine: Engine, access: Access | None = None) -> None:
        cluster, catalog, cache = engine.cluster, engine.catalog, engine.cache
        self._engine = engine
        self._catalog = catalog
        self._cache = cache
        self._evidence = Evidence(cluster, catalog)
        self._memory = InSyncMemory()
        self._told = Told()
        self._references = References(cluster, catalog, cache)
        self._access = access
        self.kinds = Kinds(engine)
        self._owners = Owners(cluster, catalog, cache)
        self._seen: frozenset[GVK] = frozenset()
        self._lock = threading.Lock()

    def plan(self, call: Call, use: Use | None = None) -> Plan:
        """The plan; ``use`` says which rights are checked. Deletion looks at kinds of earlier plans as well.

        Raises LoadError, Unauthorized, Unreachable, and PlanRefused where an owner set is not ours.
        """
        prune, head = call.prune, self._head(call)
        draft = self._read(call, head)
        if draft.repeated is None and len(set(order := draft.keys)) < len(order):
            refuse_duplicates(draft.origins)
        if prune.kinds:
            require_served(self._catalog.discovery, prune.kinds, draft.resources)
        if draft.is_settled and not prune.is_wanted:
            settled = draft.repeated or self._settled(draft)
            self._note_seen(draft)
            return Plan((), settled.unchanged, settled.order, self._stale(draft))
        refused = self._permit(draft, prune, head, use)
        scope, others = self._sync(draft, prune, head)
        changes = self._changes(draft)
        warnings = [*refused, *self._stale(draft), *self._notes(draft, changes)]
        if scope is None:
            plan = assemble(changes, NO_DELETIONS, prune, warnings)
        else:
            going = scope.deletions(others, self.kinds.is_pending) if prune.is_whole else NO_DELETIONS
            warnings += [*unmatched(draft.labels, prune), *unseen(going, prune)]
            plan = assemble(changes, going, prune, warnings, scope.plan(going))
        self._note_seen(draft)
        return self._with_secrets(plan)

    def _settled(self, draft: Draft) -> Settled:
        """What the plan of a call of objects in sync holds, which is remembered."""
        entries = [entry for entry in draft.entries if isinstance(entry, InSync)]
        settled = Settled(entries, tuple(draft.keys), tuple([entry.change for entry in entries]))
        self._memory.note_settled(draft.call_key, settled)
        return settled

    def replan(self, call: Call, only: Collection[ObjectKey]) -> Plan:
        """The plan for some of the objects of a call, which deletes nothing. Raises as ``plan``."""
        head = self._head(call)
        draft = self._read(call, head)
        draft.keep(only)
        self.kinds.sync(self.kinds.needed(draft.places()))
        return self._with_secrets(assemble(self._changes(draft), NO_DELETIONS, _NOTHING, []))

    def _head(self, call: Call) -> Head | None:
        """The parent of the call's owner set, None without one. Changes of definitions are followed first."""
        self.kinds.follow_definitions()
        return self._owners.find(call.prune.owner, call.namespace) if call.prune.owner is not None else None

    def _read(self, call: Call, head: Head | None) -> Draft:
        draft = self._draft(call.namespace, call.fields, head)
        early = EarlyComparer(self._engine, self.kinds, draft, call.namespace)
        draft.read(call.expected, self._memory, early.verdict if head is None and self._access is None else None)
        self._memory.note(draft.call_key, early.found)
        if not draft.is_settled:
            draft.locate(call.namespace)
        return draft

    def _changes(self, draft: Draft) -> list[Change]:
        """The change of each object; the kinds are in the cache."""
        comparer = DraftComparer(self._engine, self.kinds, draft, self._evidence)
        changes = [entry.change if isinstance(entry, InSync) else comparer.change(entry) for entry in draft.entries]
        self._memory.note(draft.call_key, comparer.in_sync)
        return deferred(changes, draft.call_key[1])

    def _note_seen(self, draft: Draft) -> None:
        if not self._seen >= draft.resources.keys():
            with self._lock:
                self._seen |= draft.resources.keys()

    def catch_up(self, sighting: Sighting, call: Call) -> None:
        """Wait until the cache has seen what the caller has seen: the object, where its kind is watched, else all that
        a plan would read. Raises as ``plan``, and NotSynced.
        """
        timeout = self._engine.options.sync_timeout
        if self._cache.catch_up(sighting, timeout):
            return
        draft = self._draft(call.namespace, EXACT, None)
        draft.read(call.expected, InSyncMemory())
        draft.locate(call.namespace)
        places = self.kinds.needed(draft.places())
        if call.prune.is_wanted:
            also = self._cache.kinds() if call.prune.owner is not None else (*call.prune.also, *self._seen)
            places |= {resource: set() for gvk in also if (resource := self._catalog.discovery.get(gvk)) is not None}
        self._cache.catch_up(sighting, timeout, places)

    def _stale(self, draft: Draft) -> tuple[Notice, ...]:
        """Warnings about kinds whose watches fail; while none does, they cost nothing."""
        if not self._cache.has_stale:
            return ()
        return tuple(stale(self._cache, self.kinds.needed(draft.places())))

    def _notes(self, draft: Draft, changes: list[Change]) -> list[Notice]:
        return self._told.new([*draft.notes, *self._references.notes(changes)])

    def _with_secrets(self, plan: Plan) -> Plan:
        """The plan, whose changes know their sensitive fields."""
        return dataclasses.replace(plan, changes=tuple(map(self._hiding, plan.changes)))

    def _hiding(self, change: Change) -> Change:
        sensitive = self._catalog.sensitive(change.gvk, change.expected, change.live)
        known = replace(change, sensitive=sensitive)
        return replace(known, patch=change.patch.shown(known.secrets)) if change.patch else known

    def _draft(self, namespace: str, fields: str, head: Head | None) -> Draft:
        members = head.members if head is not None else None
        call_key = (namespace, fields, self._catalog.generation, head.name if head is not None else "")
        return Draft(self._cache, self._catalog, View(self._engine.related), call_key, members)

    def _sync(self, draft: Draft, prune: Prune, head: Head | None) -> tuple[Scope | None, Further]:
        """Bring kinds into the cache: first those of the expected objects, then those that deletion looks at."""
        if not prune.is_wanted:
            self.kinds.sync(self.kinds.needed(draft.places()))
            return None, Further()
        owner, places = None, frozenset({prune.namespace})
        if head is not None:
            self.kinds.sync(self.kinds.needed(draft.places()), [head.resource], [head.parent.key.namespace])
            owner = self._owners.open(head, draft.keys, self._seen | draft.resources.keys())
            places = owner.members(draft.keys).namespaces or frozenset()
        scope = Scope(self._engine, self._evidence, draft, prune, owner)
        others = scope.further(self._seen) if prune.is_whole else Further()
        self.kinds.sync(self.kinds.needed(draft.places(places)), others.resources, places)
        looked_at = {*draft.resources.values(), *others.resources} if prune.is_whole else ()
        self.kinds.await_watches(looked_at, [prune.namespace if head is None else ""])
        return scope, others

    def warm(self, kinds: Iterable[str]) -> None:
        """Bring kinds into the cache as a plan of their objects would. Raises nothing."""
        places = set(self._cache.namespaces or ())
        for text in kinds:
            try:
                resource = self._catalog.discovery.get(GVK.parse(text))
                if resource is not None and resource.verbs >= {"list", "watch"}:
                    self.kinds.sync(self.kinds.needed({resource: places}))
            except (ReconcileError, ValueError) as error:
                _log.info("%s: not watched beforehand: %s", text, error)

    def rights(self, call: Call, use: Use) -> frozenset[Right]:
        """The rights to make the plan of a call and to carry it out. Raises as ``plan``, and InputError."""
        prune, namespace = call.prune, call.namespace
        head = self._owners.find(prune.owner, namespace) if prune.owner is not None else None
        draft = self._draft(namespace, EXACT, head)
        draft.read(call.expected, InSyncMemory())
        draft.locate(namespace)
        require_served(self._catalog.discovery, prune.kinds, draft.resources)
        return every(draft, self._needs(use), self._beside(draft, self._needs(use), prune, head))

    def _needs(self, use: Use) -> Needs:
        return Needs(self.kinds.consulted, self._cache.namespaces, use)

    def _permit(self, draft: Draft, prune: Prune, head: Head | None, use: Use | None) -> list[Notice]:
        """Check the rights that the draft needs, if there is a check; returns warnings."""
        if self._access is None or use is None:
            return []
        needs = self._needs(use)
        return permit(draft, needs, self._access, self._beside(draft, needs, prune, head))

    def _beside(self, draft: Draft, needs: Needs, prune: Prune, head: Head | None) -> frozenset[Right]:
        """The rights that no single object needs: to delete, and to keep the record of an owner set."""
        if not prune.is_wanted:
            return frozenset()
        places = {prune.namespace} - {""}
        found: set[Right] = set()
        if head is not None:
            places |= {key.namespace for key in draft.keys} | {head.parent.key.namespace}
            places |= set(self._cache.namespaces or ())  # The set may have members in every watched namespace.
            found.update(needs.of_parent(head.resource, head.parent, self.kinds.definers()))
        asked = [self._catalog.discovery.find(gvk) for gvk in prune.also]
        if prune.every:
            asked += deletable(self._catalog.discovery, self._cache.kinds(), owned=head is not None).values()
        kinds = {*draft.resources.values(), *(resource for resource in asked if resource is not None)}
        return frozenset(found.union(needs.of_deletion(kinds, prune, places - {""})))
