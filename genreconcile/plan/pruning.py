"""The deletions of live objects, and the reasons why some are not deleted.

Invariant: pure. Only objects that are not expected are named: those in the given namespace that match the given
selector, or the members of the given owner set.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from genreconcile.objects import GVK, Object, ObjectKey, labels_of, namespace_of
from genreconcile.ownership import PART_OF, Membership
from genreconcile.plan.change import Change
from genreconcile.plan.protection import protection
from genreconcile.settings import Prune

UNPROVEN: Final = (
    "not deleted: it has the label of the set, and nothing else says that it is a member; "
    "take the label off, or delete it yourself"
)
_IN_A_SET: Final = (
    f"not deleted: its label {PART_OF} says that it is a member of an owner set; delete it by way of that set"
)


def withheld(failed: int) -> str:
    """Why deletions are withheld while expected objects fail."""
    return f"not deleted: {failed} expected object(s) failed, so what is unexpected is not sure; correct them first"


def deletions_among(
    candidates: Iterable[tuple[GVK, Object]],
    expected: Collection[ObjectKey],
    prune: Prune,
    members: Membership | None = None,
) -> list[Change]:
    """The objects to delete among the candidates, and those left alone, with the reason; none of those expected."""
    return [
        _deletion(gvk, live, key, prune, members)
        for gvk, live in candidates
        if (key := ObjectKey(gvk.group, gvk.kind, namespace_of(live), live["metadata"]["name"])) not in expected
        and (_is_selected(live, prune) if members is None else members.may_hold(live, key))
    ]


def _is_selected(live: Object, prune: Prune) -> bool:
    """Whether the selector holds an object of its namespace; never a cluster-scoped object."""
    selector = prune.selector if prune.has_selector else None
    return selector is not None and namespace_of(live) == prune.namespace and selector.matches(labels_of(live))


def _deletion(gvk: GVK, live: Object, key: ObjectKey, prune: Prune, members: Membership | None) -> Change:
    found = protection(key, live, prune.kinds, members)
    if found is not None:
        return Change("none", gvk, key, live=live, reason=found.reason, skipped=not found.quiet)
    if members is None and PART_OF in labels_of(live):
        return Change("none", gvk, key, live=live, reason=_IN_A_SET, skipped=True)
    if members is not None and not members.proves(live, key):
        return Change("none", gvk, key, live=live, reason=UNPROVEN)
    return Change("delete", gvk, key, live=live)
