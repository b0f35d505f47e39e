"""From options to a plan.

Invariant: the files are read and checked before the cluster is asked for anything.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from genreconcile.cli import exits, logs, output
from genreconcile.cli.options import Settings
from genreconcile.load import load
from genreconcile.objects import Object, namespace_of
from genreconcile.plan import Plan

_log = logging.getLogger(__name__)


_FEW: Final = 5
"""So many namespaces are read one by one; of more, all of the cluster."""


@contextmanager
def open_reconciler(settings: Settings, expected: Sequence[Object]) -> Iterator[Any]:
    """A Reconciler of the cluster that the options name; its caches end with the context, and hold the namespaces of
    the expected objects alone, where these are few.
    """
    import genreconcile

    rules = genreconcile.Registry.builtin().extend(*settings.rules)
    cluster = genreconcile.connect(kubeconfig=settings.kubeconfig, context=settings.context)
    recorded = _recorded(cluster, settings) if settings.owner else frozenset()
    namespaces = _namespaces(settings, expected, cluster.namespace, recorded)
    with genreconcile.Reconciler(
        cluster, rules=rules, on_immutable=settings.on_immutable, propagation=settings.cascade, namespaces=namespaces
    ) as reconciler:
        yield reconciler


def _recorded(cluster: Any, settings: Settings) -> frozenset[str]:
    """Where the owner set has members."""
    from genreconcile.plan import OwnerRef
    from genreconcile.planner.owners import recorded_namespaces

    place = settings.namespace or cluster.namespace or "default"
    return recorded_namespaces(cluster, OwnerRef(settings.owner, settings.owner_tool), place)


def _namespaces(
    settings: Settings, expected: Sequence[Object], default: str, recorded: frozenset[str] = frozenset()
) -> list[str] | None:
    """Where the objects are that may be read: with none of their own in that of the options or of the context."""
    found = {namespace_of(obj) or settings.namespace or default or "default" for obj in expected}
    found |= {settings.delete_from_namespace} - {""}
    found |= recorded
    return sorted(found) if 0 < len(found) <= _FEW else None


def read_expected(settings: Settings) -> list[Object]:
    """The objects of ``-f``."""
    expected = [
        loaded.obj for loaded in load(settings.filenames, recursive=settings.recursive, namespace=settings.namespace)
    ]
    _log.info("%d objects expected", len(expected))
    return expected


def make_plan(reconciler: Any, expected: Sequence[Object], settings: Settings) -> Plan:
    """A plan; without --max-deletions it may delete 5 objects, or 20 % of those that there are."""

    def plan(max_deletions: int | None) -> Plan:
        made: Plan = reconciler.plan(
            expected,
            namespace=settings.namespace,
            delete_from_namespace=settings.delete_from_namespace,
            delete_selector=settings.delete_selector,
            kinds=settings.kinds,
            delete_kinds=settings.delete_kinds,
            allow_empty=settings.allow_empty,
            max_deletions=max_deletions,
            owner=settings.owner,
            owner_tool=settings.owner_tool,
            fields=settings.fields,
            verify=settings.verify,
        )
        return made

    made = plan(settings.max_deletions)
    for change in made.spared:
        _log.info("%s: %s", change.key, change.reason)
    if settings.max_deletions is not None or not settings.deletes:
        return made
    limit = max(5, made.matches // 5)
    return plan(limit) if made.counts["delete"] > limit else made


def judge(settings: Settings) -> int:
    """Print the plan, write nothing; the exit code says whether objects differ."""
    logs.set_up(settings.verbosity)
    expected = read_expected(settings)
    with open_reconciler(settings, expected) as reconciler:
        plan = make_plan(reconciler, expected, settings)
    output.show(plan, settings.output)
    output.notes("warning", plan.warnings)
    output.notes("refused", plan.refusals)
    return exits.of_plan(plan)
