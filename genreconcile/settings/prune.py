"""What to delete, and how much of it.

Invariant: an empty namespace or no selector skips deletion; no guard is passed by a default.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from genreconcile.notice import Notice
from genreconcile.objects import GVK
from genreconcile.ownership import OWN_TOOL, ParentRef
from genreconcile.selector import ParsedSelector

EVERY_KIND: Final = "*"
"""In ``kinds``: all kinds that the server can list and delete."""


class OwnerRef(NamedTuple):
    """The name of a set's parent, such as ``configmaps/shop``, and the tool whose set it is."""

    text: str
    tool: str = OWN_TOOL


@dataclass(frozen=True, slots=True)
class Prune:
    """What to delete, and how much of it: the deletion keywords of ``Reconciler.plan``.

    ``kinds`` are those, as ``Kind.group``, whose objects are deleted although they take others along; ``also`` are
    kinds to look at beside those in expected; ``every``: all kinds that the server can list and delete are looked at.
    ``first``: deletions come before creates and patches. ``is_whole``: expected is all that there should be; else
    nothing is deleted.
    """

    namespace: str = ""
    selector: ParsedSelector | None = None
    allow_empty: bool = False
    max_deletions: int | None = None
    kinds: frozenset[str] = frozenset()
    also: frozenset[GVK] = frozenset()
    owner: OwnerRef | ParentRef | None = None
    every: bool = False
    first: bool = False
    is_whole: bool = True

    @property
    def is_wanted(self) -> bool:
        """Whether anything is to be deleted: there is an owner, or a namespace and a selector."""
        return self.owner is not None or self.has_selector

    @property
    def has_selector(self) -> bool:
        """Whether there are a namespace and a selector."""
        return bool(self.namespace) and self.selector is not None

    def refusals(self, *, expected: int, deletions: int) -> list[Notice]:
        """What guards say that forbid this many deletions; empty where none does."""
        found = []
        if not expected and not self.allow_empty and deletions:
            text = (
                f"{self.place}: nothing deleted: no object is expected, so all {deletions} would go; "
                "allow_empty=True (--allow-empty) permits it"
            )
            found.append(Notice(text, "GR802"))
        if self.max_deletions is not None and deletions > self.max_deletions:
            text = (
                f"{self.place}: nothing deleted: {deletions} deletions are more than the {self.max_deletions} allowed; "
                "see what is missing in the expected set, or raise max_deletions (--max-deletions)"
            )
            found.append(Notice(text, "GR801"))
        return found

    @property
    def place(self) -> str:
        """Where deletion looks, for messages."""
        return f"namespace {self.namespace}" if self.owner is None else f"owner {self.owner.text}"
