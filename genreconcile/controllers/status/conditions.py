"""The conditions of a status: a list of members with a type each.

Invariants: a condition that another manager made is not touched; ``lastTransitionTime`` changes with ``status`` alone;
a member is changed at its index only while the type and the status that were read are still there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, get_args

from genreconcile.controllers.status.keys import Owned
from genreconcile.controllers.status.operations import STATUS, Operations, Path
from genreconcile.controllers.status.room import CONDITIONS, OBSERVED, Room
from genreconcile.controllers.status.verdict import OWN, READY, RECONCILING, STALLED, Cause, Status, Verdict
from genreconcile.errors import InputError

Condition = dict[str, Any]

AT: Final[Path] = (STATUS, CONDITIONS)
_TRANSITION: Final = "lastTransitionTime"
_STATUSES: Final = get_args(Status)
_KNOWN: Final = frozenset({"type", "status", "reason", "message", _TRANSITION, OBSERVED})
"""The fields of ``metav1.Condition``; the last two are the controller's task, whatever a function sets."""
_ADVICE: Final = "give a list of mappings with type and status"


def of_verdict(verdict: Verdict, live: Any) -> list[Condition]:
    """The conditions of a controller itself. ``live`` is the list that is there."""
    ready = verdict.ready or next((found.get("status") for _, found in _members(live, READY)), "Unknown")
    told = [(RECONCILING, verdict.reconciling), (STALLED, verdict.stalled)]
    return [
        _condition(READY, ready, verdict.cause),
        *(_condition(kind, "True", cause) for kind, cause in told if cause is not None),
    ]


def of_run(found: Any) -> list[Condition]:
    """The conditions that a function set. Raises InputError for what is none, and for a controller's own types."""
    if not isinstance(found, list | tuple):
        raise _refused("", f"no list; {_ADVICE}")
    conditions: dict[str, Condition] = {}
    for at, member in enumerate(found):
        kind, status = (member.get(key) if isinstance(member, Mapping) else None for key in ("type", "status"))
        if not isinstance(kind, str) or not kind or status not in _STATUSES:
            raise _refused(f"/{at}", f"no condition whose status is one of {', '.join(_STATUSES)}; {_ADVICE}")
        if unknown := member.keys() - _KNOWN:
            raise _refused(f"/{at}", f"has a field that no condition has: {min(map(str, unknown))[:100]}; leave it out")
        if kind in OWN:
            raise _refused(f"/{at}/type", "a type of the controller itself; name another one")
        if kind in conditions:
            raise _refused(f"/{at}/type", "a type that another condition has; give each one once")
        cause = Cause(str(member.get("reason") or kind), str(member.get("message") or ""))
        conditions[kind] = _condition(kind, status, cause)
    return list(conditions.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """The ``live`` list, what is known of its owners and its room, and the generation that the function saw."""

    live: Sequence[Any]
    owned: Owned
    room: Room
    generation: int | None
    now: str

    def draft(self, wanted: Sequence[Condition], operations: Operations, *, complete: bool) -> list[str]:
        """Bring the live conditions to the wanted ones; returns the wanted types that another manager made.

        ``complete``: conditions that the function set before and has not set now go.
        """
        going: set[int] = set()
        foreign, new = [], []
        for condition in wanted:
            found = [at for at, _ in _members(self.live, condition["type"])]
            ours = [at for at in found if self._may_be_ours(at)]
            if ours:
                self._update(ours[0], condition, operations)
                going.update(ours[1:])
            elif found:
                foreign.append(condition["type"])
            else:
                new.append(self.made(condition))
        going.update(self._going({condition["type"] for condition in wanted}, complete=complete))
        for at in sorted(going, reverse=True):  # From the end, for those behind a removed member move.
            self._test(at, operations)
            operations.remove((*AT, at))
        self._append(new, operations)
        return foreign

    def made(self, condition: Condition) -> Condition:
        """A condition that was not there before."""
        return self._fitted({**condition, _TRANSITION: self.now})

    def _update(self, at: int, condition: Condition, operations: Operations) -> None:
        live = self.live[at]
        changed = live.get("status") != condition["status"] or not live.get(_TRANSITION)
        moment = self.now if changed else live[_TRANSITION]
        fitted = self._fitted({**condition, _TRANSITION: moment})
        # Types of Go leave an empty text out.
        differing = {key: value for key, value in fitted.items() if live.get(key, "") != value}
        if differing:
            self._test(at, operations)
        for key, value in differing.items():
            operations.test((*AT, at, key), live.get(key))  # Who comes late undoes nothing.
            operations.set((*AT, at, key), value)

    def _going(self, wanted: set[str], *, complete: bool) -> Iterator[int]:
        for at, condition in _members(self.live):
            kind = condition.get("type")
            if kind in OWN and kind not in wanted:
                if self._may_be_ours(at):
                    yield at
            elif complete and kind not in wanted and self.room.by_type and self.owned.is_ours((*AT, at)):
                yield at

    def _may_be_ours(self, at: int) -> bool:
        """Whether we made a condition, as far as owners tell: those of an atomic list own all of it or nothing."""
        place = (*AT, at)
        return not self.room.by_type or self.owned.is_ours(place) or not self.owned.is_of_others(place)

    def _append(self, new: Sequence[Condition], operations: Operations) -> None:
        if new and not self.room.by_type:
            # Nothing else keeps two processes from adding the same type.
            operations.test(AT, list(self.live))
        for condition in new:
            operations.set((*AT, "-"), condition)

    def _test(self, at: int, operations: Operations) -> None:
        for key in ("type", "status"):
            operations.test((*AT, at, key), self.live[at].get(key))

    def _fitted(self, condition: Condition) -> Condition:
        whole = condition if self.generation is None else {**condition, OBSERVED: self.generation}
        return {key: value for key, value in whole.items() if key in self.room.members}


def _members(live: Any, kind: str = "") -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The conditions (of one type) with their indexes."""
    for at, member in enumerate(live if isinstance(live, list) else ()):
        if isinstance(member, Mapping) and (not kind or member.get("type") == kind):
            yield at, member


def _condition(kind: str, status: Any, cause: Cause) -> Condition:
    return {"type": kind, "status": status, "reason": cause.reason, "message": cause.message}


def _refused(below: str, problem: str) -> InputError:
    path = f"/{STATUS}/{CONDITIONS}{below}"
    return InputError(f"{path}: {problem}", path, is_free_of_values=True, code="GR904")
