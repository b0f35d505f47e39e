"""One Change per object, and the Plan that holds them.

Invariant: a plan is data; making, printing or comparing one sends no request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from genreconcile.compare.patch import Patch
from genreconcile.errors import ReconcileError, code_of, shown
from genreconcile.mask import Fields, Hiding, fields_of, mask_patch, without_words
from genreconcile.memory.remembered import Key
from genreconcile.notice import Notice
from genreconcile.objects import GVK, Object, ObjectKey
from genreconcile.ownership import Inventory, Parent

JSON_PATCH: Final = "application/json-patch+json"
"""The media type of each patch (RFC 6902)."""
NO_PATCH: Final = Patch((), ())
"""The patch of every change that is no update; shared, for there are many."""
OPERATIONS = ("create", "update", "delete", "none")


class Change(msgspec.Struct, frozen=True, gc=False):
    """What one object needs.

    ``operation`` is create, update, delete or none. ``patch`` holds the RFC 6902 operations of an update, with its
    preconditions; other operations have an empty one. ``expected`` and ``live`` are the dicts that were compared (None
    where there is none, and for an object in sync); nobody changes them. ``reason`` says what is left alone, and why (a
    rule gap, an object that is skipped). ``error`` is set where the object could not be compared; then the operation is
    none. ``skipped``: nothing is done although the object is not as it should be.
    ``fields`` is the policy of the comparison; ``keys`` identify the patched differences for ``Learned``.
    ``validated``: the schema of the kind was known, and ``expected`` fits it. ``sensitive`` are the fields that rules
    or annotations call sensitive. ``is_sendable``: ``expected`` holds nothing that only the server may set.
    ``awaits_definition``: the object is planned again when the definition of its kind is written. ``retry_after``:
    seconds until the next repair in a fight, or until a definition that changes may be known; else None. ``is_part``:
    one patch cannot hold all differences, and this one holds the first of them.

    ``str`` and ``repr`` show no secrets; ``expected``, ``live`` and ``patch.patch`` have the real values.
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
        """``writes`` for a reader, with masks in the place of secrets."""
        return mask_patch(self.secrets, self.writes)

    @property
    def writes(self) -> list[dict[str, Any]]:
        """The patch without its preconditions (``test`` and the guard on resourceVersion), with its real values."""
        return [op for op in self.patch.patch if op["op"] != "test" and op["path"] != "/metadata/resourceVersion"]

    @property
    def secrets(self) -> Fields:
        """The fields of this object that are secret: by its kind, and by rules."""
        return (*fields_of(self.gvk), *self.sensitive)

    def told(self, text: str) -> str:
        """``text``, such as a server's refusal, without the secrets of this object.

        Of an object to delete only metadata may be known: then admission's words are left out, as they may quote more.
        """
        return self.hiding()(text)

    def hiding(self) -> Callable[[str], str]:
        """The function that ``told`` calls, made once for many texts."""
        hide = Hiding(self.secrets, self.expected, self.live)
        if self.operation == "delete" and self.secrets:
            return lambda text: hide(without_words(text))
        return hide

    def __hash__(self) -> int:
        return hash((self.operation, self.key))  # Dicts have no hash.

    def __repr__(self) -> str:
        return f"<Change {self.operation} {self.key}{' ' if self.patch else ''}{self.operations or ''}>"

    @property
    def is_in_sync(self) -> bool:
        """Whether the object was compared, and there is no difference, not even one that is left alone."""
        return self.is_quiet and not self.reason

    @property
    def is_quiet(self) -> bool:
        """Whether the object needs no operation, has no error, and is not skipped."""
        return self.operation == "none" and self.error is None and not self.skipped


@dataclass(frozen=True, slots=True)
class OwnerPlan:
    """What the parent of an owner set records: before any other write, all of ``inventory``.

    After the deletions: what still has members, and ``kept``, the kinds and namespaces that could not be read.
    """

    parent: Parent
    inventory: Inventory
    kept: Inventory


@dataclass(frozen=True, slots=True, repr=False)
class Plan:
    """All changes of one reconcile, in the order of the expected set, deletions last.

    ``changes`` leaves out the ``unchanged``; ``order`` has the keys of both. ``refusals`` are messages of guards that
    withhold deletions, and ``warnings`` are for the reader: both are texts, each with its ``code``. ``matches`` counts
    the live objects, expected ones included, that the selector or the owner set holds. ``spared`` are those that
    are not expected and yet left alone, for Kubernetes or a controller made them, or they are being deleted
    already; each has its reason. ``owner`` is what the parent of the owner set records, None without a set.
    ``looked_at`` are the kinds whose objects deletion looked at, ``not_looked_at`` those, as (group, kind), that it
    could not read. ``prune_first``: deletions come before creates and patches.
    """

    changes: tuple[Change, ...]
    unchanged: tuple[Change, ...] = ()
    order: tuple[ObjectKey, ...] = ()
    warnings: tuple[Notice, ...] = ()
    refusals: tuple[Notice, ...] = ()
    matches: int = 0
    spared: tuple[Change, ...] = ()
    owner: OwnerPlan | None = None
    looked_at: tuple[GVK, ...] = ()
    not_looked_at: tuple[tuple[str, str], ...] = ()
    prune_first: bool = False

    @property
    def told_refusals(self) -> tuple[str, ...]:
        """The refusals, each with its code, for a reader."""
        return tuple(map(shown, self.refusals))

    @property
    def refusal_codes(self) -> tuple[str, ...]:
        """The code of each refusal."""
        return tuple(map(code_of, self.refusals))

    def __iter__(self) -> Iterator[Change]:
        return iter(self.changes)

    def __repr__(self) -> str:
        return f"<Plan {self.summary()}>"

    @property
    def counts(self) -> dict[str, int]:
        """How many objects need each operation: keys create, update, delete, unchanged, skipped, failed."""
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
