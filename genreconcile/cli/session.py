"""From options to a plan.

Invariant: the files are read and checked before the cluster is asked for anything.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from genreconcile.cli import exits, logs, output
from genreconcile.cli.options import Settings
from genreconcile.load import load
from genreconcile.objects import Object
from genreconcile.plan import Plan

_log = logging.getLogger(__name__)


@contextmanager
def open_reconciler(settings: Settings) -> Iterator[Any]:
    """A Reconciler of the cluster that the options name; its caches end with the context."""
    import genreconcile

    cluster = genreconcile.connect(kubeconfig=settings.kubeconfig, context=settings.context)
    with genreconcile.Reconciler(cluster, on_immutable=settings.on_immutable) as reconciler:
        yield reconciler


def read_expected(settings: Settings) -> list[Object]:
    """The objects of ``-f``."""
    expected = [
        loaded.obj for loaded in load(settings.filenames, recursive=settings.recursive, namespace=settings.namespace)
    ]
    _log.info("%d objects expected", len(expected))
    return expected


def make_plan(reconciler: Any, expected: Sequence[Object], settings: Settings) -> Plan:
    """A plan; without --max-deletions it may delete 5 objects, or 20 % of those that the selector matches."""

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
            fields=settings.fields,
            verify=settings.verify,
        )
        return made

    made = plan(settings.max_deletions)
    if settings.max_deletions is not None or settings.delete_selector is None:
        return made
    limit = max(5, made.matches // 5)
    return plan(limit) if made.counts["delete"] > limit else made


def judge(settings: Settings) -> int:
    """Print the plan, write nothing; the exit code says whether objects differ."""
    logs.set_up(settings.verbosity)
    expected = read_expected(settings)
    with open_reconciler(settings) as reconciler:
        plan = make_plan(reconciler, expected, settings)
    output.show(plan, settings.output)
    output.notes("warning", plan.warnings)
    output.notes("refused", plan.refusals)
    return exits.of_plan(plan)
