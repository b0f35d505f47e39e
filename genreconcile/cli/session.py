"""The steps that commands share: read the files, open a Reconciler, make a plan.

Invariant: the files are read and checked before a request is sent.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from genreconcile.access import Access, Right, is_better_read_whole, recording
from genreconcile.arguments import Level
from genreconcile.cli import exits, logs, output
from genreconcile.cli.options import Connection, Flags
from genreconcile.cluster import Cluster
from genreconcile.cluster.kubeconfig import Chosen
from genreconcile.errors import Forbidden
from genreconcile.kinds.discovery import Discovery, Resource
from genreconcile.kinds.order import defined_by
from genreconcile.log import logger
from genreconcile.manifests import load
from genreconcile.notice import Notice
from genreconcile.objects import GVK, Object, namespace_of
from genreconcile.plan import Plan

_log = logger(__name__)
_WRITES: Final = frozenset({"create", "patch", "delete"})


@contextmanager
def open_reconciler(settings: Flags, expected: Sequence[Object], level: Level = "read") -> Iterator[Any]:
    """A Reconciler for the cluster that the options name, with its rights checked for ``level``; it ends with the
    context. Its cache holds only the namespaces of the objects, where they are few or no others may be read.
    """
    import genreconcile

    rules = genreconcile.Registry.builtin(tool_marks=settings.tool_marks).extend(*settings.rules)
    cluster = connect(settings)
    discovery = Discovery(cluster)
    resources = _resources(expected, discovery)
    recorded = _recorded(cluster, discovery, settings)
    namespaces = _namespaces(settings, expected, resources, cluster.namespace, recorded)
    access = Access(cluster)
    if is_better_read_whole(access, namespaces or (), filter(None, resources.values())):
        namespaces = None
    with (
        genreconcile.Cache(cluster, namespaces=namespaces, discovery=discovery) as cache,
        genreconcile.Reconciler(
            cluster,
            cache=cache,
            rules=rules,
            on_immutable=settings.on_immutable,
            propagation=settings.cascade or "",
            wait_timeout=settings.timeout,
            check_access=level,
            access=access,
            follow_definitions=False,  # One call needs no news of later changes of definitions.
        ) as reconciler,
    ):
        yield reconciler


def chosen(settings: Connection) -> Chosen:
    """The context that the options name. Raises Unreachable."""
    from genreconcile.cluster.choice import Choice
    from genreconcile.cluster.impersonation import Impersonation

    wished = Impersonation.of(settings.as_user, settings.as_groups, settings.as_uid, None)
    return Choice(settings.kubeconfig, settings.context, None, wished).load()


def connect(settings: Connection) -> Cluster:
    """The cluster that the options name. Raises as ``genreconcile.connect``."""
    import genreconcile

    wishes = {"as_": settings.as_user, "as_groups": settings.as_groups, "as_uid": settings.as_uid}
    given: dict[str, Any] = {name: value for name, value in wishes.items() if value}
    return genreconcile.connect(kubeconfig=settings.kubeconfig, context=settings.context, **given)


def rights(
    settings: Flags, expected: Sequence[Object], *, level: Level, operator: bool, everywhere: bool
) -> frozenset[Right]:
    """The rights that ``apply`` with these settings needs, or ``diff`` for the ``level`` read; with ``operator`` those
    of a program that keeps running, with ``everywhere`` those to read the whole cluster.
    """
    import genreconcile

    rules = genreconcile.Registry.builtin(tool_marks=settings.tool_marks).extend(*settings.rules)
    cluster = connect(settings)
    discovery = Discovery(cluster)
    try:
        recorded = _recorded(cluster, discovery, settings)
    except Forbidden as error:
        output.notes("warning", [Notice(f"{error}; only the namespaces of the files are counted", error.code)])
        recorded = frozenset()
    resources = _resources(expected, discovery)
    namespaces = _namespaces(settings, expected, resources, cluster.namespace, recorded)
    namespaces = None if everywhere else namespaces
    with (
        genreconcile.Cache(cluster, namespaces=namespaces, discovery=discovery) as cache,
        genreconcile.Reconciler(
            cluster, cache=cache, rules=rules, on_immutable=settings.on_immutable, follow_definitions=operator
        ) as reconciler,
    ):
        return reconciler.rights(
            expected,
            level=level,
            verify=settings.verify,
            **_reach(settings),
        )


def rights_of_events(writing: Iterable[Right]) -> frozenset[Right]:
    """The rights to write Events beside the objects that are written with these rights; that of an object without a
    namespace is in ``default``.
    """
    return frozenset(recording({right.namespace or "default" for right in writing if right.verb in _WRITES}))


def rights_of_lease(settings: Flags, lease: str, shards: int | None = None) -> frozenset[Right]:
    """The rights to hold a Lease ``[NAMESPACE/]NAME``, or those of ``shards``; it is by default in the context's
    namespace. Raises InputError.
    """
    from genreconcile.access.right import holding, sharing
    from genreconcile.election import Lease

    wanted = Lease.parse(lease, shards=shards)
    namespace = wanted.namespace or connect(settings).namespace or "default"
    if shards is None:
        return frozenset(holding(namespace, wanted.name))
    return frozenset(sharing(namespace, map(wanted.of_shard, range(shards))))


def _reach(settings: Flags) -> dict[str, Any]:
    """The namespace of objects and the scope of deletion, as keywords of ``Reconciler.plan`` and ``rights``."""
    return {
        "namespace": settings.namespace,
        "delete_from_namespace": settings.delete_from_namespace,
        "delete_selector": settings.delete_selector,
        "kinds": settings.kinds,
        "delete_kinds": settings.delete_kinds,
        "owner": settings.owner,
        "owner_tool": settings.owner_tool,
    }


def _recorded(cluster: Any, discovery: Discovery, settings: Flags) -> frozenset[str]:
    """The namespaces that the owner set, if there is one, records for its members. Raises ClusterError."""
    if not settings.owner:
        return frozenset()
    from genreconcile.plan import OwnerRef
    from genreconcile.plan.owners import recorded_namespaces

    place = settings.namespace or cluster.namespace or "default"
    return recorded_namespaces(cluster, discovery, OwnerRef(settings.owner, settings.owner_tool), place)


def _resources(expected: Sequence[Object], discovery: Discovery) -> dict[GVK, Resource | None]:
    """The resource of each kind of the objects, None where none is known. Raises ClusterError where discovery fails."""
    if expected:
        discovery.resources()
    brought = {resource.gvk: resource for obj in expected for resource in defined_by(obj)}
    # Of a kind whose API does not answer, planning reports the error at the objects.
    return {gvk: brought.get(gvk) or discovery.get_or_none(gvk) for gvk in {GVK.of(obj) for obj in expected}}


def _namespaces(
    settings: Flags,
    expected: Sequence[Object],
    resources: Mapping[GVK, Resource | None],
    default: str,
    recorded: frozenset[str],
) -> list[str] | None:
    """The namespaces to read, sorted, None for none; an object without one counts in that of the options or of the
    context.
    """
    own = settings.namespace or default or "default"
    found = {settings.delete_from_namespace, *recorded} - {""}
    for obj in expected:
        resource = resources[GVK.of(obj)]
        if resource is None or resource.namespaced:
            found.add(namespace_of(obj) or own)
    return sorted(found) or None


def read_expected(settings: Flags) -> list[Object]:
    """The objects of the files that ``-f`` names. Raises LoadError."""
    # What is read is kept, and holds no cycles: looking through it for garbage was a fifth of a large diff.
    gc.disable()
    try:
        loaded = load(settings.filenames, recursive=settings.recursive, namespace=settings.namespace)
        expected = [found.obj for found in loaded]
        gc.freeze()
    finally:
        gc.enable()
    _log.info("%d objects expected", len(expected))
    return expected


def make_plan(reconciler: Any, expected: Sequence[Object], settings: Flags) -> Plan:
    """The plan of a command; without --max-deletions it may delete 5 objects, or 20 % of the matching ones if more."""

    def plan(max_deletions: int | None) -> Plan:
        made: Plan = reconciler.plan(
            expected,
            **_reach(settings),
            allow_empty=settings.allow_empty,
            max_deletions=max_deletions,
            fields=settings.fields,
            verify=settings.verify,
            **({"prune_first": True} if settings.prune_first else {}),
        )
        return made

    made = plan(settings.max_deletions)
    for change in made.spared:
        _log.info("%s: %s", change.key, change.reason)
    if settings.max_deletions is not None or not settings.deletes:
        return made
    limit = max(5, made.matches // 5)
    return plan(limit) if made.counts["delete"] > limit else made


def show_plan(settings: Flags) -> int:
    """Print the plan and write nothing; returns the exit code, which tells whether objects differ."""
    logs.set_up(settings.verbosity)
    expected = read_expected(settings)
    with open_reconciler(settings, expected) as reconciler:
        plan = make_plan(reconciler, expected, settings)
    output.show(plan, settings.output)
    output.notes("warning", plan.warnings)
    output.notes("refused", plan.refusals)
    return exits.of_plan(plan)
