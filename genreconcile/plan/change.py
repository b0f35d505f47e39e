"""One Change per object, and the Plan that holds them.

Invariant: a plan is data; making, printing or comparing one sends no request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from genreconcile.compare.patch import Patch
from genreconcile.errors import ReconcileError
from genreconcile.mask import Fields, Hiding, fields_of, mask_patch, without_words
from genreconcile.memory.remembered import Key
from genreconcile.objects import GVK, Object, ObjectKey
from genreconcile.ownership import Inventory, Parent

JSON_PATCH: Final = "application/json-patch+json"
"""The media type of each patch (RFC 6902)."""
NO_PATCH: Final = Patch((), ())
"""The patch of whatever is not patched; shared, for there are many."""
OPERATIONS = ("create", "update", "delete", "none")


class Change(msgspec.Struct, frozen=True, gc=False):
    """What one object needs.

    ``operation`` is create, update, delete or none. ``patch`` holds the RFC 6902 operations of an update, with its
    preconditions; it is empty for the others. ``expected`` and ``live`` are the dicts that were compared (None where
    there is none, and for an object in sync); they are not to be changed. ``reason`` says why nothing is done where
    something might have been expected (a rule gap, an object that is skipped). ``error`` is set where the object could
    not be judged; then the operation is none. ``skipped`` says that nothing is done although the object is not as it
    should be.
    ``fields`` is the policy under which it was compared, ``keys`` what ``Learned`` knows the patched differences by.
    ``validated``: the schema of its kind was known, and ``expected`` fits it. ``sensitive`` are the fields that rules
    call so. ``is_sendable``: nothing in ``expected`` is the server's alone to say. ``awaits_definition``: it is to be
    judged when the definition of its kind has been written. ``retry_after``: in so many seconds the next repair of what
    somebody else keeps undoing is due; None where nobody does. ``is_part``: there are more differences than one patch
    can hold, and this one has the first of them.

    ``str`` and ``repr`` show no secrets; ``expected``, ``live`` and ``patch.patch`` hold what they hold.
    """

    operation: str
    gvk: GVK
    key: ObjectKey
    patch: Patch = NO_PATCH
    expected: Object | None = None
    live: Object | None = None
    reason: str = ""
    error: ReconcileError | None = None
    skipped: bool = False
    fields: str = "exact"
    keys: tuple[Key, ...] = ()
    validated: bool = False
    is_sendable: bool = False
    sensitive: Fields = ()
    awaits_definition: bool = False
    retry_after: float | None = None
    is_part: bool = False

    @property
    def operations(self) -> list[dict[str, Any]]:
        """What a reader wants: ``writes`` with masks in the place of secrets."""
        return mask_patch(self.secrets, self.writes)

    @property
    def writes(self) -> list[dict[str, Any]]:
        """The patch without its preconditions (``test``s and the guard on resourceVersion), with its real values."""
        return [op for op in self.patch.patch if op["op"] != "test" and op["path"] != "/metadata/resourceVersion"]

    @property
    def secrets(self) -> Fields:
        """The fields of this object that are secret: by its kind, and by rules."""
        return (*fields_of(self.gvk), *self.sensitive)

    def told(self, text: str) -> str:
        """``text``, such as a server's refusal, without the secrets of this object.

        What is to be deleted may be known by its metadata alone: then admission's words go, for they may quote more.
        """
        return self.hiding()(text)

    def hiding(self) -> Callable[[str], str]:
        """``told`` for any number of texts."""
        hide = Hiding(self.secrets, self.expected, self.live)
        if self.operation == "delete" and self.secrets:
            return lambda text: hide(without_words(text))
        return hide

    def __hash__(self) -> int:
        return hash((self.operation, self.key))  # The objects are dicts.

    def __repr__(self) -> str:
        return f"<Change {self.operation} {self.key}{' ' if self.patch else ''}{self.operations or ''}>"

    @property
    def is_in_sync(self) -> bool:
        """Whether the object was compared, and there is no difference, not even one that is left alone."""
        return self.is_quiet and not self.reason

    @property
    def is_quiet(self) -> bool:
        """Whether there is nothing to do and nothing to say."""
        return self.operation == "none" and self.error is None and not self.skipped


@dataclass(frozen=True, slots=True)
class OwnerPlan:
    """What the parent of an owner set is to record: all of ``inventory`` before anything is written.

    Afterwards ``kept``, which could not be looked at, and what has members still.
    """

    parent: Parent
    inventory: Inventory
    kept: Inventory


@dataclass(frozen=True, slots=True, repr=False)
class Plan:
    """All changes of one reconcile, in the order of the expected set, deletions last.

    ``changes`` leaves out what is ``unchanged``; ``order`` has the keys of both. ``refusals`` are messages of guards
    that withhold deletions; ``warnings`` are for the reader. ``matches`` is how many live objects, expected ones
    included, stand where deletion looks. ``spared`` is what stands there, is not expected, and is left alone because
    Kubernetes or a controller made it, or it is going already; each says why. ``owner`` is the set, if there is one.
    ``looked_at`` are the kinds among whose objects deletion looked.
    ``prune_first``: deletions go before creations.
    """

    changes: tuple[Change, ...]
    unchanged: tuple[Change, ...] = ()
    order: tuple[ObjectKey, ...] = ()
    warnings: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()
    matches: int = 0
    spared: tuple[Change, ...] = ()
    owner: OwnerPlan | None = None
    looked_at: tuple[GVK, ...] = ()
    prune_first: bool = False

    def __iter__(self) -> Iterator[Change]:
        return iter(self.changes)

    def __repr__(self) -> str:
        return f"<Plan {self.summary()}>"

    @property
    def counts(self) -> dict[str, int]:
        """How many objects need what: keys create, update, delete, unchanged, skipped, failed."""
        counts = dict.fromkeys(("create", "update", "delete", "unchanged", "skipped", "failed"), 0)
        for change in self.changes:
            if change.error is not None:
                counts["failed"] += 1
            else:
                counts["skipped" if change.operation == "none" else change.operation] += 1
        counts["unchanged"] = len(self.unchanged)
        return counts

    def summary(self) -> str:
        """One line: ``2 to create, 1 to update, 0 to delete, 40 unchanged``, with what was skipped or failed."""
        counts = self.counts
        parts = [f"{counts[name]} to {name}" for name in ("create", "update", "delete")]
        parts.append(f"{counts['unchanged']} unchanged")
        parts += [f"{counts[name]} {name}" for name in ("skipped", "failed") if counts[name]]
        return ", ".join(parts)
