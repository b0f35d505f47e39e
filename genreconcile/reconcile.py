"""The Reconciler: load expected → read live from the cache → compare → plan → apply → report.

Invariant: the only place that knows the whole flow, and it knows no kind. Reads go through the cache alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, Self

from genreconcile.access import Access, Right, Use
from genreconcile.apply import Applier, Rehearsal, Verifier
from genreconcile.apply.result import Author, Result
from genreconcile.arguments import (
    ABSENT,
    Absent,
    CheckAccess,
    Fields,
    Level,
    OnImmutable,
    OwnerTool,
    Propagation,
    refused,
    require_choice,
    require_flag,
    require_name,
    texts,
)
from genreconcile.cache import Cache
from genreconcile.cache.related import Related
from genreconcile.catalog import Catalog
from genreconcile.cluster import Cluster
from genreconcile.engine import Engine, forgetting, require_parts
from genreconcile.errors import CacheError, InputError
from genreconcile.execution import Execution, withheld_for_invalid
from genreconcile.manifests import require_iterable
from genreconcile.memory.learned import Learned
from genreconcile.normalize import Registry
from genreconcile.ownership import ParentRef
from genreconcile.plan import Change, Plan
from genreconcile.plan.planner import Call, Planner
from genreconcile.process import Process
from genreconcile.settings import CHILDREN, NotOlderThan, Options, Selector, Settings
from genreconcile.waiting import Readying, Waited


class Reconciler:
    """Brings a cluster to exactly the state that is handed over, and keeps it there.

    ``cache`` is the caller's, who also closes it; without one, the Reconciler opens its own. ``rules`` are the
    shipped ones unless given. ``namespaces`` limits what is watched; what is expected elsewhere fails.
    ``propagation`` says what happens to the dependents of a deleted object: ``background``, ``foreground`` or
    ``orphan``; by default ``foreground`` where the object is created again, and else ``background``.
    ``on_immutable="recreate"`` deletes an object whose immutable fields differ, waits until it is gone, and creates it
    again; ``wait_timeout`` is how many seconds it waits, and those that ``wait=True`` waits for the deletions that do
    not depend on one another. ``sync_timeout`` is in seconds. ``check_access`` "read" or "write" asks, before a kind
    is read for the first time, whether this account may read it, or write it too; a missing right is then the error of
    the objects that need it, and one of the plan's ``warnings`` names all; ``access`` is an Access that the caller has
    asked already.
    ``follow_definitions=False`` does without the right to watch the definitions of custom kinds: a schema that changes
    while the Reconciler runs then goes unnoticed; ``"once"`` asks for each of them once, where that is allowed.
    ``may_write`` is asked before each write, by several threads: once it says no, nothing more is sent, and what is
    left fails with NotLeading. Give a function that knows whether this replica holds its lease. Thread-safe.
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
        propagation: Propagation | Literal[""] = "",
        on_immutable: OnImmutable = "fail",
        sync_timeout: float = 60.0,
        check_access: CheckAccess = "",
        access: Access | None = None,
        follow_definitions: bool | Literal["once"] = True,
        may_write: Callable[[], bool] | None = None,
        wait_timeout: float = 120.0,
    ) -> None:
        require_parts(cluster, cache, rules, access)
        options = Options(
            field_manager=field_manager,
            concurrency=concurrency,
            propagation=propagation,
            on_immutable=on_immutable,
            sync_timeout=sync_timeout,
            check_access=check_access,
            follow_definitions=follow_definitions,
            may_write=may_write,
            wait_timeout=wait_timeout,
        )
        if namespaces is not None:
            namespaces = texts("namespaces", namespaces, require_name)
            if cache is not None:
                raise InputError(
                    "namespaces: not usable with cache: the cache has its own; leave one of them out", code="GR111"
                )
        self._owns_cache = cache is None
        self._cache = cache if cache is not None else Cache(cluster, namespaces=namespaces)
        if self._owns_cache:
            self._cache.start()
        catalog = Catalog(cluster, rules if rules is not None else Registry.builtin(), self._cache.discovery)
        self._engine = engine = Engine(cluster, catalog, self._cache, Learned(), Related(self._cache), options)
        self._unsubscribe = self._cache.subscribe(forgetting(engine.learned))
        self._use = Use(check_access, recreates=on_immutable == "recreate")
        self._planner = Planner(engine, (access or Access(cluster)) if check_access else None)
        self._verifier = Verifier(engine)
        self._readying = Readying(engine, self._planner.kinds)
        self._applier = Applier(engine)
        self._rehearsal = Rehearsal(engine.rehearsing())
        self._namespace = cluster.namespace or "default"
        self._process = Process()
        self._is_closed = False

    def __enter__(self) -> Self:
        self._require_open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the watches, unless the cache was handed in. The Reconciler is of no use afterwards."""
        self._is_closed = True
        if not self._process.is_this:  # In a forked process, the threads and locks are the parent's.
            return
        self._unsubscribe()
        self._planner.kinds.close()
        if self._owns_cache:
            self._cache.stop()

    def __repr__(self) -> str:
        return f"<Reconciler of {self._cache!r}>"

    def _require_open(self) -> None:
        """Raise CacheError where the cache may be out of date, as after ``close`` and in a forked process."""
        if not self._process.is_this:
            raise CacheError(self._process.told("the Reconciler"), code="GR003")
        if self._is_closed:
            raise CacheError("the Reconciler: not usable any more: it was closed; make a new one", code="GR004")
        self._cache.require_usable()

    @property
    def cache(self) -> Cache:
        """The lister through which all reads go."""
        return self._cache

    def plan(  # noqa: PLR0913 - keyword-only settings, each with a default
        self,
        expected: Iterable[Mapping[str, Any]],
        *,
        namespace: str = "",
        delete_from_namespace: str | Absent | None = ABSENT,
        delete_selector: Selector | Absent | None = ABSENT,
        kinds: Iterable[str] = (),
        allow_empty: bool = False,
        max_deletions: int | None = None,
        delete_kinds: Iterable[str] = (),
        fields: Fields = "exact",
        verify: bool = False,
        owner: str = "",
        owner_tool: OwnerTool = "genreconcile",
        prune_first: bool = False,
        not_older_than: NotOlderThan = None,
    ) -> Plan:
        """What would be done; no write is sent.

        ``expected`` are plain dicts, which are never changed; ``namespace`` is that of objects that name none and need
        one, by default the context's. Objects in ``delete_from_namespace`` that match ``delete_selector`` (a string,
        or a mapping as in ``parse``) and are not expected are deleted; "" or None skips deletion, one of them without
        the other is refused. Deletion looks at the kinds in ``expected``, those in ``kinds`` (``apps/v1/Kind``; "*"
        for all that the server can list and delete, of which metadata are read) and those that this Reconciler has
        seen before; the plan's ``looked_at`` says which. With ``owner``, such as ``configmaps/shop``, all that
        expected holds becomes a member of the set which that object heads, and members that are not expected any more
        are deleted, of whatever kind and wherever the set has some (KEP-3659); the object is in ``namespace``.
        ``owner_tool="kubectl"`` shares the set with kubectl. ``delete_kinds`` (``Kind.group``) are kinds that take
        others along and are deleted all the same; ``allow_empty`` and ``max_deletions`` are guards (docs/deletion.md).
        With ``prune_first`` deletions go before creations, where a dry run of the rest finds nothing else wrong: for
        values that one object holds alone, such as a node port, and for full quotas.
        ``fields="subset"`` compares only what ``expected`` sets. ``verify`` dry-runs the patches, so that no difference
        is shown that the server does not see. ``not_older_than`` is what the caller has seen already, as a rule by a
        watch of its own: an object as a dict, or a resourceVersion. The cache waits until it has seen that too, and
        asks the server where no event comes within a second.

        Raises InputError for an argument that cannot be meant, LoadError where the set cannot be read or is ambiguous,
        Unauthorized or Unreachable where the cluster does not answer, PlanRefused where the owner set belongs to
        another tool, NotSynced where the cache does not become as new as ``not_older_than`` within ``sync_timeout``,
        CacheError after ``close`` or in a forked process. A fault of one object is its change's ``error``.
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
            prune_first=prune_first,
            not_older_than=not_older_than,
        )
        return self._planned(self._call(expected, settings), settings)

    def rights(  # noqa: PLR0913 - keyword-only settings, each with a default
        self,
        expected: Iterable[Mapping[str, Any]],
        *,
        level: Level = "write",
        namespace: str = "",
        delete_from_namespace: str | Absent | None = ABSENT,
        delete_selector: Selector | Absent | None = ABSENT,
        kinds: Iterable[str] = (),
        allow_empty: bool = False,
        max_deletions: int | None = None,
        delete_kinds: Iterable[str] = (),
        fields: Fields = "exact",
        verify: bool = False,
        owner: str = "",
        owner_tool: OwnerTool = "genreconcile",
        prune_first: bool = False,
        not_older_than: NotOlderThan = None,
    ) -> frozenset[Right]:
        """The rights that ``reconcile`` needs for this set and these settings, with ``level="read"`` those of ``plan``.

        Kinds and their schemas are asked for; no object is read. Arguments and errors as ``plan``, and InputError for
        an object whose kind the server does not know.
        """
        self._require_open()
        require_choice("level", level, Level)
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
            prune_first=prune_first,
            not_older_than=not_older_than,
        )
        use = dataclasses.replace(self._use, level=level, verifies=settings.verify)
        return self._planner.rights(self._call(expected, settings), use)

    def apply(self, plan: Plan, *, wait: bool = False, dry_run: bool = False, wait_waves: float = 0.0) -> Result:
        """Carry a plan out. What changed since it was made is refused, object by object, with a Conflict.

        ``deleted`` means that the server has accepted it; ``wait`` waits until the objects are gone. ``dry_run`` sends
        all requests so that the server only says what it would do. ``wait_waves`` is the time, in seconds, that waves
        wait until the ones before are ready; what then is not written is ``failed``, and nothing is deleted.

        Raises PlanRefused, after creates and patches ran, where a guard withholds the deletions; its ``result`` holds
        what was done.
        """
        self._require_open()
        if not isinstance(plan, Plan):
            raise refused("plan", plan, "is no plan; give what plan(...) returned")
        require_flag("wait", wait)
        require_flag("dry_run", dry_run)
        gate = self._readying.gate(wait_waves)
        if dry_run:
            return Execution(self._planner, self._rehearsal, self._rehearsal).run(plan)
        return Execution(self._planner, self._applier, self._rehearsal, wait=wait, gate=gate).run(plan)

    def reconcile(  # noqa: PLR0913 - keyword-only settings, each with a default
        self,
        expected: Iterable[Mapping[str, Any]],
        *,
        wait: bool = False,
        namespace: str = "",
        delete_from_namespace: str | Absent | None = ABSENT,
        delete_selector: Selector | Absent | None = ABSENT,
        kinds: Iterable[str] = (),
        allow_empty: bool = False,
        max_deletions: int | None = None,
        delete_kinds: Iterable[str] = (),
        fields: Fields = "exact",
        verify: bool = False,
        owner: str = "",
        owner_tool: OwnerTool = "genreconcile",
        prune_first: bool = False,
        not_older_than: NotOlderThan = None,
        wait_waves: float = 0.0,
    ) -> Result:
        """Plan and apply; objects that others change meanwhile are compared again. Arguments and errors as ``plan``,
        ``wait`` and ``wait_waves`` as in ``apply``.
        """
        require_flag("wait", wait)
        gate = self._readying.gate(wait_waves)
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
            prune_first=prune_first,
            not_older_than=not_older_than,
        )
        call = self._call(list(require_iterable(expected)), settings)
        plan = self._planned(call, settings)
        return Execution(self._planner, self._applier, self._rehearsal, call, wait=wait, gate=gate).run(plan)

    def wait(
        self, expected: Iterable[Mapping[str, Any]], *, namespace: str = "", timeout: float = 120.0
    ) -> tuple[Waited, ...]:
        """Wait until the objects are all Current (docs/readiness.md), or none is in progress any more, or ``timeout``
        seconds are over: one Waited for each, which says how it is and what holds it up. ``namespace`` is that of
        objects that name none. LoadError; Unauthorized and Unreachable. Whether fields are as expected is not asked.
        """
        self._require_open()
        return self._readying.wait(expected, namespace or self._namespace, timeout)

    # For controllers of this package; not part of the public API.

    def warm(self, kinds: Iterable[str]) -> None:
        """Watch these kinds as a plan would; what is not served, or cannot be read, is left out. Raises nothing."""
        self._planner.warm(kinds)

    def plan_set(self, expected: Iterable[Mapping[str, Any]], settings: Settings, *, is_whole: bool = True) -> Plan:
        """As ``plan`` with these settings; unless ``expected`` ``is_whole``, nothing is to be deleted."""
        return self._planned(self._set(expected, settings, is_whole=is_whole), settings)

    def authors(self, change: Change) -> tuple[Author, ...]:
        """Who owns the fields that an update would change, as far as a watch has shown it; see ``Outcome``."""
        return self._applier.authors(change)

    def reconcile_set(
        self, expected: Iterable[Mapping[str, Any]], settings: Settings, *, is_whole: bool = True
    ) -> Result:
        """As ``reconcile`` with these settings; unless ``expected`` ``is_whole``, nothing is deleted."""
        call = self._set(list(require_iterable(expected)), settings, is_whole=is_whole)
        return Execution(self._planner, self._applier, self._rehearsal, call).run(self._planned(call, settings))

    def plan_children(
        self,
        expected: Iterable[Mapping[str, Any]],
        parent: ParentRef,
        settings: Settings = CHILDREN,
        *,
        is_whole: bool = True,
    ) -> Plan:
        """What ``reconcile_children`` would do; no write is sent. Errors as ``plan``, and ParentChanged."""
        return self._planned(self._children(expected, parent, settings, is_whole=is_whole), settings)

    def apply_children(
        self,
        plan: Plan,
        expected: Sequence[Mapping[str, Any]],
        parent: ParentRef,
        settings: Settings = CHILDREN,
        *,
        is_whole: bool = True,
    ) -> Result:
        """Carry the plan of ``plan_children`` out, as ``reconcile_children`` does. Arguments and errors as there."""
        return self._carried_out(plan, self._children(expected, parent, settings, is_whole=is_whole))

    def reconcile_children(
        self,
        expected: Iterable[Mapping[str, Any]],
        parent: ParentRef,
        settings: Settings = CHILDREN,
        *,
        is_whole: bool = True,
    ) -> Result:
        """Bring the children of one parent to exactly ``expected``; those that left the set are deleted. With
        ``is_whole=False`` the set is not stated to its end, and nothing is deleted.

        Of the settings count ``max_deletions``, ``delete_kinds``, ``fields``, ``verify`` and ``not_older_than``; an
        empty set means no children. Where a child cannot be used nothing is written at all. A child that somebody else
        has is ``failed`` with ChildConflict. A parent that is being deleted has no ``expected``: then members go that
        the garbage collector does not take along. Errors as ``reconcile``, PlanRefused where another controller has a
        set of this parent, and ParentChanged, before anything is written, where the cache does not have its uid.
        """
        call = self._children(list(require_iterable(expected)), parent, settings, is_whole=is_whole)
        return self._carried_out(self._planned(call, settings), call)

    def _carried_out(self, plan: Plan, call: Call) -> Result:
        withheld = withheld_for_invalid(plan)
        if withheld is not None:
            return withheld
        return Execution(self._planner, self._applier, self._rehearsal, call).run(plan)

    def _children(
        self, expected: Iterable[Mapping[str, Any]], parent: ParentRef, settings: Settings, *, is_whole: bool
    ) -> Call:
        if parent.tool != (manager := self._engine.options.field_manager):
            raise refused("controller", parent.controller, f"is not that of the field manager {manager}")
        call = self._call(expected, settings)
        prune = dataclasses.replace(call.prune, owner=parent, allow_empty=True, is_whole=is_whole)
        return dataclasses.replace(call, namespace=parent.key.namespace, prune=prune)

    def _set(self, expected: Iterable[Mapping[str, Any]], settings: Settings, *, is_whole: bool) -> Call:
        call = self._call(expected, settings)
        return dataclasses.replace(call, prune=dataclasses.replace(call.prune, is_whole=is_whole))

    def _call(self, expected: Iterable[Mapping[str, Any]], settings: Settings) -> Call:
        self._require_open()
        if settings.not_older_than is not None:  # It is iterated over twice.
            expected = list(require_iterable(expected))
        return Call(expected, settings.namespace or self._namespace, settings.prune, settings.fields)

    def _planned(self, call: Call, settings: Settings) -> Plan:
        """Wait until the cache is as new as asked for, plan, and verify the plan where that is asked for."""
        if settings.sighting is not None:
            self._planner.catch_up(settings.sighting, call)
        plan = self._planner.plan(call, dataclasses.replace(self._use, verifies=settings.verify))
        self._require_open()  # A ``close`` meanwhile has stopped the watches.
        return self._verifier.verified(plan) if settings.verify else plan
