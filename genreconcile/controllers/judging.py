"""What a run came to, as a verdict on its parent.

Invariant: pure; the worst that happened is what is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Self

from genreconcile.apply.result import Outcome, Result
from genreconcile.controllers.memory import STALLS_AT, Memory
from genreconcile.controllers.retry import Retry
from genreconcile.controllers.running import DeadlineExceeded
from genreconcile.controllers.status.verdict import (
    CHILD_CONFLICT,
    DEADLINE_EXCEEDED,
    FAILED,
    GUARD_REFUSED,
    NOT_DETERMINISTIC,
    Cause,
    Verdict,
    message_of,
)
from genreconcile.errors import ChildConflict, InputError, LoadError, NotReadable, PlanRefused
from genreconcile.kinds.order import kind_name
from genreconcile.objects import ObjectKey
from genreconcile.readiness import Status

_TOLD: Final = 3
_INVALID: Final = "InvalidChildren"
_NOT_READABLE: Final = "NotReadable"
_RETRY: Final = "Retry"
_NOT_READY: Final = "ChildrenNotReady"


class Judgement(NamedTuple):
    """``has_failed``: the run is tried again, after a back-off."""

    verdict: Verdict
    has_failed: bool = False

    @property
    def trouble(self) -> Cause | None:
        """What somebody has to see to, None where nothing is wrong or what is may pass by itself."""
        if self.verdict.stalled is not None:
            return self.verdict.stalled
        return self.verdict.cause if self.has_failed and self.verdict.reconciling is None else None

    @classmethod
    def paused(cls) -> Self:
        """Somebody wants that nothing is done."""
        return cls(Verdict.paused("its annotation genreconcile.dev/reconcile says disabled"))

    @classmethod
    def of_retry(cls, retry: Retry) -> Self:
        """The function wants to be run again."""
        return cls(Verdict.progressing(str(retry), _RETRY))

    @classmethod
    def of_error(cls, error: Exception) -> Self:
        """The function, or what it stated, is of no use in this run."""
        text = message_of(error, lambda text: text)
        if isinstance(error, NotReadable):
            return cls(Verdict.progressing(text, _NOT_READABLE))
        if isinstance(error, DeadlineExceeded):
            return cls(Verdict.stuck(text, DEADLINE_EXCEEDED), has_failed=True)
        if isinstance(error, PlanRefused):
            return cls(Verdict.stuck(text, GUARD_REFUSED), has_failed=True)
        reason = _INVALID if isinstance(error, InputError | LoadError) else FAILED
        return cls(Verdict.failed(text, reason), has_failed=True)


def judged(  # noqa: PLR0913 - all that a run came to
    result: Result,
    refused: PlanRefused | None,
    retry: Retry | None,
    memory: Memory,
    not_ready: Mapping[ObjectKey, Status],
    *,
    unknown: Sequence[tuple[str, str]] = (),
) -> Judgement:
    """The judgement of a run whose children were written; ``not_ready`` are children that are not ready yet, and
    ``unknown`` the kinds, as (group, kind), of which nobody knows whether children are left.
    """
    failed = [outcome for outcome in result if outcome.status == "failed"]
    conflicts = [outcome for outcome in failed if isinstance(outcome.error, ChildConflict)]
    if memory.differing >= STALLS_AT:
        text = f"the function states something else at each run although nothing has changed, at {memory.path}"
        return Judgement(Verdict.stuck(text, NOT_DETERMINISTIC), has_failed=True)
    if refused is not None:
        return Judgement(Verdict.stuck(str(refused), GUARD_REFUSED), has_failed=True)
    if conflicts:
        return Judgement(Verdict.stuck(_told(conflicts), CHILD_CONFLICT), has_failed=True)
    if failed:  # What may pass by itself, such as a namespace that is being deleted, is awaited quietly.
        passes = all(outcome.retry_after is not None for outcome in failed)
        verdict = Verdict.progressing(_told(failed), _RETRY) if passes else Verdict.failed(_told(failed))
        return Judgement(verdict, has_failed=True)
    return Judgement.of_retry(retry) if retry is not None else Judgement(_progress(result, not_ready, unknown))


def told_unknown(kinds: Sequence[tuple[str, str]]) -> str:
    """What is said of kinds, as (group, kind), whose objects are not known."""
    more = f" and {len(kinds) - 1} more kinds" if len(kinds) > 1 else ""
    return f"children may be left that are not stated any more: {kind_name(*kinds[0])}{more} cannot be read"


def _progress(result: Result, not_ready: Mapping[ObjectKey, Status], unknown: Sequence[tuple[str, str]]) -> Verdict:
    if unknown:
        return Verdict.progressing(told_unknown(unknown), _NOT_READABLE)
    waiting = [outcome for outcome in result if not outcome.is_converged]
    if waiting:
        return Verdict.progressing(_told(waiting))
    if not_ready:
        return Verdict.progressing(_blocked(not_ready), _NOT_READY)
    return Verdict.reconciled("all children are as they should be" if len(result) else "there are no children")


def _blocked(not_ready: Mapping[ObjectKey, Status]) -> str:
    """What is waited for: a child that has failed, with the reason, else the first one. How far that is would change
    the parent's status again and again.
    """
    failed = next((key for key, status in not_ready.items() if status.state == "Failed"), None)
    if failed is not None:
        return f"{failed}: {not_ready[failed]}"
    more = f" and {len(not_ready) - 1} more" if len(not_ready) > 1 else ""
    return f"not ready: {next(iter(not_ready))}{more}"


def _told(outcomes: Sequence[Outcome]) -> str:
    more = [f"and {len(outcomes) - _TOLD} more"] if len(outcomes) > _TOLD else []
    return "; ".join([*map(str, outcomes[:_TOLD]), *more])
