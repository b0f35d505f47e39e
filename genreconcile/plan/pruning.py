"""Which live objects should not be there, and the guards that keep a deletion from going too far.

Invariant: pure. Only objects in the given namespace that match the given selector and are not expected are named, and
never more than the guards allow.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from genreconcile.objects import GVK, Object, ObjectKey, labels_of, metadata_of
from genreconcile.order import is_delete_only_when_asked, is_never_deleted, kind_name
from genreconcile.plan.change import Change
from genreconcile.selector import Selector


@dataclass(frozen=True, slots=True)
class Prune:
    """What to delete, and how much of it: the deletion keywords of ``Reconciler.plan``."""

    namespace: str = ""
    selector: Selector | None = None
    allow_empty: bool = False
    max_deletions: int | None = None
    kinds: frozenset[str] = frozenset()

    @property
    def is_wanted(self) -> bool:
        """An empty namespace or no selector skips deletion."""
        return bool(self.namespace) and self.selector is not None

    def refusals(self, *, expected: int, deletions: int) -> list[str]:
        """Why nothing may be deleted; empty where it may."""
        found = []
        if not expected and not self.allow_empty and deletions:
            found.append("no object is expected, so all would be deleted; allow_empty=True (--allow-empty) permits it")
        if self.max_deletions is not None and deletions > self.max_deletions:
            found.append(f"{deletions} deletions are more than the {self.max_deletions} allowed; raise max_deletions")
        return found


def withheld(failed: int) -> str:
    """Why deletions are withheld while expected objects fail."""
    return f"not deleted: {failed} expected object(s) failed, so what is unexpected is not sure; correct them first"


def prune(candidates: Iterable[tuple[GVK, Object]], expected: Collection[ObjectKey], wanted: Prune) -> list[Change]:
    """The deletions (and what is skipped, with the reason) among live objects of the wanted namespace."""
    return [
        change
        for gvk, live in candidates
        if ObjectKey(gvk.group, gvk.kind, wanted.namespace, live["metadata"]["name"]) not in expected
        and wanted.selector is not None
        and wanted.selector.matches(labels_of(live))
        and (change := _deletion(gvk, live, wanted)) is not None
    ]


def _deletion(gvk: GVK, live: Object, wanted: Prune) -> Change | None:
    metadata = metadata_of(live)
    key = ObjectKey(gvk.group, gvk.kind, wanted.namespace, metadata["name"])
    if "deletionTimestamp" in metadata or is_never_deleted(key):
        return None
    if any(owner.get("controller") for owner in metadata.get("ownerReferences") or ()):
        # Its owner would create it again, and takes it along when it goes itself.
        return None
    name = kind_name(gvk.group, gvk.kind)
    if is_delete_only_when_asked(gvk.group, gvk.kind) and name not in wanted.kinds:
        reason = f"not deleted, for others go with it; name {name} in delete_kinds to have it deleted"
        return Change("none", gvk, key, live=live, reason=reason, skipped=True)
    return Change("delete", gvk, key, live=live)
