"""The guard of an upgrade: how many children another build of a controller would change, before it changes any.

Invariant: nothing is written for an answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from genreconcile.notice import NOTHING, Notice
from genreconcile.objects import ObjectKey
from genreconcile.plan import Plan

_FEW: Final = 10
_PART: Final = 0.2


class Survey(NamedTuple):
    """Of the children of one controller: those that are there, those of them that would be changed or deleted, and the
    parents of these. Only parents count whose children another build has written last.
    """

    controller: str
    children: int = 0
    changed: int = 0
    parents: tuple[ObjectKey, ...] = ()

    @classmethod
    def of(cls, controller: str, plans: Iterable[tuple[ObjectKey, Plan]]) -> Survey:
        """From the plan of each parent."""
        found = [(parent, plan.matches, _changed(plan)) for parent, plan in plans]
        parents = tuple(parent for parent, _, changed in found if changed)
        return cls(controller, sum(there for _, there, _ in found), sum(changed for *_, changed in found), parents)

    @property
    def allowed(self) -> int:
        """The most children that may be changed without a question."""
        return max(_FEW, int(self.children * _PART))

    @property
    def refusal(self) -> Notice:
        """Why nothing is written; "" where it may be."""
        if self.changed <= self.allowed:
            return NOTHING
        return Notice(
            f"the controller {self.controller}: nothing written: it is another build than the one that ran last, and "
            f"would change {self.changed} of {self.children} children, which is more than {self.allowed}; see whether "
            "that is meant, and start it with --accept-changes (accept_changes=True)",
            "GR906",
        )


def _changed(plan: Plan) -> int:
    return sum(change.operation in {"update", "delete"} for change in plan.changes)
