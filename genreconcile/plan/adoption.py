"""Whether an expected object that is there already may be written as a child of its parent.

Invariant: an object of somebody else is not touched, and its error says who has it; in doubt it is somebody else's.
"""

from __future__ import annotations

from msgspec.structs import replace

from genreconcile.compare.patch import under_version
from genreconcile.errors import ChildConflict
from genreconcile.normalize.marks import tool_marks
from genreconcile.objects import GVK, Object, ObjectKey, controller_of, labels_of
from genreconcile.ownership import PART_OF, Membership, foreign_tool
from genreconcile.plan import Change
from genreconcile.plan.evidence import Evidence

_REFERENCES = ("metadata", "ownerReferences")


class Adoption:
    """Judges the live objects of one set, of which ``members.adopt`` says what may become members."""

    def __init__(self, members: Membership, evidence: Evidence) -> None:
        self._members = members
        self._evidence = evidence

    def conflict(self, gvk: GVK, key: ObjectKey, live: Object) -> ChildConflict | None:
        """The error of an object that is not ours and does not become ours, None where it is or may."""
        if self._members.adopt == "any" or self._is_ours(gvk, key, live):
            return None
        holder = self._holder(key, live)
        if not holder and self._members.adopt == "unowned":
            return None
        cause = holder or "it was there before, and nobody controls it"
        advice = "delete it, or give the child another name"
        return ChildConflict(f"{key}: not taken over: {cause}; {advice}", holder)

    def guarded(self, change: Change) -> Change:
        """The change; where it takes an object over, it names the resourceVersion that was seen."""
        live = change.live
        if self._members.adopt == "any" or change.operation != "update" or live is None:
            return change
        is_settled = self._members.holds(live, change.key) and not self._members.outlived(live)
        return change if is_settled else replace(change, patch=under_version(change.patch, live))

    def _is_ours(self, gvk: GVK, key: ObjectKey, live: Object) -> bool:
        """Whether it is a member for sure, or the parent's by its ownerReference; nobody else controls it."""
        controller = controller_of(live)
        if controller is not None and not self._members.is_parent(controller, key.namespace):
            return False
        if self._members.holds(live, key):
            return True
        if controller is None or self._members.is_other(labels_of(live)):
            return False
        return self._members.is_earlier(controller, key.namespace) or self._has_written_reference(gvk, key, live)

    def _has_written_reference(self, gvk: GVK, key: ObjectKey, live: Object) -> bool:
        """Whether the set's tool wrote the reference to the parent: another program may work for the same parent."""
        managers = self._evidence.managers(Change("none", gvk, key, live=live), _REFERENCES)
        return self._members.tool in (managers or ())

    def _holder(self, key: ObjectKey, live: Object) -> str:
        """Who has the object, in words; "" where nobody has it."""
        controller = controller_of(live)
        if controller is not None:
            by_another = (
                "" if not self._members.is_parent(controller, key.namespace) else ", by way of another program,"
            )
            return f"{controller.get('kind')} {controller.get('name')}{by_another} controls it"
        if self._members.is_other(labels_of(live)):
            return f"it is a member of the owner set {labels_of(live)[PART_OF]}"
        tool = foreign_tool(live)
        if tool:
            return f"it heads a set of {tool}"
        marks = tool_marks(live)
        return f"{marks[0]} marks it as another tool's" if marks else ""
