"""Which live objects should not be there, and the guards that keep a deletion from going too far.

Invariant: pure. Only objects in the given namespace that match the given selector and are not expected are named, and
never more than the guards allow.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from genreconcile.objects import GVK, Object, ObjectKey, labels_of
from genreconcile.plan.change import Change
from genreconcile.protection import protection
from genreconcile.selector import Selector


@dataclass(frozen=True, slots=True)
class Prune:
    """What to delete, and how much of it: the deletion keywords of ``Reconciler.plan``.

    ``kinds`` are names, as ``Kind.group``, of those that take others along and are to go all the same; ``also`` are
    kinds to look at beside those in expected.
    """

    namespace: str = ""
    selector: Selector | None = None
    allow_empty: bool = False
    max_deletions: int | None = None
    kinds: frozenset[str] = frozenset()
    also: frozenset[GVK] = frozenset()

    @property
    def is_wanted(self) -> bool:
        """An empty namespace or no selector skips deletion."""
        return bool(self.namespace) and self.selector is not None

    def refusals(self, *, expected: int, deletions: int) -> list[str]:
        """Why nothing may be deleted; empty where it may."""
        found = []
        if not expected and not self.allow_empty and deletions:
            found.append(
                f"{self.place}: nothing deleted: no object is expected, so all {deletions} would go; "
                "allow_empty=True (--allow-empty) permits it"
            )
        if self.max_deletions is not None and deletions > self.max_deletions:
            found.append(
                f"{self.place}: nothing deleted: {deletions} deletions are more than the {self.max_deletions} allowed; "
                "see what is missing in the expected set, or raise max_deletions (--max-deletions)"
            )
        return found

    @property
    def place(self) -> str:
        """Where deletion looks, for messages."""
        return f"namespace {self.namespace}"


def withheld(failed: int) -> str:
    """Why deletions are withheld while expected objects fail."""
    return f"not deleted: {failed} expected object(s) failed, so what is unexpected is not sure; correct them first"


def prune(candidates: Iterable[tuple[GVK, Object]], expected: Collection[ObjectKey], wanted: Prune) -> list[Change]:
    """The deletions among live objects of the wanted namespace, and with the reason what is left alone."""
    return [
        _deletion(gvk, live, key, wanted)
        for gvk, live in candidates
        if (key := ObjectKey(gvk.group, gvk.kind, wanted.namespace, live["metadata"]["name"])) not in expected
        and wanted.selector is not None
        and wanted.selector.matches(labels_of(live))
    ]


def _deletion(gvk: GVK, live: Object, key: ObjectKey, wanted: Prune) -> Change:
    found = protection(key, live, wanted.kinds)
    if found is None:
        return Change("delete", gvk, key, live=live)
    return Change("none", gvk, key, live=live, reason=found.reason, skipped=not found.quiet)
