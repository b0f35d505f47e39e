"""The children of the parents of one controller: how they refer to their parent, and which parent an object belongs to.

Invariant: all writes and deletions of children go through the Reconciler, under its guards.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterable, Sequence
from typing import Final

from genreconcile.access import Access, Right
from genreconcile.apply.result import Result
from genreconcile.cache import Cache, CacheEvent
from genreconcile.controllers.belonging import Belonging
from genreconcile.controllers.judging import told_unknown
from genreconcile.controllers.parent import leaves_dependents
from genreconcile.controllers.readiness import ReadyCheck
from genreconcile.controllers.references import Prepared, Referencing
from genreconcile.controllers.settings import ControllerSettings
from genreconcile.errors import CacheError, Forbidden, NotReadable, PlanRefused, ReconcileError
from genreconcile.kinds.discovery import Resource
from genreconcile.objects import GVK, Object, ObjectKey, namespace_of, owners_of
from genreconcile.ownership import Inventory, Membership, ParentRef
from genreconcile.plan import Change, Plan
from genreconcile.reconcile import Reconciler
from genreconcile.settings import Settings

_ORPHANED: Final = "not deleted: the parent was deleted so that its dependents stay"


class Children:
    """``reconciler`` writes under the controller's field manager; ``resource`` is that of the parents. Thread-safe."""

    def __init__(  # noqa: PLR0913 - keyword-only parts
        self,
        reconciler: Reconciler,
        settings: ControllerSettings,
        resource: Resource,
        *,
        access: Access,
        cache: Cache,
        check: ReadyCheck,
    ) -> None:
        self.check = check
        self._reconciler = reconciler
        self._settings = settings
        self._resource = resource
        self._access = access
        self._cache = cache
        self._call = Settings(
            allow_empty=True,
            max_deletions=settings.max_deletions,
            delete_kinds=settings.delete_kinds,
            fields=settings.fields,
        )
        self._lock = threading.Lock()
        self._known = Inventory()
        self._belonging = Belonging()
        self._orphaned: dict[ObjectKey, str] = {}
        """The uids of the parents that were deleted so that their dependents stay."""
        self._blocks: dict[str, bool] = {}

    def learn(self, parent: Object) -> None:
        """Note what a parent records: of a parent whose record is lost, members are looked for in these kinds too. And
        whether it was deleted so that its dependents stay, which its finalizers say only for a while.
        """
        ref = self._ref(parent, Inventory())
        try:
            found = Inventory(ref.parent.inventory(parent, lambda *_: None).kinds)
        except PlanRefused:  # Another controller has a set there: the run will say so.
            found = Inventory()
        with self._lock:
            if leaves_dependents(parent):
                self._orphaned[ref.key] = ref.uid
            self._belonging.note_set(ref.key, ref.parent.id)
            if not self._known.covers(found):
                self._known |= found

    def prepare(self, parent: Object, stated: Iterable[Object]) -> Prepared:
        """The children as they are expected. Raises InputError."""
        return self._referencing(parent).prepared(stated)

    def plan(self, parent: Object, children: Sequence[Object], *, is_whole: bool) -> Plan:
        """What is to be done; unless the set ``is_whole``, nothing is deleted. Errors as ``Reconciler.plan``."""
        ref = self._ref(parent, self._now_known(children))
        plan = self._reconciler.plan_children(children, ref, self._call, is_whole=is_whole)
        self._note(ref.key, plan, children)
        return plan

    def apply(self, parent: Object, children: Sequence[Object], plan: Plan, *, is_whole: bool) -> Result:
        """Carry a plan of these children out. Errors as ``Reconciler.reconcile``."""
        ref = self._ref(parent, self._now_known(children))
        return self._reconciler.apply_children(plan, children, ref, self._call, is_whole=is_whole)

    def let_go(self, parent: Object) -> Result:
        """Delete the children of a parent that is being deleted, but those that the garbage collector takes along.

        All stay where the parent was deleted so: the collector has then taken the references off that were there.
        Errors as ``Reconciler.reconcile``; NotReadable where a kind of children cannot be read.
        """
        ref = self._ref(parent, self._now_known(()))
        plan = self._reconciler.plan_children([], ref, self._call)
        if plan.not_looked_at:
            raise NotReadable(f"{told_unknown(plan.not_looked_at)}; wait, or see to the cause", "NotSynced")
        changes = tuple(
            _kept(change) if change.operation == "delete" and self._is_orphan(ref, change) else change
            for change in plan.changes
        )
        return self._reconciler.apply_children(dataclasses.replace(plan, changes=changes), [], ref, self._call)

    def _is_orphan(self, ref: ParentRef, change: Change) -> bool:
        live = change.live or {}
        had = Membership(ref.parent.id, ref.key, ref.tool).has_added(live)
        has = any(one.get("uid") == ref.uid for one in owners_of(live))
        return self._orphaned.get(ref.key) == ref.uid or (ref.uid in had and not has)

    def not_ready(self, parent: ObjectKey) -> dict[ObjectKey, float | None]:
        """The children that a parent stated last and that are not ready, as the cache has them; each with the seconds
        until it may be so though nothing happens.
        """
        with self._lock:
            stated = self._belonging.stated(parent)
        live = {key: self._live(key, gvk) for key, gvk in stated}
        waiting = {key: obj for key, obj in live.items() if obj is None or not self.check.is_ready(obj)}
        return {key: None if obj is None else self.check.silence(obj) for key, obj in waiting.items()}

    def parents_of(self, event: CacheEvent) -> Sequence[ObjectKey]:
        """The parents that a change of an object concerns."""
        with self._lock:
            return self._belonging.parents_of(event)

    def forget(self, parent: ObjectKey) -> None:
        """Drop what is known of a parent that is gone."""
        with self._lock:
            self._belonging.forget(parent)
            self._orphaned.pop(parent, None)

    def close(self) -> None:
        """End what the Reconciler holds."""
        self._reconciler.close()

    def _live(self, key: ObjectKey, gvk: GVK) -> Object | None:
        try:
            return self._cache.get(gvk, key.name, namespace=key.namespace)
        except CacheError:
            return None

    def _note(self, parent: ObjectKey, plan: Plan, children: Sequence[Object]) -> None:
        """Note which children a parent has stated, so that their changes wake it, also without the set's mark."""
        versions = {(gvk.group, gvk.kind): gvk for gvk in map(GVK.of, children)}
        stated = tuple((key, versions[key.group, key.kind]) for key in plan.order if (key.group, key.kind) in versions)
        with self._lock:
            self._belonging.note_stated(parent, stated)

    def _now_known(self, children: Iterable[Object]) -> Inventory:
        kinds = frozenset((gvk.group, gvk.kind) for gvk in map(GVK.of, children))
        with self._lock:
            if not kinds <= self._known.kinds:
                self._known |= Inventory(kinds)
            return self._known

    def _ref(self, parent: Object, known: Inventory) -> ParentRef:
        settings = self._settings
        return ParentRef.of(
            parent,
            settings.name,
            adopt=settings.adopt,
            namespaces=settings.namespaces if settings.namespaces in {None, "*"} else frozenset(settings.namespaces),
            known=known,
        )

    def _referencing(self, parent: Object) -> Referencing:
        blocks = self._may_block(namespace_of(parent))
        return Referencing(parent, blocks, self._settings.delete_kinds, self._is_namespaced)

    def _may_block(self, namespace: str) -> bool:
        """Whether a reference may block the parent's deletion (OwnerReferencesPermissionEnforcement)."""
        if namespace not in self._blocks:
            right = Right("update", self._settings.kind.group, f"{self._resource.plural}/finalizers", namespace)
            try:
                self._blocks[namespace] = not self._access.missing([right])
            except ReconcileError:
                return False
        return self._blocks[namespace]

    def _is_namespaced(self, gvk: GVK) -> bool | None:
        try:
            found = self._cache.discovery.get(gvk)
        except Forbidden:
            return None
        return None if found is None else found.namespaced


def _kept(change: Change) -> Change:
    return Change("none", change.gvk, change.key, live=change.live, reason=_ORPHANED, skipped=True)
