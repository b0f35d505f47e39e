"""The Reconciler: load expected → read live from the cache → compare → plan → apply → report.

Invariant: the only place that knows the whole flow, and it knows no kind. Reads go through the cache alone.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Final, Self

from genreconcile.apply import Applier, Options
from genreconcile.cache import Cache
from genreconcile.catalog import Catalog
from genreconcile.cluster import Cluster
from genreconcile.diff import EXACT
from genreconcile.errors import Conflict, NotFound, PlanRefused
from genreconcile.normalize import Registry
from genreconcile.normalize.learned import Learned
from genreconcile.objects import GVK, ObjectKey
from genreconcile.outcome import Outcome, Result
from genreconcile.plan import Change, Plan, Prune, withheld
from genreconcile.planner import Planner
from genreconcile.selector import parse as parse_selector

_ATTEMPTS: Final = 3
Selector = str | Mapping[str, Any]


class Reconciler:
    """Brings a cluster to exactly the state that is handed over, and keeps it there.

    ``cache`` is one that the caller has already, and closes itself; else the Reconciler opens its own. ``rules`` are
    the shipped ones unless given. ``namespaces`` limits what is watched. ``on_immutable="recreate"`` deletes an object
    whose immutable fields differ, waits until it is gone, and creates it again. ``sync_timeout`` is in seconds.
    Thread-safe.
    """

    def __init__(  # noqa: PLR0913 - keyword-only settings, each with a default
        self,
        cluster: Cluster,
        *,
        cache: Cache | None = None,
        rules: Registry | None = None,
        namespaces: Iterable[str] | None = None,
        field_manager: str = "genreconcile",
        concurrency: int = 8,
        propagation: str = "Background",
        on_immutable: str = "fail",
        sync_timeout: float = 60.0,
    ) -> None:
        self._owns_cache = cache is None
        self._cache = cache if cache is not None else Cache(cluster, namespaces=namespaces)
        if self._owns_cache:
            self._cache.start()
        self._catalog = Catalog(cluster, rules if rules is not None else Registry.builtin(), self._cache.discovery)
        self._learned = Learned()
        options = Options(field_manager, concurrency, propagation, on_immutable)
        self._planner = Planner(self._catalog, self._cache, self._learned, sync_timeout)
        self._applier = Applier(cluster, self._catalog, self._cache, self._learned, options)
        self._namespace = cluster.namespace or "default"
        self._managed: set[GVK] = set()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the watches, unless the cache was handed in."""
        self._planner.kinds.definitions.forget()
        if self._owns_cache:
            self._cache.stop()

    @property
    def cache(self) -> Cache:
        """The lister through which all reads go."""
        return self._cache

    def plan(  # noqa: PLR0913 - keyword-only settings, each with a default
        self,
        expected: Iterable[Mapping[str, Any]],
        *,
        namespace: str = "",
        delete_from_namespace: str = "",
        delete_selector: Selector | None = None,
        kinds: Iterable[str] = (),
        allow_empty: bool = False,
        max_deletions: int | None = None,
        delete_kinds: Iterable[str] = (),
        fields: str = EXACT,
        verify: bool = False,
    ) -> Plan:
        """What would be done; no write is sent.

        ``expected`` are plain dicts, which are never changed; ``namespace`` is that of objects that name none and need
        one, by default the context's. Objects in ``delete_from_namespace`` that match ``delete_selector`` (a string,
        or a mapping as in ``parse``) and are not expected are deleted; "" or None skips deletion. Deletion looks at
        the kinds in ``expected``, those in ``kinds`` (``apps/v1/Kind``) and those that this Reconciler has seen
        before. ``fields="subset"`` compares only what ``expected`` sets. ``verify`` dry-runs the patches,
        so that no difference is shown that the server does not see.

        Raises LoadError where the set cannot be read or is ambiguous, Unauthorized or Unreachable where the cluster
        does not answer. A fault of one object is its change's ``error``.
        """
        selector = parse_selector(delete_selector) if delete_selector is not None else None
        wanted = Prune(delete_from_namespace, selector, allow_empty, max_deletions, frozenset(delete_kinds))
        with self._lock:
            known = self._managed | {GVK.parse(kind) for kind in kinds}
        plan, seen = self._planner.plan(expected, namespace or self._namespace, wanted, known, fields=fields)
        with self._lock:
            self._managed |= seen
        return self._verified(plan) if verify else plan

    def apply(self, plan: Plan) -> Result:
        """Carry a plan out. What changed since it was made is refused, object by object, with a Conflict.

        Raises PlanRefused, after creates and patches ran, where a guard withholds the deletions; its ``result`` holds
        what was done.
        """
        written = self._write(plan)
        return self._finish(plan, written)

    def reconcile(self, expected: Iterable[Mapping[str, Any]], **settings: Any) -> Result:
        """Plan and apply; objects that others change meanwhile are compared again. Arguments and errors as ``plan``."""
        objects = list(expected)
        plan = self.plan(objects, **settings)
        written = self._write(plan)
        for _ in range(_ATTEMPTS - 1):
            written = self._retry(written, objects, settings)
        return self._finish(plan, written)

    def _verified(self, plan: Plan) -> Plan:
        updates = [change for change in plan.changes if change.operation == "update"]
        verified = {change.key: change for change in self._applier.verify(updates)}
        changes = [verified.get(change.key, change) for change in plan.changes]
        return dataclasses.replace(
            plan,
            changes=tuple(change for change in changes if not change.is_quiet),
            unchanged=(*plan.unchanged, *(change for change in changes if change.is_quiet)),
        )

    def _write(self, plan: Plan) -> list[Outcome]:
        changes = [change for change in plan.changes if change.operation in {"create", "update"}]
        return self._applier.write(changes, self._planner.kinds.settle) if changes else []

    def _retry(
        self, outcomes: list[Outcome], objects: list[Mapping[str, Any]], settings: Mapping[str, Any]
    ) -> list[Outcome]:
        """Compare and write the objects again that had changed under the first write."""
        lost = {outcome.key: outcome for outcome in outcomes if _is_conflict(outcome)}
        if not lost:
            return outcomes
        for outcome in lost.values():
            self._applier.refresh(outcome.change)
        namespace, fields = settings.get("namespace") or self._namespace, settings.get("fields", EXACT)
        plan, _ = self._planner.plan(objects, namespace, Prune(), set(), fields=fields, only=frozenset(lost))
        again = self._write(plan)
        again += [_settled(change) for change in (*plan.changes, *plan.unchanged) if change.operation == "none"]
        return [outcome for outcome in outcomes if outcome.key not in lost] + again

    def _finish(self, plan: Plan, written: list[Outcome]) -> Result:
        deletions = [change for change in plan.changes if change.operation == "delete"]
        settled = [_settled(change) for change in (*plan.changes, *plan.unchanged) if change.operation == "none"]
        failed = sum(outcome.status == "failed" for outcome in (*written, *settled))
        reason = withheld(failed) if failed else next(iter(plan.refusals), "")
        deleted = _skipped(deletions, reason) if reason else self._applier.delete(deletions) if deletions else []
        result = Result(tuple(_in_order(plan, [*written, *settled, *deleted])), plan.warnings)
        if plan.refusals:
            raise PlanRefused("; ".join(plan.refusals), result)
        return result


def _is_conflict(outcome: Outcome) -> bool:
    """Whether the cause is an older view of the object: it changed, exists already, or is gone."""
    error = outcome.error
    if isinstance(error, NotFound):
        return outcome.change.operation == "update"
    return isinstance(error, Conflict)


def _settled(change: Change) -> Outcome:
    if change.error is not None:
        return Outcome(change, "failed", error=change.error)
    return Outcome(change, "skipped" if change.skipped else "unchanged", reason=change.reason)


def _skipped(changes: list[Change], reason: str) -> list[Outcome]:
    return [Outcome(change, "skipped", reason=reason) for change in changes]


def _in_order(plan: Plan, outcomes: list[Outcome]) -> list[Outcome]:
    """As the expected set was ordered, deletions last."""
    places: dict[ObjectKey, int] = {key: place for place, key in enumerate(plan.order)}
    return sorted(outcomes, key=lambda outcome: places.get(outcome.key, len(places)))
