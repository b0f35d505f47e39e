"""An expected set and the cache → a Plan.

Invariant: sends no write; where nothing is new, sends no request at all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from genreconcile.cache import Cache, Record
from genreconcile.catalog import Catalog
from genreconcile.diff import EXACT, Policy
from genreconcile.discovery import Resource
from genreconcile.errors import CacheError, ClusterError, InputError, NotSynced, ReconcileError
from genreconcile.load import refuse_duplicates
from genreconcile.normalize.learned import Learned
from genreconcile.objects import GVK, ObjectKey, labels_of
from genreconcile.order import defined_by
from genreconcile.plan import Change, Plan, Prune, Terms, judge
from genreconcile.plan.judgement import unusable
from genreconcile.planner.assembly import assemble, unmatched
from genreconcile.planner.deletions import Deletions, deletions
from genreconcile.planner.draft import Draft, Fresh
from genreconcile.planner.kinds import Kinds
from genreconcile.planner.verdicts import Verdict, Verdicts
from genreconcile.related import Related, View

__all__ = ["Planner"]

_NOTHING = Deletions([], [], 0)


class Planner:
    """Makes plans from one cache and one catalog."""

    def __init__(self, catalog: Catalog, cache: Cache, learned: Learned, sync_timeout: float) -> None:
        self._catalog = catalog
        self._cache = cache
        self._learned = learned
        self._related = Related(cache)
        self._verdicts = Verdicts()
        self.kinds = Kinds(catalog, cache, sync_timeout)

    def plan(  # noqa: PLR0913 - what a plan is made from
        self,
        expected: Iterable[Mapping[str, Any]],
        namespace: str,
        wanted: Prune,
        known: set[GVK],
        *,
        fields: str = EXACT,
        only: Collection[ObjectKey] | None = None,
    ) -> tuple[Plan, set[GVK]]:
        """The plan, and the kinds that it saw. ``known`` are further kinds to delete from; ``fields`` is exact
        or subset; ``only`` limits the keys.

        Raises LoadError, Unauthorized, Unreachable.
        """
        self.kinds.follow_definitions()
        draft = Draft(self._cache, self._catalog, View(self._related), (namespace, fields, self._catalog.generation))
        draft.read(expected, self._verdicts)
        draft.locate(namespace)
        keys = set(draft.keys)
        if len(keys) < len(draft.entries):
            refuse_duplicates(draft.origins)
        if only is not None:
            draft.keep(only)
        further = self._further(known, draft.resources) if wanted.is_wanted else []
        self.kinds.sync(self.kinds.needed(draft.resources.values()).union(further))
        changes = [entry.change if isinstance(entry, Verdict) else self._judge(entry, draft) for entry in draft.entries]
        warnings = unmatched(draft.labels, wanted) if wanted.is_wanted else []
        going = self._deletions(draft, further, keys, wanted) if wanted.is_wanted else _NOTHING
        return assemble(changes, going, wanted, warnings), set(draft.resources)

    def _further(self, known: set[GVK], seen: Mapping[GVK, Resource]) -> list[Resource]:
        """The resources of kinds that are not in expected, for deletion only."""
        there = {(gvk.group, gvk.kind) for gvk in seen}
        wanted = [gvk for gvk in sorted(known) if (gvk.group, gvk.kind) not in there]
        found = [self._catalog.discovery.get(gvk) for gvk in wanted]
        return [resource for resource in found if resource is not None]

    def _deletions(self, draft: Draft, further: list[Resource], keys: set[ObjectKey], wanted: Prune) -> Deletions:
        resources = {*draft.resources.values(), *further}
        there = [resource for resource in resources if not self.kinds.is_pending(resource)]
        return deletions(self._cache, there, keys, wanted)

    def _judge(self, entry: Fresh, draft: Draft) -> Change:
        key, gvk, obj, resource = entry.key, GVK.of(entry.obj), entry.obj, entry.resource
        if isinstance(resource, ReconcileError):
            return Change("none", gvk, key, expected=obj, error=resource)
        try:
            if self.kinds.is_pending(resource):
                return Change("create", gvk, key, expected=obj)
            record = self._record(resource, key)
            node, typed = self._catalog.node(resource, obj)
        except InputError as error:
            return Change("none", gvk, key, expected=obj, error=unusable(key, error))
        except (CacheError, ClusterError) as error:
            return Change("none", gvk, key, expected=obj, error=error)
        draft.view.begin()
        terms = Terms(node, typed, Policy(draft.terms[1], draft.view))
        change = judge(obj, record.decode() if record else None, terms, self._learned)
        if record is not None and change.is_in_sync:
            return self._remembered(entry, record, resource, draft)
        return self._unless_settling(change, resource)

    def _remembered(self, entry: Fresh, record: Record, resource: Resource, draft: Draft) -> Change:
        """The change of an object in sync: without the dicts, which nobody needs any more, and would keep many."""
        change = Change("none", resource.gvk, entry.key)
        consulted = draft.view.consulted
        if entry.content and consulted is not None:
            obj, store = entry.obj, self._cache.store(resource)
            brings = tuple(defined_by(obj))
            verdict = Verdict(change, resource, store, record, consulted, labels_of(obj), brings)
            self._verdicts.note(entry.content, draft.terms, verdict)
        return change

    def _record(self, resource: Resource, key: ObjectKey) -> Record | None:
        error = self._cache.error(resource)
        if error is not None and not self._cache.has_synced(resource):
            raise NotSynced(f"{key}: not compared: its kind cannot be read: {error}") from error
        return self._cache.record(resource, key.name, namespace=key.namespace)

    def _unless_settling(self, change: Change, resource: Resource) -> Change:
        """The change, but nothing while the definition of its kind changes: objects and schema may not fit yet."""
        if change.is_quiet or change.live is None or not self.kinds.definitions.are_ahead:
            return change
        if not self._catalog.is_custom(resource):
            return change
        reason = "the definition of its kind is changing; it is compared again in a moment"
        live = change.live
        return Change("none", change.gvk, change.key, expected=change.expected, live=live, reason=reason, skipped=True)
