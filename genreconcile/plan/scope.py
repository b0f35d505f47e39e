"""Where one call deletes: in a namespace, by a selector, or in an owner set.

Invariant: kinds and namespaces that could not be read stay in the record of the set, for the next call to look at.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from genreconcile.engine import Engine
from genreconcile.kinds.discovery import Resource
from genreconcile.notice import Notice
from genreconcile.objects import GVK
from genreconcile.ownership import PART_OF, GroupKind, Inventory, Membership
from genreconcile.plan import UNPROVEN, Change, OwnerPlan, Prune
from genreconcile.plan.deletions import Deletions, deletions
from genreconcile.plan.draft import Draft
from genreconcile.plan.evidence import Evidence
from genreconcile.plan.further import Further, KindSources, add_every, further
from genreconcile.plan.owners import Owner


class Scope:
    """The scope of one draft's deletions; ``owner`` is the owner set, None under a selector."""

    def __init__(
        self, engine: Engine, evidence: Evidence, draft: Draft, prune: Prune, owner: Owner | None = None
    ) -> None:
        self._cache = cache = engine.cache
        self._discovery = engine.catalog.discovery
        self._evidence = evidence
        self._resources = draft.resources
        self._keys = keys = frozenset(draft.keys)
        self._prune = prune
        self._owner = owner
        self._barred: frozenset[GroupKind] = frozenset()
        """Kinds without namespaces, of which the set may have no members."""
        self._members = owner.members(keys) if owner is not None else None
        there = (self._members.namespaces or frozenset()) if self._members is not None else frozenset()
        self._unwatched = frozenset(name for name in there if not cache.covers(name))
        """Namespaces of the set that the cache does not watch."""

    def further(self, known: Collection[GVK]) -> Further:
        """The kinds to look at beside those of expected. Raises Unauthorized and Unreachable."""
        found = further(self._discovery, self._sources(known), self._resources)
        if self._members is not None and not self._members.place.cluster:
            barred = [resource for resource in found.resources if not resource.namespaced]
            found.resources[:] = [resource for resource in found.resources if resource.namespaced]
            self._barred = frozenset((resource.gvk.group, resource.gvk.kind) for resource in barred)
        if self._prune.every:
            there = {*self._resources, *(resource.gvk for resource in found.resources)}
            add_every(found, self._discovery, there, self._cache.kinds(), owned=self._owner is not None)
        return found

    def _sources(self, known: Collection[GVK]) -> KindSources:
        if self._owner is None:
            return KindSources(self._prune.also, known)
        recorded, searched = self._owner.recorded.kinds, self._owner.searched.kinds
        # Of a kind that is merely searched, nobody needs to hear that the server does not have it.
        beside = [GVK(group, "", kind) for group, kind in searched - (recorded & self._owner.inventory.kinds)]
        return KindSources(self._prune.also, beside, recorded & self._owner.inventory.kinds)

    def deletions(self, others: Further, is_pending: Callable[[Resource], bool]) -> Deletions:
        """The deletions, in the served kinds of expected and of ``others``. Raises as ``further``."""
        members = self._members
        resources = {*self._resources.values(), *others.resources}
        there = [resource for resource in resources if not is_pending(resource)]
        found = deletions(self._cache, there, self._keys, self._prune, members)
        if members is not None:
            found = self._attested(found, members)
        sure = [self._evidence.unless_made_by_a_controller(change) for change in found.changes]
        warnings = [*others.warnings, *found.warnings, *self._unwatched_warnings()]
        return found._replace(changes=sure, warnings=warnings, unknown=[*others.unknown, *found.unknown])

    def _attested(self, found: Deletions, members: Membership) -> Deletions:
        """``found``, where objects with only the set's label are deleted if the set's tool wrote it, else warned of."""
        changes, spared, warnings = list(found.changes), [], list(found.warnings)
        for change in found.spared:
            if change.reason != UNPROVEN:
                spared.append(change)
            elif self._is_attested(change, members):
                changes.append(Change("delete", change.gvk, change.key, live=change.live))
            else:
                spared.append(change)
                warnings.append(Notice(f"{change.key}: {UNPROVEN}", "GR814"))
        return found._replace(changes=changes, spared=spared, warnings=warnings)

    def _is_attested(self, change: Change, members: Membership) -> bool:
        live = change.live or {}
        if not members.can_be_attested(live):
            return False
        return members.is_attested(live, self._evidence.managers(change, ("metadata", "labels", PART_OF), exact=True))

    def _unwatched_warnings(self) -> list[Notice]:
        return [
            Notice(
                f"namespace {name}: nothing deleted: the owner set has members there, and it is not watched; "
                "add it to namespaces",
                "GR703",
            )
            for name in sorted(self._unwatched)
        ]

    def plan(self, going: Deletions) -> OwnerPlan | None:
        """What the parent of the owner set records, None for a selector."""
        if self._owner is None:
            return None
        kinds = {(resource.gvk.group, resource.gvk.kind) for resource in self._resources.values()}
        owner, place = self._owner, self._owner.head.members.place
        here = [key for key in self._keys if (key.group, key.kind) in kinds and place.allows(key.namespace)]
        here += [change.key for change in going.changes]
        if not self._prune.is_whole:
            kept = owner.inventory | owner.recorded | Inventory.of(here, owner.parent.key)
            return OwnerPlan(owner.parent, kept, kept)
        ignored = (owner.inventory - owner.searched) | Inventory(owner.inventory.kinds & self._barred)
        kept = self._kept(owner.recorded, going) | ignored
        return OwnerPlan(owner.parent, owner.inventory | Inventory.of(here, owner.parent.key) | kept, kept)

    def _kept(self, inventory: Inventory, going: Deletions) -> Inventory:
        """The unread kinds and namespaces: a kind may be in every namespace, and a namespace may have every kind."""
        unknown, unwatched = inventory.kinds & frozenset(going.unknown), inventory.namespaces & self._unwatched
        return Inventory(inventory.kinds if unwatched else unknown, inventory.namespaces if unknown else unwatched)
