"""What an apply did: one Outcome per object.

Invariant: ``str`` and ``repr`` of an outcome never show the values of an object, only its key and status.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from genreconcile.diff.patch import Patch
from genreconcile.errors import ReconcileError
from genreconcile.objects import ObjectKey
from genreconcile.plan import Change

STATUSES = ("created", "configured", "unchanged", "deleted", "skipped", "failed")


@dataclass(frozen=True, slots=True, repr=False)
class Outcome:
    """What happened to one object; ``status`` is one of STATUSES, ``error`` is set when it is ``failed``."""

    change: Change
    status: str
    reason: str = ""
    error: ReconcileError | None = None

    @property
    def key(self) -> ObjectKey:
        """The object's key."""
        return self.change.key

    @property
    def patch(self) -> Patch:
        """The patch that was sent; empty unless ``status`` is ``configured``.

        ``str`` and ``repr`` of it show no secrets; its own ``patch`` has the real values.
        """
        return self.change.patch

    def __str__(self) -> str:
        detail = f": {self.error}" if self.error else f" ({self.reason})" if self.reason else ""
        return f"{self.key} {self.status}{self.change.told(detail)}"

    def __repr__(self) -> str:
        return f"<Outcome {self}>"


class ApplyFailed(ReconcileError):
    """Some objects failed; ``outcomes`` are theirs."""

    def __init__(self, outcomes: tuple[Outcome, ...]) -> None:
        lines = "\n".join(f"  {outcome}" for outcome in outcomes)
        super().__init__(f"{len(outcomes)} object(s) failed:\n{lines}")
        self.outcomes = outcomes

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception would call it with its text.
        return type(self), (self.outcomes,), vars(self)


@dataclass(frozen=True, slots=True)
class Result:
    """The outcomes of one apply; iterating yields every one, the unchanged included."""

    outcomes: tuple[Outcome, ...]
    warnings: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Outcome]:
        return iter(self.outcomes)

    def __len__(self) -> int:
        return len(self.outcomes)

    @property
    def counts(self) -> dict[str, int]:
        """How many outcomes have which status; every status is a key."""
        counts = dict.fromkeys(STATUSES, 0)
        for outcome in self.outcomes:
            counts[outcome.status] += 1
        return counts

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """The outcomes that failed."""
        return tuple(outcome for outcome in self.outcomes if outcome.status == "failed")

    def raise_for_failures(self) -> None:
        """Raise ApplyFailed, which lists every failed object, if there is one."""
        if self.failures:
            raise ApplyFailed(self.failures)

    def summary(self) -> str:
        """One line: ``2 created, 1 configured, 40 unchanged``; statuses that did not occur are left out."""
        return ", ".join(f"{count} {status}" for status, count in self.counts.items() if count) or "nothing to do"
