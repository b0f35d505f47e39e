"""The children of the parents of one controller: how they refer to their parent, and which parent an object belongs to.

Invariant: all writes and deletions of children go through the Reconciler, under its guards.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from genreconcile.access import Access, Right
from genreconcile.apply.result import Outcome, Result
from genreconcile.cache import Cache, CacheEvent, Loss
from genreconcile.compare import SUBSET, Policy
from genreconcile.compare.comparer import Comparer
from genreconcile.controllers.belonging import Belonging
from genreconcile.controllers.judging import told_unknown
from genreconcile.controllers.memory import Versions
from genreconcile.controllers.news import is_beyond_status, is_news
from genreconcile.controllers.parent import leaves_dependents
from genreconcile.controllers.readiness import ReadyCheck
from genreconcile.controllers.references import Prepared, Referencing
from genreconcile.controllers.settings import ControllerSettings
from genreconcile.controllers.written import Written
from genreconcile.errors import CacheError, Forbidden, NotReadable, PlanRefused, ReconcileError
from genreconcile.kinds.discovery import Resource
from genreconcile.objects import GVK, Object, ObjectKey, namespace_of, owners_of
from genreconcile.ownership import Inventory, Membership, ParentRef, build_of
from genreconcile.plan import Change, Plan
from genreconcile.readiness import NOT_FOUND, Status
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
        build: str = "",
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
        self._build = build
        self._built: dict[ObjectKey, str] = {}
        """The uids of the parents whose record has this build, or had it: two builds at once do not fight for it."""
        self._blocks: dict[str, bool] = {}
        self._written = Written[ObjectKey]()

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

    def is_of_another_build(self, parent: Object) -> bool:
        """Whether another build of the controller has recorded children of this parent last."""
        ref = self._ref(parent, Inventory())
        return ref.parent.is_recorded(parent) and build_of(parent) != self._build

    def plan(self, parent: Object, children: Sequence[Object], *, is_whole: bool) -> Plan:
        """What is to be done; unless the set ``is_whole``, nothing is deleted. Errors as ``Reconciler.plan``."""
        ref = self._ref(parent, self._now_known(children))
        if self._built.get(ref.key) != ref.uid:
            ref = dataclasses.replace(ref, build=self._build)
        plan = self._reconciler.plan_children(children, ref, self._call, is_whole=is_whole)
        self._note(ref.key, plan, children)
        return plan

    def apply(self, parent: Object, children: Sequence[Object], plan: Plan, *, is_whole: bool) -> Result:
        """Carry a plan of these children out. Errors as ``Reconciler.reconcile``."""
        ref = self._ref(parent, self._now_known(children))
        try:
            result = self._reconciler.apply_children(plan, children, ref, self._call, is_whole=is_whole)
        except PlanRefused as error:
            self._note_refusals(error.result)
            raise
        self._built[ref.key] = ref.uid
        self._note_refusals(result)
        return result

    def _note_refusals(self, result: Result | None) -> None:
        """Ask anew for the right to block the parent's deletion where something was forbidden: it may be gone."""
        if any(isinstance(outcome.error, Forbidden) for outcome in result or ()):
            self._blocks.clear()
            self._access.forget()

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

    def not_ready(self, parent: ObjectKey) -> dict[ObjectKey, Status]:
        """The children that a parent stated last and that are not Current, as the cache has them; each as it is."""
        with self._lock:
            stated = self._belonging.stated(parent)
        live = {key: self._live(key, gvk) for key, gvk in stated}
        found = {key: NOT_FOUND if obj is None else self.check.status(obj) for key, obj in live.items()}
        return {key: status for key, status in found.items() if not status.is_current}

    def note_written(self, parent: ObjectKey, stated: Sequence[Object], result: Result) -> list[Outcome]:
        """Note which children of a parent are as it has stated them now; returns the outcomes of those that drifted."""
        return self._written.note(parent, ((self._key_of(child, parent), child) for child in stated), result)

    def is_written(self, parent: ObjectKey, stated: Object, live: Object) -> bool:
        """Whether a live child is as it was stated, by a run before or by anybody else: then nothing that was stated
        differs.
        """
        return self._written.has(parent, ObjectKey.of(live), stated) or self._is_as_stated(stated, live)

    def _is_as_stated(self, stated: Object, live: Object) -> bool:
        try:
            catalog = self.check.catalog
            comparison = Comparer(catalog, Policy(SUBSET)).of(catalog.resource(GVK.of(stated)), stated)
            return comparison.is_clean(stated, live) or not comparison.compare(stated, live)
        except ReconcileError:  # The run says what is wrong with it.
            return False

    def _key_of(self, child: Object, parent: ObjectKey) -> ObjectKey:
        """The key under which a child is written, which may leave its namespace out."""
        key = ObjectKey.of(child)
        is_whole = key.namespace or self._is_namespaced(GVK.of(child)) is False
        return key if is_whole else key._replace(namespace=parent.namespace)

    def versions(self, parent: ObjectKey) -> Versions:
        """The children that a parent stated last, as the cache has them now."""
        with self._lock:
            stated = self._belonging.stated(parent)
        found = {}
        for key, gvk in stated:
            try:
                record = self._cache.record(gvk, key.name, namespace=key.namespace)
            except CacheError:
                continue
            if record is not None:
                found[key] = (record.uid, str(record.resource_version))
        return found

    def parents_of(self, event: CacheEvent) -> Sequence[ObjectKey]:
        """The parents that a change of an object concerns: none where a run would find what the last one found."""
        with self._lock:
            found = self._belonging.parents_of(event)
        return () if found and self._is_same(event) else found

    def parents_in(self, loss: Loss) -> Collection[ObjectKey]:
        """The parents that have children in a part of a kind that was lost, or is known again."""
        gvk = loss.resource.gvk
        with self._lock:
            return self._belonging.parents_in(gvk.group, gvk.kind, loss.scope)

    def _is_same(self, event: CacheEvent) -> bool:
        """Whether nothing but heartbeats has changed in a child; or nothing but a status, which is of its controller,
        and it is as ready as before.
        """
        before, after = event.before, event.after
        if before is None or after is None:
            return False
        if "status" not in event.resource.subresources:
            return not is_news(before, after)
        if is_beyond_status(before, after):  # First: it is what most changes are that matter.
            return False
        if not is_news(before, after):
            return True
        try:
            was, now = (self.check.status(record.decode()) for record in (before, after))
        except (CacheError, RecursionError):
            return False
        # A child that has failed is named with its reason; one that changes by itself runs its parent at another time.
        return was.state == now.state and now.changes_in is None and (now.state != "Failed" or was == now)

    def forget(self, parent: ObjectKey) -> None:
        """Drop what is known of a parent that is gone."""
        with self._lock:
            self._belonging.forget(parent)
            self._orphaned.pop(parent, None)
        self._written.forget(parent)
        self._built.pop(parent, None)

    def warm(self, kinds: Iterable[str]) -> None:
        """Watch these kinds as those of children. Raises nothing."""
        self._reconciler.warm(kinds)

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
        expected = plan.order[: len(children)]  # What is to be deleted comes behind them, and is not awaited.
        stated = tuple((key, versions[key.group, key.kind]) for key in expected if (key.group, key.kind) in versions)
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
