"""The Reconciler: load expected → read live from the cache → compare → plan → apply → report.

Invariant: the only place that knows the whole flow, and it knows no kind. Reads go through the cache alone.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Self

from genreconcile.access import Access, Right, Use
from genreconcile.apply import Applier, Options, Rehearsal, propagation_of
from genreconcile.cache import Cache, CacheEvent
from genreconcile.catalog import Catalog
from genreconcile.cluster import Cluster
from genreconcile.diff import EXACT
from genreconcile.errors import InputError
from genreconcile.execution import Call, Execution
from genreconcile.load import require_iterable
from genreconcile.normalize import Registry
from genreconcile.normalize.learned import Learned
from genreconcile.objects import GVK
from genreconcile.outcome import Result
from genreconcile.ownership import OWN_TOOL
from genreconcile.plan import Plan
from genreconcile.planner import Planner
from genreconcile.settings import Selector, Settings


class Reconciler:
    """Brings a cluster to exactly the state that is handed over, and keeps it there.

    ``cache`` is one that the caller has already, and closes itself; else the Reconciler opens its own. ``rules`` are
    the shipped ones unless given. ``namespaces`` limits what is watched; what is expected elsewhere fails.
    ``propagation`` says what becomes of what a deleted object owns: ``background``, ``foreground`` or ``orphan``.
    ``on_immutable="recreate"`` deletes an object whose immutable fields differ, waits until it is gone, and creates it
    again. ``sync_timeout`` is in seconds. ``check_access`` "read" or "write" asks, before a kind is read for the first
    time, whether this account may read it, or write it too; a missing right is then the error of the objects that need
    it, and one of the plan's ``warnings`` names all. ``follow_definitions=False`` does without the right to watch the
    definitions of custom kinds: a schema that changes while the Reconciler runs then goes unnoticed; ``"once"`` asks
    for each of them once, where that is allowed. ``may_write`` is asked before each write, by several threads: once it
    says no, nothing more is sent, and what is left fails with NotLeading. Give it what knows whether this replica holds
    its lease. Thread-safe.
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
        check_access: str = "",
        follow_definitions: bool | str = True,
        may_write: Callable[[], bool] | None = None,
    ) -> None:
        if check_access not in {"", "read", "write"}:
            raise InputError(f"check_access: {check_access!r}: not known; give 'read', 'write', or '' for no check")
        self._owns_cache = cache is None
        self._cache = cache if cache is not None else Cache(cluster, namespaces=namespaces)
        if self._owns_cache:
            self._cache.start()
        self._catalog = Catalog(cluster, rules if rules is not None else Registry.builtin(), self._cache.discovery)
        self._learned = Learned()
        self._unsubscribe = self._cache.subscribe(_forgetting(self._learned))
        propagation = propagation_of(propagation)
        options = Options(field_manager, concurrency, propagation, on_immutable, may_write=may_write)
        self._use = Use(check_access, recreates=on_immutable == "recreate")
        self._planner = Planner(
            cluster,
            self._catalog,
            self._cache,
            self._learned,
            sync_timeout,
            access=Access(cluster) if check_access else None,
            follow_definitions=follow_definitions,
        )
        related = self._planner.related
        self._applier = Applier(cluster, self._catalog, self._cache, self._learned, related, options)
        rehearsal = dataclasses.replace(options, dry_run=True)
        self._rehearsal = Rehearsal(cluster, self._catalog, self._cache, self._learned, related, rehearsal)
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
        self._unsubscribe()
        self._planner.kinds.close()
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
        owner: str = "",
        owner_tool: str = OWN_TOOL,
    ) -> Plan:
        """What would be done; no write is sent.

        ``expected`` are plain dicts, which are never changed; ``namespace`` is that of objects that name none and need
        one, by default the context's. Objects in ``delete_from_namespace`` that match ``delete_selector`` (a string,
        or a mapping as in ``parse``) and are not expected are deleted; "" or None skips deletion. Deletion looks at
        the kinds in ``expected``, those in ``kinds`` (``apps/v1/Kind``) and those that this Reconciler has seen
        before. With ``owner``, such as ``configmaps/shop``, all that expected holds becomes a member of the set which
        that object heads, and members that are not expected any more are deleted, of whatever kind and wherever the
        set has some (KEP-3659); the object is in ``namespace``. ``owner_tool="kubectl"`` shares the set with kubectl.
        ``fields="subset"`` compares only what ``expected`` sets. ``verify`` dry-runs the patches,
        so that no difference is shown that the server does not see.

        Raises LoadError where the set cannot be read or is ambiguous, Unauthorized or Unreachable where the cluster
        does not answer, PlanRefused where the owner set belongs to another tool. A fault of one object is its change's
        ``error``.
        """
        settings = Settings(
            namespace=namespace,
            delete_from_namespace=delete_from_namespace,
            delete_selector=delete_selector,
            kinds=kinds,
            allow_empty=allow_empty,
            max_deletions=max_deletions,
            delete_kinds=delete_kinds,
            fields=fields,
            verify=verify,
            owner=owner,
            owner_tool=owner_tool,
        )
        return self._plan(self._call(expected, settings), settings)

    def rights(
        self, expected: Iterable[Mapping[str, Any]], *, level: str = "write", **settings: Any
    ) -> frozenset[Right]:
        """The rights that ``reconcile`` needs for this set and these settings, with ``level="read"`` those of ``plan``.

        Kinds and their schemas are asked for; no object is read. Errors as ``plan``, and InputError for an object
        whose kind the server does not know.
        """
        chosen = Settings(**settings)
        use = dataclasses.replace(self._use, level=level, verifies=chosen.verify)
        return self._planner.rights(expected, chosen.namespace or self._namespace, chosen.prune, use)

    def apply(self, plan: Plan, *, wait: bool = False, dry_run: bool = False) -> Result:
        """Carry a plan out. What changed since it was made is refused, object by object, with a Conflict.

        ``deleted`` means that the server has accepted it; ``wait`` waits until the objects are gone. ``dry_run`` sends
        all requests so that the server only says what it would do.

        Raises PlanRefused, after creates and patches ran, where a guard withholds the deletions; its ``result`` holds
        what was done.
        """
        applier = self._rehearsal if dry_run else self._applier
        return Execution(self._planner, applier, wait=wait and not dry_run).run(plan)

    def reconcile(self, expected: Iterable[Mapping[str, Any]], *, wait: bool = False, **settings: Any) -> Result:
        """Plan and apply; objects that others change meanwhile are compared again. Arguments and errors as ``plan``,
        ``wait`` as in ``apply``.
        """
        chosen = Settings(**settings)
        call = self._call(list(require_iterable(expected)), chosen)
        return Execution(self._planner, self._applier, call, wait=wait).run(self._plan(call, chosen))

    def _call(self, expected: Iterable[Mapping[str, Any]], settings: Settings) -> Call:
        with self._lock:
            known = frozenset(self._managed)
        return Call(expected, settings.namespace or self._namespace, settings.prune, known, settings.fields)

    def _plan(self, call: Call, settings: Settings) -> Plan:
        use = dataclasses.replace(self._use, verifies=settings.verify)
        plan, seen = self._planner.plan(
            call.expected, call.namespace, call.wanted, set(call.known), fields=call.fields, use=use
        )
        with self._lock:
            self._managed |= seen
        return self._verified(plan) if settings.verify else plan

    def _verified(self, plan: Plan) -> Plan:
        updates = [change for change in plan.changes if change.operation == "update"]
        verified = {change.key: change for change in self._applier.verify(updates)}
        changes = [verified.get(change.key, change) for change in plan.changes]
        return dataclasses.replace(
            plan,
            changes=tuple(change for change in changes if not change.is_quiet),
            unchanged=(*plan.unchanged, *(change for change in changes if change.is_quiet)),
        )


def _forgetting(learned: Learned) -> Callable[[CacheEvent], None]:
    """What forgets an object that is gone. It holds nothing else of a Reconciler that nobody has closed."""

    def forget(event: CacheEvent) -> None:
        if event.type == "DELETED" and event.record.uid:  # Some APIs have no uids.
            learned.forget(event.record.uid)

    return forget
