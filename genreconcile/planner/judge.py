"""The objects of one draft, judged one after the other against the cache.

Invariant: what only ``is_clean`` has looked at is the caller's own and stays as it is; what goes into a change is a
copy; whatever goes wrong with one object is that object's error. Facts about a kind are looked up once per plan.
"""

from __future__ import annotations

import logging
import traceback
from typing import NamedTuple

from genreconcile.cache import Cache, Record, Store
from genreconcile.catalog import Catalog
from genreconcile.diff import Policy
from genreconcile.discovery import Resource
from genreconcile.errors import CacheError, ClusterError, InputError, LoadError, NotSynced, ReconcileError
from genreconcile.normalize.learned import Learned
from genreconcile.objects import GVK, ObjectKey, labels_of
from genreconcile.order import defined_by, defines_kinds
from genreconcile.plan import Change, Terms, judge
from genreconcile.plan.judgement import unusable
from genreconcile.planner.draft import Draft
from genreconcile.planner.entries import Fresh, Verdict
from genreconcile.planner.kinds import Kinds
from genreconcile.planner.verdicts import Verdicts
from genreconcile.schema import Type

_log = logging.getLogger("genreconcile.planner")


class _Kind(NamedTuple):
    """What holds for all objects of a kind while one plan is made; ``pending``: the server does not have it yet."""

    pending: bool
    type: Type | None = None
    has_status: bool = False
    defines: bool = False
    terms: Terms | None = None
    """Those of all objects that are not annotated, where they are the same."""


class Judge:
    """Makes the changes of one plan."""

    def __init__(  # noqa: PLR0913, PLR0917 - what a judgement depends on
        self, catalog: Catalog, cache: Cache, kinds: Kinds, learned: Learned, verdicts: Verdicts, draft: Draft
    ) -> None:
        self._catalog = catalog
        self._cache = cache
        self._kinds = kinds
        self._learned = learned
        self._verdicts = verdicts
        self._draft = draft
        self._policy = Policy(draft.terms[1], draft.view)
        self._facts: dict[GVK, _Kind] = {}
        self._stores: dict[tuple[GVK, str], Store] = {}

    def change(self, entry: Fresh) -> Change:
        """What one object needs. Raises LoadError where it is no JSON data."""
        try:
            return self._change(entry)
        except LoadError:
            raise
        except Exception as error:  # noqa: BLE001 - one poison object must not stop the others
            # Without the error's own text, which may hold a value of the object.
            trace = "".join(traceback.format_tb(error.__traceback__))
            _log.error("%s: not compared: %s\n%s", entry.key, type(error).__name__, trace)
            fault = ReconcileError(
                f"{entry.key}: not compared: {type(error).__name__} in a rule or in genreconcile; "
                "the others go on; please report it with the log"
            )
            return Change("none", GVK.of(entry.obj), entry.key, expected=entry.copy(), error=fault)

    def _change(self, entry: Fresh) -> Change:
        resource, key = entry.resource, entry.key
        if isinstance(resource, ReconcileError):
            return Change("none", GVK.of(entry.obj), key, expected=entry.copy(), error=resource)
        try:
            kind = self._kind(resource)
            if kind.pending:
                return Change("create", resource.gvk, key, expected=entry.copy())
            store = self._store(resource, key)
            terms = self._terms_of(entry, kind, resource)
        except InputError as error:
            return Change("none", resource.gvk, key, expected=entry.copy(), error=unusable(key, error))
        except (CacheError, ClusterError) as error:
            return Change("none", resource.gvk, key, expected=entry.copy(), error=error)
        record = store.get((key.namespace, key.name))
        return self._judged(entry, resource, store, record, terms)

    def _judged(self, entry: Fresh, resource: Resource, store: Store, record: Record | None, terms: Terms) -> Change:
        self._draft.view.begin()
        if record is None:
            return judge(entry.copy(), None, terms, self._learned)
        live = record.decode()
        if not record.deleting and terms.is_clean(entry.obj, live):
            return self._remembered(entry, resource, store, record)
        change = judge(entry.copy(), live, terms, self._learned)
        if change.is_in_sync:
            return self._remembered(entry, resource, store, record)
        return self._unless_settling(change, resource)

    def _kind(self, resource: Resource) -> _Kind:
        known = self._facts.get(resource.gvk)
        if known is None:
            if self._kinds.is_pending(resource):
                known = _Kind(pending=True)
            else:
                kind, status = self._catalog.kind_type(resource), "status" in resource.subresources
                defines, terms = defines_kinds(resource.gvk), self._uniform(resource, kind, has_status=status)
                known = _Kind(pending=False, type=kind, has_status=status, defines=defines, terms=terms)
            self._facts[resource.gvk] = known
        return known

    def _uniform(self, resource: Resource, kind: Type | None, *, has_status: bool) -> Terms | None:
        rules = self._catalog.rules
        if not rules.is_uniform(resource.gvk, kind, has_status=has_status):
            return None
        return Terms(rules.compile(resource.gvk, kind, {}, has_status=has_status), kind is not None, self._policy)

    def _terms_of(self, entry: Fresh, kind: _Kind, resource: Resource) -> Terms:
        rules = self._catalog.rules
        if kind.terms is not None and not rules.is_annotated(entry.obj):
            return kind.terms
        node = rules.compile(resource.gvk, kind.type, entry.obj, has_status=kind.has_status)
        return Terms(node, kind.type is not None, self._policy)

    def _store(self, resource: Resource, key: ObjectKey) -> Store:
        place = (resource.gvk, key.namespace)
        known = self._stores.get(place)
        if known is None:
            error = self._cache.error(resource)
            if error is not None and not self._cache.has_synced(resource):
                raise NotSynced(f"{key}: not compared: its kind cannot be read: {error}") from error
            known = self._stores[place] = self._cache.store(resource, key.namespace)
        return known

    def _remembered(self, entry: Fresh, resource: Resource, store: Store, record: Record) -> Change:
        """The change of an object in sync: without the dicts, which nobody needs any more, and would keep many."""
        change = Change("none", resource.gvk, entry.key)
        consulted = self._draft.view.consulted
        if entry.content and consulted is not None:
            brings = tuple(defined_by(entry.obj)) if self._facts[resource.gvk].defines else ()
            name = (record.namespace, record.name)
            labels = labels_of(entry.obj)
            verdict = Verdict(entry.key, name, change, resource, store, record, consulted, labels, brings)
            self._verdicts.note(entry.content, self._draft.terms, verdict)
        return change

    def _unless_settling(self, change: Change, resource: Resource) -> Change:
        """The change, but nothing while the definition of its kind changes: objects and schema may not fit yet."""
        if change.is_quiet or change.live is None or not self._kinds.definitions.are_ahead:
            return change
        if not self._catalog.is_custom(resource):
            return change
        reason = "the definition of its kind is changing; it is compared again in a moment"
        live = change.live
        return Change("none", change.gvk, change.key, expected=change.expected, live=live, reason=reason, skipped=True)
