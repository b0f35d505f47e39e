"""One plan, carried out: creates and patches, then deletions; objects that others change meanwhile are planned again.

Invariant: nothing is deleted where an expected object failed or a guard refused; each object has one outcome.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Final

import msgspec

from genreconcile.apply import Applier, is_freed, is_short_of_quota, is_withheld
from genreconcile.apply.result import Outcome, Result
from genreconcile.errors import Conflict, InputError, NotFound, ParentChanged, PlanRefused, ReconcileError, code_of
from genreconcile.kinds.order import wave_of, waves
from genreconcile.log import logger
from genreconcile.notice import Notice
from genreconcile.objects import ObjectKey, metadata_of
from genreconcile.ownership import Inventory, Parent
from genreconcile.plan import Change, Plan, awaiting, with_definitions, withheld
from genreconcile.plan.planner import Call, Planner
from genreconcile.waiting import WaveGate

_log = logger(__name__)
_ATTEMPTS: Final = 3
_QUOTA_LAG: Final = 10.0
_PAUSE: Final = 0.25
_WRITES: Final = frozenset({"create", "update"})
_WRITTEN: Final = frozenset({"created", "configured"})


class Execution:
    """Carries out one plan. With ``call``, objects that others change meanwhile are compared again; without, refused.

    ``rehearsal`` dry-runs the writes where deletions come first. ``wait``: deleted objects are waited for until gone.
    With ``gate``, a wave waits until the ones before are ready.
    """

    def __init__(  # noqa: PLR0913 - keyword-only settings, each with a default
        self,
        planner: Planner,
        applier: Applier,
        rehearsal: Applier,
        call: Call | None = None,
        *,
        wait: bool = False,
        gate: Callable[[Plan], WaveGate] | None = None,
    ) -> None:
        self._planner = planner
        self._applier = applier
        self._rehearsal = rehearsal
        self._call = call
        self._wait = wait
        self._make_gate = gate
        self._gate: WaveGate | None = None
        self._parent: Parent | None = None

    def run(self, plan: Plan) -> Result:
        """Carry the plan out. Raises PlanRefused, after creates and patches ran, where a guard withholds the deletions.

        Raises ClusterError, and then nothing was written, where the owner set cannot be recorded.
        """
        if plan.owner is not None:
            self._parent = plan.owner.parent
            self._applier.parents.widen(plan.owner)
        self._gate = self._make_gate(plan) if self._make_gate is not None else None
        deleted = self._deleted_first(plan)
        written = self._write(plan)
        for _ in range(_ATTEMPTS - 1):
            written = self._written_again(written)
        if deleted is not None:
            written = self._written_with_room(plan, written)
        return self._finish(plan, written, deleted)

    def _deleted_first(self, plan: Plan) -> list[Outcome] | None:
        """The outcomes of the deletions where they come first, None where they do not.

        They come first only where no guard refuses, and where the writes, tried by dry run, fail for nothing but values
        and quotas that the deletions free.
        """
        going = _deletions(plan)
        if not plan.prune_first or not going or plan.refusals or any(change.error for change in plan.changes):
            return None
        writes = [change for change in plan.changes if change.operation in _WRITES]
        tried = self._applier.room(going).excused(list(chain.from_iterable(self._rehearsal.write(writes))))
        return None if any(outcome.status == "failed" for outcome in tried) else self._delete(plan, going)

    def _written_with_room(self, plan: Plan, outcomes: list[Outcome]) -> list[Outcome]:
        """Write objects again that were refused by a quota, which notices deletions with a delay."""
        if self._applier.is_rehearsal:
            return self._applier.room(_deletions(plan)).excused(outcomes)
        deadline = time.monotonic() + _QUOTA_LAG
        while (short := [o for o in outcomes if is_short_of_quota(o)]) and time.monotonic() < deadline:
            time.sleep(_PAUSE)
            again = self._written([outcome.change for outcome in short])
            outcomes = [outcome for outcome in outcomes if outcome not in short] + again
        return outcomes

    def _write(self, plan: Plan) -> list[Outcome]:
        changes = [change for change in plan.changes if change.operation in _WRITES]
        awaited = awaiting(plan)
        # Whose a child is, only the call can tell.
        is_untold = self._call is None and self._parent is not None and self._parent.is_controlled
        if not awaited or self._applier.is_rehearsal or is_untold:
            return self._written(changes) + [_settled(change) for change in awaited]
        first, later = with_definitions(changes)
        outcomes = self._written(first, awaited)
        judged = self._compared_again(awaited)
        later += [change for change in judged if change.operation in _WRITES]
        return outcomes + self._written(later) + _settled_of(judged)

    def _compared_again(self, awaiting: list[Change]) -> list[Change]:
        """The objects of one plan that awaited the definitions of their kinds. Raises Unauthorized, Unreachable."""
        again = Call([change.expected or {} for change in awaiting], "", fields=awaiting[0].fields)
        call = again if self._call is None else self._call
        plan = self._planner.replan(call, {change.key for change in awaiting})
        return [*plan.changes, *plan.unchanged]

    def _written(self, changes: list[Change], awaited: Iterable[Change] = ()) -> list[Outcome]:
        """The outcomes of creates and patches; kinds that a wave defines are served before the next one begins."""
        kinds = {change.gvk for change in awaited}
        outcomes: list[Outcome] = []
        for wave in self._waves(changes):
            outcomes += wave
            if not self._applier.is_rehearsal:
                self._planner.kinds.settle([outcome.change for outcome in wave if outcome.status in _WRITTEN], kinds)
        return outcomes

    def _waves(self, changes: list[Change]) -> Iterator[list[Outcome]]:
        """The outcomes of each wave; one that its gate holds back fails, object by object."""
        if self._gate is None:
            yield from self._applier.write(changes, self._parent) if changes else ()
            return
        for wave in waves(((change.key.group, change.key.kind), change) for change in changes):
            blocker = self._gate.before(wave_of(wave[0].key.group, wave[0].key.kind))
            if blocker:
                yield [_held_back(change, blocker) for change in wave]
            else:
                yield from self._applier.write(wave, self._parent)

    def _written_again(self, outcomes: list[Outcome]) -> list[Outcome]:
        """Plan and write the objects again that changed before their write, or of which only a part is written."""
        lost = self._lost(outcomes)
        if not lost or self._call is None:
            return outcomes
        plan = self._planner.replan(self._call, frozenset(lost))
        again = self._write(plan) + _settled_of((*plan.changes, *plan.unchanged))
        return [outcome for outcome in outcomes if outcome.key not in lost] + again

    def _lost(self, outcomes: list[Outcome]) -> dict[ObjectKey, Outcome]:
        """The outcomes of objects to plan again: changed meanwhile, written in part, or refused a value now free.

        The cache has the new state of each changed one. Where an object cannot be read again, its outcome stands.
        """
        if self._call is None:
            return {}
        written = [outcome for outcome in outcomes if outcome.status == "configured"]
        found = [outcome for outcome in outcomes if _is_conflict(outcome) or _is_part(outcome)]
        lost = {outcome.key: outcome for outcome in found if self._is_refreshed(outcome)}
        return lost | {outcome.key: outcome for outcome in outcomes if is_freed(outcome, written)}

    def _is_refreshed(self, outcome: Outcome) -> bool:
        try:
            self._applier.refresh(outcome.change)
        except (ReconcileError, msgspec.MsgspecError, RecursionError) as error:  # The last two: what is there now.
            _log.warning(
                "%s: not read again after a conflict: %s", outcome.key, error, extra={"code": code_of(error, "GR611")}
            )
            return False
        return True

    def _finish(self, plan: Plan, written: list[Outcome], deleted: list[Outcome] | None) -> Result:
        deletions = _deletions(plan)
        room = self._applier.room(deletions, is_made=deleted is not None)
        written = [room.advised(outcome, plan.order) for outcome in written]
        settled = _settled_of((*plan.changes, *plan.unchanged))
        failed = sum(outcome.status == "failed" for outcome in (*written, *settled))
        reason = withheld(failed) if failed else str(next(iter(plan.refusals), ""))
        if deleted is None:
            deleted = _skipped(deletions, reason) if reason else self._delete(plan, deletions)
        outcomes = _in_order(plan, [*written, *settled, *deleted])
        warnings = (*plan.warnings, *self._concluded(plan, outcomes))
        result = Result(tuple(outcomes), warnings, plan.looked_at)
        if plan.refusals:
            raise PlanRefused("; ".join(plan.refusals), result, code=next(iter(plan.refusal_codes), "GR801"))
        return result

    def _concluded(self, plan: Plan, outcomes: Iterable[Outcome]) -> list[Notice]:
        """Let the owner set record only what is still there; returns a warning where that fails."""
        if plan.owner is None:
            return []
        there = (outcome.key for outcome in outcomes if outcome.status != "deleted")
        warning = self._applier.parents.narrow(plan.owner, Inventory.of(there, plan.owner.parent.key))
        return [warning] if warning is not None else []

    def _delete(self, plan: Plan, changes: list[Change]) -> list[Outcome]:
        leaving = [change for change in plan.spared if "deletionTimestamp" in metadata_of(change.live or {})]
        outcomes = self._applier.delete(changes, self._parent, wait=self._wait, leaving=leaving) if changes else []
        for _ in range(_ATTEMPTS - 1):
            outcomes = self._deleted_again(outcomes)
        return outcomes

    def _deleted_again(self, outcomes: list[Outcome]) -> list[Outcome]:
        """Plan objects again that changed before their deletion, and delete those that are still to be deleted."""
        lost = self._lost(outcomes)
        if not lost or self._call is None:
            return outcomes
        lost |= {outcome.key: outcome for outcome in outcomes if is_withheld(outcome)}
        try:
            plan = self._planner.plan(self._call)
        except ParentChanged as error:
            _log.warning("deletions are not planned again: %s", error)
            return outcomes
        now = {change.key: change for change in plan.changes if change.key in lost}
        going = [change for change in now.values() if change.operation == "delete" and not plan.refusals]
        again = self._applier.delete(going, self._parent, wait=self._wait)
        again += [_settled(change) for change in now.values() if change.operation == "none"]
        done = {outcome.key for outcome in again}
        again += [outcome if is_withheld(outcome) else _spared(outcome) for k, outcome in lost.items() if k not in done]
        return [outcome for outcome in outcomes if outcome.key not in lost] + again


def withheld_for_invalid(plan: Plan) -> Result | None:
    """The result where an object cannot be used, and so nothing is done; None where all can."""
    invalid = sum(isinstance(change.error, InputError) for change in plan.changes)
    if not invalid:
        return None
    reason = f"not written: {invalid} object(s) of the set cannot be used; correct them first"
    todo = [change for change in plan.changes if change.operation != "none"]
    outcomes = [*_skipped(todo, reason), *map(_settled, (c for c in plan.changes if c.operation == "none"))]
    outcomes += map(_settled, plan.unchanged)
    return Result(tuple(_in_order(plan, outcomes)), plan.warnings, plan.looked_at)


def _held_back(change: Change, blocker: str) -> Outcome:
    return Outcome(
        change, "failed", error=ReconcileError(f"{change.key}: not {change.operation}d: {blocker}", code="GR810")
    )


def _deletions(plan: Plan) -> list[Change]:
    return [change for change in plan.changes if change.operation == "delete"]


def _is_conflict(outcome: Outcome) -> bool:
    """Whether the write came from an old view of the object, which has changed, exists already, or is gone."""
    error = outcome.error
    if isinstance(error, NotFound):
        return outcome.change.operation == "update"
    return isinstance(error, Conflict) and not isinstance(error, ParentChanged)


def _is_part(outcome: Outcome) -> bool:
    """Whether the first part of the differences was written, and there are more."""
    return outcome.change.is_part and outcome.status == "configured"


def _settled_of(changes: Iterable[Change]) -> list[Outcome]:
    """The outcomes of changes for which nothing is to be done, not even later."""
    return [_settled(change) for change in changes if change.operation == "none" and not change.awaits_definition]


def _settled(change: Change) -> Outcome:
    if change.error is not None:
        return Outcome(change, "failed", error=change.error)
    return Outcome(change, "skipped" if change.skipped else "unchanged", reason=change.reason)


def _spared(outcome: Outcome) -> Outcome:
    return Outcome(
        outcome.change, "unchanged", reason="not deleted: it has changed meanwhile, and is not to go any more"
    )


def _skipped(changes: list[Change], reason: str) -> list[Outcome]:
    return [Outcome(change, "skipped", reason=reason) for change in changes]


def _in_order(plan: Plan, outcomes: list[Outcome]) -> list[Outcome]:
    """The outcomes in the order of the expected set, deletions last."""
    places: dict[ObjectKey, int] = {key: place for place, key in enumerate(plan.order)}
    return sorted(outcomes, key=lambda outcome: places.get(outcome.key, len(places)))
