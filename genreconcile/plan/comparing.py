"""The objects of one draft, compared one after the other with the cache.

Invariant: an object of the caller is never changed: ``is_clean`` only reads it, and a Change holds a copy. A fault of
one object is its own error. Facts about a kind are looked up once per plan.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from genreconcile.cache import Record, Store
from genreconcile.compare import Comparison, Ours
from genreconcile.engine import Engine
from genreconcile.errors import (
    FAULT,
    CacheError,
    ChildConflict,
    ClusterError,
    InputError,
    NotSynced,
    ReconcileError,
    trace,
)
from genreconcile.kinds.discovery import Resource
from genreconcile.kinds.order import defined_by, defines_kinds
from genreconcile.log import logger
from genreconcile.objects import GVK, Object, ObjectKey, labels_of
from genreconcile.ownership import PART_OF, Membership
from genreconcile.plan import Change, change_for
from genreconcile.plan.adoption import Adoption
from genreconcile.plan.draft import Draft
from genreconcile.plan.drift import unusable
from genreconcile.plan.entries import InSync
from genreconcile.plan.evidence import Evidence
from genreconcile.plan.fresh import Fresh
from genreconcile.plan.kinds import Kinds

_log = logger("genreconcile.planner")
_MOMENT: Final = 5.0
"""Seconds within which the server's documents follow a definition that changed; no event tells that they have."""


class _Kind(NamedTuple):
    """What holds for a kind while one plan is made. ``pending``: the server does not serve the kind yet."""

    pending: bool
    defines: bool


def _ours(engine: Engine, members: Membership | None) -> Ours:
    manager, has_added = engine.options.field_manager, engine.learned.has_added
    if members is None:
        return Ours(manager, has_added=has_added)
    return Ours(manager, members.has_added, has_added, members.outlived)


class DraftComparer:
    """Makes the changes of one plan."""

    def __init__(
        self,
        engine: Engine,
        kinds: Kinds,
        draft: Draft,
        evidence: Evidence | None = None,
    ) -> None:
        self._catalog = engine.catalog
        self._cache = engine.cache
        self._kinds = kinds
        self._learned = engine.learned
        self._draft = draft
        members = draft.members
        self._adoption = Adoption(members, evidence) if members is not None and evidence is not None else None
        self._comparer = engine.comparer(draft.call_key[1], draft.view, _ours(engine, members))
        self._facts: dict[GVK, _Kind] = {}
        self._stores: dict[tuple[GVK, str], Store] = {}
        self.in_sync: list[InSync] = []
        """The objects that were found in sync, to be remembered."""

    def change(self, entry: Fresh) -> Change:
        """The change of one object. Raises LoadError where the object is no JSON data.

        Any other fault is the change's error: one that nobody foresaw must not stop the other objects.
        """
        try:
            return self._change(entry)
        except ReconcileError:
            raise
        except Exception as error:  # noqa: BLE001 - see above
            _log.error("%s: not compared\n%s", entry.key, trace(error), extra={"code": FAULT})
            cause = "it is nested too deeply" if isinstance(error, RecursionError) else type(error).__name__
            failed = ReconcileError(f"{entry.key}: not compared: {cause}; see the log", code=FAULT)
            return Change("none", GVK.of(entry.obj), entry.key, error=failed)

    def _change(self, entry: Fresh) -> Change:
        resource, key = entry.resource, entry.key
        if isinstance(resource, ReconcileError):
            return Change("none", GVK.of(entry.obj), key, expected=entry.copy(), error=resource)
        try:
            kind = self._kind(resource)
            if kind.pending:
                self._require_covered(key)
                return Change("create", resource.gvk, key, expected=entry.copy())
            comparison = self._comparer.of(resource, entry.obj)
            store = self._store(resource, key)
        except InputError as error:
            return Change("none", resource.gvk, key, expected=entry.copy(), error=unusable(key, error))
        except (CacheError, ClusterError) as error:
            return Change("none", resource.gvk, key, expected=entry.copy(), error=error)
        record = store.get((key.namespace, key.name))
        try:
            return self._judged(entry, resource, store, record, comparison)
        except CacheError as error:
            told = CacheError(f"{key}: not compared: {error}", code=error.code)
            return Change("none", resource.gvk, key, expected=entry.copy(), error=told)

    def _judged(
        self, entry: Fresh, resource: Resource, store: Store, record: Record | None, comparison: Comparison
    ) -> Change:
        self._draft.view.begin()
        if record is None:
            return change_for(entry.copy(), None, comparison, self._learned)
        members = self._draft.members
        if members is not None and members.adopt == "any" and members.is_other(record.labels):
            return self._taken(entry, resource, record)
        live = record.decode_with_managers()
        is_outlived = bool(members is not None and record.owners and members.outlived(live))
        if not record.deleting and not is_outlived and comparison.is_clean(entry.obj, live):
            return self._remembered(entry, resource, store, record)
        conflict = self._adoption.conflict(resource.gvk, entry.key, live) if self._adoption is not None else None
        if conflict is not None:
            return Change("none", resource.gvk, entry.key, expected=entry.copy(), live=live, error=conflict)
        earlier = record.earlier.decode_with_managers() if record.earlier is not None else None
        change = change_for(entry.copy(), live, comparison, self._learned, earlier)
        if change.is_in_sync:
            return self._remembered(entry, resource, store, record)
        settled = self._unless_settling(change, resource)
        return self._adoption.guarded(settled) if self._adoption is not None else settled

    def verdict(self, obj: Object, content: bytes, key: ObjectKey, resource: Resource, store: Store) -> InSync | None:
        """What to remember of an object in sync, None where only ``change`` can tell. Raises nothing.

        ``obj`` names its namespace, and ``content`` is as in Fresh. The draft has no owner set.
        """
        try:
            record = store.get((key.namespace, key.name))
            if record is None or record.deleting:
                return None
            comparison = self._comparer.of(resource, obj)
            self._draft.view.begin()
            if not comparison.is_clean(obj, record.decode_with_managers()):
                return None
            return self._remember(obj, content, Change("none", resource.gvk, key), (resource, store, record))
        except Exception as error:  # noqa: BLE001 - ``change`` meets it again, and says which object it is
            _log.debug("%s: not compared while it was read: %s", key, type(error).__name__)
            return None

    def _require_covered(self, key: ObjectKey) -> None:
        """Raise CacheError for an object outside of the watched namespaces, also before its kind is served."""
        if not self._cache.covers(key.namespace):
            raise CacheError(
                f"{key}: not in the cache: the namespace is not watched; add it to namespaces", code="GR703"
            )

    @staticmethod
    def _taken(entry: Fresh, resource: Resource, record: Record) -> Change:
        """The error of a member of another owner set: an object is in one set at most (KEP-3659)."""
        holder = f"it is a member of {record.labels[PART_OF]}"
        advice = f"take it out there first, or remove its label {PART_OF}"
        told = f"{entry.key}: not taken into the owner set: {holder}; {advice}"
        error = ChildConflict(told, holder, code="GR817")
        return Change("none", resource.gvk, entry.key, expected=entry.copy(), live=record.decode(), error=error)

    def _kind(self, resource: Resource) -> _Kind:
        known = self._facts.get(resource.gvk)
        if known is None:
            known = _Kind(self._kinds.is_pending(resource), defines_kinds(resource.gvk))
            self._facts[resource.gvk] = known
        return known

    def _store(self, resource: Resource, key: ObjectKey) -> Store:
        place = (resource.gvk, key.namespace)
        known = self._stores.get(place)
        if known is None:
            error = self._cache.error(resource, key.namespace)
            if error is not None and not self._cache.has_synced(resource, key.namespace):
                raise NotSynced(f"{key}: not compared: its kind cannot be read: {error}") from error
            known = self._stores[place] = self._cache.store(resource, key.namespace)
        return known

    def _remembered(self, entry: Fresh, resource: Resource, store: Store, record: Record) -> Change:
        """The change of an object in sync, which is remembered: without the dicts, which nobody needs any more."""
        change = Change("none", resource.gvk, entry.key)
        self._remember(entry.obj, entry.content, change, (resource, store, record))
        return change

    def _remember(
        self, obj: Object, content: bytes, change: Change, live: tuple[Resource, Store, Record]
    ) -> InSync | None:
        """What to remember, None where a consulted object is not known or there is no ``content`` to find it by."""
        consulted = self._draft.view.consulted
        if not content or consulted is None:
            return None
        resource, store, record = live
        brings = tuple(defined_by(obj)) if self._kind(resource).defines else ()
        name = (record.namespace, record.name)
        labels = labels_of(obj)
        found = InSync(change.key, name, change, resource, store, record, consulted, labels, brings, content)
        self.in_sync.append(found)
        return found

    def _unless_settling(self, change: Change, resource: Resource) -> Change:
        """The change, or a skip while the definition of its kind changes: objects and schema may not fit yet."""
        if change.is_quiet or change.live is None:
            return change
        if self._kinds.is_undescribed(resource):
            reason = "no OpenAPI document describes its kind yet; it is compared again in a moment"
        elif self._kinds.definitions.are_ahead and self._catalog.is_custom(resource):
            reason = "the definition of its kind is changing; it is compared again in a moment"
        else:
            return change
        return Change(
            "none", change.gvk, change.key, expected=change.expected, live=change.live, reason=reason, skipped=True,
            retry_after=_MOMENT,
        )  # fmt: skip
