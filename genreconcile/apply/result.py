"""What an apply did: one Outcome per object.

Invariant: ``str`` and ``repr`` of an outcome never show the values of an object, only its key and status.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from genreconcile.cluster.refusal import REFUSED_BY
from genreconcile.compare.patch import Patch
from genreconcile.errors import ClusterError, Conflict, NotSynced, ReconcileError, Throttled, Unreachable
from genreconcile.notice import Notice
from genreconcile.objects import GVK, ObjectKey
from genreconcile.plan import Change

_SOON: Final = 5.0
"""Seconds until the next try after an error that may pass by itself, and for which the server names no time."""
_TOLD: Final = 5
"""The most authors that a text names."""
_PASSING: Final = frozenset({408, 500, 502, 503, 504})
STATUSES = ("created", "configured", "unchanged", "deleted", "skipped", "failed")


class Author(NamedTuple):
    """A field that differed, as a JSON pointer, and the field managers that owned it then by managedFields, sorted;
    none where that is not known: nobody owns a field that is gone.
    """

    path: str
    managers: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.path} by {' and '.join(self.managers)}"


def who_set(authors: Sequence[Author]) -> str:
    """The first fields whose managers are known, each with these; "" for none."""
    known = [str(author) for author in authors if author.managers]
    return f"{', '.join(known[:_TOLD])}{', …' if len(known) > _TOLD else ''}"


@dataclass(frozen=True, slots=True, repr=False)
class Outcome:
    """What happened to one object; ``status`` is one of STATUSES, ``error`` is set when it is ``failed``.

    ``authors``: who had written the fields that were repaired, as far as that is known. ``left_clean``: the
    resourceVersion with which a patch has left the object, where that is as it is expected.
    """

    change: Change
    status: str
    reason: str = ""
    error: ReconcileError | None = None
    authors: tuple[Author, ...] = ()
    left_clean: str = field(default="", compare=False)

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

    @property
    def retry_after(self) -> float | None:
        """In how many seconds another reconcile may do what this one could not, None where that is not to be expected.

        In a fight: until the next repair is due. While a definition changes: until it may be known. After throttling:
        what the server asks for. After an error that may pass by itself (no answer, an error of the server, a namespace
        or object that is being deleted): a few seconds.
        """
        if self.error is not None:
            return _retry_after(self.error)
        return self.change.retry_after

    @property
    def is_converged(self) -> bool:
        """Whether the object is as it should be, or all was done for it that is to be done.

        False where it failed, where somebody keeps undoing a repair, where an object that is expected was skipped,
        and where a deletion was withheld. An object that is never to be deleted is as it should be.
        """
        if self.status == "failed" or self.change.retry_after is not None:
            return False
        return self.status != "skipped" or (self.change.expected is None and self.change.operation != "delete")

    def __str__(self) -> str:
        # An error names its object in front, for those who see it alone.
        cause = str(self.error).removeprefix(f"{self.key}: ") if self.error else ""
        detail = f": {cause}" if cause else f" ({self.reason})" if self.reason else ""
        known = who_set(self.authors)
        detail += f"; set before: {known}" if known else ""
        is_safe = self.error is not None and self.error.is_free_of_values
        return f"{self.key} {self.status}{detail if is_safe else self.change.told(detail)}"

    def __repr__(self) -> str:
        return f"<Outcome {self}>"


def _retry_after(error: ReconcileError) -> float | None:
    if isinstance(error, Throttled):
        return error.retry_after if error.retry_after is not None else _SOON
    if isinstance(error, Unreachable | NotSynced | Conflict) or _is_terminating(error):
        return _SOON
    is_answer = isinstance(error, ClusterError) and REFUSED_BY not in error.details
    return _SOON if is_answer and getattr(error, "status", 0) in _PASSING else None


def _is_terminating(error: ReconcileError) -> bool:
    """Whether the object's namespace is being deleted, and may be created again."""
    details = error.details if isinstance(error, ClusterError) else {}
    causes: Any = details.get("causes") or ()
    return any(cause.get("reason") == "NamespaceTerminating" for cause in causes)


class ApplyFailed(ReconcileError):
    """Some objects failed; ``outcomes`` are those of the failed objects."""

    code = "GR907"

    def __init__(self, outcomes: tuple[Outcome, ...]) -> None:
        lines = "\n".join(f"  {outcome}" for outcome in outcomes)
        super().__init__(f"{len(outcomes)} object(s) failed:\n{lines}")
        self.outcomes = outcomes

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception's own would pass the message to ``__init__``.
        return type(self), (self.outcomes,), vars(self)


@dataclass(frozen=True, slots=True, repr=False)
class Result:
    """The outcomes of one apply; iterating yields every one, the unchanged included.

    ``warnings`` are texts, each with its ``code``; ``looked_at`` are the kinds whose objects deletion looked at.
    """

    outcomes: tuple[Outcome, ...]
    warnings: tuple[Notice, ...] = ()
    looked_at: tuple[GVK, ...] = ()

    def __iter__(self) -> Iterator[Outcome]:
        return iter(self.outcomes)

    def __len__(self) -> int:
        return len(self.outcomes)

    def __repr__(self) -> str:
        return f"<Result {self.summary()}>"

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

    @property
    def is_converged(self) -> bool:
        """Whether all objects are as they should be; see ``Outcome.is_converged``."""
        return all(outcome.is_converged for outcome in self.outcomes)

    @property
    def retry_after(self) -> float | None:
        """In how many seconds another reconcile may do more, the least of all outcomes'; None where none may.

        For a loop that wakes on events: no event may come before that.
        """
        return min((found for found in (o.retry_after for o in self.outcomes) if found is not None), default=None)

    def raise_for_failures(self) -> None:
        """Raise ApplyFailed, which lists every failed object, if there is one; see ``is_converged`` for its sibling."""
        if self.failures:
            raise ApplyFailed(self.failures)

    def summary(self) -> str:
        """One line: ``2 created, 1 configured, 40 unchanged``; statuses that did not occur are left out."""
        return ", ".join(f"{count} {status}" for status, count in self.counts.items() if count) or "nothing to do"
