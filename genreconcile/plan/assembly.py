"""Changes and deletions → a Plan, with its warnings and the refusals of its guards.

Invariant: pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from genreconcile.notice import Notice
from genreconcile.objects import ObjectKey
from genreconcile.plan import Change, OwnerPlan, Plan, Prune, withheld
from genreconcile.plan.deletions import Deletions


def unmatched(objects: Iterable[tuple[ObjectKey, Mapping[str, str]]], prune: Prune) -> list[Notice]:
    """Warnings about expected objects, given with their labels, that the delete selector will never match."""
    selector = prune.selector
    return [
        Notice(f"{key}: does not match the delete selector {selector}, so it will never be cleaned up", "GR815")
        for key, labels in objects
        if prune.owner is None
        and key.namespace == prune.namespace
        and selector is not None
        and not selector.matches(labels)
    ]


def unseen(deletions: Deletions, prune: Prune) -> list[Notice]:
    """A warning where a selector is given, and nothing says of which kinds: no expected object, and no earlier call."""
    is_asked = prune.has_selector and prune.owner is None and prune.is_whole
    if not is_asked or deletions.looked_at or deletions.unknown:
        return []
    why = "no kind to look at is known, for none is expected in a namespace; name kinds (--kinds)"
    return [Notice(f"namespace {prune.namespace}: nothing deleted: {why}", "GR818")]


def assemble(
    changes: list[Change], deletions: Deletions, prune: Prune, warnings: list[Notice], owner: OwnerPlan | None = None
) -> Plan:
    """The plan of one call; where an expected object failed, all deletions are withheld."""
    failed = sum(change.error is not None for change in changes)
    going = deletions.changes
    count = sum(change.operation == "delete" for change in going)
    refusals = prune.refusals(expected=len(changes), deletions=count)
    if failed:
        going, refusals = [_withheld(change, failed) for change in going], []
    every = [*changes, *going]
    unchanged = tuple([change for change in every if change.is_quiet])
    return Plan(
        changes=tuple([change for change in every if not change.is_quiet]) if len(unchanged) < len(every) else (),
        unchanged=unchanged,
        order=tuple([change.key for change in every]),
        warnings=(*deletions.warnings, *warnings),
        refusals=tuple(refusals),
        matches=deletions.matches,
        spared=tuple(deletions.spared),
        owner=owner,
        looked_at=deletions.looked_at,
        not_looked_at=tuple(deletions.unknown),
        prune_first=prune.first,
    )


def _withheld(change: Change, failed: int) -> Change:
    if change.operation != "delete":
        return change
    return Change("none", change.gvk, change.key, live=change.live, reason=withheld(failed), skipped=True)
