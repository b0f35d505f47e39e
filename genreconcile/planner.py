"""An expected set and the cache → a Plan.

Invariant: sends no write; where nothing is new, sends no request at all.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

from genreconcile.cache import Cache
from genreconcile.catalog import Catalog
from genreconcile.definitions import Definitions
from genreconcile.diff import EXACT, Policy
from genreconcile.discovery import Resource
from genreconcile.errors import (
    CacheError,
    ClusterError,
    InputError,
    NotSynced,
    ReconcileError,
    Unauthorized,
    Unreachable,
)
from genreconcile.load import refuse_duplicates, validate_set
from genreconcile.normalize.learned import Learned
from genreconcile.objects import GVK, Object, ObjectKey, labels_of, metadata_of, namespace_of
from genreconcile.order import defined_by, defines_kinds, is_definer, is_served
from genreconcile.outcome import Outcome
from genreconcile.plan import Change, Plan, Prune, Terms, judge, prune, withheld
from genreconcile.plan.judgement import unusable
from genreconcile.related import Related
from genreconcile.schema import document_path

_SETTLE: Final = 30.0  # Seconds within which the server serves a kind that was just defined.
_POLL: Final = 0.02

Located = tuple[Object, Resource | ReconcileError]
"""An expected object in its namespace, with its resource, or why it has none."""


class Planner:
    """Makes plans from one cache and one catalog."""

    def __init__(self, catalog: Catalog, cache: Cache, learned: Learned, sync_timeout: float) -> None:
        self._catalog = catalog
        self._cache = cache
        self._learned = learned
        self._sync_timeout = sync_timeout
        self.definitions = Definitions(cache)

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
        objects = validate_set(expected)
        self._follow_definitions()
        located = self._locate(objects, namespace)
        if only is not None:
            located = [(obj, resource) for obj, resource in located if ObjectKey.of(obj) in only]
        further = self._further(known, located) if wanted.is_wanted else []
        self._sync(self._needed(located).union(further))
        related = Related(self._cache)
        changes = [self._judge(obj, resource, fields, related) for obj, resource in located]
        deletions, unknown = self._deletions(located, further, wanted) if wanted.is_wanted else ([], [])
        warnings = [*unknown, *(_unmatched(obj, wanted) for obj, _ in located if _is_unmatched(obj, wanted))]
        plan = _plan(changes, deletions, wanted, warnings)
        return plan, {resource.gvk for _, resource in located if isinstance(resource, Resource)}

    def _locate(self, objects: list[Object], namespace: str) -> list[Located]:
        brought = {resource.gvk: resource for obj in objects for resource in defined_by(obj)}
        located = [self._located(obj, namespace, brought) for obj in objects]
        refuse_duplicates((ObjectKey.of(obj), f"expected[{index}]") for index, (obj, _) in enumerate(located))
        return located

    def _located(self, obj: Object, namespace: str, brought: Mapping[GVK, Resource]) -> Located:
        gvk = GVK.of(obj)
        try:
            resource = brought.get(gvk) or self._catalog.resource(gvk)
            _require_verbs(resource)
        except (Unauthorized, Unreachable):
            raise
        except ClusterError as error:
            return obj, error
        except InputError as error:
            return obj, unusable(ObjectKey.of(obj), error)
        if resource.namespaced and not namespace_of(obj):
            obj = {**obj, "metadata": {**obj["metadata"], "namespace": namespace}}
        elif not resource.namespaced and namespace_of(obj):
            scoped = InputError("the kind is cluster-scoped; remove metadata.namespace", "/metadata/namespace")
            return obj, unusable(ObjectKey.of(obj), scoped)
        return obj, resource

    def _further(self, known: set[GVK], located: list[Located]) -> list[Resource]:
        """The resources of kinds that are not in expected, for deletion only."""
        there = {(resource.gvk.group, resource.gvk.kind) for _, resource in located if isinstance(resource, Resource)}
        wanted = [gvk for gvk in sorted(known) if (gvk.group, gvk.kind) not in there]
        found = [self._catalog.discovery.get(gvk) for gvk in wanted]
        return [resource for resource in found if resource is not None]

    def _follow_definitions(self) -> None:
        """Read schemas again where a definition has changed, and then the objects, which look different under them."""
        if self.definitions.are_changing:
            self._catalog.invalidate()
        if not self._catalog.is_stale:
            return
        changed = self._catalog.renew()
        if changed:
            self.definitions.note_followed()
        for gvk in self._cache.kinds():
            if document_path(gvk.group, gvk.version) in changed:
                self._cache.relist(gvk, self._sync_timeout)

    def _needed(self, located: list[Located]) -> set[Resource]:
        """The resources of the expected set, and those that rules consult for them."""
        own = {resource for _, resource in located if isinstance(resource, Resource)}
        described = [resource for resource in own if not self._is_pending(resource)]
        definers = self._definers() if any(self._catalog.is_custom(resource) for resource in described) else []
        return own.union(definers, *(self._catalog.consulted(resource) for resource in described))

    def _definers(self) -> list[Resource]:
        return [resource for resource in self._catalog.discovery.resources() if is_definer(resource.gvk)]

    def _is_pending(self, resource: Resource) -> bool:
        """Whether the expected set brings this kind, and the server does not have it yet."""
        return self._catalog.discovery.get(resource.gvk) is None

    def _sync(self, resources: Iterable[Resource]) -> None:
        """Wait until the cache has every kind, or knows why it cannot. Raises Unauthorized, Unreachable."""
        waiting = [resource for resource in resources if not self._is_pending(resource)]
        for resource in waiting:
            self._cache.add(resource, keep_managers=self._catalog.rules.needs_managers(resource.gvk))
        deadline = time.monotonic() + self._sync_timeout
        while waiting and time.monotonic() < deadline:
            waiting = [resource for resource in waiting if not self._is_settled(resource)]
            if waiting:
                time.sleep(_POLL)

    def _is_settled(self, resource: Resource) -> bool:
        if self._cache.has_synced(resource):
            return True
        error = self._cache.error(resource)
        if isinstance(error, Unauthorized | Unreachable):
            raise error
        return error is not None

    def _judge(self, obj: Object, resource: Resource | ReconcileError, fields: str, related: Related) -> Change:
        key, gvk = ObjectKey.of(obj), GVK.of(obj)
        if isinstance(resource, ReconcileError):
            return Change("none", gvk, key, expected=obj, error=resource)
        try:
            if self._is_pending(resource):
                return Change("create", gvk, key, expected=obj)
            live = self._live(resource, key)
            node, typed = self._catalog.node(resource, obj)
        except InputError as error:
            return Change("none", gvk, key, expected=obj, error=unusable(key, error))
        except (CacheError, ClusterError) as error:
            return Change("none", gvk, key, expected=obj, error=error)
        change = judge(obj, live, Terms(node, typed, Policy(fields, related)), self._learned)
        return self._unless_settling(change, resource)

    def _unless_settling(self, change: Change, resource: Resource) -> Change:
        """The change, but nothing while the definition of its kind changes: objects and schema may not fit yet."""
        if change.is_quiet or change.live is None or not self.definitions.are_ahead:
            return change
        if not self._catalog.is_custom(resource):
            return change
        reason = "the definition of its kind is changing; it is compared again in a moment"
        live = change.live
        return Change("none", change.gvk, change.key, expected=change.expected, live=live, reason=reason, skipped=True)

    def _live(self, resource: Resource, key: ObjectKey) -> Object | None:
        error = self._cache.error(resource)
        if error is not None and not self._cache.has_synced(resource):
            raise NotSynced(f"{key}: not compared: its kind cannot be read: {error}") from error
        return self._cache.get(resource, key.name, namespace=key.namespace)

    def _deletions(
        self, located: list[Located], further: list[Resource], wanted: Prune
    ) -> tuple[list[Change], list[str]]:
        """The deletions, and warnings of kinds that cannot be read: unknown is never empty."""
        expected = {ObjectKey.of(obj) for obj, _ in located}
        resources = {resource for _, resource in located if isinstance(resource, Resource)}.union(further)
        found: list[Change] = []
        warnings: list[str] = []
        for resource in sorted(_one_version_each(resources), key=lambda resource: resource.gvk):
            if not resource.namespaced or self._is_pending(resource):
                continue
            if not self._cache.has_synced(resource):
                warnings.append(f"{resource}: nothing deleted: the kind cannot be read")
                continue
            live = self._cache.list(resource, namespace=wanted.namespace, selector=wanted.selector or "")
            found += prune(((resource.gvk, obj) for obj in live), expected, wanted)
        return found, warnings

    def settle(self, outcomes: list[Outcome]) -> None:
        """After a wave: wait until kinds that it defined are served, and forget what was known of them."""
        written = [outcome for outcome in outcomes if outcome.status in {"created", "configured"}]
        defining = [outcome.change for outcome in written if defines_kinds(outcome.change.gvk)]
        if not defining:
            return
        deadline = time.monotonic() + _SETTLE
        brought = {change: defined_by(change.expected or {}) for change in defining}
        for change in (change for change in defining if brought[change]):
            self._wait_until_served(change, deadline)
            self._note_own_write(change)
        self._catalog.invalidate()
        for change, resources in brought.items():
            for resource in resources:
                self._catalog.wait_until_described(resource.gvk, deadline, changed=_changes_schema(change))
        self._follow_definitions()

    def _note_own_write(self, change: Change) -> None:
        live = self._cache.get(self._catalog.resource(change.gvk), change.key.name, namespace=change.key.namespace)
        self.definitions.note_own_write(change.key, int(metadata_of(live or {}).get("generation") or 0))

    def _wait_until_served(self, change: Change, deadline: float) -> None:
        resource = self._catalog.resource(change.gvk)
        while time.monotonic() < deadline:
            live = self._cache.get(resource, change.key.name, namespace=change.key.namespace)
            if live is None or is_served(live):
                return
            time.sleep(_POLL)


def _changes_schema(change: Change) -> bool:
    return any(operation["path"].startswith("/spec") for operation in change.operations)


def _require_verbs(resource: Resource) -> None:
    missing = sorted({"list", "watch"} - resource.verbs)
    if missing:
        raise InputError(f"the server cannot {missing[0]} {resource}; remove it", "/kind")


def _one_version_each(resources: Iterable[Resource]) -> Iterator[Resource]:
    """One resource per (group, kind): two versions show the same objects."""
    return iter({(resource.gvk.group, resource.gvk.kind): resource for resource in resources}.values())


def _is_unmatched(obj: Object, wanted: Prune) -> bool:
    inside = wanted.is_wanted and namespace_of(obj) == wanted.namespace
    return inside and wanted.selector is not None and not wanted.selector.matches(labels_of(obj))


def _unmatched(obj: Object, wanted: Prune) -> str:
    return f"{ObjectKey.of(obj)}: does not match the delete selector {wanted.selector}, so it will never be cleaned up"


def _plan(changes: list[Change], deletions: list[Change], wanted: Prune, warnings: list[str]) -> Plan:
    failed = sum(change.error is not None for change in changes)
    count = sum(change.operation == "delete" for change in deletions)
    refusals = wanted.refusals(expected=len(changes), deletions=count)
    if failed:
        deletions, refusals = [_withheld(change, failed) for change in deletions], []
    every = [*changes, *deletions]
    return Plan(
        changes=tuple(change for change in every if not change.is_quiet),
        unchanged=tuple(change for change in every if change.is_quiet),
        order=tuple(change.key for change in every),
        warnings=tuple(warnings),
        refusals=tuple(refusals),
    )


def _withheld(change: Change, failed: int) -> Change:
    if change.operation != "delete":
        return change
    return Change("none", change.gvk, change.key, live=change.live, reason=withheld(failed), skipped=True)
