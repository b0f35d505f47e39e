"""What becomes known of runs: counted, and told by Events where that is wanted.

Invariant: nothing here fails or delays a run, and no text holds a value of an object. A text that would change from
time to time names no such value: equal Events become one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

from genreconcile.apply.result import Author, Outcome, Result
from genreconcile.memory.fights import NEXT_REPAIR
from genreconcile.objects import Object, ObjectKey
from genreconcile.observe.figures import Figures
from genreconcile.plan import Change
from genreconcile.wording import first_of

NORMAL: Final = "Normal"
WARNING: Final = "Warning"
_MOST_PATHS: Final = 5
_MOST_NAMED: Final = 10
_ACTIONS: Final = {"created": "Create", "configured": "Update", "deleted": "Delete"}
_DONE: Final = {"created": "Created", "configured": "Updated", "deleted": "Deleted"}
_RECONCILE: Final = "Reconcile"


class Records(Protocol):
    """What takes Events, see ``Recorder``."""

    def record(  # noqa: PLR0913 - the parts of an Event
        self,
        regarding: Mapping[str, Any],
        *,
        type: str,  # noqa: A002 - the API's word
        reason: str,
        action: str,
        note: str,
        related: Mapping[str, Any] | None = None,
    ) -> None:
        """Take one."""


class Observer:
    """Of one controller, or of one set. Without ``records`` nothing is told, nor while ``may_tell`` says no: who has
    lost its Lease has no say any more.
    """

    def __init__(
        self,
        name: str,
        figures: Figures,
        records: Records | None = None,
        may_tell: Callable[[], bool] = lambda: True,
    ) -> None:
        self.name = name
        self.figures = figures
        self._all_records = records
        self._may_tell = may_tell
        figures.expect(name)

    def asking(self, may_tell: Callable[[], bool]) -> Observer:
        """The same, for one of several programs of a process."""
        return Observer(self.name, self.figures, self._all_records, may_tell)

    @property
    def _records(self) -> Records | None:
        return self._all_records if self._all_records is not None and self._may_tell() else None

    def ran(self, result: str, seconds: float) -> None:
        """A run has ended: ``success``, ``error`` or ``requeue_after``."""
        self.figures.ran(self.name, result, seconds)

    def applied(self, of: ObjectKey | str, parent: Object | None, result: Result, drifted: Collection[Outcome]) -> None:
        """What a run has written for a parent, or for a set; ``drifted`` are the outcomes of repairs."""
        self.figures.wrote(self.name, result)
        self.figures.repaired(self.name, drifted)
        fights = [outcome for outcome in result if NEXT_REPAIR in outcome.reason]
        self.figures.fought(self.name, of, len(fights))
        records = self._records
        if records is not None:
            self._tell_all(records, parent, result, drifted, fights)

    @staticmethod
    def _tell_all(
        records: Records,
        parent: Object | None,
        result: Result,
        drifted: Collection[Outcome],
        fights: Collection[Outcome],
    ) -> None:
        repairs = {outcome.key for outcome in drifted}
        done: dict[str, list[Outcome]] = {}
        for outcome in result:
            if outcome.key in repairs:
                _tell(records, outcome, parent, reason="DriftRepaired", note=_repair(outcome))
            elif outcome.status in _DONE:
                done.setdefault(outcome.status, []).append(outcome)
            elif outcome.status == "failed":
                _tell(records, outcome, parent, type=WARNING, reason="Refused", note=str(outcome))
        for outcomes in done.values():
            _tell_done(records, outcomes, parent)
        for outcome in fights:
            note = f"{outcome.key}: {outcome.reason.partition(NEXT_REPAIR)[0]}"
            _tell(records, outcome, parent, type=WARNING, reason="DriftFought", note=note)

    def found(self, found: Iterable[tuple[Change, Sequence[Author]]]) -> None:
        """What differs in a set that is only looked at, and who owns the fields."""
        records = self._records
        if records is None:
            return
        for change, authors in found:
            about = change.live or change.expected
            if about is not None:
                records.record(about, type=WARNING, reason="DriftFound", action="Compare", note=_drift(change, authors))

    def judged(self, parent: Object, reason: str, message: str) -> None:
        """A run of a parent has come to something that somebody has to see to."""
        records = self._records
        if records is not None:
            records.record(parent, type=WARNING, reason=reason, action=_RECONCILE, note=message)

    def kept(self, parent: Object, outcomes: Iterable[Outcome]) -> None:
        """Children stay although their parent goes."""
        records = self._records
        if records is not None:
            for outcome in outcomes:
                note = f"stays although its parent goes: {outcome.key}: {outcome.reason}"
                records.record(parent, type=NORMAL, reason="ChildKept", action="Delete", note=note)

    def forget(self, of: ObjectKey | str) -> None:
        """A parent is gone."""
        self.figures.fought(self.name, of, 0)


def _tell(  # noqa: PLR0913 - the parts of an Event
    records: Records,
    outcome: Outcome,
    parent: Object | None,
    *,
    type: str = NORMAL,  # noqa: A002 - the API's word
    reason: str,
    note: str,
) -> None:
    """Of the parent, whom its users look at; of a set without one, of the object itself."""
    child = outcome.change.live or outcome.change.expected
    about, related = (parent, child) if parent is not None else (child, None)
    if about is not None:
        action = _ACTIONS.get(outcome.status, _RECONCILE)
        records.record(about, type=type, reason=reason, action=action, note=note, related=related)


def _tell_done(records: Records, outcomes: Sequence[Outcome], parent: Object | None) -> None:
    """Tell what a run has created, updated or deleted. Of a parent that is one Event: it may have few, and one for each
    child would be as many requests as the children themselves.
    """
    if parent is None or len(outcomes) == 1:
        for outcome in outcomes:
            _tell(records, outcome, parent, reason=_DONE[outcome.status], note=_done([outcome]))
    else:
        status = outcomes[0].status
        records.record(parent, type=NORMAL, reason=_DONE[status], action=_ACTIONS[status], note=_done(outcomes))


def silent(name: str) -> Observer:
    """One that counts for itself alone."""
    return Observer(name, Figures())


def _done(outcomes: Sequence[Outcome]) -> str:
    names = first_of(outcomes, _MOST_NAMED, lambda outcome: str(outcome.key))
    return f"{_DONE[outcomes[0].status]} {names}"


def _repair(outcome: Outcome) -> str:
    if outcome.status == "created":
        return f"Created {outcome.key} again: it was gone"
    return f"Repaired {outcome.key}: {_fields(outcome.authors) or outcome.reason or 'it had been changed'}"


def _drift(change: Change, authors: Sequence[Author]) -> str:
    if change.operation == "update":
        return f"{change.key} has drifted: {_fields(authors) or change.reason or 'it has been changed'}"
    return f"{change.key} is not there" if change.operation == "create" else f"{change.key} is not in the set any more"


def _fields(authors: Sequence[Author]) -> str:
    """The first fields, each with who had set it."""
    told = [f"{author.path}{_by(author.managers)}" for author in authors[:_MOST_PATHS]]
    more = len(authors) - len(told)
    return ", ".join([*told, *([f"and {more} more"] if more > 0 else [])])


def _by(managers: tuple[str, ...]) -> str:
    return f" (set by {' and '.join(managers)})" if managers else ""


Observing = Callable[[str], Observer]
"""Makes the Observer of a controller or set from its name."""
