"""An expected set and the cache → a Plan.

Invariant: sends no write; where nothing is new, sends no request at all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from genreconcile.cache import Cache
from genreconcile.catalog import Catalog
from genreconcile.cluster import Cluster
from genreconcile.diff import EXACT
from genreconcile.load import refuse_duplicates
from genreconcile.normalize.learned import Learned
from genreconcile.objects import GVK, ObjectKey
from genreconcile.plan import Plan, Prune
from genreconcile.planner.assembly import assemble, unmatched
from genreconcile.planner.deletions import Deletions, deletions
from genreconcile.planner.draft import Draft
from genreconcile.planner.entries import Verdict
from genreconcile.planner.evidence import Evidence
from genreconcile.planner.further import Further, further
from genreconcile.planner.judge import Judge
from genreconcile.planner.kinds import Kinds
from genreconcile.planner.verdicts import Verdicts
from genreconcile.related import Related, View

__all__ = ["Planner"]

_NOTHING = Deletions([], [], [], 0)
_NOTHING_FURTHER = Further([], [])


class Planner:
    """Makes plans from one cache and one catalog."""

    def __init__(self, cluster: Cluster, catalog: Catalog, cache: Cache, learned: Learned, sync_timeout: float) -> None:
        self._catalog = catalog
        self._evidence = Evidence(cluster, catalog)
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
        """The plan, and the kinds that it saw. ``known`` are kinds seen before, to delete from as well; ``fields`` is
        exact or subset; ``only`` limits the keys.

        Raises LoadError, Unauthorized, Unreachable.
        """
        self.kinds.follow_definitions()
        draft = Draft(self._cache, self._catalog, View(self._related), (namespace, fields, self._catalog.generation))
        draft.read(expected, self._verdicts)
        settled = draft.is_settled
        if not settled:
            draft.locate(namespace)
        order = draft.keys
        keys = set(order)
        if len(keys) < len(order):
            refuse_duplicates(draft.origins)
        if settled and only is None and not wanted.is_wanted:
            unchanged = tuple([entry.change for entry in draft.entries if isinstance(entry, Verdict)])
            return Plan((), unchanged, tuple(order)), set(draft.resources)
        if only is not None:
            draft.keep(only)
        others = _NOTHING_FURTHER
        if wanted.is_wanted:
            others = further(self._catalog.discovery, wanted.also, known, draft.resources)
        self.kinds.sync(self.kinds.needed(draft.resources.values()), listed=others.resources)
        judge = Judge(self._catalog, self._cache, self.kinds, self._learned, self._verdicts, draft)
        changes = [entry.change if isinstance(entry, Verdict) else judge.change(entry) for entry in draft.entries]
        warnings = unmatched(draft.labels, wanted) if wanted.is_wanted else []
        going = self._deletions(draft, others, keys, wanted) if wanted.is_wanted else _NOTHING
        return assemble(changes, going, wanted, warnings), set(draft.resources)

    def _deletions(self, draft: Draft, others: Further, keys: set[ObjectKey], wanted: Prune) -> Deletions:
        resources = {*draft.resources.values(), *others.resources}
        there = [resource for resource in resources if not self.kinds.is_pending(resource)]
        found = deletions(self._cache, there, keys, wanted)
        sure = [self._evidence.unless_made_by_a_controller(change) for change in found.changes]
        return found._replace(changes=sure, warnings=[*others.warnings, *found.warnings])
