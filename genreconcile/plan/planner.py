"""An expected set and the cache → a Plan.

Invariant: sends no write; where nothing is new, sends no request at all.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from genreconcile.access import Access, Right, Use
from genreconcile.cache import Cache, Seen
from genreconcile.cache.related import Related, View
from genreconcile.catalog import Catalog
from genreconcile.cluster import Cluster
from genreconcile.compare import EXACT, Ours
from genreconcile.manifests import refuse_duplicates
from genreconcile.memory.learned import Learned
from genreconcile.objects import GVK, ObjectKey
from genreconcile.plan import Change, Plan, Prune, deferred
from genreconcile.plan.assembly import assemble, unmatched
from genreconcile.plan.comparing import Judge
from genreconcile.plan.corrections import Told
from genreconcile.plan.deletions import NO_DELETIONS
from genreconcile.plan.draft import Draft
from genreconcile.plan.entries import Verdict
from genreconcile.plan.evidence import Evidence
from genreconcile.plan.further import Further, deletable, require_served
from genreconcile.plan.kinds import Kinds
from genreconcile.plan.owners import Head, Owners
from genreconcile.plan.permits import Needs, every, permit
from genreconcile.plan.references import References
from genreconcile.plan.scope import Scope
from genreconcile.plan.stale import stale
from genreconcile.plan.verdicts import Verdicts

__all__ = ["Planner"]


class Planner:
    """Makes plans from one cache and one catalog. With ``access``, rights are checked before objects are read."""

    def __init__(  # noqa: PLR0913 - what plans depend on
        self,
        cluster: Cluster,
        catalog: Catalog,
        cache: Cache,
        learned: Learned,
        sync_timeout: float,
        *,
        field_manager: str,
        access: Access | None = None,
        follow_definitions: bool | str = True,
    ) -> None:
        self._catalog = catalog
        self._evidence = Evidence(cluster, catalog)
        self._cache = cache
        self._learned = learned
        self.related = Related(cache)
        self._verdicts = Verdicts()
        self._told = Told()
        self._references = References(cluster, catalog)
        self._access = access
        self._field_manager = field_manager
        self.kinds = Kinds(catalog, cache, learned, sync_timeout, field_manager, follow=follow_definitions)
        self._owners = Owners(cluster, catalog, cache)
        self._sync_timeout = sync_timeout

    def plan(  # noqa: PLR0913 - what a plan is made from
        self,
        expected: Iterable[Mapping[str, Any]],
        namespace: str,
        wanted: Prune,
        known: set[GVK],
        *,
        fields: str = EXACT,
        only: Collection[ObjectKey] | None = None,
        use: Use | None = None,
    ) -> tuple[Plan, set[GVK]]:
        """The plan, and the kinds that it saw. ``known`` are kinds seen before, to delete from as well; ``fields`` is
        exact or subset; ``only`` limits the keys, and then nothing is deleted; ``use`` is what rights are checked for.

        Raises LoadError, Unauthorized, Unreachable, and PlanRefused where an owner set is not ours.
        """
        self.kinds.follow_definitions()
        head = self._owners.find(wanted.owner, namespace) if wanted.owner is not None else None
        draft = self._draft(namespace, fields, head)
        draft.read(expected, self._verdicts)
        settled = draft.is_settled
        if not settled:
            draft.locate(namespace)
        order = draft.keys
        keys = set(order)
        if len(keys) < len(order):
            refuse_duplicates(draft.origins)
        if wanted.kinds:
            require_served(self._catalog.discovery, wanted.kinds, draft.resources)
        if settled and only is None and not wanted.is_wanted:
            unchanged = tuple([entry.change for entry in draft.entries if isinstance(entry, Verdict)])
            return Plan((), unchanged, tuple(order), self._stale(draft)), set(draft.resources)
        if only is not None:
            draft.keep(only)
        refused = self._permit(draft, wanted, head, use) if only is None else []
        scope, others = self._sync(draft, keys, wanted if only is None else Prune(), known, head)
        ours = Ours(self._field_manager, head.members.has_added if head is not None else None, self._learned.has_added)
        judge = Judge(self._catalog, self._cache, self.kinds, self._learned, self._verdicts, draft, ours)
        changes = [entry.change if isinstance(entry, Verdict) else judge.change(entry) for entry in draft.entries]
        changes = deferred(changes, fields)
        warnings = [*refused, *self._stale(draft), *self._notes(draft, changes)] if only is None else refused
        if scope is None:
            plan = assemble(changes, NO_DELETIONS, wanted, warnings)
        else:
            going = scope.deletions(others, self.kinds.is_pending)
            plan = assemble(changes, going, wanted, [*warnings, *unmatched(draft.labels, wanted)], scope.plan(going))
        return dataclasses.replace(plan, changes=tuple(map(self._with_secrets, plan.changes))), set(draft.resources)

    def catch_up(
        self, seen: Seen, expected: Iterable[Mapping[str, Any]], namespace: str, wanted: Prune, known: Iterable[GVK]
    ) -> None:
        """Wait until the cache has seen what the caller has seen: the object, where its kind is watched, else all that
        a plan would read. Raises as ``plan``, and NotSynced.
        """
        if self._cache.catch_up(seen, self._sync_timeout):
            return
        draft = self._draft(namespace, EXACT, None)
        draft.read(expected, Verdicts())
        draft.locate(namespace)
        places = self.kinds.needed(draft.places())
        if wanted.is_wanted:
            also = self._cache.kinds() if wanted.owner is not None else (*wanted.also, *known)
            places |= {resource: set() for gvk in also if (resource := self._catalog.discovery.get(gvk)) is not None}
        self._cache.catch_up(seen, self._sync_timeout, places)

    def _stale(self, draft: Draft) -> tuple[str, ...]:
        """Warnings of kinds whose watches fail; a draft that is settled costs nothing while none does."""
        if not self._cache.has_stale:
            return ()
        return tuple(stale(self._cache, self.kinds.needed(draft.places())))

    def _notes(self, draft: Draft, changes: list[Change]) -> list[str]:
        return self._told.new([*draft.notes, *self._references.notes(changes)])

    def judge_again(self, awaiting: Collection[Change]) -> list[Change]:
        """The objects of one plan that awaited the definitions of their kinds. Raises Unauthorized, Unreachable."""
        fields = next(change.fields for change in awaiting)
        expected, keys = [change.expected or {} for change in awaiting], {change.key for change in awaiting}
        plan, _ = self.plan(expected, "", Prune(), set(), fields=fields, only=keys)
        return [*plan.changes, *plan.unchanged]

    def _with_secrets(self, change: Change) -> Change:
        """The change, knowing what may not be shown of it."""
        sensitive = self._catalog.sensitive(change.gvk, change.expected, change.live)
        known = replace(change, sensitive=sensitive)
        return replace(known, patch=change.patch.shown(known.secrets)) if change.patch else known

    def _draft(self, namespace: str, fields: str, head: Head | None) -> Draft:
        members = head.members if head is not None else None
        terms = (namespace, fields, self._catalog.generation, members.id if members is not None else "")
        return Draft(self._cache, self._catalog, View(self.related), terms, members)

    def _sync(
        self, draft: Draft, keys: set[ObjectKey], wanted: Prune, known: set[GVK], head: Head | None
    ) -> tuple[Scope | None, Further]:
        """Bring what is needed into the cache: first what is expected, then what the owner set says there may be."""
        if not wanted.is_wanted:
            self.kinds.sync(self.kinds.needed(draft.places()))
            return None, Further()
        owner, places = None, frozenset({wanted.namespace})
        if head is not None:
            self.kinds.sync(self.kinds.needed(draft.places()), [head.resource], [head.parent.key.namespace])
            owner = self._owners.open(head)
            places = owner.members(keys).namespaces
        scope = Scope(self._cache, self._catalog.discovery, self._evidence, draft.resources, keys, wanted, owner)
        others = scope.further(known)
        self.kinds.sync(self.kinds.needed(draft.places(places)), others.resources, places)
        return scope, others

    def rights(
        self, expected: Iterable[Mapping[str, Any]], namespace: str, wanted: Prune, use: Use
    ) -> frozenset[Right]:
        """The rights that such a plan, and carrying it out, needs. Raises as ``plan``, and InputError."""
        head = self._owners.find(wanted.owner, namespace) if wanted.owner is not None else None
        draft = self._draft(namespace, EXACT, head)
        draft.read(expected, Verdicts())
        draft.locate(namespace)
        require_served(self._catalog.discovery, wanted.kinds, draft.resources)
        return every(draft, self._needs(use), self._beside(draft, self._needs(use), wanted, head))

    def _needs(self, use: Use) -> Needs:
        return Needs(self.kinds.consulted, self._cache.namespaces, use)

    def _permit(self, draft: Draft, wanted: Prune, head: Head | None, use: Use | None) -> list[str]:
        """Check what the draft needs; returns warnings."""
        if self._access is None or use is None:
            return []
        needs = self._needs(use)
        return permit(draft, needs, self._access, self._beside(draft, needs, wanted, head))

    def _beside(self, draft: Draft, needs: Needs, wanted: Prune, head: Head | None) -> frozenset[Right]:
        """The rights that no single object needs: to delete, and to keep the record of an owner set."""
        if not wanted.is_wanted:
            return frozenset()
        places = {wanted.namespace} - {""}
        found: set[Right] = set()
        if head is not None:
            places |= {key.namespace for key in draft.keys} | {head.parent.key.namespace}
            places |= set(self._cache.namespaces or ())  # A set may have members in all that it was let see.
            found.update(needs.of_parent(head.resource, head.parent.key, self.kinds.definers()))
        asked = [self._catalog.discovery.find(gvk) for gvk in wanted.also]
        if wanted.every:
            asked += deletable(self._catalog.discovery, self._cache.kinds(), owned=head is not None).values()
        kinds = {*draft.resources.values(), *(resource for resource in asked if resource is not None)}
        return frozenset(found.union(needs.of_deletion(kinds, wanted, places - {""})))
